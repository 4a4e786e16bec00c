"""The dashboard's server: the address, the port, the page without a CDN, and the kernels' end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from hamexplorer import launch, voila_settings
from hamexplorer.errors import HamExplorerError

ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)/")


def test_notebook_is_found_beside_the_package() -> None:
    assert launch.notebook_path().name == "app.ipynb"


def test_missing_notebook_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(launch, "_PACKAGE", tmp_path / "hamexplorer")
    with pytest.raises(launch.LaunchError, match=r"notebook is missing.*install hamexplorer again"):
        launch.notebook_path()


def test_taken_port_is_a_sentence_and_no_port_means_another_one() -> None:
    with socket.socket() as taken:
        taken.bind((launch.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            launch.LaunchError, match=f"port {port} is used by another program; choose another"
        ):
            launch.choose_port(port)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(launch, "USUAL_PORT", port)
            assert launch.choose_port(None) not in (0, port)


def test_impossible_port_is_a_sentence() -> None:
    with pytest.raises(launch.LaunchError, match="port 70000 does not exist"):
        launch.choose_port(70000)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "none.hxsession",
            None,
            r"session file .*none.hxsession cannot be read .*; check the path after --open",
        ),
        ("torn.hxsession", b"PK", "torn|session|zip"),
        ("none.h5", None, "none.h5"),
        ("torn.h5", b"x", "torn.h5"),
    ],
)
def test_what_everybody_shall_begin_with_is_read_before_anybody_comes(tmp_path, name, content, said) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(HamExplorerError, match=said):
        launch.serve(opened=str(tmp_path / name), open_browser=False)


def test_environment_names_our_template_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_PATH", "/elsewhere")
    for name in ("OMP_NUM_THREADS", "XLA_PYTHON_CLIENT_PREALLOCATE"):
        monkeypatch.setenv(name, "kept")
    launch.prepare_environment()
    launch.prepare_environment()
    assert os.environ["JUPYTER_PATH"].split(os.pathsep) == [str(launch.template_folder()), "/elsewhere"]
    assert os.environ["OMP_NUM_THREADS"] == "kept"


def test_extensions_are_those_that_are_installed() -> None:
    """A renamed extension would leave widgets blank without any error."""
    from voila.utils import get_voila_labextensions_path

    found = {
        json.loads(file.read_text())["name"]
        for folder in get_voila_labextensions_path()
        for pattern in ("*/package.json", "@*/*/package.json")
        for file in Path(folder).glob(pattern)
    }
    assert set(voila_settings.EXTENSIONS) <= found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A small notebook served by our launcher in a process of its own."""
    cell = nbformat.v4.new_code_cell("import ipywidgets\nipywidgets.Button(description='hello')")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path_factory.mktemp("notebook") / "small.ipynb"
    nbformat.write(notebook, path)
    code = (
        "from pathlib import Path; from hamexplorer.launch import serve; "
        f"serve(port={launch._bind(0)}, open_browser=False, notebook=Path({str(path)!r}), cull_after=3, "
        "announce=lambda address: print(address, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    try:
        assert ADDRESS.fullmatch(address), address
        yield address, process
    finally:
        process.kill()
        process.wait()


def _get(address: str, host: str | None = None) -> str:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=120) as answer:
        return answer.read().decode()


@pytest.mark.slow
def test_page_links_nothing_outside(server: tuple[str, subprocess.Popen[str]]) -> None:
    page = _get(server[0])
    assert "voila.js" in page
    links = re.findall(r"""(?:src|href|import)\s*[=(]\s*["']([^"']+)["']""", page)
    assert links
    assert not [link for link in links if re.match(r"(https?:)?//", link)]
    assert "cdn" not in page.lower().replace("cdnjs.cloudflare.com/ajax/libs/mathjax", "")


@pytest.mark.slow
def test_other_host_names_are_refused(server: tuple[str, subprocess.Popen[str]]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        _get(server[0], host="elsewhere.example")


@pytest.mark.slow
def test_kernel_of_a_page_that_left_ends_and_ctrl_c_is_clean(
    server: tuple[str, subprocess.Popen[str]],
) -> None:
    import psutil

    address, process = server
    _get(address)
    kernels = [child for child in psutil.Process(process.pid).children(recursive=True) if child.is_running()]
    assert kernels
    # No websocket ever came, as when the browser crashed: culling ends the kernel.
    assert not psutil.wait_procs(kernels, timeout=60)[1]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
