"""What atoms add to the polarizability of a Hamiltonian."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hamexplorer.model import WithResponse
from hamexplorer.physics.molecule import make_mole
from hamexplorer.structures.structure import Structure
from hamexplorer.train.trained import TrainedModel

RUN = {"epochs": 3, "batch_size": 6, "response": "atoms"}
BOTH = {"mo_energy": 1e4, "polarizability": 1e2}


@pytest.fixture(scope="module")
def trained(run, molecules):
    return run(**RUN, targets=BOTH, dataset=molecules)


@pytest.fixture(scope="module")
def levels_alone(run, molecules):
    return run(**RUN | {"response": "matrix"}, targets={"mo_energy": 1e4}, dataset=molecules)


def test_the_hamiltonian_learns_as_without_the_polarizability(trained, levels_alone):
    for one, other in zip(trained.epochs, levels_alone.epochs, strict=True):
        assert one.train["mo_energy"] == pytest.approx(other.train["mo_energy"], rel=1e-4)
        assert one.validation["mo_energy"] == pytest.approx(other.validation["mo_energy"], rel=1e-4)


def test_polarizabilities_of_unseen_molecules_profit(trained, levels_alone, molecules):
    with_atoms, without = (
        each.model.evaluate(molecules, "validation").errors("validation")["polarizability"]
        for each in (trained, levels_alone)
    )
    assert with_atoms.mae < 0.75 * without.mae and with_atoms.rmse < 0.75 * without.rmse


def test_it_turns_with_the_molecule_and_does_not_mind_its_place(trained, molecules):
    turn = Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()
    one = molecules.structures[3]
    other = Structure(one.numbers, one.positions @ turn.T + [1.0, 2.0, 3.0])
    first, second = trained.model.predict([one, other])
    np.testing.assert_allclose(second.polarizability, turn @ first.polarizability @ turn.T, atol=1e-3)
    np.testing.assert_allclose(first.polarizability, first.polarizability.T, atol=1e-9)


def test_what_was_saved_answers_the_same(trained, molecules, tmp_path):
    trained.model.save(tmp_path / "model")
    again = TrainedModel.load(tmp_path / "model")
    one, other = (model.predict(molecules.structures[:2]) for model in (trained.model, again))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.polarizability, b.polarizability)
        np.testing.assert_array_equal(a.mo_energy, b.mo_energy)


def test_the_pull_of_its_error_is_that_beside_what_atoms_add(trained, molecules):
    """By finite differences of the whole error, with the sum over states written out."""
    results, row = trained.model.evaluate(molecules), 0
    state = results.molecule_state(row)
    matrix, x, n = state.sets["learned"].matrix, state.orthogonaliser, state.n_occ
    r = np.einsum("pm,xmn,nq->xpq", x, make_mole(state.structure, state.basis).intor("int1e_r"), x)

    def alone(h: np.ndarray) -> np.ndarray:
        energy, c = np.linalg.eigh(h)
        moved = np.einsum("pi,xpq,qa->xia", c[:, :n], r, c[:, n:])
        return 4 * np.einsum("xia,yia,ia->xy", moved, moved, 1 / (energy[n:] - energy[:n, None]))

    target = results.targets["polarizability"]
    own = target.structure == row
    predicted, reference = (values[own].reshape(3, 3) for values in (target.predicted, target.reference))
    of_mean, of_rest = trained.model.model.screening

    def screened(h: np.ndarray) -> np.ndarray:
        tensor = alone(h)
        mean = np.trace(tensor) / 3 * np.eye(3)
        return of_mean * mean + of_rest * (tensor - mean)

    of_atoms = predicted - screened(matrix)

    def error(h: np.ndarray) -> float:
        return float(((screened(h) + of_atoms - reference) ** 2).sum())

    pull = results.gradients(row, "polarizability", matrix)
    assert np.abs(of_atoms).max() > 0.1, "atoms add something"
    for _ in range(3):
        p, q = np.unravel_index(np.abs(np.triu(pull, 1)).argmax(), pull.shape)
        step = np.zeros_like(matrix)
        step[p, q] = step[q, p] = 1e-5
        slope = (error(matrix + step) - error(matrix - step)) / 2e-5
        assert slope == pytest.approx(2 * pull[p, q], rel=1e-3)
        pull[p, q] = pull[q, p] = 0


def test_electrons_screen_what_the_sum_over_states_gives(trained):
    """Coupled polarizabilities are below uncoupled ones: the response of the others opposes the field."""
    assert np.all(np.asarray(trained.model.model.screening) > 0.1)
    assert np.all(np.asarray(trained.model.model.screening) < 0.9)


def test_models_of_before_there_was_screening_are_read(trained, molecules, tmp_path):
    now = trained.model.model
    before = dataclasses.replace(trained.model, model=WithResponse(now.matrix, now.atoms))
    before.save(tmp_path)
    again = TrainedModel.load(tmp_path)
    assert again.model.screening is None
    one, other = (model.predict(molecules.structures[:1])[0] for model in (before, again))
    np.testing.assert_array_equal(one.polarizability, other.polarizability)
    assert (
        np.abs(one.polarizability - trained.model.predict(molecules.structures[:1])[0].polarizability).max()
        > 1
    )


def test_a_committee_agrees_on_what_atoms_add(run, molecules, tmp_path):
    model = run(**RUN, committee=2, targets=BOTH, dataset=molecules).model
    model.save(tmp_path / "model")
    some = molecules.structures[:3]
    for one, again in zip(
        model.predict(some), TrainedModel.load(tmp_path / "model").predict(some), strict=True
    ):
        np.testing.assert_array_equal(again.polarizability, one.polarizability)
        assert one.spread["polarizability"].max() > 0
    without = run(**RUN | {"response": "matrix"}, committee=2, targets=BOTH, dataset=molecules).model
    left, raw = (
        each.evaluate(molecules, "validation").errors("validation")["polarizability"].rmse
        for each in (model, without)
    )
    assert left < 0.75 * raw
