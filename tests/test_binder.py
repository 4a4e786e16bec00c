"""Binder: what postBuild prepares is used, the page works beneath Jupyter's server, and it fits into the memory."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml

from hamexplorer.lab import HOME
from hamexplorer.lessons import lessons_in
from hamexplorer.visitors.memory import proportional_memory
from tests.browser.conftest import answers, wait_until
from tests.installed import ROOT, Environment, build
from tests.visitors.scripted import Visitor

#: What a Binder gives at least. Bytes.
MEMORY = 1_000_000_000
#: Epochs after which a training weighs what it weighs.
EPOCHS = 20
_BADGE = re.compile(r"\]\((https://mybinder\.org/v2/[^)]+)\)")


def repository() -> str:
    """Where the project lives: said in one place, and what badges and package point at."""
    return yaml.safe_load((ROOT / "CITATION.cff").read_text())["repository-code"]


def test_badges_open_notebooks_that_exist_in_the_repository_of_the_citation():
    owner, name = urlsplit(repository()).path.strip("/").split("/")
    links = [urlsplit(link) for link in _BADGE.findall((ROOT / "README.md").read_text())]
    assert all(link.path.startswith(f"/v2/gh/{owner}/{name}/") for link in links)
    opened = [parse_qs(link.query)["urlpath"][0] for link in links]
    lessons = [f"voila/render/notebooks/{one.name}.ipynb" for one in lessons_in(ROOT / "notebooks")]
    assert opened == ["voila/render/notebooks/app.ipynb", *lessons]
    assert all((ROOT / unquote(path).removeprefix("voila/render/")).is_file() for path in opened)


def test_the_package_names_the_repository_of_the_citation():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["urls"]["Repository"] == repository()


@pytest.mark.parametrize("script", ["postBuild", "start"])
def test_scripts_are_valid_and_may_be_run(script):
    path = ROOT / "binder" / script
    subprocess.run(["bash", "-n", str(path)], check=True)
    assert path.stat().st_mode & 0o111, "repo2docker runs them as programs"


def test_start_hands_on_what_was_asked_for():
    command = ["bash", str(ROOT / "binder" / "start"), "bash", "-c", 'echo "$OMP_NUM_THREADS" "$0"', "a b"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1 a b\n"


@dataclass
class Binder:
    """What postBuild has made: an environment, and a cache folder with compiled code."""

    environment: Environment
    cache: Path
    variables: dict[str, str]
    peak: list[int] = field(default_factory=lambda: [0])

    @property
    def compiled(self) -> set[str]:
        return {path.name for path in (self.cache / "compiled").iterdir()}

    @contextmanager
    def server(self) -> Iterator[str]:
        """Address of Jupyter's server; :attr:`peak` gathers what it and its kernels weigh."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = ["bash", "binder/start", "python", "-m", "jupyter_server", "--no-browser"]
        words += [f"--ServerApp.port={port}", "--IdentityProvider.token=", "--ServerApp.allow_root=True"]
        ended = threading.Event()
        with subprocess.Popen(
            words, cwd=ROOT, env=self.environment.variables(**self.variables), stderr=subprocess.DEVNULL
        ) as process:
            looking = threading.Thread(target=self._look, args=(process.pid, ended))
            looking.start()
            try:
                wait_until(lambda: answers(f"http://127.0.0.1:{port}/api"), "Jupyter's server answers")
                yield f"http://127.0.0.1:{port}/"
            finally:
                ended.set()
                looking.join()
                process.terminate()

    def _look(self, pid: int, ended: threading.Event) -> None:
        while not ended.wait(0.2):
            self.peak[0] = max(self.peak[0], proportional_memory(pid))


@pytest.fixture(scope="module")
def binder(tmp_path_factory: pytest.TempPathFactory) -> Binder:
    folder = tmp_path_factory.mktemp("binder")
    made = Environment.with_wheel(build("wheel", ROOT, folder), folder / "env")
    variables = {"HAMEXPLORER_CACHE": str(folder / "cache"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    made.run("python", "binder/settings.py", cwd=ROOT, **variables)
    words = ("bash", "binder/start", "python", "binder/warm.py", "--no-lessons")
    assert re.search(r"dashboard: \d+ s", made.run(*words, cwd=ROOT, **variables))
    return Binder(made, folder / "cache", variables)


@pytest.mark.slow
def test_settings_are_where_jupyter_looks(binder):
    folder = binder.environment.folder / "etc" / "jupyter"
    voila = json.loads((folder / "voila.json").read_text())["VoilaConfiguration"]
    assert voila["template"] == "hamexplorer" and voila["show_tracebacks"] is False
    server = json.loads((folder / "jupyter_server_config.d" / "hamexplorer-binder.json").read_text())
    assert server["MappingKernelManager"]["cull_idle_timeout"] > 0
    assert server["MappingKernelManager"]["cull_connected"] is False
    template = binder.environment.folder / "share/jupyter/nbconvert/templates/hamexplorer/conf.json"
    assert template.is_file()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["voila/render/notebooks/app.ipynb", f"{HOME}/dashboard"])
def test_training_on_binder_finds_its_code_compiled_and_fits_into_the_memory(binder, page, capsys):
    before = binder.compiled

    async def train(address: str) -> None:
        visitor = Visitor(address, page)
        assert await visitor.arrive() == 200
        assert "cdn" not in visitor.page
        await visitor.connect()
        await visitor.press("Train")
        enough = re.compile(rf"epoch ({EPOCHS}|[{EPOCHS // 10 + 1}-9]\d|\d\d\d)\b")
        await visitor.until(lambda: bool(visitor.says(enough.pattern)), "some epochs are done")
        await visitor.vanish()

    with binder.server() as address:
        asyncio.run(train(address))
    with capsys.disabled():
        print(f"\n{page}: server and kernel weigh {binder.peak[0] / 1e6:.0f} MB at most")
    assert binder.peak[0] < MEMORY
    assert not {name for name in binder.compiled - before if name.startswith("jit_train_step")}
