"""GFN1-xTB with k-points: levels are those of tblite's supercells, and come whole through store and file."""

from __future__ import annotations

import importlib
from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
from ase.build import graphene
from ase.build import molecule as build_molecule
from scipy.linalg import eigh

from hamexplorer.errors import (
    BasisError,
    DatasetError,
    ReferenceCalculationError,
    SettingsError,
    StructureError,
)
from hamexplorer.params import to_dict
from hamexplorer.physics.bloch import bloch_sum, mesh_points
from hamexplorer.reference import xtb
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.hdf5 import VERSION
from hamexplorer.reference.kinds import kind_of, method_from
from hamexplorer.reference.sealed import seal
from hamexplorer.reference.xtb import calculate_xtb
from hamexplorer.reference.xtb_method import XTBLevel, XTBMethod
from hamexplorer.structures.crystals import (
    build_bulk,
    build_layer,
    build_polyacetylene,
    build_polyethylene,
    distorted,
    supercell,
)
from hamexplorer.structures.structure import Structure
from hamexplorer.units import HARTREE_EV

#: Crystals in one, two and three dimensions, with charges and without, and the meshes of their supercells.
CRYSTALS = {
    "graphene": (distorted(build_layer(), n=1, amplitude=0.05, strain=0.02)[0], (3, 3, 1)),
    "hexagonal BN": (build_layer("BN", 2.5), (3, 3, 1)),
    "polyethylene": (build_polyethylene(), (3, 1, 1)),
    "silicon": (build_bulk("Si"), (2, 2, 2)),
    "SiC": (build_bulk("SiC", "zincblende"), (2, 2, 2)),
}


def ethylene() -> Structure:
    return Structure.from_ase(build_molecule("C2H4"), name="ethylene")


def graphane(height: float) -> Structure:
    """Carbon and hydrogen in four planes, charged and without a dipole, in a cell of this height in Å."""
    atoms = graphene(formula="C2", a=2.54, size=(1, 1, 1), vacuum=height / 2)
    atoms.positions[:, 2] += [0.23, -0.23]
    hydrogen = atoms.positions + np.array([[0.0, 0.0, 1.11], [0.0, 0.0, -1.11]])
    atoms += type(atoms)("H2", positions=hydrogen)
    atoms.pbc = (True, True, False)
    return Structure.from_ase(atoms, name=f"graphane {height}", periodic=True)


def tblites_levels(structure: Structure, smearing: float) -> np.ndarray:
    calculator = importlib.import_module("tblite.interface").Calculator(
        "GFN1-xTB", structure.numbers, structure.positions, lattice=structure.cell,
        periodic=None if structure.cell is None else np.array(structure.pbc),
    )  # fmt: skip
    for name, value in {"verbosity": 0, "accuracy": 0.01, "temperature": smearing}.items():
        calculator.set(name, value)
    return np.sort(calculator.singlepoint().get("orbital-energies"))


@pytest.mark.parametrize("name", CRYSTALS)
def test_levels_are_tblites(name):
    """tblite knows Γ alone: its supercell holds the levels of our mesh."""
    structure, mesh = CRYSTALS[name]
    point = calculate_xtb(structure, XTBLevel(mesh=mesh))
    theirs = tblites_levels(supercell(structure, mesh), 0.005)
    np.testing.assert_allclose(np.sort(point.mo_energy, axis=None), theirs, atol=1e-6)


@pytest.mark.parametrize("formula", ["C2H4", "SiH4", "SO2", "LiF"])
def test_levels_of_molecules_are_tblites(formula):
    structure = Structure.from_ase(build_molecule(formula))
    point = calculate_xtb(structure, XTBLevel(mesh=(1, 1, 1)))
    np.testing.assert_allclose(point.mo_energy[0], tblites_levels(structure, 0.005), atol=1e-6)


def test_the_energy_is_pyscfads():
    """What `pyscfad.xtb.GFN1XTB` 0.3.4 gave, in half a minute; like ours and unlike tblite's it has no dispersion."""
    point = calculate_xtb(ethylene(), XTBLevel(mesh=(1, 1, 1), smearing=0.0))
    assert point.e_tot == pytest.approx(-6.3407622303, abs=1e-6)


@pytest.mark.parametrize("name", CRYSTALS)
def test_matrices_in_real_space_give_the_levels_and_the_electrons(name):
    structure, mesh = CRYSTALS[name]
    point = calculate_xtb(structure, XTBLevel(mesh=mesh))
    matrices = (bloch_sum(m, point.translations, mesh_points(mesh)) for m in (point.fock, point.overlap))
    for fock, overlap, energy in zip(*matrices, point.mo_energy, strict=True):
        np.testing.assert_allclose(eigh(fock, overlap, eigvals_only=True), energy, atol=1e-8)
    assert point.mo_occ.sum() / len(point.mo_occ) == pytest.approx(point.n_electrons, abs=1e-8)
    np.testing.assert_allclose(
        point.mo_occ, 2 / (1 + np.exp((point.mo_energy - point.fermi) / 0.005)), atol=1e-8
    )
    np.testing.assert_allclose(point.path_energy[0], point.mo_energy[0], atol=1e-8)  # every path begins at Γ


