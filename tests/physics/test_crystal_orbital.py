"""Crystal orbitals in space against lattice sums written out, Bloch's theorem and the norm of a cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
from pyscf import gto

from hamexplorer.errors import BasisError
from hamexplorer.physics.cell import CellOrbitals, make_cell
from hamexplorer.physics.crystal_orbital import CellGrid, function_values, wave
from hamexplorer.physics.xtb_parameters import XTB_BASIS
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, distorted
from hamexplorer.structures.structure import Structure

GTH = CellOrbitals("gth-szv", "gth-pbe")
CRYSTALS = {
    "layer": lambda: distorted(build_layer(), n=1, amplitude=0.1, strain=0.03, seed=4)[0],
    "chain": build_polyacetylene,
}
K = np.array([0.31, -0.12, 0.0])


@pytest.fixture(params=["layer", "chain"], scope="module")
def crystal(request) -> Structure:
    return CRYSTALS[request.param]()


def k_of(structure: Structure) -> np.ndarray:
    return np.where(structure.pbc, K, 0.0)


def some_orbital(structure: Structure, orbitals: CellOrbitals, k: np.ndarray) -> np.ndarray:
    """Any coefficients with C† S(k) C = 1, complex."""
    rng = np.random.default_rng(11)
    overlap = orbitals.overlap(structure, k[None])[0]
    c = rng.normal(size=len(overlap)) + 1j * rng.normal(size=len(overlap))
    return c / np.sqrt((c.conj() @ overlap @ c).real)


@pytest.mark.parametrize("orbitals", [GTH, CellOrbitals(XTB_BASIS)], ids=["gth", "xtb"])
def test_functions_are_lattice_sums_of_a_molecules(crystal, orbitals):
    """Σ_T e^{ik·T} φ(r − T), each φ by PySCF's molecular code, T summed here."""
    low, high = (np.where(crystal.pbc, *ends) for ends in ((-1.5, 0.3), (2.0, 0.7)))
    points = np.random.default_rng(3).uniform(low, high, size=(60, 3)) @ crystal.cell
    moved = crystal.positions.copy()
    moved[0] += crystal.cell[0]  # an atom that stands in another cell
    crystal = crystal.moved(moved)
    atoms = list(zip(crystal.symbols, map(tuple, crystal.positions), strict=True))
    shells = {
        s: list(orbitals.gaussians(z)) for s, z in zip(crystal.symbols, crystal.numbers.tolist(), strict=True)
    }
    mol = gto.M(atom=atoms, unit="Bohr", basis=shells, spin=None, verbose=0)
    expected = np.zeros((len(points), mol.nao), complex)
    k = k_of(crystal)
    for cell in itertools.product(range(-8, 9), range(-8, 9) if crystal.pbc[1] else (-1, 0, 1), (-1, 0, 1)):
        shifted = points - np.array(cell) @ crystal.cell
        expected += np.exp(2j * np.pi * k @ cell) * mol.eval_gto("GTOval_sph", shifted)
    np.testing.assert_allclose(function_values(crystal, orbitals, k, points), expected, atol=1e-5)


def test_functions_are_those_of_the_calculations_cell(crystal):
    """The cell that only carries functions has the values of the one with pseudopotentials, at PySCF's own k-points."""
    cell = make_cell(crystal, "gth-szv", pseudo="gth-pbe")
    k, points = k_of(crystal), np.random.default_rng(5).random((30, 3)) @ crystal.cell
    (expected,) = cell.pbc_eval_gto("GTOval_sph", points, kpts=cell.get_abs_kpts(k[None]))
    np.testing.assert_allclose(function_values(crystal, GTH, k, points), expected, atol=1e-5)


def test_the_wave_obeys_blochs_theorem_in_every_shown_cell(crystal):
    """What is repeated with a phase is what PySCF gives at the points of the other cells."""
    k = k_of(crystal)
    c = some_orbital(crystal, GTH, k)
    grid, values = wave(crystal, GTH, k, c)
    whole = grid.repeated(values, k)
    assert whole.shape == tuple(np.multiply(grid.copies, grid.shape)) and len(grid.cells) >= 4
    assert np.abs(whole.imag).max() > 0.01, "a wave that runs is complex"
    places = np.random.default_rng(7).integers(0, whole.shape, size=(60, 3))
    there = grid.corner + places @ grid.steps
    expected = function_values(crystal, GTH, k, there) @ c
    np.testing.assert_allclose(whole[tuple(places.T)], expected, atol=1e-5)


def test_a_cell_holds_one_electron(crystal):
    k = k_of(crystal)
    grid, values = wave(crystal, GTH, k, some_orbital(crystal, GTH, k))
    # Where nothing repeats the box ends 5 bohr from the atoms.
    assert (np.abs(values) ** 2).sum() * grid.volume == pytest.approx(1, abs=0.01)


def test_orbitals_on_the_grid_are_orthogonal_as_the_overlap_says():
    """Of diamond at a k-point between those of any mesh: eigenvectors of H(k) and S(k) by SciPy."""
    diamond = build_bulk("C", "diamond")
    k = np.array([0.13, 0.31, 0.22])
    overlap = GTH.overlap(diamond, k[None])[0]
    grid = CellGrid.of(diamond)
    functions = function_values(diamond, GTH, k, grid.points)
    np.testing.assert_allclose(functions.conj().T @ functions * grid.volume, overlap, atol=2e-3)
    _, vectors = scipy.linalg.eigh(np.diag(np.arange(8.0)), overlap)
    waves = functions @ vectors
    np.testing.assert_allclose(waves.conj().T @ waves * grid.volume, np.eye(8), atol=5e-3)


def test_shown_atoms_lie_within_the_shown_cells(crystal):
    grid = CellGrid.of(crystal)
    index, positions = grid.atoms()
    assert len(index) == crystal.n_atoms * np.prod(grid.copies)
    inside = (positions - (grid.corner - grid.steps.sum(0) / 2)) @ np.linalg.inv(grid.steps)
    assert (inside > -1e-6).all() and (inside < np.multiply(grid.copies, grid.shape) + 1e-6).all()
    away = (positions - crystal.positions[index]) @ np.linalg.inv(crystal.cell)
    np.testing.assert_allclose(away, np.round(away), atol=1e-9)


def test_an_element_without_functions_is_a_sentence():
    plutonium = Structure(np.array([94]), np.zeros((1, 3)), cell=8 * np.eye(3), pbc=(True,) * 3)
    with pytest.raises(BasisError, match="has no functions for Pu"):
        function_values(plutonium, GTH, np.zeros(3), np.zeros((1, 3)))
