"""Surrogates in training: the same run, the same loss, and properties that behave as physics demands."""

from __future__ import annotations

import dataclasses

import equinox as eqx
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hamexplorer.errors import TrainingError
from hamexplorer.structures.structure import Structure
from hamexplorer.train import events
from hamexplorer.train.controls import Controls
from hamexplorer.train.trained import TrainedModel

TARGETS = {
    "dipole": 1e3,
    "polarizability": 1e2,
    "mulliken_charge": 1e2,
    "lowdin_charge": 1e2,
    "homo_lumo_gap": 1e2,
}
#: One set of targets and one shape: everything compiles once.
RUN = {"targets": TARGETS, "model": "surrogate", "epochs": 12, "batch_size": 6}


@pytest.fixture(scope="module")
def rotation() -> np.ndarray:
    return Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()


@pytest.fixture(scope="module")
def trained(run, molecules):
    return run(**RUN, dataset=molecules)


def test_it_learns_and_unseen_molecules_profit(trained, molecules):
    start, *_, last = trained.epochs
    assert last.loss_train < start.loss_train
    for part, names in (("validation", set(TARGETS) - {"homo_lumo_gap"}), ("train", set(TARGETS))):
        fitted = trained.model.evaluate(molecules, part)  # two dozen molecules do not teach gaps of others
        spread = {name: t.reference.std() for name, t in fitted.targets.items()}
        for name in names:
            # Better than the mean, which knows nothing of geometry.
            assert fitted.errors(part)[name].rmse < spread[name], name


@pytest.fixture(scope="module")
def asked(molecules, rotation) -> list[Structure]:
    """A molecule, the same turned and moved, an ion, the same moved: one batch, compiled once."""
    structure = molecules.structures[5]
    ammonium = Structure(
        np.array([7, 1, 1, 1, 1]),
        1.1 * np.array([[0, 0, 0], [1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float),
        charge=1,
    )
    turned = structure.moved(structure.positions @ rotation.T + [3.0, -2.0, 5.0])
    return [structure, turned, ammonium, ammonium.moved(ammonium.positions + np.array([2.0, -1.0, 4.0]))]


@pytest.fixture(scope="module")
def predictions(trained, asked):
    return trained.model.predict(asked)


def test_predictions_rotate_and_charges_add_up(predictions, rotation):
    before, after = predictions[:2]
    assert after.homo_lumo_gap == pytest.approx(before.homo_lumo_gap, abs=1e-5) and before.homo_lumo_gap > 0
    assert np.linalg.norm(before.dipole) > 1e-2
    np.testing.assert_allclose(after.dipole, rotation @ before.dipole, atol=1e-4)
    np.testing.assert_allclose(after.polarizability, rotation @ before.polarizability @ rotation.T, atol=1e-3)
    for name in ("mulliken_charge", "lowdin_charge"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-5)
        assert abs(getattr(before, name).sum()) < 1e-6


def test_the_dipole_of_an_ion_moves_with_the_origin_as_its_charge_does(predictions):
    here, there = predictions[2:]
    np.testing.assert_allclose(there.dipole - here.dipole, [2.0, -1.0, 4.0], atol=1e-4)
    assert here.mulliken_charge.sum() == pytest.approx(1.0, abs=1e-6)


def test_it_is_saved_and_answers_the_same_when_loaded(trained, asked, predictions):
    again = TrainedModel.load(trained.folder)
    for one, other in zip(predictions, again.predict(asked), strict=True):
        np.testing.assert_array_equal(one.dipole, other.dipole)
        assert other.homo_lumo_gap == one.homo_lumo_gap
        assert other.mo_energy.size == 0 and other.mayer_bond_order is None
    assert not again.has_hamiltonian


def test_a_file_from_before_surrogates_knew_gaps_answers_as_then(trained, asked, predictions, tmp_path):
    whole = trained.model
    before = {name: weight for name, weight in TARGETS.items() if name != "homo_lumo_gap"}
    own = whole.model
    stripped = eqx.tree_at(
        lambda m: (m.pooled_out, m.start, m.units),
        own,
        (None, own.start._replace(gap=None), own.units._replace(gap=None)),
    )
    settings = dataclasses.replace(whole.settings, targets=before)
    dataclasses.replace(whole, model=stripped, settings=settings).save(tmp_path)
    for one, other in zip(predictions, TrainedModel.load(tmp_path).predict(asked), strict=True):
        np.testing.assert_allclose(one.dipole, other.dipole, atol=1e-6)
        assert np.isnan(other.homo_lumo_gap)


def test_a_resumed_run_is_the_undisturbed_one(run, molecules, trained, same_weights):
    half = run(**{**RUN, "epochs": 5}, dataset=molecules)
    resumed = run(**RUN, dataset=molecules, resume=half.folder)
    assert same_weights(resumed.model, trained.model)


def test_it_cannot_learn_levels_and_says_so(run, ethanes):
    with pytest.raises(
        TrainingError, match="a surrogate has no Hamiltonian and cannot learn orbital energies"
    ):
        run(model="surrogate", targets={"mo_energy": 1.0, "dipole": 1.0})


def test_levels_asked_for_on_the_way_are_refused_and_the_run_goes_on(run, molecules, trained, same_weights):
    controls = Controls()
    controls.set_weights({"mo_energy": 1.0})
    went_on = run(**RUN, dataset=molecules, controls=controls)
    refused = [e.sentence for e in went_on.events if isinstance(e, events.Refused)]
    assert len(refused) == 1 and "cannot learn orbital energies" in refused[0]
    assert same_weights(went_on.model, trained.model)


def test_what_it_cannot_show_is_told(trained, molecules):
    with pytest.raises(TrainingError, match="has no Hamiltonian to show"):
        trained.model.molecule_state(molecules.structures[0])
    results = trained.model.evaluate(molecules, "all")
    assert set(results.targets) == set(TARGETS)
    assert results.molecule_state(0) is None and set(results.mo_energy) == {None}
