"""Polarizabilities against the dipoles that PySCF finds in a finite field, and against loops."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.response import (
    _fitted_potential,
    _stock_potential,
    coupled_polarizability,
    dipole_integrals,
    uncoupled_polarizability,
)
from hamexplorer.reference.scf import _fresh, run_scf

#: Field strength of the central difference, atomic units.
STEP = 2e-3


def dipole_in_field(structure, level, field):
    mf = _fresh(structure, level)
    mf.conv_tol, mf.conv_tol_grad = 1e-12, 1e-8
    core = mf.get_hcore() + np.einsum("x,xpq->pq", field, mf.mol.intor("int1e_r"))
    mf.get_hcore = lambda *_: core
    mf.kernel()
    assert mf.converged
    return mf.dip_moment(unit="au", verbose=0)


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("xc", ["hf", "b3lyp", "pbe", "lda,vwn"])
def test_coupled_polarizability_matches_finite_field(molecule, xc, fitted):
    level = LevelOfTheory(xc, "6-31g", fitted, 0)
    structure = molecule("HF")
    mf, _ = run_scf(structure, level)
    alpha = coupled_polarizability(mf)
    direction = np.array([0.36, 0.48, 0.8])  # one difference instead of three
    plus, minus = (dipole_in_field(structure, level, s * STEP * direction) for s in (1, -1))
    np.testing.assert_allclose(alpha @ direction, (plus - minus) / (2 * STEP), atol=2e-4)


@pytest.mark.parametrize("xc", ["camb3lyp", "tpss"])
def test_stock_response_is_used_where_ours_does_not_reach(molecule, xc):
    level = LevelOfTheory(xc, "sto-3g", True, 0)
    mf, _ = run_scf(molecule("HF"), level)
    direction = np.array([0.0, 0.0, 1.0])
    plus, minus = (dipole_in_field(molecule("HF"), level, s * STEP * direction) for s in (1, -1))
    np.testing.assert_allclose(coupled_polarizability(mf)[2], (plus - minus) / (2 * STEP), atol=2e-4)


@pytest.mark.parametrize("xc", ["hf", "b3lyp", "pbe"])
def test_the_fitted_potential_is_the_stock_one(molecule, xc, rng):
    """The fast contraction changes the time, not the number."""
    mf, _ = run_scf(molecule("water"), LevelOfTheory(xc, "6-31g", True, 0))
    c_occ, c_vir = mf.mo_coeff[:, :5], mf.mo_coeff[:, 5:]
    hyb = mf._numint.rsh_and_hybrid_coeff(xc)[2] if xc != "hf" else 1.0
    u = rng.normal(size=(3, c_vir.shape[1], 5))
    fast, stock = _fitted_potential(mf, c_occ, c_vir, hyb)(u), _stock_potential(mf, c_occ, c_vir)(u)
    np.testing.assert_allclose(fast, stock, atol=1e-6)


def test_uncoupled_by_loops(molecule):
    mf, _ = run_scf(molecule("water"), LevelOfTheory("hf", "sto-3g", False, 0))
    r = np.einsum("pi,xpq,qj->xij", mf.mo_coeff, dipole_integrals(mf), mf.mo_coeff)
    expected = np.zeros((3, 3))
    for i in range(5):
        for a in range(5, 7):
            expected += 4 * np.outer(r[:, i, a], r[:, i, a]) / (mf.mo_energy[a] - mf.mo_energy[i])
    np.testing.assert_allclose(uncoupled_polarizability(mf), expected, atol=1e-10)


def test_polarizabilities_of_a_charged_molecule_do_not_depend_on_the_origin(molecule):
    level = LevelOfTheory("hf", "6-31g", True, 0)
    here = molecule("hydroxide")
    there = here.moved(here.positions + np.array([3.0, -2.0, 5.0]))
    for alpha in (coupled_polarizability, uncoupled_polarizability):
        values = [alpha(run_scf(s, level)[0]) for s in (here, there)]
        np.testing.assert_allclose(values[0], values[1], atol=1e-5)
