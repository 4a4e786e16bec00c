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
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import ADDED_TO, Committee, Graph, Response, Surrogate, WithResponse, committee_in
from hamexplorer.physics.integrals import Integrals
from hamexplorer.physics.solve import solve, solve_bands
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.batches import Batch
from hamexplorer.train.moments import molecular_properties

#: Levels and named properties.
Properties = tuple[Array, dict[str, Array]]


class StepReport(NamedTuple):
    """What a step found in its batch, for the named targets.

    Attributes:
        loss: the weighted loss of the batch; of a committee the sum of its members'.
        each: ‖Δ_p,n‖²/N_n² by target and molecule, shape (n_targets, n_structures).
        finite: whether loss and gradient are finite; if not, the model is unchanged.
        mo_energy, predicted: of every molecule before the step, padded.
        gradient_norm: of the loss, by all weights together, shape ().
        spread: of a committee's members, as :func:`spread_of` gives it; None of other models.
    """

    loss: Array
    each: Array
    finite: Array
    mo_energy: Array
    predicted: dict[str, Array]
    gradient_norm: Array
    spread: Properties | None = None


def hamiltonians(model: Any, batch: Batch) -> Array:
    """H(k) of every structure as in :mod:`frames`, float64 or complex128, (n_structures, n_k, n_ao, n_ao), Ha."""
    return _assembled(_components(model, batch.graph), model.template, batch)


def _assembled(components: Array, template: BlockTemplate, batch: Batch) -> Array:
    """Blocks gathered, summed over translations, made Hermitian and added to the base."""
    blocks = components @ jnp.asarray(template.to_block.T, components.dtype)
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


@eqx.filter_jit
def _components_of_each(committee: Committee, graph: Graph) -> Array:
    return committee.each(graph)


@partial(jax.jit, static_argnums=2)
def properties_of(matrices: Array, integrals: Integrals, names: tuple[str, ...]) -> Properties:
    """Levels and the named properties of Hamiltonians (n_structures, n_k, n_ao, n_ao), padded."""

    def molecule(h: Array, own: Integrals) -> Properties:
        state = solve(h[0], own)
        return state.mo_energy, {name: TARGETS[name].predict(state, own) for name in names}

    def crystal(h: Array, own: Integrals) -> Properties:
        bands = solve_bands(h, own)
        return bands.energy, {name: TARGETS[name].predict_bands(bands, own) for name in names}

    return jax.vmap(molecule if integrals.orthogonaliser is None else crystal)(matrices, integrals)


def predict_batch(model: Any, batch: Batch, names: Sequence[str]) -> Properties:
    """Levels, (n_structures, n_ao) or of crystals (n_structures, n_k, n_ao), and the named properties, padded.

    A surrogate has no levels: (n_structures, 0).
    """
    if isinstance(model, Surrogate):
        moments = _components(model, batch.graph)
        return jnp.zeros((len(batch.n_atoms), 0)), molecular_properties(moments, batch, names)
    levels, found = properties_of(hamiltonians(model, batch), batch.integrals, tuple(names))
    return levels, _answered(found, responses(model, batch, names))


def _answered(found: dict[str, Array], of_atoms: dict[str, Response]) -> dict[str, Array]:
    # What atoms can add shall not pull the Hamiltonian away from what it alone can answer.
    return found | {
        name: response.of(jax.lax.stop_gradient(found[name])) for name, response in of_atoms.items()
    }


def responses(model: Any, batch: Batch, names: Sequence[str]) -> dict[str, Response]:
    """What makes the named properties of those of a model's Hamiltonians, padded; nothing of most models."""
    if not isinstance(model, WithResponse):
        return {}
    changed = [name for name in ADDED_TO if name in names]
    added = molecular_properties(_components(model.atoms, batch.graph), batch, changed)
    return {name: Response(model.screening, value) for name, value in added.items()}


def squared_errors(predicted: Mapping[str, Array], batch: Batch, names: Sequence[str]) -> Array:
    """‖Δ_p,n‖²/N_n² of every target and molecule, shape (n_targets, n_structures); 0 for empty slots."""
    rows = []
    for name in names:
        value, weight = batch.targets[name]
        squared = weight * (predicted[name] - value) ** 2
        rows.append(squared.reshape(len(batch.n_atoms), -1).sum(1) * batch.present / batch.n_atoms**2)
    return jnp.stack(rows)


