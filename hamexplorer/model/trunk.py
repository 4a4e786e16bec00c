"""What networks share: from what is seen of atoms to their features, through messages between neighbours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.coupling import Irrep
from hamexplorer.model.graph import N_MATRICES, Graph, GraphSettings, blocks_of_bonds
from hamexplorer.model.layers import (
    MLP,
    Linear,
    dims_of,
    l_of_component,
    natural_irreps,
    normal,
    product_tensor,
    repeated,
    soft_normalised,
)


@dataclass(frozen=True)
class NetworkSettings:
    """Size of the network."""

    channels: int = 32
    hidden: int = 64
    n_messages: int = 1


class NodeUpdate(eqx.Module):
    """Three-body products of an atom's own features, then a gate from its invariants."""

    left: Linear
    right: Linear
    keep: Linear
    mix: Linear
    gate: MLP
    l_max: int = eqx.field(static=True)

    def __init__(
        self, channels: int, hidden: int, n_species: int, l_max: int, *, rng: np.random.Generator
    ) -> None:
        self.left, self.right, self.keep, self.mix = (
            Linear(channels, channels, l_max, rng=rng) for _ in range(4)
        )
        self.gate = MLP(channels + n_species, hidden, channels * (l_max + 2), rng=rng)
        self.l_max = l_max

    def __call__(self, h: Array, one_hot: Array) -> Array:
        h = soft_normalised(h)
        tensor = product_tensor(self.l_max, natural_irreps(self.l_max))
        both = product(self.left(h), self.right(h), tensor)
        x = self.keep(h) + self.mix(both)
        out = self.gate(jnp.concatenate([x[:, :, 0], one_hot], 1)).reshape(*x.shape[:2], self.l_max + 2)
        x = x * repeated(1 + out[:, :, 1:], dims_of(self.l_max), 2)
        return x.at[:, :, 0].add(out[:, :, 0])


class Message(eqx.Module):
    """What the neighbours' features say, coupled to the direction they stand in."""

    send: Linear
    receive: Linear
    radial: MLP
    l_max: int = eqx.field(static=True)

    def __init__(
        self, channels: int, hidden: int, n_edge: int, l_max: int, *, rng: np.random.Generator
    ) -> None:
        self.send = Linear(channels, channels, l_max, rng=rng)
        self.receive = Linear(channels, channels, l_max, rng=rng)
        self.radial = MLP(n_edge, hidden, channels * (l_max + 1) ** 2, rng=rng)
        self.l_max = l_max

    def __call__(self, h: Array, graph: Graph, edge: Array, couplings: Array) -> Array:
        c, l_max = h.shape[1], self.l_max
        sent = self.send(h).swapaxes(1, 2)[graph.j]
        weights = channels_last(self.radial, c)(edge).reshape(-1, l_max + 1, l_max + 1, c)
        weights = weights * graph.envelope[:, None, None, None]
        message = weighted(coupled(sent, couplings), weights, dims_of(l_max))
        # 8 neighbours or so: keeps the sum near unit variance.
        summed = jax.ops.segment_sum(message, graph.i, len(h), indices_are_sorted=True) / math.sqrt(8.0)
        return self.receive(summed.swapaxes(1, 2))


def channels_last(mlp: MLP, channels: int) -> MLP:
    """The same perceptron, outputs of (channels, n) in the order of (n, channels)."""
    second = mlp.second.reshape(len(mlp.second), channels, -1).swapaxes(1, 2)
    return eqx.tree_at(lambda m: m.second, mlp, second.reshape(len(mlp.second), -1))


def coupled(x: Array, couplings: Array) -> Array:
    """Features of pairs (n_pairs, n, channels) coupled to their directions: (n_pairs, l_max + 1, components, channels).

    One product a pair for all l of the direction: three smaller ones take twice as long.
    """
    n_pairs, n_l, n_components, n = couplings.shape
    joined = couplings.reshape(n_pairs, n_l * n_components, n) @ x
    return joined.reshape(n_pairs, n_l, n_components, -1)


def weighted(x: Array, weights: Array, dims: Sequence[int]) -> Array:
    """Σ over l of the direction, x (n_pairs, l, components, channels), each tensor of ``dims`` by its own weight."""
    return sum(x[:, l] * repeated(weights[:, l], dims, 1) for l in range(x.shape[1]))  # type: ignore[return-value]


def seen_of_atoms(graph: Graph) -> Array:
    """Neighbour densities, and blocks of known matrices: (n_atoms, channels, (l_max + 1)²)."""
    return jnp.concatenate([graph.density, graph.orbital], 1)


