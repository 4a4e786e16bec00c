"""How fast bands are learned and predicted: run `pytest tests/benchmarks -s` on a quiet machine.

Ratios are measured side by side in one run: the training step against the bare eigensolves of its own matrices, and the
bands of a learned crystal against those of PySCF's get_bands in the same small basis.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from hamexplorer.physics.cell import make_cell
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.crystals import build_layer, distorted, supercell
from hamexplorer.train.batches import batch_shape, deal, make_batch
from hamexplorer.train.frames import KPoints
from hamexplorer.train.prepare import arrange, prepare
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.step import band_energies, hamiltonians, train_step
from hamexplorer.train.suited import defaults_for

#: The bar of the project's milestone for 100 k-points of 8 atoms, s.
_BANDS_SECONDS = 0.05
_NAMES = ("mo_energy",)


@pytest.fixture(scope="module")
def dataset():
    return read_dataset("graphene").subset(range(24))


@pytest.fixture(scope="module")
def settings() -> RunSettings:
    return RunSettings(**{**defaults_for("crystals"), "targets": {"mo_energy": 1e4}, "epochs": 0})


def median_seconds(call: Callable[[], Any], repeats: int = 7) -> float:
    jax.block_until_ready(call())  # compiles
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def test_bands_of_eight_atoms(dataset, settings):
    """From the graph of a distorted 2×2 cell of graphene to 100 k-points, and from its H(T) alone."""
    model = train(dataset, settings)
    (crystal,) = distorted(supercell(build_layer(), (2, 2, 1)), n=1, amplitude=0.08, seed=5)
    points = np.linspace([0.0, 0.0, 0.0], [0.5, 0.0, 0.0], 100)
    (frame,) = model._frames([crystal], k=[KPoints.of_path(points)])
    batch = jax.device_put(make_batch([frame], batch_shape([frame], 1), model.geometry.template, ()))
    h = hamiltonians(model.model, batch)
    x = batch.integrals.orthogonaliser
    solve = jax.jit(lambda h: jnp.linalg.eigvalsh(x @ h @ x))
    whole, bare = median_seconds(lambda: band_energies(model.model, batch)), median_seconds(lambda: solve(h))
    print(
        f"\n100 k-points of 8 atoms: {1e3 * whole:.1f} ms with the network, {1e3 * bare:.1f} ms its eigensolves"
    )
    assert whole <= _BANDS_SECONDS


def test_bands_against_pyscf(dataset, settings):
    model = train(dataset, settings)
    structure = dataset.structures[0]
    points = dataset.references[0].path.points
    ours = median_seconds(lambda: model.bands(structure, points), repeats=3)
    from pyscf.pbc import dft

    cell = make_cell(structure, "gth-szv", pseudo="gth-pbe")
    mf = dft.KRKS(cell, cell.make_kpts(dataset.references[0].mesh), xc="pbe").multigrid_numint()
    density = mf.get_init_guess()
    began = time.perf_counter()
    mf.get_bands(cell.get_abs_kpts(points), dm_kpts=density)
    theirs = time.perf_counter() - began
    print(
        f"\n{len(points)} k-points of graphene: {1e3 * ours:.0f} ms from the structure, get_bands {theirs / ours:.0f}×"
    )
    assert ours < theirs / 10


def test_a_training_step_against_its_eigensolves(dataset, settings):
    prepared = prepare(arrange(dataset, settings), settings)
    frames = prepared.part("train")
    shape = batch_shape(frames, settings.batch_size)
    members = deal(frames, settings.batch_size, np.random.default_rng(0))[0]
    batch = jax.device_put(make_batch([frames[k] for k in members], shape, prepared.model.template, _NAMES))
    trainable, frozen = eqx.partition(prepared.model, prepared.model.trainable())
    optimizer = optax.chain(optax.scale_by_adam(), optax.scale(-1.0))
    state, scales = optimizer.init(trainable), jnp.asarray([1e4 / prepared.variances["mo_energy"]])

    def step() -> Any:
        return train_step(trainable, frozen, state, batch, scales, jnp.float32(1e-4), _NAMES, optimizer)

    h = hamiltonians(prepared.model, batch)
    eigh = jax.jit(jnp.linalg.eigh)
    whole, bare = median_seconds(step), median_seconds(lambda: eigh(h))
    print(
        f"\ngraphene, {shape.n_structures} cells with {shape.n_k} k-points: a step {1e3 * whole:.0f} ms, "
        f"{whole / bare:.1f} times the bare eigensolves of its matrices ({1e3 * bare:.1f} ms)"
    )
    assert np.isfinite(whole / bare)
