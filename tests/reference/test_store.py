"""The store keeps what is finished, whole, through damage and sudden death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from hamexplorer.errors import DatasetError
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.single_point import SINGLE_POINT_FIELDS, calculate
from hamexplorer.reference.store import ReferenceStore, default_store_folder, entry_key

LEVEL = LevelOfTheory("hf", "sto-3g", False, 0)


@pytest.fixture
def saved(molecule, store):
    """A structure and its result, already in the store."""
    structure = molecule("H2")
    result = calculate(structure, LEVEL)
    store.put(structure, LEVEL, result)
    return structure, result


def test_round_trip(store, saved):
    structure, result = saved
    back = store.get(structure, LEVEL)
    for name in SINGLE_POINT_FIELDS:
        np.testing.assert_array_equal(getattr(back, name), getattr(result, name), err_msg=name)
    assert type(back.n_occ) is int
    assert type(back.strategy) is str


def test_the_key_follows_what_decides_the_numbers(molecule, saved):
    structure, _ = saved
    key = entry_key(structure, LEVEL)
    assert key == entry_key(structure.renamed("another name"), LEVEL)
    assert key != entry_key(structure.moved(structure.positions * 1.001), LEVEL)
    assert key != entry_key(structure, LevelOfTheory("hf", "6-31g", False, 0))
    assert key != entry_key(structure, LevelOfTheory("hf", "sto-3g", True, 0))


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "text"])
def test_a_damaged_entry_counts_as_absent(store, saved, damage):
    structure, result = saved
    path = store.path(structure, LEVEL)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        start = content.index(result.mo_energy.tobytes())
        content[start] ^= 0xFF
    broken = {"cut": content[: len(content) // 2], "empty": b"", "flipped": content, "text": b"hello"}[damage]
    path.write_bytes(broken)
    assert store.get(structure, LEVEL) is None
    assert not store.has(structure, LEVEL)
    store.put(structure, LEVEL, result)
    assert store.get(structure, LEVEL).e_tot == result.e_tot


def test_killed_before_the_rename_leaves_nothing_behind_that_counts(molecule, store):
    """A real process, killed with -9 at the worst moment."""
    script = f"""
import os, signal
from pathlib import Path
import numpy as np
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.single_point import calculate
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure
Path.replace = lambda self, target: os.kill(os.getpid(), signal.SIGKILL)
s = Structure(np.array([1, 1]), np.array([[0, 0, 0], [0, 0, 1.4]]))
level = LevelOfTheory("hf", "sto-3g", False, 0)
ReferenceStore({str(store.folder)!r}).put(s, level, calculate(s, level))
"""
    ended = subprocess.run([sys.executable, "-c", script], check=False)
    assert ended.returncode == -signal.SIGKILL
    structure = molecule("H2")
    leftovers = list(store.folder.glob("*/.*"))
    assert len(leftovers) == 1
    assert not store.has(structure, LEVEL)
    assert store.get(structure, LEVEL) is None
    store.sweep()
    assert leftovers[0].exists()  # it might belong to a process that still writes
    os.utime(leftovers[0], (0, 0))
    store.put(structure, LEVEL, calculate(structure, LEVEL))
    store.sweep()
    assert list(store.folder.rglob("*.h5*")) == [store.path(structure, LEVEL)]


def test_a_folder_that_cannot_be_written_gets_a_sentence(molecule, tmp_path, saved):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=r"cannot be written .*; choose another folder"):
        ReferenceStore(tmp_path / "file" / "store").put(*saved[:1], LEVEL, saved[1])


def test_the_default_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HAMEXPLORER_STORE", str(tmp_path))
    assert default_store_folder() == tmp_path
    monkeypatch.delenv("HAMEXPLORER_STORE")
    assert default_store_folder().name == "references"
