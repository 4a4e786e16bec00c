"""Moments of atoms: they rotate, invert and permute as scalars, vectors and tensors must."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hamexplorer.model import SURROGATES, GraphSettings, NetworkSettings, Surrogate
from hamexplorer.model.graph import make_graph
from hamexplorer.model.surrogate import PREDICTS, SCALARS, Moments, cartesian_tensor, empty_parts
from hamexplorer.structures.structure import Structure

GRAPH = GraphSettings((1, 6, 7, 8), cutoff_angstrom=4.0, n_radial=4)


@pytest.fixture(scope="module")
def surrogate() -> Surrogate:
    """Small, and random wherever it would begin at zero: the closed-form start and the outputs."""
    rng = np.random.default_rng(2)
    made = Surrogate(GRAPH, NetworkSettings(4, 8), *empty_parts(GRAPH), rng=np.random.default_rng(1))
    leaves, tree = jax.tree.flatten(made)
    drawn = [
        leaf if np.any(np.asarray(leaf)) else jnp.asarray(0.3 * rng.standard_normal(leaf.shape), jnp.float32)
        for leaf in leaves
    ]
    # A mean direction in the units would break the symmetry: only l = 0 has a mean.
    return eqx.tree_at(lambda m: m.units, jax.tree.unflatten(tree, drawn), made.units)


@pytest.fixture(scope="module")
def moments(surrogate):
    compiled = eqx.filter_jit(lambda model, graph: model(graph))
    return lambda s: Moments(*(np.asarray(x, float) for x in compiled(surrogate, make_graph(s, GRAPH))))


@pytest.mark.parametrize("kind", ["proper", "inversion", "improper"])
def test_moments_turn_with_the_molecule(moments, formamide, rotation, kind):
    turn = {"proper": rotation, "inversion": -np.eye(3), "improper": -rotation}[kind]
    before, after = (moments(s) for s in (formamide, formamide.moved(formamide.positions @ turn.T)))
    for x in before:
        assert np.abs(x).max() > 1e-2  # a model of zeros would pass
    np.testing.assert_allclose(after.scalars, before.scalars, atol=1e-4)
    np.testing.assert_allclose(after.vector, before.vector @ turn.T, atol=1e-4)
    np.testing.assert_allclose(after.tensor, turn @ before.tensor @ turn.T, atol=1e-4)


def test_moments_follow_the_order_of_atoms_and_not_the_origin(moments, formamide):
    order = np.array([4, 1, 5, 0, 3, 2])
    moved = Structure(formamide.numbers[order], formamide.positions[order] + [10.0, -7.0, 3.0])
    for here, there in zip(moments(formamide), moments(moved), strict=True):
        np.testing.assert_allclose(there, here[order], atol=1e-4)


def test_tensors_are_traceless_and_symmetric_and_keep_the_norm():
    components = np.random.default_rng(0).normal(size=(6, 5))
    tensors = np.asarray(cartesian_tensor(components))
    np.testing.assert_allclose(tensors, tensors.swapaxes(1, 2), atol=1e-6)
    np.testing.assert_allclose(np.trace(tensors, axis1=1, axis2=2), 0, atol=1e-6)
    np.testing.assert_allclose((tensors**2).sum((1, 2)), (components**2).sum(1), rtol=1e-6)


@pytest.mark.parametrize("name", SURROGATES)
def test_every_surrogate_says_what_it_predicts_and_begins_as_its_start(name, formamide):
    kind = SURROGATES[name]
    assert kind.name == name and kind.label and kind.help.endswith(".")
    assert set(kind.predicts) <= set(PREDICTS)
    start, units = empty_parts(GRAPH)
    start = start._replace(scalars=start.scalars.at[1, -1, SCALARS.index("isotropic")].set(3.0))
    fresh = kind.build(GRAPH, start, units, rng=np.random.default_rng(0))
    found = fresh(make_graph(formamide, GRAPH))
    # The constant descriptor of carbon is all that its start knows.
    np.testing.assert_allclose(np.asarray(found.scalars)[:, 1], 3.0 * (formamide.numbers == 6), atol=1e-6)
    np.testing.assert_allclose(np.asarray(found.vector), 0, atol=1e-6)


def test_start_and_units_are_not_trained(surrogate):
    trained, fixed = eqx.partition(surrogate, surrogate.trainable())
    assert not jax.tree.leaves((trained.start, trained.units))
    assert not jax.tree.leaves((fixed.trunk, fixed.vector_out, fixed.scalar_out))