def test_a_supercell_has_the_levels_and_the_energy_of_its_cells():
    cell, mesh = CRYSTALS["SiC"][0], (4, 2, 2)
    one = calculate_xtb(cell, XTBLevel(mesh=mesh, smearing=0.0))
    two = calculate_xtb(supercell(cell, (2, 1, 1)), XTBLevel(mesh=(2, 2, 2), smearing=0.0))
    assert two.e_tot == pytest.approx(2 * one.e_tot, abs=1e-7)
    np.testing.assert_allclose(
        np.sort(two.mo_energy, axis=None), np.sort(one.mo_energy, axis=None), atol=1e-6
    )


def test_a_crystal_that_is_turned_has_the_same_levels(rng):
    structure, mesh = CRYSTALS["graphene"]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = replace(structure, positions=structure.positions @ turn + 0.3, cell=structure.cell @ turn)
    ours, theirs = (calculate_xtb(s, XTBLevel(mesh=mesh)) for s in (structure, turned))
    np.testing.assert_allclose(ours.mo_energy, theirs.mo_energy, atol=1e-8)
    assert ours.e_tot == pytest.approx(theirs.e_tot, abs=1e-9)


def test_bands_between_the_points_of_the_mesh_need_no_dense_mesh():
    """H0 is known in all cells: a mesh of two points leaves the charges to be found, and nothing to interpolate."""
    few, many = (calculate_xtb(build_polyethylene(), XTBLevel(mesh=(n, 1, 1))) for n in (4, 16))
    np.testing.assert_allclose(few.path_energy, many.path_energy, atol=5e-4)
    assert few.path_points[-1, 0] == 0.5
    np.testing.assert_allclose(few.path_energy[-1], few.mo_energy[2], atol=1e-8)


def test_the_gap_of_diamond():
    """5.5 eV in experiment, from Γ towards X; GFN1-xTB finds the top of the valence band at Γ and 0.5 eV more."""
    point = calculate_xtb(build_bulk("C"), XTBLevel(mesh=(4, 4, 4), smearing=0.0))
    gap = point.path_energy[:, 4].min() - point.path_energy[:, 3].max()
    assert 5.0 < gap * HARTREE_EV < 6.5
    assert point.path_energy[:, 3].argmax() == 0


def test_graphene_has_no_gap_and_polyacetylene_has_one():
    layer = calculate_xtb(build_layer(), XTBLevel(mesh=(6, 6, 1)))
    assert layer.path_energy[:, 4].min() - layer.path_energy[:, 3].max() < 1e-6
    chain = calculate_xtb(build_polyacetylene(), XTBLevel(mesh=(8, 1, 1)))
    assert 0.5 < (chain.path_energy[-1, 5] - chain.path_energy[-1, 4]) * HARTREE_EV < 1.5


def test_levels_of_a_layer_are_measured_from_its_vacuum():
    low, high = (calculate_xtb(graphane(h), XTBLevel(mesh=(4, 4, 1))) for h in (10.0, 24.0))
    assert abs(low.vacuum - high.vacuum) > 1e-3
    np.testing.assert_allclose(low.mo_energy - low.vacuum, high.mo_energy - high.vacuum, atol=1e-5)


def test_where_there_is_no_vacuum_level_to_tell():
    assert np.isnan(calculate_xtb(build_bulk("C"), XTBLevel(mesh=(1, 1, 1))).vacuum)
    assert np.isnan(calculate_xtb(build_polyethylene(), XTBLevel(mesh=(2, 1, 1))).vacuum)
    assert calculate_xtb(ethylene(), XTBLevel(mesh=(1, 1, 1))).vacuum == 0.0


def test_matrices_decay_from_cell_to_cell():
    near, far = (calculate_xtb(build_polyethylene(), XTBLevel(mesh=(n, 1, 1))).decay for n in (3, 7))
    assert far < near / 10
    assert np.isnan(calculate_xtb(build_polyethylene(), XTBLevel(mesh=(1, 1, 1))).decay)


def test_a_mesh_across_the_vacuum_is_told():
    with pytest.raises(
        SettingsError, match="graphene does not repeat along c, and the mesh has 2 points there; use 1"
    ):
        calculate_xtb(build_layer(), XTBLevel(mesh=(2, 2, 2)))


def test_odd_electrons_are_told():
    with pytest.raises(
        StructureError, match=r"Al fcc has 3 valence electrons a cell; .*: double the cell or change"
    ):
        calculate_xtb(build_bulk("Al", "fcc", 4.05), XTBLevel(mesh=(2, 2, 2)))


