"""(f) Import, first paint and first training step, cold and with compiled code kept; (g) memory of the dashboard."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from measuring import Row, Scale, in_ms

ROOT = Path(__file__).parents[2]
#: Memory of a free Binder is twice this; the page may be opened in two tabs. MB.
BINDER = 1000
#: Seconds that the page may take.
PATIENCE = 300
_IMPORT = "import time; t = time.perf_counter(); import hamexplorer.app; print(time.perf_counter() - t)"
_SERVE = """
from hamexplorer.launch import choose_port, serve
serve(port=choose_port(0), open_browser=False, announce=lambda address: print(address, flush=True))
"""


def environment(cache: str) -> dict[str, str]:
    """Of a visitor whose cache is the given folder and who finds this checkout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return kept | {
        "PYTHONPATH": os.pathsep.join(paths),
        "HAMEXPLORER_CACHE": cache,
        "HAMEXPLORER_STORE": cache,
    }


def told_by(arguments: list[str], cache: str) -> float:
    """The last number that a Python process of its own prints."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment(cache), capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def starts(scale: Scale) -> list[Row]:
    """(f). Cold: nothing compiled was kept and no baselines, but files have been read before."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        imported = [told_by(["-c", _IMPORT], cache) for _ in range(scale.few(3))]
        rows.append(Row("import of the dashboard's program", in_ms(sorted(imported)[len(imported) // 2])))
    if scale.tiny:
        return rows
    script = str(Path(__file__).with_name("first_step.py"))
    for dataset, (cold, kept) in {"ethane": (20, 8), "small-molecules": (None, None)}.items():
        with tempfile.TemporaryDirectory() as cache:
            for label, bar in (("cold", cold), ("with compiled code kept", kept)):
                took = told_by([script, dataset], cache)
                goal = {} if bar is None else {"goal": f"≤ {bar} s", "reached": took <= bar}
                rows.append(Row(f"import to first training step, {dataset}, {label}", in_ms(took), **goal))
    with tempfile.TemporaryDirectory() as cache:
        for label in ("cold", "with compiled code kept"):
            with dashboard(cache) as page:
                rows.append(
                    Row(f"server's start to first paint of the dashboard, {label}", in_ms(page.painted))
                )
                rows.append(Row(f"server's start to a page that can train, {label}", in_ms(page.ready)))
    return rows


class Dashboard:
    """The dashboard in a browser.

    Attributes:
        painted, ready: seconds from the server's start until it is seen, and until Train can be pressed.
    """

    def __init__(self, page: Any, server: psutil.Process, painted: float, ready: float) -> None:
        self.page, self._server, self.painted, self.ready = page, server, painted, ready

    def memory(self) -> float:
        """Of server and kernels, MB; pages that processes share count once."""
        found = [self._server, *self._server.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in found) / 1e6


@contextlib.contextmanager
def dashboard(cache: str) -> Iterator[Dashboard]:
    """Served as the launcher does, opened in Chromium."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    began = time.perf_counter()
    with (
        subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env=environment(cache),
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as server,
        sync_playwright() as playwright,
    ):
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.goto(f"{address}dashboard", wait_until="commit")
            page.locator(".hx-app").wait_for(timeout=1000 * PATIENCE)
            painted = time.perf_counter() - began
            page.locator(".hx-train:enabled").wait_for(timeout=1000 * PATIENCE)
            page.locator(".hx-table-row").first.wait_for(timeout=1000 * PATIENCE)
            ready = time.perf_counter() - began
            yield Dashboard(page, psutil.Process(server.pid), painted, ready)
            browser.close()
        finally:
            server.terminate()


def memory_of_dashboard(scale: Scale) -> list[Row]:
    """(g). With the data set that it opens with, before and while it trains."""
    if scale.tiny:
        return []
    goal = f"≤ {BINDER} MB"
    with tempfile.TemporaryDirectory() as cache, dashboard(cache) as shown:
        idle = shown.memory()
        shown.page.locator(".hx-train:enabled").click()
        status = shown.page.locator(".hx-status")
        highest, end = idle, time.monotonic() + 60
        while time.monotonic() < end:
            highest = max(highest, shown.memory())
            shown.page.wait_for_timeout(500)
        said = " ".join(status.first.inner_text().split())
    return [
        Row(
            "memory of the dashboard, server and kernel, default data, opened",
            f"{idle:.0f} MB",
            "",
            float("nan"),
            goal,
            idle <= BINDER,
        ),
        Row(
            f"the most in the first minute of a training from nothing ({said[:60]})",
            f"{highest:.0f} MB",
            "",
            float("nan"),
            goal,
            highest <= BINDER,
        ),
    ]
