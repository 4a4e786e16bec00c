"""Pause, resume, stop and new weights from another thread; every wait is for an event."""

from __future__ import annotations

import dataclasses
import json
import queue
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import pytest

from hamexplorer.train import events, step
from hamexplorer.train.controls import Controls

#: Only a hung run ever waits so long (seconds).
PATIENCE = 300


class Heard:
    """Events of a run in another thread."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Any] = queue.Queue()
        self.put = self._queue.put

    def wait_for(self, kind: type, at_least: int = 0) -> Any:
        while True:
            event = self._queue.get(timeout=PATIENCE)
            if isinstance(event, kind) and event.epoch >= at_least:
                return event
            assert not isinstance(event, events.Finished), f"the run ended before {kind.__name__}"


@pytest.fixture
def thread():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_pause_resume_and_stop_from_another_thread(run, thread):
    controls, heard = Controls(), Heard()
    future = thread.submit(run, controls=controls, on_event=heard.put, epochs=100000)
    try:
        heard.wait_for(events.EpochReport)
        controls.pause()
        paused = heard.wait_for(events.Paused)
        assert controls.paused and not controls.stopped
        assert heard.wait_for(events.Snapshot).epoch == paused.epoch
        controls.resume()
        assert heard.wait_for(events.Resumed).epoch == paused.epoch
        heard.wait_for(events.EpochReport, at_least=paused.epoch + 1)
        controls.pause()
        last = heard.wait_for(events.Paused)
    finally:
        controls.stop()
    finished = heard.wait_for(events.Finished)
    assert finished.epoch == last.epoch and finished.reason.startswith("Stopped ")
    said = future.result(timeout=PATIENCE).events
    assert not any(isinstance(e, events.Resumed) for e in said[said.index(last) :])


def test_a_paused_run_ends_like_an_undisturbed_one(run, three_epochs, same_weights):
    controls = Controls()

    def on_event(event):
        if isinstance(event, events.EpochReport) and event.epoch == 1:
            controls.pause()
        if isinstance(event, events.Paused):
            controls.resume()

    assert same_weights(run(controls=controls, on_event=on_event).model, three_epochs.model)


class StopsAtStep(Controls):
    """Stops when the run asks for new weights for the n-th time, which it does before each step."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def take_weights(self):
        self.left -= 1
        if self.left == 0:
            self.stop()
        return super().take_weights()


class ChangesWithinEpoch(Controls):
    """New weights come after the batches of the second epoch were dealt."""

    asked = 0

    def take_weights(self):
        self.asked += 1
        return {"mo_energy": 1e4, "dipole": 1e3} if self.asked == 4 else None


def test_targets_change_within_an_epoch_of_lbfgs(run):
    """Its batches are stacked once; other targets need others."""
    ran = run(targets={"mo_energy": 1e4}, optimizer="lbfgs", epochs=2, controls=ChangesWithinEpoch())
    assert [set(e.train) for e in ran.epochs] == [{"mo_energy"}, {"mo_energy", "dipole"}]


def test_an_epoch_cut_short_is_undone_and_can_be_resumed(run, three_epochs, same_weights):
    # Once before and twice within epoch 1, once before epoch 2, once before each of its steps.
    stopped = run(controls=StopsAtStep(6))
    assert stopped.events[-1].reason == "Stopped during epoch 2; epoch 1 was best, its model is kept."
    assert stopped.events[-1].epoch == 1 and len(stopped.epochs) == 1
    resumed = run(resume=stopped.folder)
    assert same_weights(resumed.model, three_epochs.model)


def test_a_run_stopped_before_it_began_returns_the_start(run):
    controls = Controls()
    controls.stop()
    stopped = run(controls=controls)
    assert (
        stopped.events[-1].reason == "Stopped after epoch 0; the model of the start is kept."
        and stopped.model.epoch == 0
    )


def changing(controls, weights):
    def on_event(event):
        if isinstance(event, events.EpochReport) and event.epoch == 1:
            controls.set_weights(weights)

    return on_event


def test_weights_changed_on_the_way_are_reported_kept_and_resumed(run, settings, same_weights):
    """From the matrix itself, a direct target, to levels and dipole: targets, loss and batches all change."""
    first, then = {"hamiltonian": 1e3}, dict(settings().targets)

    def go(epochs):
        controls = Controls()
        return run(targets=first, epochs=epochs, controls=controls, on_event=changing(controls, then))

    whole = go(3)
    said = [e for e in whole.events if isinstance(e, events.WeightsChanged)]
    assert [(e.epoch, dict(e.weights)) for e in said] == [(2, then)]
    assert [set(e.train) for e in whole.epochs] == [set(first), set(then), set(then)]
    assert dict(whole.model.settings.targets) == then
    assert whole.events[-1].best_epoch >= 2  # losses before and after cannot be compared
    history = json.loads((whole.folder / "run.json").read_text())["history"]
    assert history[1] == {"epoch": 2, "weights": then}
    snapshots = [e for e in whole.events if isinstance(e, events.Snapshot)]
    assert set(snapshots[0].results.targets) == set(first) and set(snapshots[-1].results.targets) == set(then)

    resumed = run(targets=first, epochs=3, resume=go(2).folder)
    assert same_weights(resumed.model, whole.model)
    assert [set(e.train) for e in resumed.epochs] == [set(then)]


def test_a_target_that_the_data_lack_is_refused_and_the_run_goes_on(run, settings, ethanes, same_weights):
    without = dataclasses.replace(
        ethanes,
        references=tuple(
            dataclasses.replace(r, large=dataclasses.replace(r.large, polarizability=None))
            for r in ethanes.references
        ),
    )
    controls = Controls()
    asked = {**settings().targets, "polarizability": 1.0}
    done = run(controls=controls, on_event=changing(controls, asked), dataset=without)
    (refused,) = [e for e in done.events if isinstance(e, events.Refused)]
    assert refused.sentence == (
        "the dataset 'ethane' holds no polarizability; untick that target; the run goes on with the targets it had"
    )
    assert isinstance(done.events[-1], events.Finished)
    assert dict(done.model.settings.targets) == dict(settings().targets)
    assert same_weights(done.model, run(dataset=without).model)


def test_step_and_evaluation_are_traced_once_in_a_run(run, monkeypatch):
    """What was compiled ahead on zeros is what the run then uses."""
    traced = []
    original = step.loss_of
    monkeypatch.setattr(step, "loss_of", lambda *args: traced.append("loss") or original(*args))
    jax.clear_caches()
    run(epochs=2)
    assert traced == ["loss"]


def test_the_same_weights_again_change_nothing(run, settings, three_epochs, same_weights):
    controls = Controls()
    again = run(controls=controls, on_event=changing(controls, dict(settings().targets)))
    assert not any(isinstance(e, events.WeightsChanged) for e in again.events)
    assert same_weights(again.model, three_epochs.model)


def test_controls_are_a_door():
    controls = Controls()
    assert controls.wait(0.0) and not controls.paused and not controls.stopped
    controls.pause()
    assert controls.paused and not controls.wait(0.0)
    given = {"dipole": 1.0}
    controls.set_weights(given)
    given["dipole"] = 2.0
    assert controls.take_weights() == {"dipole": 1.0} and controls.take_weights() is None
    controls.stop()
    assert controls.stopped and controls.wait(0.0)
