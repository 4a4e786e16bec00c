"""Compares steps on several devices with steps on one; run by `test_shards` where JAX sees several."""

from __future__ import annotations

import json
import sys
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.batches import deal, make_batch
from hamexplorer.train.committee import structure_weights
from hamexplorer.train.prepare import arrange, prepare
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.shards import Shards, mesh_of
from hamexplorer.train.step import StepReport, sharded_train_step, train_step

#: Molecules of several sizes, few.
PLACES = (0, 3, 10, 20, 40, 60, 80, 100, 110, 115, 118, 121)
SETTINGS: dict[str, Any] = {
    "targets": {"mo_energy": 1e4, "dipole": 3e1, "polarizability": 1e1},
    "baseline": "sap",
    "batch_size": 5,
    "epochs": 2,
    "seed": 1,
    "train_fraction": 0.67,
}


def double(tree: Any) -> Any:
    """Rounding of float32 would hide what is compared."""
    floating = lambda x: eqx.is_array_like(x) and jnp.asarray(x).dtype == jnp.float32  # noqa: E731
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float64) if floating(x) else x, tree)


def largest(tree: Any) -> float:
    """Largest absolute value of all leaves."""
    return max((float(np.abs(x).max()) for x in jax.tree.leaves(tree) if np.size(x)), default=0.0)


def largest_difference(a: Any, b: Any) -> float:
    """Over all leaves, relative to the largest value."""
    return largest(jax.tree.map(lambda x, y: np.asarray(x) - np.asarray(y), a, b)) / max(largest(a), 1e-30)


def compare(settings: RunSettings, n_devices: int) -> dict[str, float]:
    """One step of plain gradient descent, on one device and on several."""
    prepared = prepare(arrange(read_dataset("small-molecules").subset(PLACES), settings), settings)
    frames, names = prepared.part("train"), tuple(settings.targets)
    trainable, frozen = eqx.partition(double(prepared.model), prepared.model.trainable())
    optimizer = optax.scale(-1.0)
    state, scales, rate = optimizer.init(trainable), jnp.arange(1.0, 1 + len(names)), jnp.float64(0.1)
    dealt = deal(frames, settings.batch_size, np.random.default_rng(1))[0]
    given, template = [frames[k] for k in dealt], prepared.geometry.template
    counts = structure_weights(settings, len(frames))
    counts = None if counts is None else counts[:, dealt]

    whole = double(make_batch(given, prepared.batch_shape(settings.batch_size), template, names))
    own = None
    if counts is not None:
        own = np.zeros((len(counts), len(whole.present)))
        own[:, : len(dealt)] = counts
    alone = train_step(trainable, frozen, state, whole, scales, rate, names, optimizer, own)

    shards = Shards(mesh_of(n_devices), frames, settings.batch_size)
    batch = double(shards.batch(given, template, names))
    spread = None if counts is None else shards.weights(counts)
    shared = sharded_train_step(
        shards.mesh, trainable, frozen, state, batch, scales, rate, names, optimizer, spread
    )
    report: StepReport = shards.in_order(jax.device_get(shared[2]), len(dealt))
    mine: StepReport = jax.device_get(alone[2])
    n = len(dealt)
    moves = [jax.tree.map(lambda x, y: x - y, after[0], trainable) for after in (alone, shared)]
    levels = report.mo_energy[:, : mine.mo_energy.shape[1]]
    return {
        "devices": shards.mesh.size,
        "moved": largest(moves[0]),
        "moves": largest_difference(*moves),
        "loss": largest_difference(mine.loss, report.loss),
        "each": largest_difference(mine.each[:, :n], report.each),
        "levels": largest_difference(mine.mo_energy[:n, : levels.shape[1]], levels),
        "norm": largest_difference(mine.gradient_norm, report.gradient_norm),
    }


def losses_on(n_devices: int) -> list[float]:
    """Training losses of a whole run, epoch by epoch."""
    dataset, settings = read_dataset("small-molecules").subset(PLACES), RunSettings(**SETTINGS)
    heard: list[Any] = []
    train(dataset, settings, report=heard.append, snapshots=False, devices=n_devices)
    return [event.loss_train for event in heard if hasattr(event, "loss_train")]


if __name__ == "__main__":
    of_surrogate = {name: SETTINGS["targets"][name] for name in ("dipole", "polarizability")}
    kinds = {
        "network": {},
        "committee": {"committee": 2},
        "surrogate": {"model": "surrogate", "targets": of_surrogate},
    }
    found: dict[str, Any] = {
        f"{name} on {n}": compare(RunSettings(**{**SETTINGS, **kinds[name]}), n)
        for name, n in (("network", 4), ("committee", 3), ("surrogate", 8))
    }
    found["runs"] = [losses_on(1), losses_on(2)]
    json.dump(found, sys.stdout)
