"""Spectra from orbitals, against PySCF and against sums that are known otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import dft, tdscf

from hamexplorer.errors import StructureError
from hamexplorer.physics import spectra
from hamexplorer.physics.molecule import make_mole
from hamexplorer.physics.spectra import broadened, independent_transitions, tamm_dancoff
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.structure import Structure
from hamexplorer.train.molecule_state import calculated_state


@pytest.fixture(scope="module")
def methanal() -> Structure:
    positions = np.array([[0, 0, 1.0], [0, 0, -1.28], [0, 1.76, -2.37], [0, -1.76, -2.37]])
    return Structure(np.array([8, 6, 1, 1]), positions)


@pytest.fixture(scope="module")
def converged(methanal):
    mf = dft.RKS(make_mole(methanal, "sto-3g"), xc="b3lyp")
    mf.grids.level = 1
    mf.kernel()
    return mf


def test_strengths_add_up_to_the_uncoupled_polarizability():
    reference = read_dataset("ethane").references[0]
    state = calculated_state(reference, "sto-3g")
    raw = state.sets["raw"]
    found = independent_transitions(
        state.structure, "sto-3g", raw.energy, state.orthogonaliser @ raw.coeff, state.n_occ
    )
    mean = np.trace(reference.small.polarizability_uncoupled) / 3
    assert (found.strength / found.energy**2).sum() == pytest.approx(mean, rel=1e-5)
    assert (np.diff(found.energy) >= 0).all()
    assert len(found.energy) == 9 * 7
    first = (found.occupied[0], found.empty[0])
    assert found.energy[0] == pytest.approx(raw.energy[first[1]] - raw.energy[first[0]])


def test_tamm_dancoff_is_pyscf_s(methanal, converged):
    found = tamm_dancoff(methanal, "sto-3g", "b3lyp", converged.mo_energy, converged.mo_coeff, 8, n_states=6)
    expected = tdscf.TDA(converged)
    expected.nstates = 6
    expected.kernel()
    np.testing.assert_allclose(found.energy, expected.e, atol=1e-5)
    np.testing.assert_allclose(found.strength, expected.oscillator_strength(), atol=1e-4)
    assert (found.occupied[0], found.empty[0]) == (7, 8)  # n → π*, dark by symmetry
    assert found.share[0] > 0.95 and found.strength[0] < 1e-6


def test_the_hole_holds_the_electron_back(methanal, converged):
    free = independent_transitions(methanal, "sto-3g", converged.mo_energy, converged.mo_coeff, 8)
    bound = tamm_dancoff(methanal, "sto-3g", "b3lyp", converged.mo_energy, converged.mo_coeff, 8, n_states=1)
    assert bound.energy[0] < free.energy[0]


def test_levels_that_do_not_fit_the_kernel_are_a_sentence(methanal, converged):
    with pytest.raises(StructureError, match="come out below zero with hf"):
        tamm_dancoff(methanal, "sto-3g", "hf", converged.mo_energy, converged.mo_coeff, 8, n_states=1)


def test_what_is_too_large_or_full_is_refused(methanal, converged, monkeypatch):
    helium = Structure(np.array([2]), np.zeros((1, 3)), name="He")
    with pytest.raises(StructureError, match="He has no empty orbital in sto-3g"):
        tamm_dancoff(helium, "sto-3g", "hf", np.array([-0.9]), np.eye(1), 1)
    monkeypatch.setattr(spectra, "MOST_ORBITALS", 10)
    with pytest.raises(StructureError, match="12 orbitals, and Tamm-Dancoff is offered up to 10"):
        tamm_dancoff(methanal, "sto-3g", "hf", converged.mo_energy, converged.mo_coeff, 8)


def test_broadening_keeps_the_area():
    at = np.linspace(-5, 5, 2001)
    curve = broadened(np.array([-1.0, 0.5]), np.array([2.0, 1.0]), at, 0.3)
    assert np.trapezoid(curve, at) == pytest.approx(3.0, abs=1e-6)
    assert at[curve.argmax()] == pytest.approx(-1.0, abs=0.01)
