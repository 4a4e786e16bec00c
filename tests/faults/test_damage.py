"""What a bad disk, a torn copy or a newer version leaves behind gives the numbers that were written, or a sentence."""

from __future__ import annotations

from dataclasses import fields

import h5py
import numpy as np
import pytest

from hamexplorer.errors import DatasetError
from hamexplorer.reference.dataset import read_dataset, shipped_path, write_dataset
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.hdf5 import VERSION
from hamexplorer.reference.npz_matrices import read_npz, write_npz
from hamexplorer.reference.sealed import BrokenSealError, seal, sealed_format
from hamexplorer.reference.store import STORE_FORMAT

KINDS = pytest.mark.parametrize("kind", ["molecule", "crystal"])


# ---- the store -----------------------------------------------------------------------------------------


@KINDS
def test_an_entry_with_a_flipped_bit_is_absent(faults, store, kind):
    level, point = faults.entries[kind]
    path = store.put(faults.hydrogen(), level, point)
    assert faults.same_point(store.get(faults.hydrogen(), level), point)
    for damaged in faults.flips(path.read_bytes(), 400, first=600):
        path.write_bytes(damaged)
        assert store.get(faults.hydrogen(), level) is None
        assert not store.has(faults.hydrogen(), level)


@KINDS
def test_an_entry_that_was_cut_short_is_absent(faults, store, kind):
    level, point = faults.entries[kind]
    path = store.put(faults.hydrogen(), level, point)
    for damaged in faults.cuts(path.read_bytes()):
        path.write_bytes(damaged)
        assert store.get(faults.hydrogen(), level) is None


@KINDS
def test_entries_from_before_there_were_checksums_are_read(faults, store, kind):
    level, point = faults.entries[kind]
    path = store.path(faults.hydrogen(), level)
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:  # as version 0.1.0 of November 2026 wrote them
        for field in fields(point):
            value = getattr(point, field.name)
            if isinstance(value, np.ndarray):
                file.create_dataset(field.name, data=value, fletcher32=value.size > 0)
            else:
                file[field.name] = value
    assert sealed_format(path.read_bytes()) is None
    assert faults.same_point(store.get(faults.hydrogen(), level), point)


def test_an_entry_of_a_newer_version_is_told_and_kept(faults, store, quick):
    path = store.put(faults.hydrogen(), quick.small, faults.made_point())
    newer = seal(path.read_bytes(), STORE_FORMAT + 1)
    path.write_bytes(newer)
    told = rf"has format {STORE_FORMAT + 1}, written by a newer hamexplorer.*; update hamexplorer, or name another"
    with pytest.raises(DatasetError, match=told) as caught:
        store.get(faults.hydrogen(), quick.small)
    faults.one_sentence(caught.value)
    with pytest.raises(DatasetError, match=told):
        run_references([faults.hydrogen()], quick, store=store)
    assert path.read_bytes() == newer


def test_a_damaged_entry_is_computed_again(faults, store, quick):
    run_references([faults.hydrogen()], quick, jobs=1, store=store)
    path = store.path(faults.hydrogen(), quick.large)
    whole = store.get(faults.hydrogen(), quick.large)
    path.write_bytes(path.read_bytes()[:-100])
    assert len(run_references([faults.hydrogen()], quick, jobs=1, store=store)) == 1
    assert store.get(faults.hydrogen(), quick.large).e_tot == pytest.approx(whole.e_tot, abs=1e-10)


def test_what_another_process_puts_in_place_of_a_damaged_entry_stays(faults, store, monkeypatch):
    level, point = faults.entries["molecule"]
    path = store.put(faults.hydrogen(), level, point)
    path.write_bytes(path.read_bytes()[:-1])

    def meanwhile(content: bytes) -> int | None:
        store.put(faults.hydrogen(), level, point)
        return sealed_format(content)

    with monkeypatch.context() as patch:
        patch.setattr("hamexplorer.reference.store.sealed_format", meanwhile)
        assert store.get(faults.hydrogen(), level) is None
    assert faults.same_point(store.get(faults.hydrogen(), level), point)


# ---- data sets and matrices ----------------------------------------------------------------------------


def test_a_dataset_with_a_flipped_bit_is_a_sentence(faults, tmp_path):
    path, whole = tmp_path / "two.h5", read_dataset("ethane").subset(range(2))
    write_dataset(path, whole)
    assert faults.same_dataset(read_dataset(path), whole)
    content = path.read_bytes()
    for damaged in (*faults.flips(content, 200, first=600), *faults.cuts(content)):
        path.write_bytes(damaged)
        with pytest.raises(DatasetError) as caught:
            read_dataset(path)
        faults.one_sentence(caught.value)


def test_datasets_from_before_there_were_checksums_are_read():
    assert sealed_format(shipped_path("ethane").read_bytes()) is None
    assert len(read_dataset("ethane")) == 100


def test_a_dataset_of_a_newer_version_is_told(tmp_path):
    path = tmp_path / "newer.h5"
    write_dataset(path, read_dataset("ethane").subset(range(2)))
    path.write_bytes(seal(path.read_bytes(), VERSION + 1))
    with pytest.raises(DatasetError, match=rf"has format {VERSION + 1} and this version reads up to"):
        read_dataset(path)


def test_bytes_that_were_never_sealed_are_refused():
    with pytest.raises(BrokenSealError):
        sealed_format(b"hamexplorer sealed file\nformat 1\nsha256 ")


def test_imported_matrices_with_a_flipped_bit_are_the_same_or_a_sentence(faults, tmp_path):
    source, path = tmp_path / "chain.npz", tmp_path / "kept.npz"
    hops = np.array([[[-0.2]], [[0.1]], [[-0.2]]])
    np.savez(
        source,
        translations=np.array([[-1, 0, 0], [0, 0, 0], [1, 0, 0]]),
        hamiltonian=hops,
        cell=np.diag([2.0, 20.0, 20.0]),
        positions=np.zeros((1, 3)),
        numbers=np.array([1]),
        pbc=np.array([True, False, False]),
        unit=np.array("Ha"),
        length_unit=np.array("bohr"),
    )
    write_npz(path, read_npz(source))
    whole, content, refused = read_npz(path), path.read_bytes(), 0
    for damaged in (*faults.flips(content, 300), *faults.cuts(content)):
        path.write_bytes(damaged)
        try:
            found = read_npz(path)
        except DatasetError as error:
            refused += 1
            faults.one_sentence(error)
            continue
        for name in ("translations", "hamiltonian", "n_electrons", "fermi"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
        np.testing.assert_array_equal(found.structure.positions, whole.structure.positions)
        np.testing.assert_array_equal(found.structure.cell, whole.structure.cell)
    assert refused > 100
