"""The nonlinear model: an equivariant network from neighbour densities to coupled blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import Irrep
from hamexplorer.model.graph import Graph, GraphSettings
from hamexplorer.model.layers import (
    MLP,
    Linear,
    l_of_component,
    natural_irreps,
    normal,
    product_tensor,
    soft_normalised,
    zeros,
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
        product = _product(self.left(h), self.right(h), tensor)
        x = self.keep(h) + self.mix(product)
        out = self.gate(jnp.concatenate([x[:, :, 0], one_hot], 1)).reshape(*x.shape[:2], self.l_max + 2)
        x = x * (1 + out[:, :, 1:])[:, :, l_of_component(self.l_max)]
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

    def __call__(self, h: Array, graph: Graph, edge: Array, couplings: list[Array]) -> Array:
        n_lm = (self.l_max + 1) ** 2
        sent = self.send(h)[graph.j]
        weights = self.radial(edge).reshape(-1, h.shape[1], self.l_max + 1, self.l_max + 1)
        weights = weights * graph.envelope[:, None, None, None]
        message = jnp.zeros_like(sent)
        for l2, coupling in enumerate(couplings):
            message += (sent @ coupling[:, :, :n_lm]) * weights[:, :, l2, l_of_component(self.l_max)]
        # 8 neighbours or so: keeps the sum near unit variance.
        summed = jax.ops.segment_sum(message, graph.i, h.shape[0], indices_are_sorted=True) / math.sqrt(8.0)
        return self.receive(summed)


class EquivariantNetwork(eqx.Module):
    """Neighbour densities → atom features → messages → coupled components of on-site and off-site blocks."""

    embed: Array
    updates: tuple[NodeUpdate, ...]
    messages: tuple[Message, ...]
    own: tuple[Linear, ...]
    own_gate: MLP
    pair: tuple[Linear, ...]
    pair_gate: MLP
    pair_direct: Array
    own_out: tuple[Array, ...]
    pair_out: tuple[Array, ...]
    template: BlockTemplate = eqx.field(static=True)
    graph_settings: GraphSettings = eqx.field(static=True)
    settings: NetworkSettings = eqx.field(static=True)

    def __init__(
        self,
        template: BlockTemplate,
        graph: GraphSettings,
        settings: NetworkSettings,
        *,
        rng: np.random.Generator,
    ) -> None:
        self.template, self.graph_settings, self.settings = template, graph, settings
        c, hidden, l_max, n_species = settings.channels, settings.hidden, graph.l_max, len(graph.elements)
        n_density = n_species * graph.n_radial
        n_edge = graph.n_radial + 2 * n_species
        self.embed = normal(rng, (n_species, l_max + 1, n_density, c), n_density)
        self.updates = tuple(
            NodeUpdate(c, hidden, n_species, l_max, rng=rng) for _ in range(settings.n_messages + 1)
        )
        self.messages = tuple(Message(c, hidden, n_edge, l_max, rng=rng) for _ in range(settings.n_messages))
        self.own = tuple(Linear(c, c, l_max, rng=rng) for _ in range(3))
        n_irreps = len(template.irreps)
        self.own_gate = MLP(c + n_species, hidden, c * n_irreps, rng=rng)
        self.pair = tuple(Linear(c, c, l_max, rng=rng) for _ in range(2))
        n_invariants = n_edge + c * (2 + 2 * l_max)
        self.pair_gate = MLP(n_invariants, hidden, c * (l_max + 1) * n_irreps, rng=rng)
        n_direct = sum(len(template.columns[i]) for i in template.irreps if i.natural and i.l <= l_max)
        # Outputs start at zero: the untrained network leaves the ridge start as it is.
        self.pair_direct = zeros((hidden, n_direct))
        self.own_out = tuple(zeros((c, len(template.columns[i]))) for i in template.irreps)
        self.pair_out = tuple(zeros((c, len(template.columns[i]))) for i in template.irreps)

    def heads(self) -> EquivariantNetwork:
        """The same tree with True behind the atoms' final features, at all that reads blocks out of them."""
        trunk = (self.embed, self.updates, self.messages)
        marks = jax.tree.map(lambda _: True, self)
        nothing = jax.tree.map(lambda _: False, trunk)
        return eqx.tree_at(lambda m: (m.embed, m.updates, m.messages), marks, nothing)

    def __call__(self, graph: Graph) -> Array:
        """Coupled components, shape (n_atoms + n_pairs, template.size²): on-site blocks first."""
        l_max = self.graph_settings.l_max
        one_hot = jax.nn.one_hot(graph.species, len(self.graph_settings.elements), dtype=jnp.float32)
        edge = jnp.concatenate([graph.radial, one_hot[graph.i], one_hot[graph.j]], 1)
        couplings = self._couplings(graph)
        embed = self.embed[:, l_of_component(l_max)]
        h = jnp.einsum("as,anm,smnc->acm", one_hot, graph.density, embed, optimize=True)
        h = self.updates[0](h, one_hot)
        for message, update in zip(self.messages, self.updates[1:], strict=True):
            h = h + update(h + message(h, graph, edge, couplings), one_hot)
        h = soft_normalised(h)
        return jnp.concatenate([self._on_site(h, one_hot), self._off_site(h, graph, edge, couplings)])

    def _couplings(self, graph: Graph) -> list[Array]:
        """For every l of the direction, the matrix that couples features to it, natural components first."""
        l_max = self.graph_settings.l_max
        wanted = natural_irreps(l_max) + self.template.irreps
        return [
            jnp.einsum("pj,ijk->pik", graph.harmonics, product_tensor(l_max, wanted, (l2,)))
            for l2 in range(l_max + 1)
        ]

    def _on_site(self, h: Array, one_hot: Array) -> Array:
        l_max, irreps = self.graph_settings.l_max, self.template.irreps
        left, right, straight = (linear(h) for linear in self.own)
        q = _product(left, right, product_tensor(l_max, irreps))
        start = 0
        for irrep in irreps:
            if irrep.natural and irrep.l <= l_max:
                q = q.at[:, :, start : start + irrep.dim].add(straight[:, :, irrep.l**2 : (irrep.l + 1) ** 2])
            start += irrep.dim
        gate = self.own_gate(jnp.concatenate([h[:, :, 0], one_hot], 1))
        q = q * gate.reshape(*h.shape[:2], -1)[:, :, _irrep_of_component(irreps)]
        return self._components(q, self.own_out)

    def _off_site(self, h: Array, graph: Graph, edge: Array, couplings: list[Array]) -> Array:
        l_max, irreps = self.graph_settings.l_max, self.template.irreps
        n_lm = (l_max + 1) ** 2
        h_i, h_j = h[graph.i], h[graph.j]
        along = [
            jnp.einsum("pcm,pm->pc", x[:, :, l * l : (l + 1) ** 2], graph.harmonics[:, l * l : (l + 1) ** 2])
            for x in (h_i, h_j)
            for l in range(1, l_max + 1)
        ]
        invariants = jnp.concatenate([edge, h_i[:, :, 0], h_j[:, :, 0], *along], 1)
        hidden = self.pair_gate.hidden(invariants)
        gate = (hidden @ self.pair_gate.second).reshape(len(edge), -1, l_max + 1, len(irreps))
        gate = gate * graph.envelope[:, None, None, None]
        both = self.pair[0](h)[graph.i] + self.pair[1](h)[graph.j]
        q = sum(
            (both @ coupling[:, :, n_lm:]) * gate[:, :, l2, _irrep_of_component(irreps)]
            for l2, coupling in enumerate(couplings)
        )
        direct = (hidden * graph.envelope[:, None]) @ self.pair_direct
        return self._components(q, self.pair_out, direct, graph.harmonics)

    def _components(
        self, q: Array, out: tuple[Array, ...], direct: Array | None = None, y: Array | None = None
    ):
        """Read the coupled tensors of every irrep out of the channels, in the template's storage order."""
        parts, columns, start, used = [], [], 0, 0
        for irrep, weight in zip(self.template.irreps, out, strict=True):
            tensors = jnp.einsum("acm,ct->atm", q[:, :, start : start + irrep.dim], weight)
            if (
                direct is not None
                and y is not None
                and irrep.natural
                and irrep.l <= self.graph_settings.l_max
            ):
                n = weight.shape[1]
                tensors += direct[:, used : used + n, None] * y[:, None, irrep.l**2 : (irrep.l + 1) ** 2]
                used += n
            parts.append(tensors.reshape(len(q), -1))
            columns.append(self.template.columns[irrep].ravel())
            start += irrep.dim
        return jnp.concatenate(parts, 1)[:, np.argsort(np.concatenate(columns))]


def _product(x: Array, y: Array, tensor: np.ndarray) -> Array:
    outer = (x[..., :, None] * y[..., None, :]).reshape(*x.shape[:2], -1)
    return outer @ tensor.reshape(-1, tensor.shape[-1])


def _irrep_of_component(irreps: tuple[Irrep, ...]) -> np.ndarray:
    return np.repeat(np.arange(len(irreps)), [irrep.dim for irrep in irreps])
