"""A run: what it reports, that it repeats and resumes to the last bit, and that it learns."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from hamexplorer.errors import CheckpointError, HamExplorerError, SettingsError, TrainingError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train import events
from hamexplorer.train.settings import RunSettings


@pytest.fixture(scope="module")
def three_lbfgs_steps(run):
    return run(optimizer="lbfgs")


def numbers(report: events.EpochReport) -> tuple:
    """What must repeat; speed may differ."""
    return (
        report.epoch,
        report.loss_train,
        report.loss_validation,
        dict(report.train),
        dict(report.validation),
        report.learning_rate,
    )


def test_events_come_in_order(three_epochs):
    heard = three_epochs.events
    assert isinstance(heard[0], events.Stage) and isinstance(heard[-1], events.Finished)
    assert isinstance(heard[-2], events.Snapshot) and heard[-2].epoch == 3
    assert [e.epoch for e in three_epochs.epochs] == [1, 2, 3]
    first_epoch = heard.index(three_epochs.epochs[0])
    assert any(isinstance(e, events.Snapshot) and e.epoch == 0 for e in heard[:first_epoch])
    fractions = [e.fraction for e in heard if isinstance(e, events.Stage) and e.fraction is not None]
    assert all(0.0 <= f <= 1.0 for f in fractions)
    assert heard[-1].reason == f"Finished after 3 epochs; epoch {heard[-1].best_epoch} was best."


def test_epoch_reports_add_up(three_epochs, settings):
    for report in three_epochs.epochs:
        assert set(report.train) == set(report.validation) == set(settings().targets)
        assert report.n_epochs == 3 and report.molecules_per_second > 0 and report.seconds_left >= 0
    last = three_epochs.epochs[-1]
    assert last.seconds_left == 0.0
    # Weighted by weight over variance: both ratios follow from two epochs, and then fit the third.
    rows = np.array([[r.train[n] ** 2 for n in settings().targets] for r in three_epochs.epochs])
    totals = np.array([r.loss_train for r in three_epochs.epochs])
    scales = np.linalg.lstsq(rows, totals, rcond=None)[0]
    np.testing.assert_allclose(rows @ scales, totals, rtol=1e-6)


def test_validation_error_is_the_evaluated_one(three_epochs, ethanes):
    best = three_epochs.events[-1].best_epoch
    rows = three_epochs.model.evaluate(ethanes, "validation").errors("validation")
    for name, value in three_epochs.epochs[best - 1].validation.items():
        assert rows[name].rmse_per_atom == pytest.approx(value, rel=1e-4)


def test_equal_seeds_give_equal_runs(run, three_epochs, same_weights):
    again = run()
    assert same_weights(again.model, three_epochs.model)
    assert [numbers(e) for e in again.epochs] == [numbers(e) for e in three_epochs.epochs]


def test_another_seed_gives_another_run(run, three_epochs):
    other = run(seed=6, epochs=1)
    assert other.epochs[0].loss_train != three_epochs.epochs[0].loss_train
    assert other.model.split_keys != three_epochs.model.split_keys


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_resuming_continues_to_the_last_bit(run, three_epochs, three_lbfgs_steps, same_weights, optimizer):
    whole = {"adam": three_epochs, "lbfgs": three_lbfgs_steps}[optimizer]
    first = run(epochs=1, optimizer=optimizer)
    second = run(epochs=3, resume=first.folder)
    assert same_weights(second.model, whole.model)
    assert [numbers(e) for e in second.epochs] == [numbers(e) for e in whole.epochs[1:]]
    histories = [json.loads((r.folder / "run.json").read_text())["history"] for r in (second, whole)]
    assert [h["loss_train"] for h in histories[0]] == [h["loss_train"] for h in histories[1]]


def test_resuming_a_finished_run_changes_nothing(run, three_epochs, same_weights):
    again = run(epochs=3, resume=three_epochs.folder)
    assert not again.epochs and same_weights(again.model, three_epochs.model)


def test_resuming_with_other_molecules_is_refused(run, three_epochs, ethanes):
    with pytest.raises(
        CheckpointError, match=r"was trained on another data set than 'ethane'.*resume with the same"
    ):
        run(resume=three_epochs.folder, dataset=ethanes.subset(range(6)))


def test_resuming_from_nowhere_is_refused(run, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"holds no run\.json; give the folder that a training run wrote"
    ):
        run(resume=tmp_path)


def test_lbfgs_lowers_the_loss(three_lbfgs_steps):
    losses = [e.loss_train for e in three_lbfgs_steps.epochs]
    assert losses[-1] < 0.7 * losses[0]
    assert losses == sorted(losses, reverse=True)


def test_a_tiny_fit_falls_a_lot(run):
    """Four molecules and many steps: what the start leaves is learned by heart."""
    losses = [e.loss_train for e in run(epochs=60, learning_rate=0.01, patience=1000).epochs]
    assert losses[-1] < losses[0] / 30


def test_early_stopping_says_so(run):
    stopped = run(epochs=50, learning_rate=1.0, patience=2, plateau=100)
    finished = stopped.events[-1]
    assert finished.epoch < 50
    assert finished.epoch == finished.best_epoch + 2
    assert finished.reason == (
        f"Finished: no better validation error for 2 epochs; epoch {finished.best_epoch} was best."
    )
    assert stopped.model.epoch == finished.best_epoch


def test_no_epochs_give_the_closed_form_start(run):
    start = run(epochs=0)
    assert start.events[-1].epoch == 0 and not start.epochs
    assert start.model.epoch == 0


def test_a_missing_target_is_told(run, ethanes):
    def without(ref):
        return dataclasses.replace(ref, large=dataclasses.replace(ref.large, mulliken_charge=None))

    bare = dataclasses.replace(ethanes, references=tuple(without(r) for r in ethanes.references))
    with pytest.raises(TrainingError, match="holds no mulliken charges for the training structures; untick"):
        run(dataset=bare, targets={"mulliken_charge": 1.0})


def test_too_few_molecules_are_told(run, ethanes):
    with pytest.raises(HamExplorerError, match="at least 3"):
        run(dataset=ethanes.subset([0, 1]))


def test_a_reduction_that_cannot_be_applied_is_told(run):
    with pytest.raises(SettingsError, match="window from 5 to -5 eV is empty"):
        run(reduction="window", window_low=5.0, window_high=-5.0)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_every_target_can_be_learned_alone(run, name):
    losses = [e.loss_train for e in run(targets={name: TARGETS[name].default_weight}, epochs=12).epochs]
    assert np.isfinite(losses).all() and min(losses) < losses[0]


def test_settings_are_written_beside_the_model(three_epochs, settings):
    written = json.loads((three_epochs.folder / "settings.json").read_text())
    assert RunSettings.from_dict(written) == settings()
