"""A real browser against real servers: Voila as the launcher starts it, and JupyterLab.

Nothing may leave this machine: every request that is not loopback is aborted and remembered.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).parents[2]
#: WebGL by software, and no talk with anybody.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
#: A cold kernel imports JAX and PySCF on a busy machine, and the first training compiles. Seconds.
SLOW = 240
#: What is asserted is that it comes, not how soon: other things run on the machine that tests. Milliseconds.
expect.set_options(timeout=20_000)
_SERVE = """
from hamexplorer.launch import serve
serve(port={port}, open_browser=False, announce=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail(
            "Chromium is missing and the browser tests need it; install it, for example with "
            "`apt-get install chromium`, or leave these tests out with -m 'not browser'",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Servers find this checkout, and nothing of whoever runs the tests."""
    own = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "HAMEXPLORER_STORE": str(tmp_path_factory.mktemp("store")),
        "JUPYTER_CONFIG_DIR": str(tmp_path_factory.mktemp("config")),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path_factory.mktemp("settings")),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path_factory.mktemp("workspaces")),
    }
    return os.environ | own


@pytest.fixture(scope="session")
def voila(environment: dict[str, str]) -> Iterator[str]:
    """Address of the dashboard as the launcher serves it."""
    command = [sys.executable, "-c", _SERVE.format(port=free_port())]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), "Voila did not start"
            yield f"{address}dashboard"
        finally:
            server.terminate()


def serve_notebook(module: str, app: str, environment: dict[str, str], folder: Path) -> Iterator[str]:
    """Address of the notebook in JupyterLab or in Notebook, whose settings are those of the module."""
    shutil.copy(ROOT / "notebooks" / "app.ipynb", folder)
    settings = Path(environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "apputils-extension")
    settings.mkdir(parents=True, exist_ok=True)
    (settings / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )
    port = free_port()
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}",
        "--ServerApp.allow_root=True",
        f"--{app}.expose_app_in_browser=True",
        "--no-browser",
    ]
    command = [sys.executable, "-m", module, *options]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, cwd=folder) as server:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/api"), f"{module} answers")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def jupyterlab(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the notebook in JupyterLab."""
    for address in serve_notebook("jupyterlab", "LabApp", environment, tmp_path_factory.mktemp("lab")):
        # ?reset: no test finds the tabs of another.
        yield f"{address}/lab/tree/app.ipynb?reset"


@pytest.fixture(scope="session")
def notebook(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the notebook in Notebook 7."""
    folder = tmp_path_factory.mktemp("notebook")
    for address in serve_notebook("notebook", "JupyterNotebookApp", environment, folder):
        yield f"{address}/notebooks/app.ipynb"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], what: str, tries: int = 600) -> None:
    """Ask again ten times a second until the condition holds."""
    pause = threading.Event()
    for _ in range(tries):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError(f"did not come true within {tries / 10:.0f} s: {what}")


@dataclass
class Visit:
    """One visitor's page, with what a test wants to know of it."""

    page: Page
    name: str
    strangers: list[str] = field(default_factory=list)
    shots: int = 0
    #: Connections to the kernel that were cut while the page was open.
    lost: list[str] = field(default_factory=list)

    def screenshot(self, step: str) -> None:
        """Keep a picture of this step if HAMEXPLORER_SCREENSHOTS names a folder."""
        folder = os.environ.get("HAMEXPLORER_SCREENSHOTS")
        if folder:
            self.shots += 1
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(folder) / f"{self.name}-{self.shots:02d}-{step}.png")

    def button(self, name: str) -> Locator:
        """By its words; the icon in front of them is a character of the name, too."""
        return self.page.locator(".hx-app").get_by_role(
            "button", name=re.compile(rf"(^|\W){re.escape(name)}$")
        )

    @property
    def status(self) -> Locator:
        return self.page.locator(".hx-status")

    @property
    def epoch(self) -> int:
        """The epoch that the page shows; 0 before the first."""
        found = re.search(r"epoch (\d+)", self.status.inner_text())
        return int(found[1]) if found else 0

    def wait_for_status(self, pattern: str) -> None:
        self.page.wait_for_function(
            "pattern => new RegExp(pattern, 'i').test(document.querySelector('.hx-status').innerText)",
            arg=pattern,
            timeout=SLOW * 1000,
        )

    def run_notebook(self, name: str) -> None:
        """Run all cells of a notebook that JupyterLab or Notebook is opening."""
        # Before its kernel is there, running a cell opens a dialog instead; and another tab could be in front.
        self.page.wait_for_function(
            """name => {
                const front = window.jupyterapp?.shell.currentWidget;
                return front?.context?.path === name && front.sessionContext.kernelDisplayStatus === 'idle';
            }""",
            arg=name,
            timeout=SLOW * 1000,
        )
        self.page.evaluate(
            """() => {
                const { commands } = window.jupyterapp, hide = "application:toggle-left-area";
                if (commands.hasCommand(hide)) void commands.execute(hide);
            }"""
        )
        self.page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def wait_until_ready(self) -> None:
        """The first card is filled, the molecule is drawn and Train can be pressed."""
        try:
            self.page.locator(".hx-train:enabled").wait_for(timeout=SLOW * 1000)
        except PlaywrightTimeout:
            self.screenshot("never-ready")
            pytest.fail(
                f"no Train button within {SLOW} s; the page says: {self.page.inner_text('body')[-3000:]}"
            )
        self.page.locator(".hx-table-row").first.wait_for(timeout=SLOW * 1000)
        self.wait_for_molecule()

    def wait_for_molecule(self) -> None:
        """The 3D view shows something: a picture of it has many colours."""
        stage = self.page.locator(".hx-stage")
        stage.locator("canvas").first.wait_for(timeout=SLOW * 1000)

        def colourful() -> bool:
            pixels = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).reshape(-1, 3)
            return len(np.unique(pixels, axis=0)) > 40

        wait_until(colourful, "the molecule is drawn")

    def points(self, plot: str) -> int:
        """How many points plotly holds for a plot, which is brought into sight: others are not drawn."""
        return self.page.evaluate(
            """plot => {
                document.querySelector(`.hx-plot-${plot}`)?.scrollIntoView({ block: "nearest" });
                const gd = document.querySelector(`.hx-plot-${plot} .js-plotly-plot`);
                // With WebGL a whole trace is one entry of calcdata.
                const length = (trace) => trace[0]?.t?.count ?? trace[0]?.t?.x?.length ?? trace.length;
                return gd?.calcdata?.reduce((sum, trace) => sum + length(trace), 0) ?? 0;
            }""",
            plot,
        )

    def wait_for_plots(self, *plots: str) -> None:
        for plot in plots:
            wait_until(lambda plot=plot: self.points(plot) > 0, f"the plot {plot} has points")

    def sticking_out(self) -> list[str]:
        """What is wider than the window, or than the dashboard; empty if all fits."""
        return self.page.evaluate(
            """() => {
                const app = document.querySelector('.hx-app'), page = document.scrollingElement;
                const right = Math.min(innerWidth, app.getBoundingClientRect().right + 1);
                const clipped = (e) => {
                    for (let p = e.parentElement; p && p !== app; p = p.parentElement)
                        if (getComputedStyle(p).overflowX !== 'visible') return true;
                    return false;
                };
                const out = [...app.querySelectorAll('*')]
                    .filter((e) => !e.closest('svg') && e.getBoundingClientRect().right > right && !clipped(e))
                    .map((e) => `${e.tagName}.${e.className} to ${e.getBoundingClientRect().right} px`);
                return page.scrollWidth > page.clientWidth ? ['the page itself', ...out] : out;
            }"""
        )

    def picked(self) -> str:
        return self.page.locator(".hx-molecule-title b").inner_text()

    def open_fold(self, title: str) -> None:
        self.page.locator(".hx-fold").get_by_text(re.compile(f"^{title}$")).click()


def open_dashboard(
    visit: Callable[..., Visit], kind: str, request: pytest.FixtureRequest, width: int, height: int
) -> Visit:
    """The dashboard in Voila, JupyterLab or Notebook, ready for its visitor."""
    made = visit(kind, request.getfixturevalue(kind), width, height)
    if kind != "voila":
        made.run_notebook("app.ipynb")
    made.wait_until_ready()
    made.page.locator(".hx-app").scroll_into_view_if_needed()
    return made


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens pages; afterwards none may have asked anything of another machine."""
    visits: list[Visit] = []

    def open_page(name: str, address: str, width: int, height: int) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, has_touch=width < 800)
        made = Visit(context.new_page(), f"{name}-{width}")
        visits.append(made)

        def guard(route) -> None:
            if urlparse(route.request.url).hostname in ("127.0.0.1", "localhost"):
                route.continue_()
            else:
                made.strangers.append(route.request.url)
                route.abort()

        def connected(socket) -> None:
            socket.on("close", lambda closed: made.lost.append(closed.url))

        made.page.on("websocket", connected)
        context.route(re.compile(r"^(https?|wss?)://"), guard)
        made.page.goto(address, wait_until="commit")
        return made

    yield open_page
    for made in visits:
        made.page.context.close()
    assert [url for made in visits for url in made.strangers] == []