def _of_members(model: Any, batch: Batch, names: tuple[str, ...]) -> tuple[Properties, Properties]:
    """Properties of every member, with a leading axis, and of their mean Hamiltonian; no gradient by the latter.

    What atoms do is the same for all members.
    """
    committee, of_atoms = committee_in(model), responses(model, batch, names)
    assert committee is not None
    components = _components_of_each(committee, batch.graph)
    matrices = jax.vmap(lambda c: _assembled(c, committee.template, batch))(components)
    levels, each = jax.vmap(lambda h: properties_of(h, batch.integrals, names))(matrices)
    mean = jax.lax.stop_gradient(matrices.mean(0))
    answer, found = properties_of(mean, batch.integrals, names)
    return (levels, _answered(each, of_atoms)), (answer, _answered(found, jax.lax.stop_gradient(of_atoms)))


def spread_of(members: Properties, answer: Properties) -> Properties:
    """√(Σ_m (p_m - p)² / (n_members - 1)) of every value, p being what the mean Hamiltonian says."""
    return jax.tree.map(
        lambda each, p: jnp.sqrt(((each - p) ** 2).sum(0) / (len(each) - 1)),
        *jax.lax.stop_gradient((members, answer)),
    )


def loss_of(
    model: Any, batch: Batch, scales: Array, names: tuple[str, ...], weights: Array | None = None
) -> tuple[Array, tuple]:
    """Σ_p scale_p · mean_n ‖Δ_p,n‖²/N_n²; beside it squared errors, levels, predictions and spread.

    The members of a committee learn apart: the loss is the sum of theirs, each with its own weights of the structures,
    (n_members, n_structures). What stands beside it is of their mean Hamiltonian.
    """
    if committee_in(model) is not None:
        members, answer = _of_members(model, batch, names)
        theirs = jax.vmap(lambda predicted: squared_errors(predicted, batch, names))(members[1])
        weighted = theirs if weights is None else theirs * weights[:, None]
        loss = (scales * weighted.sum((0, 2))).sum() / batch.present.sum()
        return loss, (squared_errors(answer[1], batch, names), *answer, spread_of(members, answer))
    mo_energy, predicted = predict_batch(model, batch, names)
    each = squared_errors(predicted, batch, names)
    loss = (scales * each.sum(1)).sum() / batch.present.sum()
    return loss, (each, mo_energy, predicted, None)


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
    weights: Array | None = None,
    weight_decay: Array | float = 0.0,
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
        weights: of the batch's structures for each member of a committee, shape (n_members, n_structures).
        weight_decay: a step also takes away so much of every leaf, times the learning rate.

    Source of the decay beside the gradient instead of in it: Loshchilov & Hutter, arXiv 1711.05101.
    """

    def loss(leaves: Any) -> tuple[Array, tuple]:
        return loss_of(eqx.combine(leaves, frozen), batch, scales, names, weights)

    (value, found), gradient = jax.value_and_grad(loss, has_aux=True)(trainable)
    return _moved(trainable, opt_state, value, gradient, found, learning_rate, optimizer, weight_decay)


@eqx.filter_jit
def sharded_train_step(
    mesh: Mesh,
    trainable: Any,
    frozen: Any,
    opt_state: Any,
    batches: Batch,
    scales: Array,
    learning_rate: Array,
    names: tuple[str, ...],
    optimizer: optax.GradientTransformation,
    weights: Array | None = None,
    weight_decay: Array | float = 0.0,
) -> tuple[Any, Any, StepReport]:
    """The same step on a batch in parts, stacked along a leading axis, one for each device of a mesh of one axis.

    Loss and gradient are those of the whole batch. The report's arrays keep the leading axis, except ``loss``,
    ``finite`` and ``gradient_norm``; every device, and every process of several, has all of it.
    """
    (axis,) = mesh.axis_names
    fixed, static = eqx.partition(frozen, eqx.is_array)

    def part(leaves: Any, fixed: Any, stacked: Any) -> Any:
        batch, own_weights = jax.tree.map(lambda x: x[0], stacked)
        model_rest, n = eqx.combine(fixed, static), batch.present.sum()

        def share(leaves: Any) -> tuple[Array, tuple]:
            mean, found = loss_of(eqx.combine(leaves, model_rest), batch, scales, names, own_weights)
            return mean * n, found

        (value, found), gradient = jax.value_and_grad(share, has_aux=True)(leaves)
        value, gradient = jax.tree.map(
            lambda x: jax.lax.psum(x, axis) / jax.lax.psum(n, axis), (value, gradient)
        )
        gradient = jax.tree.map(lambda g, x: g.astype(x.dtype), gradient, leaves)
        return value, gradient, jax.tree.map(lambda x: jax.lax.all_gather(x, axis), found)

    spread_out = jax.shard_map(part, mesh=mesh, in_specs=(P(), P(), P(axis)), out_specs=P(), check_vma=False)
    value, gradient, found = spread_out(trainable, fixed, (batches, weights))
    return _moved(trainable, opt_state, value, gradient, found, learning_rate, optimizer, weight_decay)


def _moved(
    trainable: Any,
    opt_state: Any,
    value: Array,
    gradient: Any,
    found: tuple,
    learning_rate: Array,
    optimizer: optax.GradientTransformation,
    weight_decay: Array | float,
) -> tuple[Any, Any, StepReport]:
    """Weights and state after the step, as before where something is not finite."""
    each, mo_energy, predicted, spread = found
    updates, new_state = optimizer.update(gradient, opt_state, trainable)
    finite = jnp.isfinite(value) & jnp.all(
        jnp.stack([jnp.isfinite(g).all() for g in jax.tree.leaves(gradient)])
    )
    moved = jax.tree.map(
        lambda x, u: jnp.where(finite, x + (learning_rate * (u - weight_decay * x)).astype(x.dtype), x),
        trainable,
        updates,
    )
    new_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), new_state, opt_state)
    norm = optax.global_norm(gradient)
    return moved, new_state, StepReport(value, each, finite, mo_energy, predicted, norm, spread)


@eqx.filter_jit
def full_batch_step(
    trainable: Any,
    frozen: Any,
    opt_state: Any,
    batches: Batch,
    scales: Array,
    names: tuple[str, ...],
    optimizer: optax.GradientTransformationExtraArgs,
    weights: Array | None = None,
) -> tuple[Any, Any, StepReport]:
    """One L-BFGS iteration with line search on all batches, stacked along a leading axis; pure.

    The report's arrays keep that leading axis, except ``loss``, ``finite`` and ``gradient_norm``; ``weights``
    have it, too.
    """

    def loss(leaves: Any) -> tuple[Array, tuple]:
        model = eqx.combine(leaves, frozen)
        losses, found = jax.lax.map(lambda b: loss_of(model, b[0], scales, names, b[1]), (batches, weights))
        if committee_in(model) is not None:
            n = batches.present.sum(1)
            return (losses * n).sum() / n.sum(), found
        return (scales * found[0].sum((0, 2))).sum() / batches.present.sum(), found

    (value, (each, mo_energy, predicted, spread)), gradient = jax.value_and_grad(loss, has_aux=True)(
        trainable
    )
    updates, new_state = optimizer.update(
        gradient, opt_state, trainable, value=value, grad=gradient, value_fn=lambda leaves: loss(leaves)[0]
    )
    finite = jnp.isfinite(value) & jnp.all(
        jnp.stack([jnp.isfinite(u).all() for u in jax.tree.leaves(updates)])
    )
    moved = jax.tree.map(lambda x, u: jnp.where(finite, x + u.astype(x.dtype), x), trainable, updates)
    new_state = jax.tree.map(lambda new, old: jnp.where(finite, new, old), new_state, opt_state)
    norm = optax.global_norm(gradient)
    return moved, new_state, StepReport(value, each, finite, mo_energy, predicted, norm, spread)


@eqx.filter_jit
def evaluate_batch(model: Any, batch: Batch, names: tuple[str, ...]) -> tuple[Array, Array, dict[str, Array]]:
    """Levels, squared errors and predicted properties of a batch, without gradients."""
    mo_energy, predicted = predict_batch(model, batch, names)
    return mo_energy, squared_errors(predicted, batch, names), predicted


@eqx.filter_jit
def evaluate_committee(
    model: Any, batch: Batch, names: tuple[str, ...]
) -> tuple[Array, Array, dict[str, Array], Properties]:
    """The same of a committee, and its spread."""
    members, answer = _of_members(model, batch, names)
    return answer[0], squared_errors(answer[1], batch, names), answer[1], spread_of(members, answer)


def band_energies(model: Any, batch: Batch) -> Array:
    """Bands alone, without orbitals, of unpadded crystals: (n_structures, n_k, n_ao), Ha."""
    return _levels_of(hamiltonians(model, batch), batch.integrals.orthogonaliser)


@jax.jit
def _levels_of(matrices: Array, orthogonaliser: Array) -> Array:
    return jnp.linalg.eigvalsh(orthogonaliser @ matrices @ orthogonaliser)
