"""The pack for computers without internet: what it holds, that it installs, what is said where it cannot be made."""

from __future__ import annotations

import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hamexplorer import packing
from hamexplorer.cli import OK, USER_ERROR, main


def make_wheel(folder: Path, name: str, *, needs: str = "", data: bool = False) -> Path:
    """A wheel written by hand: one module and, if wanted, a program and a file below the environment's own folder."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": "answer = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if data:
        files[f"{name}-1.0.data/data/share/{name}/card.json"] = "{}\n"
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:answer\n"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in files.items():
            wheel.writestr(inside, text)
        wheel.writestr(f"{info}/RECORD", "".join(f"{inside},,\n" for inside in [*files, f"{info}/RECORD"]))
    return path


def pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", *map(str, words), "--quiet", "--disable-pip-version-check"]
    subprocess.run(command, check=True)


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that pip knows: a folder of wheels, instead of an index on the internet."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(
        packing, "own_wheel", lambda wheels: make_wheel(wheels, "tiny_explorer", needs="tiny_engine")
    )
    return folder


def test_pack_installs_without_an_index(links, tmp_path, monkeypatch, capsys):
    make_wheel(links, "tiny_engine")
    folder = tmp_path / "stick" / "pack"
    assert main(["pack", str(folder)]) == OK
    assert re.search(r"pack: \d+ MB; .*INSTALL\.txt says how to install", capsys.readouterr().out)
    assert sorted(path.name for path in folder.iterdir()) == ["INSTALL.txt", "wheels"]
    shutil.rmtree(links)
    monkeypatch.delenv("PIP_FIND_LINKS")
    pip(
        *("install", "--no-index", "--find-links", folder / "wheels", "--target", tmp_path / "there"),
        "tiny_explorer",
    )
    assert {"tiny_explorer", "tiny_engine"} <= {path.name for path in (tmp_path / "there").iterdir()}


def test_instructions_hold_the_commands_for_this_python():
    text = packing.instructions()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    commands = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    assert commands == [
        f"python{version} -m venv hamexplorer-env",
        "hamexplorer-env/bin/python -m pip install --no-index --find-links wheels hamexplorer",
        "hamexplorer-env/bin/hamexplorer",
    ]


def test_a_pack_is_replaced_whole_and_an_old_one_stays_if_that_fails(links, tmp_path, capsys):
    folder = tmp_path / "pack"
    make_wheel(links, "tiny_engine")
    assert main(["pack", str(folder)]) == OK
    (folder / "wheels" / "old-1.0-py3-none-any.whl").touch()
    before = sorted(folder.rglob("*"))
    (links / "tiny_engine-1.0-py3-none-any.whl").unlink()
    assert main(["pack", str(folder)]) == USER_ERROR
    sentence = capsys.readouterr().err
    assert "tiny_engine" in sentence and "check the internet connection" in sentence
    assert sentence.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
    make_wheel(links, "tiny_engine")
    assert main(["pack", str(folder)]) == OK
    assert not (folder / "wheels" / "old-1.0-py3-none-any.whl").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_other_peoples_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(
        packing.PackError, match=r"holds other things \('thesis\.tex'\); name an empty folder"
    ):
        packing.make_pack(tmp_path)
    with pytest.raises(packing.PackError, match=r"thesis\.tex is a file; name a folder"):
        packing.make_pack(tmp_path / "thesis.tex")


def test_no_pip_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(packing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        packing.PackError, match="has no pip to fetch packages with; run `python -m ensurepip`"
    ):
        packing.make_pack(tmp_path / "pack")


def test_wheel_of_an_installed_package_is_the_one_it_came_from(tmp_path):
    first = make_wheel(tmp_path, "tiny_explorer", data=True)
    pip("install", "--no-index", "--no-deps", "--prefix", tmp_path / "env", first)
    site = next(tmp_path.glob("env/lib/python*/site-packages"))
    assert (tmp_path / "env" / "bin" / "tiny_explorer").exists()
    (installed,) = importlib.metadata.distributions(path=[str(site)])
    (tmp_path / "again").mkdir()
    again = packing.wheel_again(installed, tmp_path / "again")
    assert again.name == first.name
    record = "tiny_explorer-1.0.dist-info/RECORD"
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(again) as other:
        assert set(one.namelist()) == set(other.namelist())
        assert all(one.read(name) == other.read(name) for name in one.namelist() if name != record)
    # pip checks the record, and what it installs is the same again.
    pip("install", "--no-index", "--no-deps", "--prefix", tmp_path / "second", again)
    assert (tmp_path / "second" / "share" / "tiny_explorer" / "card.json").exists()
