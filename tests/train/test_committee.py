"""A committee: members that differ, a mean that predicts, a spread that is the members' own."""

from __future__ import annotations

import dataclasses
import json
import shutil

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.model import Committee
from hamexplorer.session import recipe
from hamexplorer.session.runs import Run as KeptRun
from hamexplorer.train import trained
from hamexplorer.train.batches import make_batch
from hamexplorer.train.committee import structure_weights
from hamexplorer.train.events import Snapshot
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.prepare import arrange, prepare
from hamexplorer.train.step import evaluate_batch, loss_of
from hamexplorer.train.trained import TrainedModel

N = 3
#: Of the tiny runs' seeds one whose epochs get better: the best model is then one that has learned.
LEARNING = {"committee": N, "seed": 8}


@pytest.fixture(scope="module")
def committee(run):
    made = run(**LEARNING, epochs=3)
    assert made.model.epoch == 3
    return made


@pytest.fixture(scope="module")
def prepared(settings, ethanes):
    chosen = settings(**LEARNING)
    return prepare(arrange(ethanes, chosen), chosen)


@pytest.fixture(scope="module")
def ask(prepared, settings):
    """What a model says of all molecules; of the run's own shape, so that nothing is compiled for it."""
    names, shape = tuple(settings().targets), prepared.batch_shape(2)
    evaluator = Evaluator(prepared.frames, range(8), names, prepared.model.template, 2, shape)

    def found(model) -> Predicted:
        into = Predicted(8)
        evaluator.run(model, into)
        return into

    return found


def test_members_differ_and_share_their_trunk(committee):
    model = committee.model.model
    assert isinstance(model, Committee) and len(model) == N
    for leaf in jax.tree.leaves(model.own):
        assert leaf.shape[0] == N
        assert all(not np.array_equal(leaf[0], leaf[m]) for m in range(1, N))
    # What comes before the heads is there once.
    single, shared = model.member(0).network, model.shared.network
    assert shared.trunk.embed.shape == single.trunk.embed.shape and shared.own_gate.first is None