def test_an_element_without_parameters_is_told():
    with pytest.raises(
        BasisError, match="no parameters for U; leave out structures with U, or use another method"
    ):
        calculate_xtb(build_bulk("U", "fcc", 4.9), XTBLevel(mesh=(2, 2, 2)))


def test_charges_that_do_not_converge_are_told(monkeypatch):
    monkeypatch.setattr(xtb, "MAX_CYCLE", 3)
    with pytest.raises(
        ReferenceCalculationError,
        match=r"charges of hexagonal BN did not converge in 3 .* wider smearing than 0.005 Ha",
    ):
        calculate_xtb(build_layer("BN", 2.5), XTBLevel(mesh=(2, 2, 1)))


def test_atoms_on_top_of_one_another_are_told():
    close = Structure(np.array([6, 6]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1e-4]]), name="pair")
    with pytest.raises(
        ReferenceCalculationError, match=r"functions of pair are nearly linearly dependent .* too close"
    ):
        calculate_xtb(close, XTBLevel(mesh=(1, 1, 1)))


def test_a_method_is_one_level_on_the_mesh_of_the_other_crystals():
    method = XTBMethod(k_length=12.0, smearing=0.01)
    small, large = method.levels(build_layer())
    assert small == large == XTBLevel(mesh=CrystalMethod(k_length=12.0).mesh(build_layer()), smearing=0.01)
    assert method.small_basis == method.large_basis == "gfn1-xtb" and method.label == "GFN1-xTB"
    assert to_dict(method) == {"k_length": 12.0, "smearing": 0.01}
    assert method_from("XTBMethod", to_dict(method)) == method
    with pytest.raises(SettingsError, match="Smearing"):
        XTBMethod(smearing=1.0)


def test_the_estimate_grows_with_the_mesh_and_the_cell():
    kind, method = kind_of(XTBMethod()), XTBMethod()
    layer, wide = build_layer(), supercell(build_layer(), (4, 4, 1))
    of_layer, of_wide = (kind.seconds(s, method.levels(s)[0]) for s in (layer, wide))
    assert 0.01 < of_layer < 0.2 < of_wide < 5
    assert kind.seconds(layer, XTBLevel(mesh=(32, 32, 1))) > 5 * of_layer


def test_a_batch_goes_through_workers_store_and_file(tmp_path, store):
    layers = [*distorted(build_layer(), n=2, amplitude=0.05, strain=0.02), build_bulk("Al", "fcc", 4.05)]
    method = XTBMethod(k_length=10.0)
    dataset = run_references(layers, method, jobs=1, store=store, name="layers")
    assert len(dataset) == 2 and "odd" not in dataset.set_aside[0][1] and "even" in dataset.set_aside[0][1]
    assert len(list(store.folder.glob("*/*.h5"))) == 2  # small and large are one calculation
    write_dataset(tmp_path / "layers.h5", dataset)
    back = read_dataset(tmp_path / "layers.h5")
    assert back.method == method
    for ours, theirs in zip(dataset.references, back.references, strict=True):
        np.testing.assert_array_equal(ours.fock, theirs.fock)
        np.testing.assert_array_equal(ours.small.mo_energy, theirs.large.mo_energy)
        assert ours.structure.key == theirs.structure.key
    level = method.levels(layers[0])[0]
    stored, anew = store.get(layers[0], level), calculate_xtb(layers[0], level)
    for field in fields(anew):
        np.testing.assert_allclose(getattr(stored, field.name), getattr(anew, field.name), atol=1e-8)


def test_a_molecule_becomes_a_reference_without_cells(store):
    dataset = run_references([ethylene()], XTBMethod(), jobs=1, store=store)
    reference = dataset.references[0]
    assert reference.fock.shape == reference.overlap.shape == (16, 16) and reference.mesh is None
    assert reference.n_occ == 6 and reference.small.mo_energy.shape == (16,)
    levels = eigh(reference.fock, reference.overlap, eigvals_only=True)
    np.testing.assert_allclose(levels, reference.large.mo_energy, atol=1e-8)


def test_files_that_name_no_kind_or_an_unknown_one(tmp_path, store):
    path = tmp_path / "layers.h5"
    write_dataset(path, run_references([build_layer()], XTBMethod(k_length=5.0), jobs=1, store=store))
    with h5py.File(path, "a") as file:
        file.attrs["kind"] = '"NextMethod"'
    path.write_bytes(seal(path.read_bytes(), VERSION))
    with pytest.raises(
        DatasetError, match="computed with a NextMethod, which this version does not know; update"
    ):
        read_dataset(path)
    with h5py.File(path, "a") as file:
        del file.attrs["kind"]
        file.attrs["method"] = '{"pseudo": "gth-pbe", "k_length": 5.0}'
    path.write_bytes(seal(path.read_bytes(), VERSION))
    assert read_dataset(path).method == CrystalMethod(k_length=5.0)
