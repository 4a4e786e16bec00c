"""Matrices between the points of a mesh, judged by the bands that PySCF computed from the converged density."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg

from hamexplorer.physics.bloch import bloch_sum, mesh_points, mesh_translations, symmetric_translations
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.interpolation import matrix_at, on_mesh
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.units import HARTREE_EV

#: Largest error of an occupied band anywhere on the path, meV, with room for other distortions.
PROMISED = {"diamond": 60, "silicon": 15, "hbn": 3, "graphene": 0.1, "polyacetylene": 0.1}


def bands(name: str, each: int, summed: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """Bands of a shipped crystal's matrices on its path, those of PySCF's get_bands, Ha, and occupied ones."""
    dataset = read_dataset(name)
    ref, method = dataset.references[each], dataset.method
    orbitals = CellOrbitals(method.small_basis, method.pseudo)
    mesh, points = tuple(ref.mesh.tolist()), ref.path.points[::3]
    overlap = orbitals.overlap(ref.structure, points)
    if summed:
        matrices = bloch_sum(*symmetric_translations(ref.fock, mesh_translations(mesh), mesh), points)
    else:
        atoms = orbitals.layout(ref.structure).atom_of_ao
        matrices = [
            matrix_at(ref.fock, ref.overlap, mesh, ref.structure, atoms, k, s)
            for k, s in zip(points, overlap, strict=True)
        ]
    found = [scipy.linalg.eigh(h, s, eigvals_only=True) for h, s in zip(matrices, overlap, strict=True)]
    return np.array(found), ref.small.path_energy[::3], ref.n_occ


@pytest.mark.parametrize("name", PROMISED)
def test_bands_between_the_points_are_those_of_pyscf(name):
    found, expected, n_occ = bands(name, 2)
    off = 1000 * HARTREE_EV * np.abs(found - expected)[:, :n_occ].max()
    assert off < PROMISED[name]


def test_a_sum_over_the_cells_of_the_mesh_would_not_do():
    """Why there is more than a Bloch sum: diamond's orbitals reach beyond a 4×4×4 mesh's supercell."""
    found, expected, n_occ = bands("diamond", 2, summed=True)
    assert 1000 * HARTREE_EV * np.abs(found - expected)[:, :n_occ].max() > 1000


def test_on_the_mesh_nothing_is_interpolated():
    dataset = read_dataset("silicon")
    ref = dataset.references[0]
    orbitals = CellOrbitals(dataset.method.small_basis, dataset.method.pseudo)
    mesh, atoms = tuple(ref.mesh.tolist()), orbitals.layout(ref.structure).atom_of_ao
    points = mesh_points(mesh)
    exact = bloch_sum(ref.fock, mesh_translations(mesh), points)
    for k in (0, 7, 22):
        overlap = orbitals.overlap(ref.structure, points[k][None])[0]
        found = matrix_at(ref.fock, ref.overlap, mesh, ref.structure, atoms, points[k], overlap)
        np.testing.assert_allclose(found, exact[k], atol=1e-12)
        energy = scipy.linalg.eigh(found, overlap, eigvals_only=True)
        np.testing.assert_allclose(energy, ref.small.mo_energy[k], atol=1e-6)


def test_which_points_belong_to_a_mesh():
    assert on_mesh(np.array([0.25, -0.5, 1.0]), (4, 2, 1))
    assert not on_mesh(np.array([1 / 3, 1 / 3, 0.0]), (8, 8, 1))
