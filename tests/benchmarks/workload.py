"""A full ε + μ + α training step on the shipped small molecules, ready to be called."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from measuring import Scale

from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.train.batches import Batch, Shape, batch_shape, deal, make_batch
from hamexplorer.train.frames import Frame
from hamexplorer.train.prepare import Prepared, arrange, prepare
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.step import StepReport, loss_of, train_step

TARGETS = {"mo_energy": 1e4, "dipole": 3e1, "polarizability": 1e1}
NAMES = tuple(TARGETS)


class Workload(NamedTuple):
    """One epoch's batches and all that a step takes.

    Attributes:
        members: frames of each batch.
        model: as it starts.
    """

    prepared: Prepared
    shape: Shape
    members: list[list[Frame]]
    batches: list[Batch]
    model: Any
    trainable: Any
    frozen: Any
    optimizer: Any
    scales: Any

    @property
    def n_molecules(self) -> int:
        return sum(len(each) for each in self.members)

    def step(self, k: int) -> StepReport:
        """A training step on batch k; the model stays as it was."""
        state, rate = self.optimizer.init(self.trainable), jnp.float32(1e-4)
        return train_step(
            self.trainable, self.frozen, state, self.batches[k], self.scales, rate, NAMES, self.optimizer
        )[2]

    def loss_and_gradient(self, k: int) -> tuple[Any, Any]:
        """Of batch k, the gradient by all trained weights."""
        return _loss_and_gradient(self.trainable, self.frozen, self.batches[k], self.scales)


@eqx.filter_jit
def _loss_and_gradient(trainable: Any, frozen: Any, batch: Batch, scales: Any) -> tuple[Any, Any]:
    def loss(leaves: Any) -> Any:
        return loss_of(eqx.combine(leaves, frozen), batch, scales, NAMES)[0]

    return jax.value_and_grad(loss)(trainable)


def training_workload(scale: Scale, **settings: Any) -> Workload:
    """On the shipped small molecules.

    Args:
        scale: how much.
        settings: of the run that differ from the defaults.
    """
    dataset = read_dataset("small-molecules")
    chosen = RunSettings(**{"targets": TARGETS, **settings})
    return workload_of(smallest(dataset, 12) if scale.tiny else dataset, chosen, scale)


def workload_of(dataset: ReferenceDataset, settings: RunSettings, scale: Scale) -> Workload:
    """The first batches of an epoch, and a network whose outputs are not zero any more."""
    prepared = prepare(arrange(dataset, settings), settings)
    frames = prepared.part("train")
    shape = batch_shape(frames, settings.batch_size)
    dealt = deal(frames, settings.batch_size, np.random.default_rng(0))[: scale.few(4)]
    members = [[frames[k] for k in each] for each in dealt]
    batches = [make_batch(each, shape, prepared.model.template, NAMES) for each in members]
    model = stirred(prepared.model)
    trainable, frozen = eqx.partition(model, model.trainable())
    optimizer = optax.chain(optax.scale_by_adam(), optax.scale(-1.0))
    scales = jnp.asarray([TARGETS[name] / prepared.variances[name] for name in NAMES])
    return Workload(prepared, shape, members, batches, model, trainable, frozen, optimizer, scales)


def smallest(dataset: ReferenceDataset, n: int) -> ReferenceDataset:
    """The n smallest molecules of a data set without equal levels.

    Of equal ones PySCFAD leaves the mutual coupling out, which ours adds: their derivatives are not the same.
    """

    def apart(k: int) -> bool:
        return np.diff(dataset.references[k].small.mo_energy).min() > 1e-4

    order = sorted(filter(apart, range(len(dataset))), key=lambda k: dataset.structures[k].n_atoms)
    return dataset.subset(sorted(order[:n]))


def stirred(model: Any, size: float = 0.01, seed: int = 5) -> Any:
    """Small random numbers added to the trained weights: outputs that are zero would leave half of a gradient zero."""
    rng = np.random.default_rng(seed)
    trainable, frozen = eqx.partition(model, model.trainable())

    def moved(leaf: Any) -> Any:
        return leaf + jnp.asarray(size * rng.standard_normal(leaf.shape), leaf.dtype)

    return eqx.combine(jax.tree.map(moved, trainable), frozen)
