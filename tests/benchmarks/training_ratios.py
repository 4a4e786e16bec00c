"""(a) A training step against the same physics molecule by molecule; (b) against its bare eigensolves."""

from __future__ import annotations

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from measuring import Row, Scale, in_ms, medians
from unbatched import Unbatched, compiled, eager, molecule_by_molecule
from workload import NAMES, Workload, training_workload

from hamexplorer.train.batches import Batch
from hamexplorer.train.step import hamiltonians, properties_of, responses, squared_errors

#: Goals: at least, and at most.
FASTER_THAN_UNBATCHED, TIMES_ITS_EIGENSOLVES = 100, 3
UNCOMPILED = "uncompiled"
#: Largest relative difference of loss and of the derivative by any matrix, for a comparison to mean anything.
AGREEMENT = 1e-5


@jax.jit
def physics(matrices: Any, batch: Batch, scales: Any) -> tuple[Any, Any]:
    """Loss of a batch and its derivative by the matrices: what stands between H̃ and the loss, without a model."""

    def loss(h: Any) -> Any:
        each = squared_errors(properties_of(h, batch.integrals, NAMES)[1], batch, NAMES)
        return (scales * each.sum(1)).sum() / batch.present.sum()

    return jax.value_and_grad(loss)(matrices)


@eqx.filter_jit
def _network_gradient(trainable: Any, frozen: Any, batch: Batch, pull: Any) -> tuple[Any, Any]:
    """Matrices of a batch, and a derivative by them carried on to the weights."""
    matrices, back = jax.vjp(lambda leaves: hamiltonians(eqx.combine(leaves, frozen), batch), trainable)
    return matrices, back(pull)[0]


@eqx.filter_jit
def _atoms_gradient(trainable: Any, frozen: Any, batch: Batch) -> Any:
    def size(leaves: Any) -> Any:
        found = responses(eqx.combine(leaves, frozen), batch, NAMES)
        return sum(jnp.sum(response.atoms**2) for response in found.values())

    return jax.grad(size)(trainable)


def differences(one: tuple[Any, Any], other: tuple[Any, Any], n_structures: int) -> tuple[float, float]:
    """Of two losses and of their derivatives, relative to the largest of each matrix; symmetric parts."""

    def symmetric(g: Any) -> np.ndarray:
        return np.asarray((g + np.swapaxes(g, -1, -2)) / 2)[:n_structures]

    a, b = symmetric(one[1]), symmetric(other[1])
    worst = max(float(np.abs(x - y).max() / np.abs(x).max()) for x, y in zip(a, b, strict=True))
    return abs(float(one[0]) / float(other[0]) - 1), worst


def against_unbatched(scale: Scale) -> list[Row]:
    """(a). The polarizability is that of the matrix, as in the method's first implementation."""
    work = training_workload(scale, response="matrix")
    frames, batch = work.members[0], work.batches[0]
    molecules = [Unbatched.of(frame, "sto-3g") for frame in frames]
    sizes, scales = [m.n_ao for m in molecules], [float(s) for s in work.scales]
    h = hamiltonians(work.model, batch)
    matrices = np.asarray(h)
    ours = physics(h, batch, work.scales)
    rows = []
    for label, make in ((UNCOMPILED, eager), ("each compiled by itself", compiled)):
        each = make(molecules, scales)
        began = time.perf_counter()
        theirs = molecule_by_molecule(each, matrices, sizes)
        first = time.perf_counter() - began
        off = differences(ours, theirs, len(frames))
        if max(off) > AGREEMENT:
            raise AssertionError(
                f"the two physics differ by {off} in loss and gradient: no ratio means anything"
            )
        turns = medians(
            {
                "physics": lambda: physics(h, batch, work.scales),
                "step": lambda: work.step(0),
                "network": lambda: _network_gradient(work.trainable, work.frozen, batch, ours[1]),
                "theirs": lambda each=each: molecule_by_molecule(each, matrices, sizes),
            },
            scale.few(5),
        )
        rows += _unbatched_rows(label, turns, len(frames), first, off)
    return rows


def _unbatched_rows(
    label: str, turns: dict[str, float], n: int, first: float, off: tuple[float, float]
) -> list[Row]:
    alike = f"loss and gradient alike to {off[0]:.0e} and {off[1]:.0e}"
    both = turns["theirs"] + turns["network"]
    return [
        _row(
            f"physics of a step of {n} molecules, ε + μ + α with gradient; PySCFAD molecule by molecule, {label}",
            turns["physics"],
            turns["theirs"],
            f" (first pass {first:.0f} s; {alike})",
            label,
        ),
        _row(
            f"whole training step; the same network and then that physics, {label}",
            turns["step"],
            both,
            "",
            label,
        ),
    ]


def _row(what: str, ours: float, theirs: float, remark: str, label: str) -> Row:
    """The goal is one against what the method's first implementation does, which compiles nothing."""
    ratio, found = theirs / ours, (in_ms(ours), in_ms(theirs) + remark)
    if label != UNCOMPILED:
        return Row(what, *found, ratio)
    return Row(what, *found, ratio, f"≥ {FASTER_THAN_UNBATCHED}×", ratio >= FASTER_THAN_UNBATCHED)


def against_eigensolves(scale: Scale) -> list[Row]:
    """(b). Of what a step consists, with the default settings."""
    work = training_workload(scale)
    batch = work.batches[0]
    h = hamiltonians(work.model, batch)
    bare = jax.jit(jnp.linalg.eigh)
    turns = medians(
        {
            "step": lambda: work.step(0),
            "matrix": lambda: _matrix_gradient(work, h),
            "atoms": lambda: _atoms_gradient(work.trainable, work.frozen, batch),
            "physics": lambda: physics(h, batch, work.scales),
            "bare": lambda: bare(h),
        },
        scale.few(15),
    )
    limit, eigen = f"≤ {TIMES_ITS_EIGENSOLVES}×", in_ms(turns["bare"])
    what = {
        "step": f"whole training step of {len(work.members[0])} small molecules, default settings",
        "matrix": "of which the network of H and its gradient",
        "atoms": "of which the network of what atoms add to α, and its gradient",
        "physics": "of which physics and its gradient",
    }
    rows = []
    for name, text in what.items():
        times = turns[name] / turns["bare"]
        goal = {"goal": limit, "reached": times <= TIMES_ITS_EIGENSOLVES} if name == "step" else {}
        rows.append(Row(text, in_ms(turns[name]), f"{eigen}, its bare batched eigensolves", times, **goal))
    speed = len(work.members[0]) / turns["step"]
    return [*rows, Row("molecules trained on in a second, ε + μ + α", f"{speed:.0f}")]


def _matrix_gradient(work: Workload, pull: Any) -> Any:
    return _network_gradient(work.trainable, work.frozen, work.batches[0], pull)
