"""One training run from data set to trained model, steerable while it goes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from hamexplorer.errors import CheckpointError, TrainingError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.reference.store import write_aside
from hamexplorer.train import events
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.controls import Controls
from hamexplorer.train.finite import check_references
from hamexplorer.train.frames import Batch, batch_shape, common_shape, deal, make_batch
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.prepare import Prepared, prepare
from hamexplorer.train.schedule import Schedule
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.step import StepReport, full_batch_step, train_step
from hamexplorer.train.trained import TrainedModel, as_trained, make_results

__all__ = ["Controls", "train"]

#: Least seconds between two snapshots: three a second leave the rest to training.
SNAPSHOT_INTERVAL = 0.33

#: Made once: a compiled step belongs to its optimizer, and a second run then finds it again.
_OPTIMIZERS = {
    "adam": optax.chain(optax.scale_by_adam(b2=0.99), optax.scale(-1.0)),
    "lbfgs": optax.lbfgs(),
}

Report = Callable[[events.Event], None]


def train(
    dataset: ReferenceDataset,
    settings: RunSettings,
    *,
    controls: Controls | None = None,
    report: Report | None = None,
    folder: Path | str | None = None,
    resume: Path | str | None = None,
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

    Returns:
        The model of the best epoch (lowest validation loss).

    Raises:
        TrainingError: if the data do not suffice, or a loss stops being finite; the best state so far has then
            been reported and saved.
        CheckpointError: if ``resume`` holds no usable run of this data set.
    """
    run = _Run(dataset, settings, controls or Controls(), report or (lambda event: None), folder)
    try:
        run.prepare(Path(resume) if resume is not None else None)
        reason = run.loop()
    except TrainingError as error:
        run.report(events.Failed(str(error)))
        run.save()
        raise
    run.save()
    run.snapshot(force=True)
    run.report(events.Finished(run.epoch, run.schedule.best_epoch, reason))
    return run.best_model()


