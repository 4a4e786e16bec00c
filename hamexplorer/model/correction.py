"""The network as a correction to a closed-form start, in units of what the start leaves unexplained."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph
from hamexplorer.model.network import EquivariantNetwork


class NetworkCorrection(eqx.Module):
    """Network output times a fixed scale for every element (pair) and component.

    Attributes:
        network: starts at zero output.
        own_scale: Ha, shape (n_elements, template.size²). Never trained.
        pair_scale: Ha, shape (n_elements, n_elements, template.size²). Never trained.
    """

    network: EquivariantNetwork
    own_scale: Array
    pair_scale: Array

    @property
    def template(self) -> BlockTemplate:
        return self.network.template

    def __call__(self, graph: Graph) -> Array:
        """Coupled components, shape (n_atoms + n_pairs, template.size²): on-site blocks first."""
        components = self.network(graph)
        scale = [
            self.own_scale[graph.species],
            self.pair_scale[graph.species[graph.i], graph.species[graph.j]],
        ]
        return components * jnp.concatenate(scale)

    def trainable(self) -> NetworkCorrection:
        """The same tree with True at the leaves that training may change."""
        marks = jax.tree.map(lambda _: True, self)
        return eqx.tree_at(lambda m: (m.own_scale, m.pair_scale), marks, (False, False))
