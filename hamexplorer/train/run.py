"""One training run from data set to trained model, steerable while it goes."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hamexplorer.errors import TrainingError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train import events
from hamexplorer.train.ahead import CompiledAhead
from hamexplorer.train.committee import structure_weights
from hamexplorer.train.controls import Controls
from hamexplorer.train.evaluation import make_results
from hamexplorer.train.finite import check_references
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.prepare import Prepared, arrange, prepare
from hamexplorer.train.runfile import RunState, fill, read_run, write_run
from hamexplorer.train.settings import RunSettings, unpredicted, weight_decay_of
from hamexplorer.train.shards import mesh_of
from hamexplorer.train.step import StepReport
from hamexplorer.train.stepper import Stepper
from hamexplorer.train.trained import TrainedModel, as_trained
from hamexplorer.train.views_of_run import ViewsOfRun

__all__ = ["Controls", "train"]

#: Least seconds between two snapshots, within epochs too: a little more than two a second leave the rest to training
#: and to the page.
SNAPSHOT_INTERVAL = 0.4
#: The same of what is told cheaply: how far an epoch is, and the training errors so far.
UNDERWAY_INTERVAL = 0.2

Report = Callable[[events.Event], None]


def train(
    dataset: ReferenceDataset,
    settings: RunSettings,
    *,
    controls: Controls | None = None,
    report: Report | None = None,
    folder: Path | str | None = None,
    resume: Path | str | None = None,
    snapshots: bool = True,
    devices: int = 1,
) -> TrainedModel:
    """Train a model; returns when finished or stopped.

    Args:
        dataset: molecules with references.
        settings: frozen for this run; targets and weights may be changed through ``controls``.
        controls: pause, resume, stop, new weights, from any thread.
        report: called with events, from this thread.
        folder: where checkpoints and the model are kept, if anywhere.
        resume: folder of an earlier run of the same data set: it goes on exactly where its last checkpoint stands, with
            that run's settings except ``epochs``.
        snapshots: whether to report predictions as it goes; without, nothing but the loss is evaluated.
        devices: how many of JAX's devices share each batch; the numbers are those of one, up to rounding.

    Returns:
        The model of the best epoch (lowest validation loss).

    Raises:
        TrainingError: if the data do not suffice, or a loss stops being finite; the best state so far has then
            been reported and saved.
        CheckpointError: if ``resume`` holds no usable run of this data set.
        SettingsError: if there are fewer devices.
    """
    mesh = mesh_of(devices)
    run = _Run(dataset, controls or Controls(), report or (lambda event: None), folder)
    run.snapshots, run.mesh = snapshots, mesh
    try:
        run.prepare(settings, Path(resume) if resume is not None else None)
        reason = run.loop()
    except TrainingError as error:
        run.report(events.Failed(str(error)))
        run.save()
        raise
    run.save()
    run.snapshot(force=True)
    run.report(events.Finished(run.state.epoch, run.state.schedule.best_epoch, reason))
    return run.best_model()


class _Run:
    """The moving parts of one run; ``dataset`` is the given one with the reference values that are learned."""

    def __init__(self, dataset: ReferenceDataset, controls: Controls, report: Report, folder: Any) -> None:
        self.given, self.controls, self.report = dataset, controls, report
        self.dataset = dataset
        self.folder = Path(folder) if folder is not None else None
        self.state: RunState
        self.prepared: Prepared | None = None
        self.snapshots, self.mesh = True, mesh_of(1)
        self.names: tuple[str, ...] = ()
        self._last_snapshot = self._last_underway = 0.0
        self._paused_seconds = 0.0
        #: Seconds of the latest epochs: one alone may have waited for other programs.
        self._recent: deque[float] = deque(maxlen=9)
        self._start_errors: dict[str, float] = {}

    # ---- before the first step ---------------------------------------------------------------------

    def prepare(self, settings: RunSettings, resume: Path | None) -> None:
        self.state, arrays = RunState(settings, dict(settings.targets)), None
        if resume is not None:
            self.state, arrays = read_run(resume, self.given)
            self.state.settings = dataclasses.replace(self.state.settings, epochs=settings.epochs)
        self.dataset = self.given.with_targets_of(self.state.settings.target_basis)
        check_references(self.dataset)
        starting = dataclasses.replace(self.state.settings, targets=self.state.first_targets)

        def stage(text: str, done: float | None) -> None:
            self.report(events.Stage(text, done))

        arranged = arrange(self.dataset, starting, stage)
        self.shape = arranged.batch_shape(starting.batch_size)
        compiled = CompiledAhead(arranged, self.state.settings, step=self.mesh is None)
        p = self.prepared = prepare(arranged, starting, stage)
        self._views = ViewsOfRun(p, self.dataset)
        self.stepper = Stepper(
            p.model,
            starting.optimizer,
            starting.batch_size,
            p.geometry.template,
            weight_decay_of(starting),
            self.mesh,
        )
        self.best = self.stepper.trainable
        if arrays is not None:
            weights = (self.best, self.stepper.state, self.best)
            self.stepper.trainable, self.stepper.state, self.best = fill(weights, arrays)
        self.predicted = Predicted(len(self.dataset))
        self._set_targets(dict(self.state.settings.targets))
        stage("Compiling the training step", None)
        compiled.wait()
        self.snapshot(force=True)
        if arrays is None:
            self._judge_the_start()

    def _judge_the_start(self) -> None:
        """The closed-form start counts as epoch 0: no model is handed back that is worse than it."""
        found = self.evaluators["validation"].run(self.stepper.model, self.predicted)
        mean = {name: float(values.mean()) for name, values in found.items() if len(values)}
        self._start_errors = {name: value**0.5 for name, value in mean.items()}
        loss = self._weighted(mean)
        if np.isfinite(loss) and any(len(values) for values in found.values()):
            self.state.schedule = dataclasses.replace(self.state.schedule, best=loss)

    def _set_targets(self, weights: dict[str, float]) -> None:
        """Targets and weights in force from now on; batches of the named targets are made anew."""
        p, size = self._prepared, self.state.settings.batch_size
        refused = unpredicted(dataclasses.replace(self.state.settings, targets=weights))
        if refused:
            raise TrainingError(refused)
        for name in weights:
            if name not in p.names:
                raise TrainingError(
                    f"the dataset {self.dataset.name!r} holds no {TARGETS[name].label.lower()}; untick that target"
                )
        self.state.settings = dataclasses.replace(self.state.settings, targets=weights)
        if tuple(weights) != self.names:
            self.names = tuple(weights)
            counts = structure_weights(self.state.settings, len(p.split.train))
            self.stepper.use(p.part("train"), self.shape, self.names, counts)
            self._squared = np.full((len(weights), len(p.split.train)), np.nan)
            self.evaluators = {
                part: Evaluator(
                    p.part(part), getattr(p.split, part), self.names, p.geometry.template, size, self.shape
                )
                for part in ("train", "validation", "test")
            }
        self.scales = np.array([weights[name] / p.variances[name] for name in self.names])
        self.stepper.scale(self.scales)

    @property
    def _prepared(self) -> Prepared:
        assert self.prepared is not None, "prepare() comes first"
        return self.prepared

    # ---- the loop ----------------------------------------------------------------------------------

    def loop(self) -> str:
        """Train until something ends it; returns why, as a sentence."""
        state = self.state
        if state.settings.optimizer == "lbfgs":
            self.report(events.Stage("Compiling the line search (half a minute)", None))
        while state.epoch < state.settings.epochs:
            if not self._between_steps():
                return f"Stopped after epoch {state.epoch}{self._kept()}"
            if not self._one_epoch():
                return f"Stopped during epoch {state.epoch + 1}{self._kept()}"
            if state.epoch % state.settings.checkpoint_every == 0:
                self.save()
            if state.schedule.exhausted(state.settings):
                return (
                    f"Finished: no better validation error for {state.settings.patience} epochs; "
                    f"epoch {state.schedule.best_epoch} was best."
                )
        return f"Finished after {state.epoch} epochs; epoch {state.schedule.best_epoch} was best."

    def _kept(self) -> str:
        best = self.state.schedule.best_epoch
        return f"; epoch {best} was best, its model is kept." if best else "; the model of the start is kept."

    def _between_steps(self) -> bool:
        """Pause and change weights as asked; false if the run is to end."""
        epoch = self.state.epoch
        if self.controls.paused:
            self.report(events.Paused(epoch))
            self.snapshot(force=True)
            began = time.monotonic()
            while self.controls.paused and not self.controls.stopped:
                self.controls.wait(1.0)
            self._paused_seconds += time.monotonic() - began
            if not self.controls.stopped:
                self.report(events.Resumed(epoch))
        weights = self.controls.take_weights()
        if weights is not None and weights != dict(self.state.settings.targets):
            self._change_weights(weights)
        return not self.controls.stopped

    def _change_weights(self, weights: dict[str, float]) -> None:
        try:
            self._set_targets(weights)
        except TrainingError as error:
            # Hours of training do not end because a box was ticked.
            self.report(events.Refused(f"{error}; the run goes on with the targets it had"))
            return
        epoch = self.state.epoch + 1
        self.state.schedule = self.state.schedule.restarted()
        self.state.history.append({"epoch": epoch, "weights": weights})
        self.report(events.WeightsChanged(epoch, weights))

    def _one_epoch(self) -> bool:
        """All training molecules once; false if stopped on the way, with the epoch undone."""
        state = self.state
        began, self._paused_seconds = time.monotonic(), 0.0
        rate = state.schedule.learning_rate(state.epoch + 1, state.settings)
        rng = np.random.default_rng([state.settings.seed, state.epoch])
        n_done, n_train, norms = 0, len(self._prepared.split.train), []
        try:
            for indices, outcome in self.stepper.epoch(rng, rate, self._between_steps):
                self._collect(indices, outcome)
                norms.append(float(outcome.gradient_norm))
                n_done += len(indices)
                if n_done < n_train:
                    self._within(n_done / n_train)
        except TrainingError as error:
            raise TrainingError(
                f"{error} in epoch {state.epoch + 1}; lower the learning rate, or leave that structure out"
            ) from None
        if self.controls.stopped and n_done < n_train:
            return False
        seconds = time.monotonic() - began - self._paused_seconds
        state.epoch += 1
        self._after_epoch(float(np.median(norms)), rate, n_done / max(seconds, 1e-9), seconds)
        return True

    def _within(self, share: float) -> None:
        """Tell those who watch how far the epoch is: often what is cheap, seldom all predictions."""
        if not self.snapshots:
            return
        now = time.monotonic()
        if now - self._last_underway > UNDERWAY_INTERVAL:
            self._last_underway = now
            train = {name: value**0.5 for name, value in self._mean_train().items()}
            self.report(events.Underway(self.state.epoch + share, train))
        if now - self._last_snapshot > SNAPSHOT_INTERVAL:
            self.snapshot()

    def _collect(self, indices: list[int], outcome: StepReport) -> None:
        p = self._prepared
        for slot, k in enumerate(indices):
            found = (outcome.mo_energy, outcome.predicted, outcome.spread)
            molecule = p.split.train[k]
            self.predicted.store(molecule, p.frames[molecule], *jax.tree.map(lambda v, s=slot: v[s], found))
        self._squared[:, indices] = outcome.each[:, : len(indices)]

    def _mean_train(self) -> dict[str, float]:
        """Mean ‖Δ‖²/N² by target over the training molecules, each as seen last."""
        known = [(name, row[np.isfinite(row)]) for name, row in zip(self.names, self._squared, strict=True)]
        return {name: float(row.mean()) for name, row in known if len(row)}

    # ---- after an epoch ----------------------------------------------------------------------------

    def _after_epoch(self, norm: float, rate: float, speed: float, seconds: float) -> None:
        state = self.state
        began = time.monotonic()
        validation = self.evaluators["validation"].run(self.stepper.model, self.predicted)
        mean_train = self._mean_train()
        mean_validation = {n: float(v.mean()) for n, v in validation.items() if len(v)}
        loss_train = self._weighted(mean_train)
        loss_validation = self._weighted(mean_validation) if mean_validation else float("nan")
        monitored = loss_validation if mean_validation else loss_train
        if not np.isfinite(monitored):
            raise TrainingError(
                f"the validation loss is no finite number after epoch {state.epoch}; lower the learning rate"
            )
        state.schedule = state.schedule.after(monitored, state.epoch, state.settings)
        if state.schedule.best_epoch == state.epoch:
            self.best = self.stepper.trainable
        self._recent.append(seconds + time.monotonic() - began)
        each = float(np.median(self._recent))
        event = events.EpochReport(
            epoch=state.epoch,
            n_epochs=state.settings.epochs,
            loss_train=loss_train,
            loss_validation=loss_validation,
            train={n: v**0.5 for n, v in mean_train.items()},
            validation={n: v**0.5 for n, v in mean_validation.items()},
            learning_rate=rate,
            molecules_per_second=speed,
            seconds_left=each * (state.settings.epochs - state.epoch),
            gradient_norm=norm,
        )
        state.history.append(dataclasses.asdict(event))
        self.report(event)
        if self.snapshots and time.monotonic() - self._last_snapshot > SNAPSHOT_INTERVAL:
            self.evaluators["test"].run(self.stepper.model, self.predicted)
            self.snapshot()

    def _weighted(self, mean: dict[str, float]) -> float:
        return float(sum(s * mean.get(name, 0.0) for s, name in zip(self.scales, self.names, strict=True)))

    def snapshot(self, *, force: bool = False) -> None:
        """Report present predictions; ``force`` evaluates every molecule first."""
        if not self.snapshots:
            return
        p = self._prepared
        if force:
            for evaluator in self.evaluators.values():
                evaluator.run(self.stepper.model, self.predicted)
        frames = dict(enumerate(p.frames))
        results = make_results(
            self.state.epoch,
            self.dataset,
            p.split,
            self.names,
            frames,
            self.predicted,
            p.raw,
            self._views.with_model(self.stepper.model),
        )
        watched = self.controls.watched
        if watched is not None and 0 <= watched < len(self.dataset):
            results.band_structure(watched)
            results.molecule_state(watched)
        self._last_snapshot = time.monotonic()
        model = self._as_trained(self.stepper.trainable, self.state.epoch)
        self.report(events.Snapshot(self.state.epoch, results, model))

    # ---- keeping -----------------------------------------------------------------------------------

    def best_model(self) -> TrainedModel:
        return self._as_trained(self.best, self.state.schedule.best_epoch)

    def _as_trained(self, weights: Any, epoch: int) -> TrainedModel:
        reports = (entry for entry in self.state.history if "validation" in entry and entry["epoch"] == epoch)
        validation = next(reports, {"validation": self._start_errors if epoch == 0 else {}})["validation"]
        return as_trained(
            self._prepared, weights, self.stepper.frozen, epoch, self.given, self.state.settings, validation
        )

    def save(self) -> None:
        """Write the run's state, the best model, the settings and the history."""
        if self.folder is None or self.prepared is None:
            return
        self.best_model().save(self.folder)
        weights = (self.stepper.trainable, self.stepper.state, self.best)
        write_run(self.folder, self.state, self.given, weights)