class _Run:
    """The moving parts of one run."""

    def __init__(
        self,
        dataset: ReferenceDataset,
        settings: RunSettings,
        controls: Controls,
        report: Report,
        folder: Any,
    ) -> None:
        self.dataset, self.settings, self.controls, self.report = dataset, settings, controls, report
        self.folder = Path(folder) if folder is not None else None
        self.epoch = 0
        self.schedule = Schedule()
        self.prepared: Prepared = None  # type: ignore[assignment]  # until prepare()
        self._last_snapshot = 0.0
        self._history: list[dict[str, Any]] = []
        self._paused_seconds = 0.0

    # ---- before the first step ---------------------------------------------------------------------

    def prepare(self, resume: Path | None) -> None:
        header, arrays = read_checkpoint(resume, "run") if resume is not None else (None, [])
        if header is not None:
            stored = RunSettings.from_dict(header["settings"])
            self.settings = dataclasses.replace(
                stored, epochs=self.settings.epochs, targets=header["first_targets"]
            )
            if header["dataset"] != dataset_key(self.dataset):
                raise CheckpointError(
                    f"{resume} was trained on another data set than {self.dataset.name!r}; resume with the same "
                    f"molecules, or start a new run"
                )
        check_references(self.dataset)
        # The closed-form start depends on the targets chosen first: a resumed run makes the same one again.
        self._first_targets = dict(self.settings.targets)
        p = prepare(self.dataset, self.settings, lambda text, done: self.report(events.Stage(text, done)))
        self.prepared = p
        self.trainable, self.frozen = eqx.partition(p.model, p.model.trainable())
        self.best = self.trainable
        self.optimizer = _OPTIMIZERS[self.settings.optimizer]
        self.opt_state = self.optimizer.init(self.trainable)
        self.predicted = Predicted(len(self.dataset))
        targets = self._first_targets
        if header is not None:
            self._restore(header, arrays)
            targets = dict(stored.targets)
        self._set_targets(targets)
        self.snapshot(force=True)

    def _set_targets(self, weights: dict[str, float]) -> None:
        """Targets and weights in force from now on; batches of the named targets are made anew."""
        p = self.prepared
        for name in weights:
            if name not in p.names:
                raise TrainingError(
                    f"the dataset {self.dataset.name!r} holds no {TARGETS[name].label.lower()}; untick that target"
                )
        self.settings = dataclasses.replace(self.settings, targets=weights)
        names = tuple(self.settings.targets)
        if names != getattr(self, "names", None):
            self.names = names
            size = self.settings.batch_size
            parts = {"train": p.split.train, "validation": p.split.validation, "test": p.split.test}
            frames = {part: [p.frames[k] for k in index] for part, index in parts.items()}
            self.train_frames = frames["train"]
            # One shape for all parts: prediction and training each compile once.
            self.shape = common_shape([batch_shape(members, size) for members in frames.values() if members])
            self.evaluators = {
                part: Evaluator(frames[part], index, names, p.geometry.template, size, self.shape)
                for part, index in parts.items()
            }
            self._stacked: Batch | None = None
        self.scales = jnp.asarray([weights[name] / p.variances[name] for name in names])

    # ---- the loop ----------------------------------------------------------------------------------

    def loop(self) -> str:
        """Train until something ends it; returns why, as a sentence."""
        self.report(events.Stage("Compiling the training step", None))
        while self.epoch < self.settings.epochs:
            if not self._between_steps():
                return f"Stopped after epoch {self.epoch}."
            if not self._one_epoch():
                return f"Stopped during epoch {self.epoch + 1}; the state after epoch {self.epoch} is kept."
            if self.epoch % self.settings.checkpoint_every == 0:
                self.save()
            if self.schedule.exhausted(self.settings):
                return (
                    f"Finished: no better validation error for {self.settings.patience} epochs; "
                    f"epoch {self.schedule.best_epoch} was best."
                )
        return f"Finished after {self.epoch} epochs; epoch {self.schedule.best_epoch} was best."

    def _between_steps(self) -> bool:
        """Pause and change weights as asked; false if the run is to end."""
        if self.controls.paused:
            self.report(events.Paused(self.epoch))
            self.snapshot(force=True)
            began = time.monotonic()
            while self.controls.paused and not self.controls.stopped:
                self.controls.wait(1.0)
            self._paused_seconds += time.monotonic() - began
            if not self.controls.stopped:
                self.report(events.Resumed(self.epoch))
        weights = self.controls.take_weights()
        if weights is not None and weights != dict(self.settings.targets):
            self._set_targets(weights)
            self.schedule = self.schedule.restarted()
            self._history.append({"epoch": self.epoch + 1, "weights": weights})
            self.report(events.WeightsChanged(self.epoch + 1, weights))
        return not self.controls.stopped

    def _one_epoch(self) -> bool:
        """All training molecules once; false if stopped on the way, with the epoch undone."""
        before = self.trainable, self.opt_state
        began, self._paused_seconds = time.monotonic(), 0.0
        rate = self.schedule.learning_rate(self.epoch + 1, self.settings)
        squared: dict[str, list[float]] = {}
        n_done = 0
        try:
            for indices, outcome in self._steps(rate):
                if outcome is None:
                    self.trainable, self.opt_state = before
                    return False
                n_done += self._collect(indices, outcome, squared)
                if time.monotonic() - self._last_snapshot > SNAPSHOT_INTERVAL * 3:
                    self.snapshot()
        except TrainingError:
            self.trainable, self.opt_state = before
            raise
        seconds = time.monotonic() - began - self._paused_seconds
        self.epoch += 1
        self._after_epoch(squared, rate, n_done / max(seconds, 1e-9), began)
        return True

    def _steps(self, rate: float):
        """Yield the molecules of each step and its report; None for a report when stopped."""
        if self.settings.optimizer == "lbfgs":
            yield self._lbfgs_step()
            return
        rng = np.random.default_rng([self.settings.seed, self.epoch])
        for indices in deal(self.train_frames, self.settings.batch_size, rng):
            names = self.names
            if not self._between_steps():
                yield indices, None
                return
            batch = self._batch(indices)
            learning_rate = jnp.asarray(rate, jnp.float32)
            args = (
                self.frozen,
                self.opt_state,
                batch,
                self.scales,
                learning_rate,
                self.names,
                self.optimizer,
            )
            self.trainable, self.opt_state, outcome = train_step(self.trainable, *args)
            outcome = jax.device_get(outcome)
            if not outcome.finite:
                raise TrainingError(self._what_broke(indices))
            if names == self.names:
                yield indices, outcome

    def _lbfgs_step(self) -> tuple[list[int], StepReport | None]:
        if self._stacked is None:
            self._dealt = deal(self.train_frames, self.settings.batch_size, None)
            batches = [self._batch(indices) for indices in self._dealt]
            self._stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *batches)
        args = (self.frozen, self.opt_state, self._stacked, self.scales, self.names, self.optimizer)
        self.trainable, self.opt_state, outcome = full_batch_step(self.trainable, *args)
        outcome = jax.device_get(outcome)
        if not outcome.finite:
            raise TrainingError(self._what_broke([k for batch in self._dealt for k in batch]))
        # Slot by slot in the order of the deal, empty slots left out.
        slots = [(b, s) for b, batch in enumerate(self._dealt) for s in range(len(batch))]
        b, s = np.array(slots).T
        flat = StepReport(
            outcome.loss,
            outcome.each[b, :, s].T,
            outcome.finite,
            outcome.mo_energy[b, s],
            {name: value[b, s] for name, value in outcome.predicted.items()},
        )
        return [k for batch in self._dealt for k in batch], flat

    def _batch(self, indices: list[int]) -> Batch:
        frames = [self.train_frames[k] for k in indices]
        return make_batch(frames, self.shape, self.prepared.geometry.template, self.names)

    def _collect(self, indices: list[int], outcome: StepReport, squared: dict[str, list[float]]) -> int:
        for slot, k in enumerate(indices):
            mine = {name: value[slot] for name, value in outcome.predicted.items()}
            self.predicted.store(
                self.prepared.split.train[k], self.train_frames[k], outcome.mo_energy[slot], mine
            )
        for row, name in enumerate(self.names):
            squared.setdefault(name, []).extend(outcome.each[row, : len(indices)].tolist())
        return len(indices)

    def _what_broke(self, indices: list[int]) -> str:
        """Name the target and the molecule whose loss or gradient is not finite."""
        for k in indices:
            # Alone, because one NaN in a batch spoils every sum over it, whatever the weights.
            outcome = self._try_step(k, self.names)
            if outcome.finite:
                continue
            loss_is_finite = np.isfinite(outcome.each).all(1)
            broken = [name for name, fine in zip(self.names, loss_is_finite, strict=True) if not fine]
            broken += [name for name in self.names if not broken and not self._try_step(k, (name,)).finite]
            what = " and ".join(TARGETS[name].label.lower() for name in broken) or "all targets together"
            return (
                f"the loss of {what} stopped being finite for {self.train_frames[k].structure.label} in epoch "
                f"{self.epoch + 1}; lower the learning rate, or leave that molecule out"
            )
        return f"the loss stopped being finite in epoch {self.epoch + 1}; lower the learning rate"

    def _try_step(self, k: int, names: tuple[str, ...]) -> StepReport:
        """What a step on one molecule and some targets would report; nothing moves."""
        optimizer = _OPTIMIZERS["adam"]
        batch = make_batch([self.train_frames[k]], self.shape, self.prepared.geometry.template, names)
        scales = jnp.asarray([self.scales[self.names.index(name)] for name in names])
        state, rate = optimizer.init(self.trainable), jnp.float32(0)
        args = (self.frozen, state, batch, scales, rate, names, optimizer)
        return jax.device_get(train_step(self.trainable, *args)[2])

    # ---- after an epoch ----------------------------------------------------------------------------

    def _after_epoch(self, squared: dict[str, list[float]], rate: float, speed: float, began: float) -> None:
        model = eqx.combine(self.trainable, self.frozen)
        validation = self.evaluators["validation"].run(model, self.predicted)
        mean_train = {name: float(np.mean(squared[name])) for name in self.names if squared.get(name)}
        mean_validation = {n: float(v.mean()) for n, v in validation.items() if len(v)}
        loss_train = self._weighted(mean_train)
        loss_validation = self._weighted(mean_validation) if mean_validation else float("nan")
        monitored = loss_validation if mean_validation else loss_train
        self.schedule = self.schedule.after(monitored, self.epoch, self.settings)
        if self.schedule.best_epoch == self.epoch:
            self.best = self.trainable
        elapsed = time.monotonic() - began - self._paused_seconds
        event = events.EpochReport(
            epoch=self.epoch,
            n_epochs=self.settings.epochs,
            loss_train=loss_train,
            loss_validation=loss_validation,
            train={n: v**0.5 for n, v in mean_train.items()},
            validation={n: v**0.5 for n, v in mean_validation.items()},
            learning_rate=rate,
            molecules_per_second=speed,
            seconds_left=elapsed * (self.settings.epochs - self.epoch),
        )
        self._history.append(dataclasses.asdict(event))
        self.report(event)
        if time.monotonic() - self._last_snapshot > SNAPSHOT_INTERVAL:
            self.evaluators["test"].run(model, self.predicted)
            self.snapshot()

    def _weighted(self, mean: dict[str, float]) -> float:
        return float(
            sum(s * mean.get(name, 0.0) for s, name in zip(np.asarray(self.scales), self.names, strict=True))
        )

    def _evaluate_all(self) -> None:
        model = eqx.combine(self.trainable, self.frozen)
        for evaluator in self.evaluators.values():
            evaluator.run(model, self.predicted)

    def snapshot(self, *, force: bool = False) -> None:
        """Report present predictions; ``force`` evaluates every molecule first."""
        p = self.prepared
        if p is None:
            return
        if force:
            self._evaluate_all()
        frames = dict(enumerate(p.frames))
        results = make_results(self.epoch, self.dataset, p.split, self.names, frames, self.predicted, p.raw)
        self._last_snapshot = time.monotonic()
        self.report(events.Snapshot(self.epoch, results))

    # ---- keeping -----------------------------------------------------------------------------------

    def best_model(self) -> TrainedModel:
        epoch = self.schedule.best_epoch
        return as_trained(self.prepared, self.best, self.frozen, epoch, self.dataset, self.settings)

    def save(self) -> None:
        """Write the run's state, the best model, the settings and the history."""
        if self.folder is None or self.prepared is None:
            return
        self.best_model().save(self.folder)
        header = {
            "kind": "run",
            "epoch": self.epoch,
            "settings": self.settings.to_dict(),
            "first_targets": self._first_targets,
            "dataset": dataset_key(self.dataset),
            "schedule": dataclasses.asdict(self.schedule),
            "history": self._history,
        }
        leaves = jax.tree.leaves((self.trainable, self.opt_state, self.best))
        write_checkpoint(self.folder, "run", header, leaves)
        with write_aside(self.folder / "settings.json") as aside:
            aside.write_text(json.dumps(self.settings.to_dict(), indent=1), encoding="utf-8")

    def _restore(self, header: dict[str, Any], arrays: list[np.ndarray]) -> None:
        leaves, tree = jax.tree.flatten((self.trainable, self.opt_state, self.best))
        if len(leaves) != len(arrays):
            raise CheckpointError("the checkpoint belongs to another kind of model; start a new run")
        restored = [jnp.asarray(a, dtype=leaf.dtype) for a, leaf in zip(arrays, leaves, strict=True)]
        self.trainable, self.opt_state, self.best = jax.tree.unflatten(tree, restored)
        self.epoch, self.schedule = header["epoch"], Schedule(**header["schedule"])
        self._history = header["history"]


def dataset_key(dataset: ReferenceDataset) -> str:
    """Recognises a data set by its molecules and method."""
    text = "".join(s.key for s in dataset.structures) + repr(dataset.method)
    return hashlib.sha256(text.encode()).hexdigest()
