"""The Fock matrix on IAOs: exact occupied energies, PySCF's own IAOs, the small basis' order."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto
from pyscf.lo import iao

from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.projection import iao_coefficients, project_on_iaos
from hamexplorer.reference.single_point import calculate


def large_of(structure, basis):
    return calculate(structure, LevelOfTheory("hf", basis, True, 0))


@pytest.mark.parametrize("name", ["water", "H2", "hydroxide", "He"])
@pytest.mark.parametrize("small", ["sto-3g", "minao"])
def test_occupied_energies_survive_exactly(molecule, name, small):
    structure = molecule(name)
    large = large_of(structure, "6-31g*")
    projected = project_on_iaos(structure, small, "6-31g*", large)
    n_ao = make_mole(structure, small).nao
    assert projected.shape == (n_ao, n_ao)
    np.testing.assert_allclose(projected, projected.T, atol=1e-12)
    levels = np.linalg.eigvalsh(projected)
    np.testing.assert_allclose(levels[: large.n_occ], large.mo_energy[: large.n_occ], atol=1e-8)


def test_iaos_are_pyscfs(molecule):
    structure = molecule("water")
    large = large_of(structure, "def2-svp")
    mol, small = make_mole(structure, "def2-svp"), make_mole(structure, "sto-3g")
    occupied = large.mo_coeff[:, : large.n_occ]
    expected = iao.iao(mol, occupied, minao=small._basis)
    ours = iao_coefficients(
        gto.intor_cross("int1e_ovlp", mol, small), small.intor("int1e_ovlp"), large.overlap, occupied
    )
    np.testing.assert_allclose(ours, expected, atol=1e-9)


def test_orbitals_keep_the_order_of_the_small_basis(molecule):
    structure = molecule("water")
    projected = project_on_iaos(structure, "sto-3g", "def2-svp", large_of(structure, "def2-svp"))
    labels = [label.split()[:3] for label in make_mole(structure, "sto-3g").ao_labels()]
    # The oxygen core is by far the lowest diagonal element, and every hydrogen 1s lies above it.
    assert labels[int(np.argmin(np.diag(projected)))] == ["0", "O", "1s"]
    small = calculate(structure, LevelOfTheory("hf", "sto-3g", False, 0))
    root = np.linalg.inv(np.linalg.cholesky(small.overlap))
    orthogonal = root @ small.fock @ root.T
    assert np.corrcoef(np.diag(projected), np.diag(orthogonal))[0, 1] > 0.99


def test_the_basis_projected_on_itself_is_its_own_fock(molecule):
    structure = molecule("water")
    small = calculate(structure, LevelOfTheory("hf", "sto-3g", False, 0))
    projected = project_on_iaos(structure, "sto-3g", "sto-3g", small)
    np.testing.assert_allclose(np.linalg.eigvalsh(projected), small.mo_energy, atol=1e-8)


def test_a_small_basis_larger_than_the_large_one_has_no_projection(molecule):
    structure = molecule("water")
    small = calculate(structure, LevelOfTheory("hf", "sto-3g", False, 0))
    assert project_on_iaos(structure, "6-31g", "sto-3g", small) is None
