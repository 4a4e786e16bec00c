"""The state that steps change, and the steps of one epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from hamexplorer.errors import TrainingError
from hamexplorer.model import BlockModel, Surrogate
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.batches import Batch, Shape, deal, make_batch
from hamexplorer.train.frames import Frame
from hamexplorer.train.optimizers import OPTIMIZERS, start_of
from hamexplorer.train.shards import Shards
from hamexplorer.train.step import StepReport, full_batch_step, sharded_train_step, train_step

#: Molecules of a step, as places in the list of frames, and what it found.
Step = tuple[list[int], StepReport]


class Stepper:
    """A model on its way, with the batches that it learns from.

    Args:
        model: as started.
        optimizer: name of one of :data:`OPTIMIZERS`.
        batch_size: molecules a step.
        template: of the model.
        weight_decay: of :func:`train_step`; the line search has none.
        mesh: devices that share each batch; the line search uses one.
    """

    def __init__(
        self,
        model: BlockModel | Surrogate,
        optimizer: str,
        batch_size: int,
        template: Any,
        weight_decay: float = 0.0,
        mesh: Mesh | None = None,
    ) -> None:
        self.trainable, self.frozen = eqx.partition(model, model.trainable())
        self.kind, self.optimizer = optimizer, OPTIMIZERS[optimizer]
        self.state = start_of(optimizer, self.trainable)
        self._batch_size, self._template = batch_size, template
        self._weight_decay = jnp.asarray(weight_decay, jnp.float32)
        self._mesh = mesh

    @property
    def model(self) -> BlockModel | Surrogate:
        return eqx.combine(self.trainable, self.frozen)

    def use(
        self, frames: list[Frame], shape: Shape, names: tuple[str, ...], weights: np.ndarray | None = None
    ) -> None:
        """Learn from these frames' named targets from now on.

        ``weights`` say how much each frame counts for each member of a committee, shape (n_members, n_frames).
        """
        self._frames, self._shape, self._names, self._weights = frames, shape, names, weights
        self._stacked: Batch | None = None
        self._shards = None if self._mesh is None else Shards(self._mesh, frames, self._batch_size)

    def scale(self, scales: np.ndarray) -> None:
        """weight_p / var_p of every target in force, shape (n_targets,)."""
        self._scales = jnp.asarray(scales)

    def epoch(self, rng: np.random.Generator, rate: float, go_on: Callable[[], bool]) -> Iterator[Step]:
        """One step after the other over all frames; ends early, with the state as before, if ``go_on`` says no.

        Raises:
            TrainingError: if a loss or gradient stops being finite, naming target and molecule; the state is then as
                before the epoch.
        """
        before = self.trainable, self.state
        for indices in self._deal(rng):
            if not go_on():
                self.trainable, self.state = before
                return
            outcome = self._lbfgs() if self.kind == "lbfgs" else self._adam(indices, rate)
            if not outcome.finite:
                broken = self._what_broke(indices)
                self.trainable, self.state = before
                raise TrainingError(broken)
            yield indices, outcome

    def _deal(self, rng: np.random.Generator) -> list[list[int]]:
        if self.kind != "lbfgs":
            return deal(self._frames, self._batch_size, rng)
        self._dealt = deal(self._frames, self._batch_size, None)
        return [[k for batch in self._dealt for k in batch]]

    def _adam(self, indices: list[int], rate: float) -> StepReport:
        if self._shards is not None:
            return self._adam_on(self._shards, indices, rate)
        args = (self.state, self._batch(indices), self._scales, jnp.asarray(rate, jnp.float32))
        self.trainable, self.state, outcome = train_step(
            self.trainable,
            self.frozen,
            *args,
            self._names,
            self.optimizer,
            self._weights_of(indices),
            self._weight_decay,
        )
        return jax.device_get(outcome)

    def _adam_on(self, shards: Shards, indices: list[int], rate: float) -> StepReport:
        frames = [self._frames[k] for k in indices]
        weights = None if self._weights is None else shards.weights(self._weights[:, indices])
        batch = shards.batch(frames, self._template, self._names)
        args = (self.state, batch, self._scales, jnp.asarray(rate, jnp.float32), self._names, self.optimizer)
        self.trainable, self.state, outcome = sharded_train_step(
            shards.mesh, self.trainable, self.frozen, *args, weights, self._weight_decay
        )
        return shards.in_order(jax.device_get(outcome), len(indices))

    def _lbfgs(self) -> StepReport:
        if self._stacked is None:  # at first, and when other targets came into force
            batches = [self._batch(indices) for indices in self._dealt]
            self._stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *batches)
            weights = [self._weights_of(indices) for indices in self._dealt]
            self._stacked_weights = jax.tree.map(lambda *leaves: np.stack(leaves), *weights)
        args = (self.state, self._stacked, self._scales, self._names, self.optimizer, self._stacked_weights)
        self.trainable, self.state, outcome = full_batch_step(self.trainable, self.frozen, *args)
        outcome = jax.device_get(outcome)
        # Slot by slot in the order of the deal, empty slots left out.
        slots = [(b, s) for b, batch in enumerate(self._dealt) for s in range(len(batch))]
        b, s = np.array(slots).T
        return StepReport(
            outcome.loss,
            outcome.each[b, :, s].T,
            outcome.finite,
            outcome.mo_energy[b, s],
            {name: value[b, s] for name, value in outcome.predicted.items()},
            outcome.gradient_norm,
            jax.tree.map(lambda value: value[b, s], outcome.spread),
        )

    def _batch(self, indices: list[int], names: tuple[str, ...] | None = None) -> Batch:
        frames = [self._frames[k] for k in indices]
        return make_batch(frames, self._shape, self._template, names or self._names)

    def _weights_of(self, indices: list[int]) -> np.ndarray | None:
        """Of a batch's structures for each member; empty slots count for none."""
        if self._weights is None:
            return None
        found = np.zeros((len(self._weights), self._shape.n_structures))
        found[:, : len(indices)] = self._weights[:, indices]
        return found

    def _what_broke(self, indices: list[int]) -> str:
        """Name the target and the molecule whose loss or gradient is not finite."""
        for k in indices:
            # Alone, because one NaN in a batch spoils every sum over it, whatever the weights.
            outcome = self._try_step(k, self._names)
            if outcome.finite:
                continue
            loss_is_finite = np.isfinite(outcome.each).all(1)
            broken = [name for name, fine in zip(self._names, loss_is_finite, strict=True) if not fine]
            broken += [n for n in self._names if not broken and not self._try_step(k, (n,)).finite]
            what = " and ".join(TARGETS[name].label.lower() for name in broken) or "all targets together"
            return f"the loss of {what} stopped being finite for {self._frames[k].structure.label}"
        return "the loss stopped being finite"

    def _try_step(self, k: int, names: tuple[str, ...]) -> StepReport:
        """What a step on one molecule and some targets would report; nothing moves."""
        optimizer = OPTIMIZERS["adam"]
        scales = jnp.asarray([self._scales[self._names.index(name)] for name in names])
        args = (start_of("adam", self.trainable), self._batch([k], names), scales, jnp.float32(0))
        outcome = train_step(
            self.trainable, self.frozen, *args, names, optimizer, self._weights_of([k]), self._weight_decay
        )
        return jax.device_get(outcome[2])
