"""sdist and wheel: built one from the other, installed, tested and served with no source tree around."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed import ROOT, Environment, build, unpack

#: Some of every layer, quick ones, none of which reads the package's source.
HANDFUL = (
    "tests/test_launch.py",
    "tests/test_plugins.py",
    "tests/basis",
    "tests/physics/test_filling.py",
    "tests/structures/test_pairs.py",
)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def sources(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(sdist, tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", sources, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment.with_wheel(wheel, tmp_path_factory.mktemp("installed") / "env")


def test_sdist_holds_what_is_here(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    folders = ("hamexplorer", "notebooks", "tests", "scripts", "docs", "binder", ".ci")
    made = {".pyc", ".ipynb_checkpoints"}
    here = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and not made & {path.suffix, *path.parts} and ".hypothesis" not in path.parts
    }
    assert here <= inside
    assert {
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "LICENSE",
        "environment.yml",
        "pyproject.toml",
    } <= inside


@pytest.mark.slow
def test_projects_own_promises_hold_in_an_unpacked_sdist(sources: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_project.py"]
    ended = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-4000:]
    assert re.search(r"\d+ passed in", ended.stdout)


@pytest.mark.slow
def test_tests_pass_against_the_wheel_alone(environment: Environment, sources: Path, tmp_path: Path) -> None:
    shutil.copytree(sources / "tests", tmp_path / "tests")
    shutil.copytree(sources / "notebooks", tmp_path / "notebooks")
    shutil.copy(sources / "pyproject.toml", tmp_path)
    where = environment.run(
        environment.python, "-P", "-c", "import hamexplorer; print(hamexplorer.__file__)", cwd=tmp_path
    )
    assert Path(where.strip()).is_relative_to(environment.folder)
    # -P: nothing comes from the present folder, in which there is no hamexplorer anyway.
    words = (environment.python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", *HANDFUL)
    assert re.search(r"\d\d+ passed", environment.run(*words, cwd=tmp_path))


@pytest.fixture(scope="module")
def address(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the server that `hamexplorer` starts, in a folder with nothing in it."""
    command = [str(environment.folder / "bin" / "hamexplorer"), "--no-browser"]
    empty = tmp_path_factory.mktemp("empty")
    with subprocess.Popen(
        command, cwd=empty, env=environment.variables(), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
            assert found is not None
            yield found[0]
        finally:
            server.terminate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("", "Open the dashboard"),
        ("dashboard", "application/vnd.jupyter.widget-view+json"),
        ("lessons/lesson_0_tour", "application/vnd.jupyter.widget-view+json"),
    ],
)
def test_installed_program_serves_its_pages(address: str, path: str, shown: str) -> None:
    with urllib.request.urlopen(address + path, timeout=600) as answer:
        page = answer.read().decode()
    assert shown in page
    assert "Traceback" not in page
