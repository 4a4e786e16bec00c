"""A Hamiltonian's model, with what atoms add to a property that the Hamiltonian's small basis cannot express."""

from __future__ import annotations

from typing import Any

import equinox as eqx
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.committee import Committee
from hamexplorer.model.graph import Graph
from hamexplorer.model.surrogate import Surrogate

#: Targets that atoms add to: a minimal basis has no functions for electrons to be pulled into.
ADDED_TO = ("polarizability",)


def committee_in(model: Any) -> Committee | None:
    """The committee that answers in a model, if one does."""
    matrix = model.matrix if isinstance(model, WithResponse) else model
    return matrix if isinstance(matrix, Committee) else None


class WithResponse(eqx.Module):
    """Predicts blocks as ``matrix``, a model of them, does; ``atoms`` gives moments to add to :data:`ADDED_TO`."""

    matrix: Any
    atoms: Surrogate

    @property
    def template(self) -> BlockTemplate:
        return self.matrix.template

    def __call__(self, graph: Graph) -> Array:
        """Coupled components of the Hamiltonian alone."""
        return self.matrix(graph)

    def trainable(self) -> WithResponse:
        """The same tree with True at the leaves that training may change."""
        return eqx.tree_at(
            lambda m: (m.matrix, m.atoms), self, (self.matrix.trainable(), self.atoms.trainable())
        )