def test_the_first_member_begins_like_a_model_that_is_alone(run, prepared):
    alone, together = run(epochs=0, seed=8).model, prepared
    for a, b in zip(jax.tree.leaves(alone.model), jax.tree.leaves(together.model.member(0)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_before_it_has_learned_the_committee_is_of_one_mind(prepared, ask):
    """All outputs start at zero: it stands where the closed-form start does."""
    one, other = ask(prepared.model), ask(prepared.model.member(0))
    np.testing.assert_allclose(one.mo_energy, other.mo_energy, atol=1e-9)
    assert max(spread["mo_energy"].max() for spread in one.spread) < 1e-9


def test_the_committee_says_what_its_mean_hamiltonian_says(committee, ethanes):
    structure, model = ethanes.structures[0], committee.model
    alone = [dataclasses.replace(model, model=model.model.member(m)) for m in range(N)]
    matrices = [member.molecule_state(structure).sets["learned"].matrix for member in alone]
    together = model.molecule_state(structure).sets["learned"]
    assert np.abs(matrices[0] - matrices[1]).max() > 1e-6
    np.testing.assert_allclose(together.matrix, np.mean(matrices, axis=0), atol=1e-7)


def test_the_spread_is_that_of_the_members(committee, ask):
    model = committee.model.model
    answer, each = ask(model), [ask(model.member(m)) for m in range(N)]
    for k in range(8):
        apart = {
            "mo_energy": [mine.mo_energy[k] - answer.mo_energy[k] for mine in each],
            "dipole": [mine.values[k]["dipole"] - answer.values[k]["dipole"] for mine in each],
        }
        for name, deltas in apart.items():
            by_hand = np.sqrt(np.sum(np.square(deltas), axis=0) / (N - 1))
            assert by_hand.max() > 1e-7
            np.testing.assert_allclose(answer.spread[k][name], by_hand, rtol=1e-2, atol=1e-8)


def test_predictions_carry_the_spread(committee, ethanes, monkeypatch):
    monkeypatch.setattr(
        trained, "PREDICTED", ("homo_lumo_gap", "dipole")
    )  # compiles in a fraction of the time
    structures = ethanes.structures[:2]
    predictions, summary = committee.model.predict(structures), committee.model.spread(structures)
    state = committee.model.molecule_state(structures[0]).sets["learned"]
    np.testing.assert_allclose(predictions[0].mo_energy, state.energy, atol=1e-6)
    assert set(summary) == {"mo_energy", "homo_lumo_gap", "dipole"}
    for name, values in summary.items():
        rms = [np.sqrt(np.mean(np.square(prediction.spread[name]))) for prediction in predictions]
        np.testing.assert_allclose(values, rms, rtol=1e-4)


def test_results_carry_the_spread_while_it_trains(committee):
    results = [event for event in committee.events if isinstance(event, Snapshot)][-1].results
    for name, target in results.targets.items():
        assert target.spread.shape == target.reference.shape, name
        assert np.isfinite(target.spread).all() and target.spread.max() > 0
    target = results.targets["mo_energy"]
    inside = np.isin(target.structure, results.split.validation)
    spread, error = results.calibration("mo_energy")
    assert error == pytest.approx(np.sqrt(np.mean((target.predicted - target.reference)[inside] ** 2)))
    assert spread == pytest.approx(np.sqrt(np.mean(target.spread[inside] ** 2)))


def test_a_model_that_is_alone_has_no_spread(three_epochs, ethanes):
    results = [event for event in three_epochs.events if isinstance(event, Snapshot)][-1].results
    assert all(target.spread is None for target in results.targets.values())
    assert results.calibration("mo_energy") is None
    with pytest.raises(
        SettingsError, match="has no members that could disagree; train with a committee of 4"
    ):
        three_epochs.model.spread(ethanes.structures[:1])


def test_it_comes_back_from_its_folder(committee, ask, same_weights):
    loaded = TrainedModel.load(committee.folder)
    assert loaded.settings.committee == N and same_weights(loaded, committee.model)
    one, other = ask(loaded.model), ask(committee.model.model)
    np.testing.assert_array_equal(one.mo_energy[0], other.mo_energy[0])
    np.testing.assert_array_equal(one.spread[0]["mo_energy"], other.spread[0]["mo_energy"])


def test_it_resumes_bit_for_bit(run, committee, same_weights):
    first = run(**LEARNING, epochs=2)
    assert same_weights(run(resume=first.folder, epochs=3).model, committee.model)


def test_a_model_of_before_there_were_committees_is_read(three_epochs, tmp_path, same_weights):
    shutil.copytree(three_epochs.folder, tmp_path / "old")
    path = tmp_path / "old" / "model.json"
    header = json.loads(path.read_text())
    del header["settings"]["committee"], header["header_sha256"]
    path.write_text(json.dumps(header))
    old = TrainedModel.load(tmp_path / "old")
    assert old.settings.committee == 1 and same_weights(old, three_epochs.model)


def test_recipes_carry_it(settings):
    made = KeptRun(1, "ethane", None, 100, settings(committee=4))
    assert "committee = 4" in recipe.settings_toml(made) and "committee=4," in recipe.script(made)


@pytest.mark.parametrize("size", [0, 17])
def test_sizes_that_make_no_sense_are_refused(settings, size):
    with pytest.raises(SettingsError, match="Committee must be a whole number from 1 to 16"):
        settings(committee=size)


def test_every_member_weighs_the_structures_its_own_way(settings):
    drawn = structure_weights(settings(committee=8), 2000)
    assert drawn.shape == (8, 2000) and drawn.min() > 0
    np.testing.assert_allclose(drawn.mean(1), 1.0)
    # An exponential distribution of mean 1 has variance 1; rows are independent.
    np.testing.assert_allclose(drawn.var(1), 1.0, atol=0.15)
    assert np.abs(np.corrcoef(drawn) - np.eye(8)).max() < 0.1
    np.testing.assert_array_equal(drawn, structure_weights(settings(committee=8), 2000))
    assert structure_weights(settings(), 2000) is None


def test_members_learn_from_structures_as_they_weigh_them(committee, prepared, settings):
    """The committee's loss against that of its members on single structures, summed by hand."""
    frames, names, model = prepared.part("train")[:2], tuple(settings().targets), committee.model.model
    scales = jnp.array([2.0, 3.0])
    weights = np.array([[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]])
    batch = make_batch(frames, prepared.batch_shape(2), model.template, names)
    together, beside = eqx.filter_jit(loss_of)(model, batch, scales, names, weights)
    by_hand = 0.0
    for m in range(N):
        each = evaluate_batch(model.member(m), batch, names)[1]
        by_hand += float((np.array([2.0, 3.0])[:, None] * np.asarray(each) * weights[m]).sum() / 2)
    assert float(together) == pytest.approx(by_hand, rel=1e-4)
    assert beside[0].shape == (2, 2)


def test_each_epoch_tells_the_length_of_its_gradient(three_epochs, committee):
    for made in (three_epochs, committee):
        assert all(np.isfinite(report.gradient_norm) and report.gradient_norm > 0 for report in made.epochs)


@pytest.mark.slow
def test_a_committee_learns_with_a_line_search(run):
    made = run(**LEARNING, epochs=4, optimizer="lbfgs")
    assert made.epochs[-1].loss_train < made.epochs[0].loss_train
    first, *_, last = [event.results.targets for event in made.events if isinstance(event, Snapshot)]
    assert first["mo_energy"].spread.max() < 1e-6
    assert last["mo_energy"].spread.max() > 1e-3


def test_linear_members_differ_by_the_structures_they_weigh(run):
    """They begin alike, weights and all."""
    made = run(committee=2, seed=8, model="linear", epochs=2, learning_rate=1e-2)
    first, *_, last = [event.results.targets for event in made.events if isinstance(event, Snapshot)]
    assert first["mo_energy"].spread.max() < 1e-6
    assert last["mo_energy"].spread.max() > 1e-3
