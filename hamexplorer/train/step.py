"""One training step: model → H̃ → electronic state → properties → loss → new model, all compiled together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax import Array

from hamexplorer.model import Graph, Surrogate
from hamexplorer.physics.integrals import Integrals
from hamexplorer.physics.solve import solve, solve_bands
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.batches import Batch
from hamexplorer.train.moments import molecular_properties


class StepReport(NamedTuple):
    """What a step found in its batch, for the named targets.

    Attributes:
        loss: the weighted loss of the batch.
        each: ‖Δ_p,n‖²/N_n² by target and molecule, shape (n_targets, n_structures).
        finite: whether loss and gradient are finite; if not, the model is unchanged.
        mo_energy, predicted: of every molecule before the step, padded.
    """

    loss: Array
    each: Array
    finite: Array
    mo_energy: Array
    predicted: dict[str, Array]


def hamiltonians(model: Any, batch: Batch) -> Array:
    """H(k) of every structure as in :mod:`frames`, float64 or complex128, (n_structures, n_k, n_ao, n_ao), Ha."""
    components = _components(model, batch.graph)
    blocks = components @ jnp.asarray(model.template.to_block.T, components.dtype)
    flat = jnp.concatenate([blocks.ravel(), jnp.zeros(1, blocks.dtype)])
    g = flat[batch.gather].astype(jnp.float64)
    rows = g.reshape(*g.shape[:2], -1)
    a = batch.phases.real @ rows
    if jnp.iscomplexobj(batch.phases):
        a = a + 1j * (batch.phases.imag @ rows)
    a = a.reshape(batch.base.shape)
    return batch.base + (a + a.conj().swapaxes(-1, -2)) / 2


# Compiled functions of their own: training and evaluation then trace them once between them instead of twice.
@eqx.filter_jit
def _components(model: Any, graph: Graph) -> Any:
    return model(graph)


@partial(jax.jit, static_argnums=2)
def properties_of(
    matrices: Array, integrals: Integrals, names: tuple[str, ...]
) -> tuple[Array, dict[str, Array]]:
    """Levels and the named properties of Hamiltonians (n_structures, n_k, n_ao, n_ao), padded."""

    def molecule(h: Array, own: Integrals) -> tuple[Array, dict[str, Array]]:
        state = solve(h[0], own)
        return state.mo_energy, {name: TARGETS[name].predict(state, own) for name in names}

    def crystal(h: Array, own: Integrals) -> tuple[Array, dict[str, Array]]:
        bands = solve_bands(h, own)
        return bands.energy, {name: TARGETS[name].predict_bands(bands, own) for name in names}

    return jax.vmap(molecule if integrals.orthogonaliser is None else crystal)(matrices, integrals)


def predict_batch(model: Any, batch: Batch, names: Sequence[str]) -> tuple[Array, dict[str, Array]]:
    """Levels, (n_structures, n_ao) or of crystals (n_structures, n_k, n_ao), and the named properties, padded.

    A surrogate has no levels: (n_structures, 0).
    """
    if isinstance(model, Surrogate):
        moments = _components(model, batch.graph)
        return jnp.zeros((len(batch.n_atoms), 0)), molecular_properties(moments, batch, names)
    return properties_of(hamiltonians(model, batch), batch.integrals, tuple(names))


def squared_errors(predicted: Mapping[str, Array], batch: Batch, names: Sequence[str]) -> Array:
    """‖Δ_p,n‖²/N_n² of every target and molecule, shape (n_targets, n_structures); 0 for empty slots."""
    rows = []
    for name in names:
        value, weight = batch.targets[name]
        squared = weight * (predicted[name] - value) ** 2
        rows.append(squared.reshape(len(batch.n_atoms), -1).sum(1) * batch.present / batch.n_atoms**2)
    return jnp.stack(rows)


def loss_of(model: Any, batch: Batch, scales: Array, names: tuple[str, ...]) -> tuple[Array, tuple]:
    """Σ_p scale_p · mean_n ‖Δ_p,n‖²/N_n²; beside it squared errors, levels and predictions."""
    mo_energy, predicted = predict_batch(model, batch, names)
    each = squared_errors(predicted, batch, names)
    loss = (scales * each.sum(1)).sum() / batch.present.sum()
    return loss, (each, mo_energy, predicted)


@eqx.filter_jit
def train_step(
    trainable: Any,
    frozen: Any,
    opt_state: Any,
    batch: Batch,
    scales: Array,
    learning_rate: Array,
    names: tuple[str, ...],
    optimizer: optax.GradientTransformation,
) -> tuple[Any, Any, StepReport]:
    """One gradient step; pure: what went in is unchanged.

    Args:
        trainable: leaves that move.
        frozen: the rest of the model, same tree.
        opt_state: of ``optimizer``.
        batch: molecules.
        scales: weight_p / var_p of every target, shape (n_targets,).
        learning_rate: of this step.
        names: targets in the loss; another tuple compiles anew.
        optimizer: gives updates for a learning rate of 1.
    """

    def loss(leaves: Any) -> tuple[Array, tuple]:
        return loss_of(eqx.combine(leaves, frozen), batch, scales, names)

    (value, (each, mo_energy, predicted)), gradient = jax.value_and_grad(loss, has_aux=True)(trainable)
    updates, new_state = optimizer.update(gradient, opt_state, trainable)
    finite = jnp.isfinite(value) & jnp.all(
        jnp.stack([jnp.isfinite(g).all() for g in jax.tree.leaves(gradient)])
    )
    moved = jax.tree.map(
        lambda x, u: jnp.where(finite, x + (learning_rate * u).astype(x.dtype), x), trainable, updates
    )
    new_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), new_state, opt_state)
    return moved, new_state, StepReport(value, each, finite, mo_energy, predicted)


@eqx.filter_jit
def full_batch_step(
    trainable: Any,
    frozen: Any,
    opt_state: Any,
    batches: Batch,
    scales: Array,
    names: tuple[str, ...],
    optimizer: optax.GradientTransformationExtraArgs,
) -> tuple[Any, Any, StepReport]:
    """One L-BFGS iteration with line search on all batches, stacked along a leading axis; pure.

    The report's arrays keep that leading axis, except ``loss`` and ``finite``.
    """

    def loss(leaves: Any) -> tuple[Array, tuple]:
        model = eqx.combine(leaves, frozen)
        each, mo_energy, predicted = jax.lax.map(lambda b: loss_of(model, b, scales, names)[1], batches)
        return (scales * each.sum((0, 2))).sum() / batches.present.sum(), (each, mo_energy, predicted)

    (value, (each, mo_energy, predicted)), gradient = jax.value_and_grad(loss, has_aux=True)(trainable)
    updates, new_state = optimizer.update(
        gradient, opt_state, trainable, value=value, grad=gradient, value_fn=lambda leaves: loss(leaves)[0]
    )
    finite = jnp.isfinite(value) & jnp.all(
        jnp.stack([jnp.isfinite(u).all() for u in jax.tree.leaves(updates)])
    )
    moved = jax.tree.map(lambda x, u: jnp.where(finite, x + u.astype(x.dtype), x), trainable, updates)
    new_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), new_state, opt_state)
    return moved, new_state, StepReport(value, each, finite, mo_energy, predicted)


@eqx.filter_jit
def evaluate_batch(model: Any, batch: Batch, names: tuple[str, ...]) -> tuple[Array, Array, dict[str, Array]]:
    """Levels, squared errors and predicted properties of a batch, without gradients."""
    mo_energy, predicted = predict_batch(model, batch, names)
    return mo_energy, squared_errors(predicted, batch, names), predicted


def band_energies(model: Any, batch: Batch) -> Array:
    """Bands alone, without orbitals, of unpadded crystals: (n_structures, n_k, n_ao), Ha."""
    return _levels_of(hamiltonians(model, batch), batch.integrals.orthogonaliser)


@jax.jit
def _levels_of(matrices: Array, orthogonaliser: Array) -> Array:
    return jnp.linalg.eigvalsh(orthogonaliser @ matrices @ orthogonaliser)
