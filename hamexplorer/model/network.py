"""The nonlinear model: an equivariant network from neighbour densities to coupled blocks."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph, GraphSettings
from hamexplorer.model.layers import MLP, Linear, product_tensor, repeated, zeros
from hamexplorer.model.trunk import (
    NetworkSettings,
    Surroundings,
    Trunk,
    channels_last,
    coupled,
    n_edge_features,
    product,
    weighted,
)


class EquivariantNetwork(eqx.Module):
    """What is seen of atoms → their features → messages → coupled components of on-site and off-site blocks."""

    trunk: Trunk
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
        n_edge = n_edge_features(graph)
        self.trunk = Trunk(graph, settings, rng=rng)
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
        marks = jax.tree.map(lambda _: True, self)
        return eqx.tree_at(lambda m: m.trunk, marks, jax.tree.map(lambda _: False, self.trunk))

    def __call__(self, graph: Graph) -> Array:
        """Coupled components, shape (n_atoms + n_pairs, template.size²): on-site blocks first."""
        around = self.trunk.surroundings(graph, self.template.irreps)
        h = self.trunk(graph, around)
        components = jnp.concatenate([self._on_site(h, around.one_hot), self._off_site(h, graph, around)])
        # Into storage order by a product: the derivative of an index is a sum entry by entry.
        return components @ self._order.astype(components.dtype)

    def _on_site(self, h: Array, one_hot: Array) -> Array:
        l_max, irreps = self.graph_settings.l_max, self.template.irreps
        left, right, straight = (linear(h) for linear in self.own)
        q = product(left, right, product_tensor(l_max, irreps))
        start = 0
        for irrep in irreps:
            if irrep.natural and irrep.l <= l_max:
                q = q.at[:, :, start : start + irrep.dim].add(straight[:, :, irrep.l**2 : (irrep.l + 1) ** 2])
            start += irrep.dim
        gate = self.own_gate(jnp.concatenate([h[:, :, 0], one_hot], 1))
        q = q * repeated(gate.reshape(*h.shape[:2], -1), self._dims, 2)
        return self._components(q.swapaxes(1, 2), self.own_out)

    def _off_site(self, h: Array, graph: Graph, around: Surroundings) -> Array:
        l_max, c = self.graph_settings.l_max, h.shape[1]
        last = h.swapaxes(1, 2)
        h_i, h_j = last[graph.i], last[graph.j]
        along = [
            (x[:, l * l : (l + 1) ** 2] * graph.harmonics[:, l * l : (l + 1) ** 2, None]).sum(1)
            for x in (h_i, h_j)
            for l in range(1, l_max + 1)
        ]
        invariants = jnp.concatenate([around.edge, h_i[:, 0], h_j[:, 0], *along], 1)
        hidden = self.pair_gate.hidden(invariants)
        gate = hidden @ channels_last(self.pair_gate, c).second
        gate = gate.reshape(len(hidden), l_max + 1, -1, c) * graph.envelope[:, None, None, None]
        left, right = (linear(h).swapaxes(1, 2) for linear in self.pair)
        q = weighted(coupled(left[graph.i] + right[graph.j], around.blocks), gate, self._dims)
        direct = (hidden * graph.envelope[:, None]) @ self.pair_direct
        return self._components(q, self.pair_out, direct, graph.harmonics)

    def _components(
        self, q: Array, out: tuple[Array, ...], direct: Array | None = None, y: Array | None = None
    ) -> Array:
        """Read the coupled tensors of every irrep out of the channels, (items, components, channels)."""
        parts, start, used = [], 0, 0
        for irrep, weight in zip(self.template.irreps, out, strict=True):
            tensors = jnp.einsum("amc,ct->amt", q[:, start : start + irrep.dim], weight)
            if (
                direct is not None
                and y is not None
                and irrep.natural
                and irrep.l <= self.graph_settings.l_max
            ):
                n = weight.shape[1]
                own = y[:, irrep.l**2 : (irrep.l + 1) ** 2, None]
                tensors += direct[:, None, used : used + n] * own
                used += n
            parts.append(tensors.reshape(len(q), -1))
            start += irrep.dim
        return jnp.concatenate(parts, 1)

    @property
    def _dims(self) -> list[int]:
        return [irrep.dim for irrep in self.template.irreps]

    @property
    def _order(self) -> np.ndarray:
        """From irrep by irrep, components before tensors, to the template's storage order; (size², size²)."""
        columns = [self.template.columns[irrep].T.ravel() for irrep in self.template.irreps]
        return np.eye(self.template.size**2, dtype=np.float32)[np.concatenate(columns)]
