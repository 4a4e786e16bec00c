"""What the operating system lets a confined program do, and what the dashboard offers a visitor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hamexplorer.cli import main
from hamexplorer.errors import StructureError
from hamexplorer.launch import LaunchError, serve
from hamexplorer.session import Session
from hamexplorer.structures.sources import SOURCES, offered_sources
from hamexplorer.visiting import VARIABLE, told
from hamexplorer.visitors import confine
from hamexplorer.visitors.settings import Public, ServingError

needs_landlock = pytest.mark.xfail(
    not confine.landlock_version(), reason="this system has no Landlock", run=False
)


@pytest.fixture
def visitor(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv(VARIABLE, "1")
    return Session()


def run_confined(code: str, own: Path, memory: int = 10**9) -> str:
    """What a Python program prints that may write in one folder only."""
    rules = {
        "read": ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", sys.prefix, sys.base_prefix],
        "list": [str(own.parent)],
        "write": [str(own), "/dev/null"],
        "memory": memory,
        "file": 10**6,
        "niceness": 1,
    }
    command = [
        sys.executable,
        "-I",
        "-S",
        confine.__file__,
        json.dumps(rules),
        sys.executable,
        "-I",
        "-c",
        code,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=own)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


_TRIES = """
import os, subprocess, sys
def attempt(name, deed):
    try:
        deed()
        print(name, "done")
    except (OSError, MemoryError) as error:
        print(name, type(error).__name__)
attempt("own", lambda: open("mine", "w").write("x"))
attempt("passwd", lambda: open("/etc/passwd").read())
attempt("neighbour", lambda: open("../neighbour/secret").read())
attempt("write", lambda: open("../neighbour/new", "w"))
attempt("truncate", lambda: os.truncate("../neighbour/secret", 0))
attempt("remove", lambda: os.remove("../neighbour/secret"))
attempt("link", lambda: os.link("../neighbour/secret", "stolen"))
attempt("move", lambda: os.rename("mine", "../neighbour/mine"))
attempt("list", lambda: os.listdir("../neighbour"))
attempt("environment", lambda: open(f"/proc/{os.getppid()}/environ").read())
attempt("signal", lambda: os.kill(os.getppid(), 0))
attempt("long file", lambda: open("long", "wb", 0).write(bytes(2_000_000)) and open("long", "ab", 0).write(b"more"))
attempt("memory", lambda: bytearray(10**10))
child = "open('/etc/passwd')"
print("child", subprocess.run([sys.executable, "-I", "-c", child], stderr=subprocess.DEVNULL).returncode)
"""


@needs_landlock
def test_confined_program_touches_its_own_folder_only(tmp_path: Path) -> None:
    own, neighbour = tmp_path / "own", tmp_path / "neighbour"
    own.mkdir()
    neighbour.mkdir()
    (neighbour / "secret").write_text("kept")
    found = dict(line.rsplit(" ", 1) for line in run_confined(_TRIES, own).splitlines())
    assert found.pop("own") == "done"
    assert found.pop("list") == "done"  # names may be listed where the package lies beside others
    assert found.pop("memory") == "MemoryError"
    assert found.pop("long file") == "OSError"
    assert found.pop("child") == "1"
    assert set(found.values()) <= {"PermissionError", "OSError"}, found
    assert (neighbour / "secret").read_text() == "kept"
    assert [path.name for path in neighbour.iterdir()] == ["secret"]


def test_sources_that_reach_out_are_neither_offered_nor_loaded(visitor: Session) -> None:
    assert set(SOURCES) - set(offered_sources()) == {"file", "qm7", "qm9"}
    visitor.load_structures("file", SOURCES["file"].Params(path="/etc/passwd"))
    visitor.wait()
    assert visitor.message.level == "error"
    assert "visitors of a public server may not; upload a file" in visitor.message.text
    assert "passwd" not in visitor.message.text


def test_a_path_is_no_crystal_for_a_visitor(visitor: Session, tmp_path: Path) -> None:
    path = tmp_path / "graphene.cif"
    path.write_text("data_")
    with pytest.raises(StructureError, match="is no crystal known here"):
        SOURCES["rattled"].load(SOURCES["rattled"].Params(base=str(path)))


def test_everything_is_offered_to_the_person_at_home() -> None:
    assert offered_sources() == list(SOURCES)
    assert told("/home/me/data/mine.h5 is damaged") == "/home/me/data/mine.h5 is damaged"


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("/tmp/hamexplorer-visitor-x1/tmp/mine.h5 is damaged", "mine.h5 is damaged"),
        ("[Errno 13] Permission denied: '/root/a/b.xyz'", "[Errno 13] Permission denied: 'b.xyz'"),
        ("12 e·bohr/atom and/or 3 Ha/cell", "12 e·bohr/atom and/or 3 Ha/cell"),
        ("C/C=C/C is a SMILES", "C/C=C/C is a SMILES"),
        ("see https://example.org/a/b", "see https://example.org/a/b"),
    ],
)
def test_folders_are_not_told(visitor: Session, sentence: str, shown: str) -> None:
    visitor.say(sentence)
    assert visitor.message.text == shown


@pytest.mark.parametrize("name", ["", "two words", "http://example.org", "a/b", "-x", "10.0.0.7"])
def test_what_is_no_host_name_is_a_sentence(name: str) -> None:
    with pytest.raises(ServingError, match=r"is no host name; give the one"):
        Public(name)


def test_numbers_out_of_bounds_are_a_sentence() -> None:
    with pytest.raises(ServingError, match="number of visitors must be from 1 to 1000, got 0"):
        Public("localhost", visitors=0)
    with pytest.raises(ServingError, match="waiting kernels must be from 0 to 50, got -1"):
        Public("localhost", ready=-1)


def test_command_line_takes_a_host_name_for_no_verb(monkeypatch: pytest.MonkeyPatch) -> None:
    served: dict[str, object] = {}
    monkeypatch.setattr("hamexplorer.launch.serve", lambda **options: served.update(options))
    assert main(["--public", "explorer.example.org", "--visitors", "4", "--address", "0.0.0.0"]) == 0
    assert served["public"] == Public("explorer.example.org", "0.0.0.0", 4, 1)
    assert served["open_browser"] is False


def test_system_without_landlock_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confine, "landlock_version", lambda: 0)
    monkeypatch.setattr("hamexplorer.launch.prepare_environment", lambda: None)
    with pytest.raises(LaunchError, match="cannot keep visitors from its files"):
        serve(public=Public("localhost"), open_browser=False)
