"""What the pages show of one molecule is what the run says of it."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.errors import TrainingError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.train.molecule_state import calculated_state


@pytest.fixture(scope="module")
def state(three_epochs, ethanes):
    return three_epochs.model.molecule_state(ethanes.structures[3], ethanes.references[3])


def test_the_learned_levels_are_those_of_the_evaluation(three_epochs, ethanes, state):
    levels = three_epochs.model.evaluate(ethanes).mo_energy[3]
    np.testing.assert_allclose(state.sets["learned"].energy, levels, atol=1e-9)


def test_calculated_levels_are_those_of_the_calculations(ethanes, state):
    reference = ethanes.references[3]
    np.testing.assert_allclose(state.sets["raw"].energy, reference.small.mo_energy, atol=1e-6)
    occupied = slice(0, reference.n_occ)
    np.testing.assert_allclose(
        state.sets["reference"].energy[occupied], reference.large.mo_energy[occupied], atol=1e-5
    )


def test_orbitals_are_orthonormal_in_the_overlap(ethanes, state):
    overlap = ethanes.references[3].overlap
    coeff = np.stack([state.orbital("learned", n) for n in range(state.layout.n_ao)], axis=1)
    np.testing.assert_allclose(coeff.T @ overlap @ coeff, np.eye(len(coeff)), atol=1e-8)
    unitary = state.overlap("learned", "reference")
    np.testing.assert_allclose(unitary @ unitary.T, np.eye(len(unitary)), atol=1e-10)


def test_properties_of_the_raw_orbitals_are_those_of_the_calculation(ethanes, state):
    found, small = state.properties("raw"), ethanes.references[3].small
    for name, value in found.items():
        np.testing.assert_allclose(value, getattr(small, name), atol=1e-5, err_msg=name)
    assert set(found) == {"dipole", "mulliken_charge", "lowdin_charge", "mayer_bond_order"}


def test_calculations_are_known_without_a_model(ethanes, state):
    alone = calculated_state(ethanes.references[3], "sto-3g")
    assert list(alone.sets) == ["raw", "reference"]
    # The very same objects: what was drawn of them need not be drawn again.
    assert all(alone.sets[name] is state.sets[name] for name in alone.sets)


def test_results_work_a_state_out_once(three_epochs, ethanes):
    results = three_epochs.model.evaluate(ethanes)
    assert results.known_molecule_state(2) is None
    found = results.molecule_state(2)
    assert results.known_molecule_state(2) is found is results.molecule_state(2)


@pytest.mark.parametrize("target", ["mo_energy", "dipole"])
def test_the_gradient_of_an_error_is_that_of_finite_differences(three_epochs, ethanes, state, target):
    results = three_epochs.model.evaluate(ethanes)
    matrix = state.sets["learned"].matrix
    gradient = results.gradients(3, target, matrix)
    np.testing.assert_allclose(gradient, gradient.T, atol=1e-12)
    reference = ethanes.references[3]

    def error(h: np.ndarray) -> float:
        """‖Δ‖² by NumPy alone."""
        energy, coeff = np.linalg.eigh(h)
        if target == "mo_energy":
            return float(((energy - np.sort(reference.large.mo_energy)[: len(energy)]) ** 2).sum())
        orbitals = state.orthogonaliser @ coeff[:, : state.n_occ]
        mol = make_mole(state.structure, "sto-3g")
        electrons = np.einsum("xpq,pi,qi->x", mol.intor("int1e_r"), orbitals, orbitals)
        nuclei = state.structure.numbers @ state.structure.positions
        return float(((nuclei - 2 * electrons - reference.large.dipole) ** 2).sum())

    step = 1e-4
    for i, j in ((3, 3), (2, 7), (12, 1)):
        change = np.zeros_like(matrix)
        change[i, j] = change[j, i] = step
        expected = (error(matrix + change) - error(matrix - change)) / (2 * step)
        found = gradient[i, j] * (1 if i == j else 2)
        assert found == pytest.approx(expected, rel=2e-4, abs=1e-7)


def test_a_target_without_a_value_has_no_gradient(three_epochs, ethanes, state):
    results = three_epochs.model.evaluate(ethanes)
    with pytest.raises(TrainingError, match="no reference value of this target"):
        results.gradients(3, "nothing", state.sets["learned"].matrix)
