"""Equivariant building blocks: linear maps an order at a time, Clebsch-Gordan products, gates.

Features of atoms are arrays of shape (atoms, channels, components), components running over l = 0 … l_max and
m = -l … l with natural parity; those of pairs, of which there are many more, have their channels last, (pairs,
components, channels), so that what is done for every channel runs through memory in order. Products are dense
contractions with one constant tensor: for l_max = 2 that is 81 × 9, which a CPU multiplies faster, and XLA compiles far
faster, than the same sum path by path.

Everything is float32: constants are Python floats, because a NumPy float64 would silently promote the network.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.coupling import Irrep, clebsch_gordan


def l_of_component(l_max: int) -> np.ndarray:
    """l of every component, shape ((l_max + 1)²,)."""
    return np.repeat(np.arange(l_max + 1), 2 * np.arange(l_max + 1) + 1)


def repeated(x: Array, times: Sequence[int], axis: int) -> Array:
    """Entry k along an axis, times[k] times: one number a tensor becomes one a component.

    An index would do the same; but its derivative is a sum entry by entry, which took a third of a training step.
    """
    axis %= x.ndim
    parts = []
    for k, n in enumerate(times):
        part = jax.lax.slice_in_dim(x, k, k + 1, axis=axis)
        parts.append(jnp.broadcast_to(part, (*x.shape[:axis], n, *x.shape[axis + 1 :])))
    return jnp.concatenate(parts, axis)


def dims_of(l_max: int) -> list[int]:
    """Components of every l."""
    return [2 * l + 1 for l in range(l_max + 1)]


def natural_irreps(l_max: int) -> tuple[Irrep, ...]:
    return tuple(Irrep(l, True) for l in range(l_max + 1))


@cache
def product_tensor(
    l_max: int, irreps: tuple[Irrep, ...], second: tuple[int, ...] | None = None
) -> np.ndarray:
    """Constant tensor of the product of two natural features into a list of irreps.

    Args:
        l_max: of both factors.
        irreps: wanted in the result, in order.
        second: the l of the second factor that take part; all of them if None.

    Returns:
        Shape ((l_max + 1)², (l_max + 1)², components of the irreps); paths into one irrep are scaled so that
        independent unit-variance factors give a unit-variance result.
    """
    n, dim = (l_max + 1) ** 2, sum(irrep.dim for irrep in irreps)
    tensor = np.zeros((n, n, dim))
    start = 0
    for irrep in irreps:
        paths = [
            (a, b)
            for a in range(l_max + 1)
            for b in (range(l_max + 1) if second is None else second)
            if abs(a - b) <= irrep.l <= a + b and ((a + b + irrep.l) % 2 == 0) == irrep.natural
        ]
        for a, b in paths:
            block = clebsch_gordan(a, b, irrep.l) / np.sqrt(len(paths))
            tensor[a * a : (a + 1) ** 2, b * b : (b + 1) ** 2, start : start + irrep.dim] = block
        start += irrep.dim
    return tensor.astype(np.float32)


def soft_normalised(x: Array) -> Array:
    """x / √(1 + mean x²), the mean over an item's channels and components.

    Small features pass unchanged, large ones are held near one: an atom unlike any in training then gives an
    answer of ordinary size, where products of unbounded features would grow with their fourth power.
    """
    return x / jnp.sqrt(1 + jnp.mean(x**2, axis=(1, 2), keepdims=True))


def normal(rng: np.random.Generator, shape: tuple[int, ...], n_in: int) -> Array:
    """Initial weights of variance 1/n_in, float32.

    Drawn by NumPy: JAX's generators would compile a function for every shape, which takes a second at the start.
    """
    return jnp.asarray(rng.standard_normal(shape) / math.sqrt(n_in), jnp.float32)


def zeros(shape: tuple[int, ...]) -> Array:
    """Initial weights of zero, float32; through NumPy for the same reason."""
    return jnp.asarray(np.zeros(shape, np.float32))


class Linear(eqx.Module):
    """Mixes channels, with other weights for every l; keeps equivariance."""

    weight: Array
    l_max: int = eqx.field(static=True)

    def __init__(self, n_in: int, n_out: int, l_max: int, *, rng: np.random.Generator) -> None:
        self.weight = normal(rng, (l_max + 1, n_in, n_out), n_in)
        self.l_max = l_max

    def __call__(self, x: Array) -> Array:
        return jnp.einsum("aci,icd->adi", x, self.weight[l_of_component(self.l_max)])


class MLP(eqx.Module):
    """Two-layer perceptron on invariants, SiLU in between."""

    first: Array
    bias: Array
    second: Array

    def __init__(self, n_in: int, n_hidden: int, n_out: int, *, rng: np.random.Generator) -> None:
        self.first = normal(rng, (n_in, n_hidden), n_in)
        self.bias = zeros((n_hidden,))
        self.second = normal(rng, (n_hidden, n_out), n_hidden)

    def hidden(self, x: Array) -> Array:
        return jax.nn.silu(x @ self.first + self.bias)

    def __call__(self, x: Array) -> Array:
        return self.hidden(x) @ self.second
