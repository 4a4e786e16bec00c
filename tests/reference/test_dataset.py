"""Dataset files: what is written comes back, and what is no dataset gets one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import h5py
import numpy as np
import pytest
import scipy.linalg

from hamexplorer.errors import DatasetError
from hamexplorer.physics.bloch import bloch_sum, mesh_points, mesh_translations
from hamexplorer.reference.dataset import SHIPPED, read_dataset, shipped_path, write_dataset
from hamexplorer.reference.hdf5 import VERSION
from hamexplorer.reference.properties import MATRIX_FIELDS, Properties, Reference, ReferenceDataset
from hamexplorer.reference.sealed import seal
from hamexplorer.reference.single_point import calculate

#: Shipped sets of molecules, and how many each holds at least.
MOLECULES = {
    "ethane": 100,
    "small-molecules": 100,
    "qm7": 150,
    "qm7-unseen": 30,
    "larger-molecules": 30,
    "polyenes": 66,
}


@pytest.fixture
def dataset(molecule, quick) -> ReferenceDataset:
    references = []
    for name in ("water", "He", "hydroxide"):
        structure = molecule(name)
        small, large = (calculate(structure, level) for level in (quick.small, quick.large))
        references.append(Reference.of(structure, quick, small, large))
    return ReferenceDataset("three", quick, tuple(references), (("OH", "odd · 9"),), {"by": "a test"})


def assert_same(a: Reference, b: Reference) -> None:
    assert a.structure.key == b.structure.key
    assert (a.structure.name, a.structure.charge, a.n_occ) == (b.structure.name, b.structure.charge, b.n_occ)
    for name in MATRIX_FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    for side in ("small", "large"):
        for field in fields(Properties):
            values = (getattr(getattr(r, side), field.name) for r in (a, b))
            np.testing.assert_array_equal(*values, err_msg=f"{side} {field.name}")


def test_round_trip(tmp_path, dataset):
    write_dataset(tmp_path / "three.h5", dataset)
    back = read_dataset(tmp_path / "three.h5")
    assert (back.name, back.method, back.set_aside) == (dataset.name, dataset.method, dataset.set_aside)
    assert back.provenance == dataset.provenance
    for a, b in zip(dataset.references, back.references, strict=True):
        assert_same(a, b)


def test_writing_replaces_whole_and_leaves_nothing_aside(tmp_path, dataset):
    write_dataset(tmp_path / "three.h5", dataset)
    write_dataset(tmp_path / "three.h5", dataset.subset([1]))
    assert len(read_dataset(tmp_path / "three.h5")) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["three.h5"]


def test_subset(dataset):
    part = dataset.subset([2, 0])
    assert [s.label for s in part.structures] == ["hydroxide", "water"]
    assert len(part) == 2
    with pytest.raises(DatasetError, match="there is no index 3"):
        dataset.subset([0, 3])


def test_arrays_cannot_be_changed_by_accident(dataset):
    with pytest.raises(ValueError, match="read-only"):
        dataset.references[0].small.mo_energy[0] = 0.0


def test_an_empty_dataset_is_not_written(tmp_path, dataset):
    with pytest.raises(DatasetError, match="no finished molecule"):
        write_dataset(tmp_path / "none.h5", dataset.subset([]))
    assert not list(tmp_path.iterdir())


def break_file(path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "text":
        path.write_text("not a dataset")
    elif how == "empty":
        path.write_bytes(b"")
    else:
        with h5py.File(path, "a") as file:
            if how == "newer":
                file.attrs["version"] = VERSION + 1
            elif how == "other":
                del file.attrs["format"]
            elif how == "column":
                del file["small.mo_energy"]
            elif how == "method":
                file.attrs["method"] = json.dumps({"xc": "no-such-functional"})
            elif how == "shapes":
                file["fock/shapes"][0] = (3, 3)
        # What is told behind a checksum that fits: damage by bytes is told before.
        path.write_bytes(seal(path.read_bytes(), VERSION))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("cut", r"is damaged \(.*\); make it again"),
        ("text", "is not a dataset file"),
        ("empty", "is not a dataset file"),
        ("newer", f"has format {VERSION + 1} and this version reads up to {VERSION}; update"),
        ("other", "is an HDF5 file but not a dataset of this package"),
        ("column", r"is damaged \(.*small\.mo_energy.*\)"),
        ("method", r"is damaged \(.*no-such-functional"),
        ("shapes", r"is damaged \(values and shapes disagree\)"),
    ],
)
def test_a_broken_file_gets_one_sentence(tmp_path, dataset, how, sentence):
    path = tmp_path / "broken.h5"
    write_dataset(path, dataset)
    break_file(path, how)
    with pytest.raises(DatasetError, match=sentence) as caught:
        read_dataset(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_flipped_bit_is_noticed(tmp_path, dataset):
    path = tmp_path / "flipped.h5"
    write_dataset(path, dataset)
    with h5py.File(path) as file:
        chunk = file["small.mo_energy/values"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x01
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="is damaged"):
        read_dataset(path)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(
        DatasetError,
        match=r"there is no dataset 'ethan'; .* ethane, small-molecules, qm7, qm7-unseen, larger-molecules, polyenes",
    ):
        read_dataset("ethan")
    with pytest.raises(DatasetError, match="is a folder"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("name", MOLECULES)
def test_shipped_molecules_hold_every_property(name):
    dataset = read_dataset(name)
    assert len(dataset) >= MOLECULES[name]
    large = "def2-svp" if name == "polyenes" else "def2-tzvp"
    assert (dataset.method.xc, dataset.method.large_basis) == ("b3lyp", large)
    assert not dataset.set_aside
    for reference in dataset.references:
        n, n_occ = len(reference.small.mo_energy), reference.n_occ
        for name_ in MATRIX_FIELDS:
            assert getattr(reference, name_).shape == (n, n)
        for side in (reference.small, reference.large):
            assert all(
                getattr(side, field.name) is not None
                for field in fields(Properties)
                if field.name not in ("fermi", "vacuum", "path_energy")
            )
            assert np.all(np.linalg.eigvalsh(side.polarizability) > 0)
            assert side.mulliken_charge.sum() == pytest.approx(reference.structure.charge, abs=1e-6)
            assert np.all(np.diff(side.mo_energy) >= 0)
        # Occupied energies of the large basis live on in the projection, to the last digit.
        occupied = np.linalg.eigvalsh(reference.iao_fock)[:n_occ]
        np.testing.assert_allclose(occupied, reference.large.mo_energy[:n_occ], atol=1e-8)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in MOLECULES])
def test_shipped_crystals_hold_bands_and_matrices(name):
    """F(T) and S(T) have the bands of the mesh; at Γ the bands of the path are those of the mesh."""
    dataset = read_dataset(name)
    assert len(dataset) >= (1 if name == "silicon-supercells" else 3) and not dataset.set_aside
    for reference in dataset.references:
        mesh = tuple(reference.mesh.tolist())
        cells, points = mesh_translations(mesh), mesh_points(mesh)
        fock, overlap = (bloch_sum(m, cells, points[:3]) for m in (reference.fock, reference.overlap))
        for k in range(min(3, len(points))):
            levels = scipy.linalg.eigh(fock[k], overlap[k], eigvals_only=True)
            np.testing.assert_allclose(levels, reference.small.mo_energy[k], atol=2e-6)
        for side in (reference.small, reference.large):
            assert side.path_energy.shape == (len(reference.path.points), side.mo_energy.shape[1])
            np.testing.assert_allclose(side.path_energy[0], side.mo_energy[0], atol=2e-5)
            assert side.mo_energy.min() < side.fermi < side.mo_energy.max()


def test_shipped_graphene_is_enough_for_forty_to_learn_from():
    assert len(read_dataset("graphene-szv")) >= 60 and len(read_dataset("graphene")) >= 60


def test_the_gap_of_polyacetylene_opens_with_its_alternation():
    """Peierls: without it the chain is a metal, and the gap grows with it. PBE in gth-dzvp, both from the same file."""
    chains = read_dataset("polyacetylene").references[:8]
    gaps = [r.large.path_energy[:, 5].min() - r.large.path_energy[:, 4].max() for r in chains]
    assert gaps[0] < 1e-3 and np.all(np.diff(gaps) > 0)


def test_shipped_datasets_are_small():
    sizes = {name: shipped_path(name).stat().st_size for name in SHIPPED}
    molecules = sum(sizes.pop(name) for name in MOLECULES)
    assert molecules < 20e6 and sum(sizes.values()) < 15e6


def test_small_molecules_agree_with_a_published_number():
    """Orbital energies of H2O, B3LYP/def2-TZVP: HOMO near -0.32 Ha, as in any quantum chemistry program."""
    references = {r.structure.name: r for r in read_dataset("small-molecules").references}
    water = references["H2O"]
    assert water.large.mo_energy[water.n_occ - 1] == pytest.approx(-0.32, abs=0.015)
    assert re.fullmatch("H2O", water.structure.formula)
