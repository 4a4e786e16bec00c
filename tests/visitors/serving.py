"""A public server in a process of its own, as whoever serves the dashboard starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).parents[2]
_SERVE = """
from pathlib import Path
from hamexplorer.launch import serve
from hamexplorer.visitors.settings import Public
notebook = {notebook!r}
serve(port={port}, open_browser=False, opened={opened!r}, public=Public("localhost", **{settings!r}),
      notebook=Path(notebook) if notebook else None, announce=lambda address: print(address, flush=True))
"""


@dataclass
class Server:
    """Its address, its process, and what it has printed."""

    address: str
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def kernels(self) -> list[psutil.Process]:
        """All kernels, those that wait for visitors included."""
        return [
            child
            for child in psutil.Process(self.process.pid).children()
            if any("ipykernel" in word for word in _words(child))
        ]

    def listen(self, pipe: IO[str]) -> None:
        self.lines.extend(pipe)


@contextmanager
def public_server(
    folder: Path, notebook: Path | None = None, opened: str = "", **settings: int
) -> Iterator[Server]:
    """Serve until the block ends.

    Args:
        folder: for temporary files of the server, and so of its visitors.
        notebook: another one than the dashboard.
        opened: what every dashboard begins with.
        settings: of :class:`hamexplorer.visitors.settings.Public`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = _SERVE.format(port=port, settings=settings, notebook=str(notebook or ""), opened=opened)
    own = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, env=os.environ | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline().strip()
            assert first.startswith("http://127.0.0.1:"), first
            server = Server(first, process)
            reader = threading.Thread(target=server.listen, args=(process.stdout,), daemon=True)
            reader.start()
            yield server
        finally:
            process.terminate()
            process.wait(60)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Ask again ten times a second until the condition holds."""
    pause = threading.Event()
    for _ in range(round(seconds * 10)):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError(f"did not come true within {seconds:.0f} s: {what}")


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