def n_edge_features(settings: GraphSettings) -> int:
    """Of :attr:`Surroundings.edge`."""
    n_tensors = sum(len(columns) for columns in settings.orbital_columns.values())
    return settings.n_radial + 2 * len(settings.elements) + N_MATRICES * n_tensors


def bond_invariants(graph: Graph, settings: GraphSettings) -> Array:
    """Of the known matrices' off-site blocks: scalars, and root mean squares of tensors; (n_pairs, n_tensors · 2)."""
    blocks = blocks_of_bonds(graph, settings)
    found = []
    for irrep, columns in settings.orbital_columns.items():
        tensors = blocks[:, :, columns]
        # The root is smooth where a tensor vanishes.
        size = tensors[..., 0] if irrep.l == 0 else jnp.sqrt((tensors**2).mean(-1) + 1e-6)
        found.append(size.reshape(len(graph.i), -1))
    return jnp.concatenate([jnp.zeros((len(graph.i), 0), jnp.float32), *found], 1)


class Surroundings(NamedTuple):
    """What trunk and readouts both need of a graph.

    Attributes:
        one_hot: the atoms' elements, shape (n_atoms, n_elements).
        edge: radial functions, both elements and invariants of the bond of every pair, shape (n_pairs, n_edge).
        natural, blocks: for every l of the direction the matrix that couples features to it, into features and into the
            irreps of blocks; shape (n_pairs, l_max + 1, components, (l_max + 1)²).
    """

    one_hot: Array
    edge: Array
    natural: Array
    blocks: Array


class Trunk(eqx.Module):
    """What is seen of atoms → their features → messages → their features, (n_atoms, channels, (l_max + 1)²)."""

    embed: Array
    updates: tuple[NodeUpdate, ...]
    messages: tuple[Message, ...]
    graph_settings: GraphSettings = eqx.field(static=True)

    def __init__(self, graph: GraphSettings, settings: NetworkSettings, *, rng: np.random.Generator) -> None:
        self.graph_settings = graph
        c, hidden, l_max, n_species = settings.channels, settings.hidden, graph.l_max, len(graph.elements)
        n_seen, n_edge = graph.n_density_channels + graph.n_orbital, n_edge_features(graph)
        self.embed = normal(rng, (n_species, l_max + 1, n_seen, c), n_seen)
        self.updates = tuple(
            NodeUpdate(c, hidden, n_species, l_max, rng=rng) for _ in range(settings.n_messages + 1)
        )
        self.messages = tuple(Message(c, hidden, n_edge, l_max, rng=rng) for _ in range(settings.n_messages))

    def surroundings(self, graph: Graph, irreps: tuple[Irrep, ...] = ()) -> Surroundings:
        """Of a graph; ``irreps`` are those of blocks."""
        l_max = self.graph_settings.l_max
        one_hot = jax.nn.one_hot(graph.species, len(self.graph_settings.elements), dtype=jnp.float32)
        bond = bond_invariants(graph, self.graph_settings)
        edge = jnp.concatenate([graph.radial, one_hot[graph.i], one_hot[graph.j], bond], 1)
        natural, blocks = (self._couplings(graph, wanted) for wanted in (natural_irreps(l_max), irreps))
        return Surroundings(one_hot, edge, natural, blocks)

    def _couplings(self, graph: Graph, wanted: tuple[Irrep, ...]) -> Array:
        l_max = self.graph_settings.l_max
        tensors = [product_tensor(l_max, wanted, (l2,)) for l2 in range(l_max + 1)]
        return jnp.einsum("pj,lijk->plki", graph.harmonics, np.stack(tensors))

    def __call__(self, graph: Graph, around: Surroundings) -> Array:
        embed = self.embed[:, l_of_component(self.graph_settings.l_max)]
        h = jnp.einsum("as,anm,smnc->acm", around.one_hot, seen_of_atoms(graph), embed, optimize=True)
        h = self.updates[0](h, around.one_hot)
        for message, update in zip(self.messages, self.updates[1:], strict=True):
            h = h + update(h + message(h, graph, around.edge, around.natural), around.one_hot)
        return soft_normalised(h)


def product(x: Array, y: Array, tensor: np.ndarray) -> Array:
    """Features (n_atoms, channels, n) and (n_atoms, channels, m) coupled, channel by channel, by a tensor (n, m, p)."""
    outer = (x[..., :, None] * y[..., None, :]).reshape(*x.shape[:2], -1)
    return outer @ tensor.reshape(-1, tensor.shape[-1])
