"""Integrals and eigenstates against PySCFAD's own molecules, and what padding leaves."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from pyscfad import gto as ad_gto
from pyscfad.ml.gto import MolePad, make_basis_array
from pyscfad.ml.scf import SCFPad

from hamexplorer.errors import BasisError
from hamexplorer.physics.integrals import element_shells, make_integrals, pad_integrals
from hamexplorer.physics.solve import solve


def test_integrals_match_pyscfads(solved):
    s = solved("CH3OH")
    mol = ad_gto.Mole(
        atom=[(z, tuple(r)) for z, r in zip(s.structure.symbols, s.structure.positions, strict=True)],
        basis="sto-3g",
        unit="Bohr",
        verbose=0,
    )
    mol.build(trace_exp=False, trace_ctr_coeff=False)
    root = s.integrals.root
    np.testing.assert_allclose(root @ root, mol.intor("int1e_ovlp"), atol=1e-10)
    np.testing.assert_allclose(root @ s.integrals.r @ root, mol.intor("int1e_r"), atol=1e-10)
    np.testing.assert_allclose(s.integrals.inverse_root @ root, np.eye(len(root)), atol=1e-10)
    charges = s.structure.numbers
    np.testing.assert_allclose(s.integrals.nuclear_dipole, charges @ s.structure.positions, atol=1e-12)


def test_solving_matches_pyscfads_padded_class(solved):
    """The generalised problem with PySCFAD's padded molecule and overlap, against H̃ in Löwdin orbitals."""
    s = solved("H2O")
    mol = MolePad(
        np.array([*s.structure.numbers, 0]),
        np.array([*s.structure.positions, [0.0, 0.0, 0.0]]),
        basis=make_basis_array("sto-3g", max_number=8),
        verbose=0,
    )
    real = np.flatnonzero(np.asarray(mol.ao_mask))
    mf = SCFPad(mol)
    overlap = np.asarray(mol.intor("int1e_ovlp"))
    np.testing.assert_allclose(overlap[np.ix_(real, real)], s.mf.get_ovlp(), atol=1e-10)
    fock = np.zeros_like(overlap)
    fock[np.ix_(real, real)] = s.fock
    theirs, coeff = mf.eig(jnp.asarray(fock), jnp.asarray(overlap))
    occ = mf.get_occ(theirs, coeff)
    density = np.asarray(mf.make_rdm1(coeff, occ))[np.ix_(real, real)]
    state = solve(jnp.asarray(s.hamiltonian), s.integrals)
    np.testing.assert_allclose(state.mo_energy, theirs[:7], atol=1e-8)
    root = s.integrals.root
    np.testing.assert_allclose(state.density, root @ density @ root, atol=1e-8)


@pytest.mark.parametrize("n_more", [0, 3])
def test_states_are_orthonormal_idempotent_and_masked(solved, n_more):
    s = solved("H2O")
    padded = pad_integrals(s.integrals, n_ao=7 + n_more, n_atoms=3 + n_more)
    h = np.pad(s.hamiltonian, ((0, n_more), (0, n_more)))
    state = solve(jnp.asarray(h), padded)
    np.testing.assert_allclose(state.mo_coeff.T @ state.mo_coeff, np.eye(7 + n_more), atol=1e-9)
    np.testing.assert_allclose(state.density @ state.density, 2 * state.density, atol=1e-8)
    np.testing.assert_array_equal(state.mo_mask, np.arange(7 + n_more) < 7)
    np.testing.assert_array_equal(state.mo_occ, np.where(np.arange(7 + n_more) < 5, 2.0, 0.0))
    np.testing.assert_allclose(state.mo_energy[:7], s.mo_energy, atol=1e-8)


def test_padding_keeps_sizes_and_adds_nothing(solved):
    s = solved("H2O")
    padded = pad_integrals(s.integrals, n_ao=9, n_atoms=5)
    assert padded.root.shape == padded.inverse_root.shape == (9, 9) and padded.r.shape == (3, 9, 9)
    assert padded.member.shape == (9, 5) and padded.member.sum() == 7
    np.testing.assert_array_equal(padded.ao_mask, [True] * 7 + [False] * 2)
    np.testing.assert_array_equal(padded.charges, [8, 1, 1, 0, 0])
    np.testing.assert_allclose(padded.root @ padded.inverse_root, np.eye(9), atol=1e-10)


def test_shells_count_contractions_singly():
    assert element_shells("sto-3g", 6) == (0, 0, 1)
    assert element_shells("def2-svp", 6) == (0, 0, 0, 1, 1, 2)
    assert element_shells("cc-pvdz", 1) == (0, 0, 1)


def test_an_element_without_functions_is_told():
    with pytest.raises(BasisError, match="the basis '6-31g' has no functions for U; choose another basis"):
        element_shells("6-31g", 92)


def test_integrals_of_an_unknown_basis_are_refused(solved):
    with pytest.raises(BasisError, match="choose another basis"):
        make_integrals(solved("H2O").structure, "nonsense")
