"""Baselines kept between starts: never others than would be computed, and never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.structures.structure import Structure
from hamexplorer.train import kept
from hamexplorer.train.frames import KPoints

WATER = Structure(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [1.8, 0, 0], [0, 1.8, 0]]))
MATRICES = [np.arange(49.0).reshape(7, 7), np.eye(7)]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Matrices of two structures as the cache gives them, and how many had to be computed."""
    monkeypatch.setenv("HAMEXPLORER_CACHE", str(tmp_path))

    def go(name: str = "sap", structures=(WATER, WATER), k=None) -> tuple[list[np.ndarray], int]:
        computed = []

        def compute() -> Iterator[np.ndarray]:
            for matrix in MATRICES[: len(structures)]:
                computed.append(matrix)
                yield matrix

        frames = [SimpleNamespace(structure=s, k=k) for s in structures]
        return list(kept.baseline_matrices(name, "sto-3g", frames, compute)), len(computed)

    return go


def test_what_was_computed_once_is_read_the_second_time(read):
    for n_computed in (2, 0):
        found, n = read()
        assert n == n_computed and all(map(np.array_equal, found, MATRICES))


def test_anything_else_is_computed(read, monkeypatch, tmp_path):
    read()
    moved = WATER.moved(WATER.positions + 1e-3)
    assert (
        read("scf_step")[1] == 2
        and read(structures=(WATER, moved))[1] == 2
        and read(structures=(WATER,))[1] == 1
        and read(k=KPoints.of_mesh((2, 1, 1)))[1] == 2
        and read(k=KPoints.of_mesh((3, 1, 1)))[1] == 2
    )
    changed = tmp_path / "baselines.py"
    changed.write_text("# other code")
    monkeypatch.setattr(kept.baselines, "__file__", str(changed))
    assert read()[1] == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not really", None])
def test_a_damaged_file_is_computed_again(read, tmp_path, damage):
    read()
    (path,) = (tmp_path / "baselines").glob("*.npz")
    path.write_bytes(path.read_bytes()[:300] if damage is None else damage)
    found, n = read()
    assert n == 2 and all(map(np.array_equal, found, MATRICES))
    assert read()[1] == 0


def test_a_folder_that_cannot_be_written_costs_only_time(read, tmp_path):
    (tmp_path / "baselines").write_text("a file where the folder should be")
    assert read()[1] == 2


def test_old_files_go(read, tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "_MOST_FILES", 3)
    for k in range(5):
        read(f"baseline {k}")
    assert len(list((tmp_path / "baselines").iterdir())) == 3
    assert read("baseline 4")[1] == 0
