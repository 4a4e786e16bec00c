"""A Hamiltonian's model, with what atoms add to a property that the Hamiltonian's small basis cannot express."""

from __future__ import annotations

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
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


class Response(NamedTuple):
    """What makes a molecule's tensor of the one that its Hamiltonian gives.

    Attributes:
        screening: factors of the isotropic and of the traceless part, shape (2,); None for one.
        atoms: what the atoms add, shape (…, 3, 3).
    """

    screening: Array | None
    atoms: Array

    def of(self, tensor: Array) -> Array:
        """The molecule's tensor from its Hamiltonian's, (…, 3, 3)."""
        return screened(tensor, self.screening) + self.atoms


def screened(tensor: Array, screening: Array | None) -> Array:
    """A tensor (…, 3, 3) whose isotropic and traceless parts are multiplied apart, which keeps how it turns."""
    if screening is None:
        return tensor
    isotropic = jnp.trace(tensor, axis1=-2, axis2=-1)[..., None, None] / 3 * jnp.eye(3)
    return screening[0] * isotropic + screening[1] * (tensor - isotropic)


class WithResponse(eqx.Module):
    """Predicts blocks as ``matrix``, a model of them, does, and how atoms change :data:`ADDED_TO`.

    Electrons that answer to a field screen it from each other: a sum over states, which knows nothing of that, is far
    too large, most of all along conjugated bonds. ``screening``, fitted and never trained, makes it smaller, and
    ``atoms`` gives moments to add.
    """

    matrix: Any
    atoms: Surrogate
    screening: Array | None = None

    @property
    def template(self) -> BlockTemplate:
        return self.matrix.template

    def __call__(self, graph: Graph) -> Array:
        """Coupled components of the Hamiltonian alone."""
        return self.matrix(graph)

    def trainable(self) -> WithResponse:
        """The same tree with True at the leaves that training may change."""
        screening = None if self.screening is None else False
        return WithResponse(self.matrix.trainable(), self.atoms.trainable(), screening)  # type: ignore[arg-type]
