"""The project's own promises: what is written in one file is true of the others, and of the wheel."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUN = "python -m pip install -e . && hamexplorer"
TEST = 'python -m pip install -e ".[test]" && pytest -n 2 --dist loadfile'
#: What a folder of the package needs beside Python files.
NEEDED_IN_WHEEL = (
    "hamexplorer/notebooks/app.ipynb",
    "hamexplorer/notebooks/lesson_1_hamiltonian.ipynb",
    "hamexplorer/index.html",
    "hamexplorer/voila_template/nbconvert/templates/hamexplorer/conf.json",
    "hamexplorer/voila_template/nbconvert/templates/hamexplorer/index.html.j2",
    "hamexplorer/visitors/page.html",
)


def test_readme_gives_the_two_commands_as_lines_of_their_own() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert RUN in lines
    assert TEST in lines


def test_ci_runs_the_readmes_line_itself() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    pattern = re.search(r"grep -m1 '(.*)' README\.md", script)
    assert pattern is not None
    found = subprocess.run(
        ["grep", "-m1", pattern[1], str(ROOT / "README.md")], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == TEST


def test_ci_script_is_valid_bash() -> None:
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)


def test_conda_environment_installs_this_project_on_a_python_that_it_allows() -> None:
    assert PYPROJECT["project"]["requires-python"] == ">=3.11"
    for file in ("environment.yml", "binder/environment.yml"):
        environment = yaml.safe_load((ROOT / file).read_text())
        plain = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
        assert environment["name"] == PYPROJECT["project"]["name"]
        # Versions stand in pyproject.toml alone, which pip reads: a second list would go out of step.
        assert sorted(re.split(r"[=<>]", entry)[0] for entry in plain) == ["pip", "python"]
        version = next(re.search(r"3\.(\d+)", entry) for entry in plain if entry.startswith("python"))
        assert version is not None
        assert int(version[1]) >= 11
    pip = next(entry for entry in environment_pip(ROOT / "environment.yml"))
    assert pip == "-e ."
    assert "python -m pip install --no-cache-dir ." in (ROOT / "binder" / "postBuild").read_text()


def environment_pip(file: Path) -> list[str]:
    dependencies = yaml.safe_load(file.read_text())["dependencies"]
    return next(entry["pip"] for entry in dependencies if isinstance(entry, dict))


def test_version_is_the_same_everywhere() -> None:
    version = PYPROJECT["project"]["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    heavy = ("jax", "pyscf", "rdkit", "IPython")
    code = f"import sys, hamexplorer; print([name for name in {heavy} if name in sys.modules])"
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
    assert time.perf_counter() - began < 5  # measured 0.1 s; a loaded machine is no failure


def test_imports_point_downwards() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run([str(linter)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hatchling = importlib.import_module("hatchling.build")
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return folder / hatchling.build_wheel(str(folder))


def test_wheel_holds_what_the_package_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "hamexplorer"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= names
    assert set(NEEDED_IN_WHEEL) <= names
    assert not [name for name in names if name.startswith(("tests/", "notebooks/"))]


def test_wheel_brings_what_jupyter_looks_for(wheel: Path) -> None:
    data = f"hamexplorer-{PYPROJECT['project']['version']}.data/data/"
    names = {name.removeprefix(data) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(data)}
    assert names == {
        "etc/jupyter/jupyter_server_config.d/hamexplorer.json",
        "share/jupyter/labextensions/hamexplorer/package.json",
        "share/jupyter/labextensions/hamexplorer/static/remoteEntry.js",
        "share/jupyter/nbconvert/templates/hamexplorer/conf.json",
        "share/jupyter/nbconvert/templates/hamexplorer/index.html.j2",
    }


def test_shipped_data_stays_small() -> None:
    size = sum(path.stat().st_size for path in (ROOT / "hamexplorer" / "data").glob("*"))
    assert size < 28_000_000
