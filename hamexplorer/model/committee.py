"""Several models of one kind that vote: their mean is the prediction, how far they stand apart says how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph


class Committee(eqx.Module):
    """Members with heads of their own, evaluated together by :func:`jax.vmap`.

    The components of the committee are the mean of its members'. The Hamiltonian is linear in them, so this is the mean
    Hamiltonian: one matrix, with orbitals and bands like that of any other model.

    Attributes:
        own: the leaves that each member has for itself, with a leading axis of n_members; None at the others.
        shared: the leaves that all use, trained or not; None at the others.
    """

    own: Any
    shared: Any

    @classmethod
    def of(cls, members: Sequence[Any]) -> Committee:
        """Put models of one shape together; what they share is taken from the first."""
        parts = [eqx.partition(member, member.heads()) for member in members]
        return cls(jax.tree.map(lambda *leaves: jnp.stack(leaves), *(own for own, _ in parts)), parts[0][1])

    def __len__(self) -> int:
        return len(jax.tree.leaves(self.own)[0])

    @property
    def template(self) -> BlockTemplate:
        return self.shared.template

    def each(self, graph: Graph) -> Array:
        """Coupled components of every member, shape (n_members, n_atoms + n_pairs, template.size²)."""
        # What does not depend on a head is worked out once: vmap leaves it without the leading axis.
        return jax.vmap(lambda own: eqx.combine(own, self.shared)(graph))(self.own)

    def __call__(self, graph: Graph) -> Array:
        """Their mean, shape (n_atoms + n_pairs, template.size²): on-site blocks first."""
        return self.each(graph).mean(0)

    def member(self, index: int) -> Any:
        """One member as a model of its own."""
        return eqx.combine(jax.tree.map(lambda leaf: leaf[index], self.own), self.shared)

    def trainable(self) -> Committee:
        """The same tree with True at the leaves that training may change."""
        marks = self.member(0).trainable()
        own, shared = (
            jax.tree.map(
                lambda mark, leaf: leaf is not None and mark, marks, part, is_leaf=lambda x: x is None
            )
            for part in (self.own, self.shared)
        )
        return Committee(own, shared)
