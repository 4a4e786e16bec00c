"""The part of the session that trains: settings, one daemon thread, and what it reports."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.plots import History
from hamexplorer.session.choices import Choices
from hamexplorer.session.runs import Run
from hamexplorer.session.state import STATES, Progress
from hamexplorer.session.timeline import Timeline
from hamexplorer.train.events import (
    EpochReport,
    Failed,
    Finished,
    Paused,
    Refused,
    Resumed,
    Snapshot,
    Stage,
    Underway,
    WeightsChanged,
)
from hamexplorer.train.run import Controls, train
from hamexplorer.train.settings import unpredicted
from hamexplorer.train.trained import TrainedModel

RUNNING = ("preparing", "training", "paused")
#: Finished runs that a session keeps.
MOST_RUNS = 12


class Training(Choices):
    """One training run at a time. Settings are frozen at Start; later changes are for the next run."""

    state = traitlets.Enum(STATES, "idle")
    progress = traitlets.Any(Progress())
    history = traitlets.Any()
    results = traitlets.Any(
        None,
        allow_none=True,
        help="Results that every view shows: the latest of the run, or those of `shown_epoch`",
    )
    timeline = traitlets.Any(Timeline(), help="Results of earlier epochs")
    shown_run = traitlets.Int(
        None, allow_none=True, help="number of the finished run that is shown; None: none"
    )
    shown_epoch = traitlets.Int(
        None, allow_none=True, help="an earlier epoch that every view shows; None: the latest"
    )
    model = traitlets.Any(None, allow_none=True, help="the TrainedModel of the last run, or None")
    learning = traitlets.Any(
        None, allow_none=True, help="the TrainedModel of the run under way as it is now, or None"
    )

    runs = traitlets.Tuple(help="finished Runs of this session, the first first")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.history = History()
        self._controls: Controls | None = None
        self._run: Run | None = None
        self._began = 0.0
        self.observe(self._watch_picked, "picked")

    def set_weights(self, weights: Mapping[str, float]) -> bool:
        """Change targets and weights, of the run under way too."""
        accepted = self.configure(targets=dict(weights))
        if accepted and self.state in RUNNING and self._controls is not None:
            self._controls.set_weights(dict(weights))
        return accepted

    # ---- verbs -------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self.state in RUNNING

    def why_not(self, verb: str) -> str:
        """Why ``start``, ``pause``, ``resume``, ``stop`` or ``reset`` cannot be used now; empty if it can."""
        if verb == "start":
            return self._why_not_start()
        if verb == "reset":
            if self.running:
                return "stop the training first"
            return "" if self.results is not None or self.state != "idle" else "there is nothing to reset"
        if verb in ("pause", "resume"):
            wanted = "training" if verb == "pause" else "paused"
            return "" if self.state == wanted else f"nothing is {wanted} now"
        return "" if self.running else "nothing is training now"

    def _why_not_start(self, *, with_model: bool = True) -> str:
        if self.running:
            return "a training is under way"
        if self.loading:
            return f"{self.loading} is still under way"
        if not self.trainable:
            return "no chosen structure has references; open a dataset, or compute references"
        try:
            self.split_of(self.trainable)
        except HamExplorerError as error:
            return str(error)
        return unpredicted(self.settings) if with_model else ""

    def start(self) -> None:
        """Train on the chosen molecules with the settings as they are now."""
        if self.running:
            return  # the second click of two
        reason = self.why_not("start")
        if reason:
            self.say(reason, "warning", "training")
            return
        rows, settings = self.trainable, self.settings
        whole = len(rows) == len(self.dataset)
        dataset = self.dataset if whole else self.dataset.subset(rows)
        self._controls = controls = Controls()
        number = self.runs[-1].number + 1 if self.runs else 1
        self._run = Run(number, self.dataset.name, None if whole else rows, len(rows), settings)
        self._began = time.monotonic()
        self._watch(dataset)
        with self.hold_trait_notifications():
            self.state = "preparing"
            self.history, self.results = History(), None
            self.timeline, self.shown_epoch, self.shown_run = Timeline(), None, None
            self.model = None
            self.progress = Progress(text="preparing", n_epochs=settings.epochs)
            self.say("", where="training")

        def work() -> TrainedModel:
            return train(
                dataset,
                settings,
                controls=controls,
                report=lambda event: self.pump.put(self._reported, event),
            )

        self.pump.start(work, done=self._trained, failed=self._train_failed, end=controls.stop)

    def _watch_picked(self, _: Any) -> None:
        if self.results is not None:
            self._watch(self.results.dataset)

    def _watch(self, dataset: Any) -> None:
        """Let the run work out the bands of the picked crystal."""
        if self._controls is None or not 0 <= self.picked < len(self.structures):
            return
        key = self.structures[self.picked].key
        keys = [structure.key for structure in dataset.structures]
        self._controls.watched = keys.index(key) if key in keys else None

    def pause(self) -> None:
        """Hold the training after the step under way."""
        if not self.why_not("pause") and self._controls is not None:
            self._controls.pause()
            self.progress = dataclasses.replace(self.progress, text="pausing")

    def resume(self) -> None:
        if not self.why_not("resume") and self._controls is not None:
            self._controls.resume()

    def stop(self) -> None:
        """End the training after the step under way; the best model so far is kept."""
        if not self.why_not("stop") and self._controls is not None:
            self._controls.stop()
            self.progress = dataclasses.replace(self.progress, text="stopping")

    def reset(self) -> None:
        """Forget the run: curves, results and model. Molecules and settings stay."""
        if self.why_not("reset"):
            return
        with self.hold_trait_notifications():
            self.state, self.progress = "idle", Progress()
            self.history, self.results = History(), None
            self.timeline, self.shown_epoch, self.shown_run = Timeline(), None, None
            self.model = None
            self.say("", where="training")

    def show_epoch(self, epoch: int | None) -> None:
        """Move every view to an epoch that was kept; None, or the last one, follows the training again."""
        kept = self.timeline.kept
        found = None if epoch is None else self.timeline.at(epoch)
        if not kept or (epoch is not None and found is None):
            return
        live = found is None or found is kept[-1]
        with self.hold_trait_notifications():
            self.shown_epoch = None if live else epoch
            self.results = kept[-1] if live else found

    # ---- reports -----------------------------------------------------------------------------------

    def _reported(self, events: list[Any]) -> None:
        """Everything since the last visit at once, so that each trait changes at most once."""
        history, timeline, progress, state = self.history, self.timeline, self.progress, self.state
        learning = self.learning
        for event in events:
            match event:
                case Stage():
                    progress = dataclasses.replace(progress, text=event.text, fraction=event.fraction)
                case EpochReport():
                    history = history.with_epoch(event)
                    progress = _progress_of(event)
                    state = "training" if state == "preparing" else state
                case Snapshot():
                    timeline, learning = timeline.with_results(event.results), event.model
                case Underway():
                    history = history.with_running(event.epoch, event.train)
                case WeightsChanged():
                    history = history.with_mark(event.epoch, "weights")
                    if self._run is not None:
                        self._run = self._run.with_weights(event.epoch, dict(event.weights))
                case Refused():
                    self.say(event.sentence, "warning", "training")
                case Paused():
                    state = "paused"
                    progress = dataclasses.replace(progress, text="paused")
                case Resumed():
                    state = "training"
                    progress = dataclasses.replace(progress, text="")
                case Finished() if state != "failed":
                    state = "stopped" if self._controls and self._controls.stopped else "finished"
                    progress = dataclasses.replace(progress, text=event.reason, seconds_left=None)
                case Failed():
                    state, progress = "failed", dataclasses.replace(progress, text="", seconds_left=None)
                    self.say(event.sentence, "error", "training")
        with self.hold_trait_notifications():
            self.history, self.timeline, self.learning = history, timeline, learning
            if self.shown_epoch is None and timeline.kept:
                self.results = timeline.kept[-1]
            self.progress, self.state = progress, state

    def _trained(self, models: list[TrainedModel]) -> None:
        if self.running:
            self.state = "stopped"
        with self.hold_trait_notifications():
            self.model, self.learning = models[-1], None
        self._keep_run()

    def _train_failed(self, sentences: list[str]) -> None:
        self.state, self.progress = "failed", dataclasses.replace(self.progress, text="", seconds_left=None)
        self.learning = None
        self._keep_run()
        self.say(sentences[-1], "error", "training")

    # ---- runs --------------------------------------------------------------------------------------

    def _keep_run(self) -> None:
        """Put the run that ended to those of the session; one without an epoch is not worth it."""
        if self._run is None or not len(self.history):
            return
        run = dataclasses.replace(
            self._run,
            history=self.history,
            results=self.timeline.kept[-1] if self.timeline.kept else None,
            model=self.model,
            timeline=self.timeline,
            seconds=time.monotonic() - self._began,
        )
        self._run = None
        with self.hold_trait_notifications():
            self.runs, self.shown_run = (*self.runs, run)[-MOST_RUNS:], run.number

    def show_run(self, number: int) -> None:
        """Show a finished run in every view, as if it had ended just now."""
        run = next((run for run in self.runs if run.number == number), None)
        if run is None or self.running:
            self.say("stop the training first, then earlier runs can be shown", "warning", "training")
            return
        with self.hold_trait_notifications():
            self.history, self.timeline, self.shown_epoch = run.history, run.timeline, None
            self.results, self.model, self.shown_run = run.results, run.model, number
            self.state = "finished"
            self.progress = Progress(text=f"Showing {run.label}: {run.epochs} epochs on {run.dataset}.")


def _progress_of(event: EpochReport) -> Progress:
    return Progress(
        fraction=event.epoch / event.n_epochs,
        epoch=event.epoch,
        n_epochs=event.n_epochs,
        molecules_per_second=event.molecules_per_second,
        seconds_left=event.seconds_left,
    )
