"""A Dask scheduler with workers, as somebody else would run it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hamexplorer
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure


class SomebodysCluster:
    """A scheduler process and its workers."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        here = str(Path(hamexplorer.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
        self._environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        self.scheduler = self._run(
            "dask_scheduler",
            "--port",
            "0",
            "--host",
            "127.0.0.1",
            "--no-dashboard",
            "--scheduler-file",
            self.file,
        )
        self.workers: list[subprocess.Popen[bytes]] = []

    def _run(self, module: str, *options: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, options)]
        return subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def add_worker(self) -> subprocess.Popen[bytes]:
        worker = self._run(
            "dask_worker",
            self.address,
            "--nthreads",
            "1",
            "--no-nanny",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
        )
        self.workers.append(worker)
        return worker

    @property
    def address(self) -> str:
        return json.loads(self.file.read_text())["address"]

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            with contextlib.suppress(OSError):
                process.kill()
            process.wait()


def _until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for a condition, or fail with what did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {seconds:g} s that {what}"
        time.sleep(0.05)


@pytest.fixture
def until() -> Callable[..., None]:
    return _until


@pytest.fixture
def somebodys_cluster(tmp_path: Path) -> Iterator[SomebodysCluster]:
    cluster = SomebodysCluster(tmp_path)
    try:
        _until(cluster.file.exists, "the scheduler tells its address")
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def hydrogens() -> Callable[[int], list[Structure]]:
    """H2 at several bond lengths."""

    def build(n: int) -> list[Structure]:
        return [Structure([1, 1], [[0, 0, 0], [0, 0, 0.7 + 0.02 * k]], name=f"H2 {k}") for k in range(n)]

    return build


@pytest.fixture
def quick() -> ReferenceMethod:
    return ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")


@pytest.fixture
def store(tmp_path: Path) -> ReferenceStore:
    return ReferenceStore(tmp_path / "store")
