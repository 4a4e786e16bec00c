r"""From moments of atoms to properties of molecules: how a surrogate answers what a Hamiltonian answers.

The dipole's charges are shifted by the same amount on every atom of a molecule so that they add up to its total charge:
the dipole moment then moves with the origin as it must, and not at all for a neutral molecule.

The gap is a mean over the atoms, weighted as they say: equally before anything was learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from hamexplorer.model.surrogate import SCALARS, Moments
from hamexplorer.train.batches import Batch


def molecular_properties(moments: Moments, batch: Batch, names: Sequence[str]) -> dict[str, Array]:
    """The named properties of a batch's molecules, padded as the targets are, atomic units.

    Args:
        moments: of the joined graph's atoms.
        batch: molecules.
        names: among those that a surrogate predicts (:data:`hamexplorer.model.surrogate.PREDICTS`).
    """
    n_structures = len(batch.n_atoms)
    scalars = dict(zip(SCALARS, moments.scalars.astype(jnp.float64).T, strict=True))
    total = batch.integrals.charges.sum(1) - 2 * batch.integrals.n_occ

    def summed(values: Array) -> Array:
        # Padding atoms belong to a structure that is cut off again.
        return jax.ops.segment_sum(values, batch.owner, n_structures + 1)[:n_structures]

    count = jnp.maximum(summed(jnp.ones(len(batch.owner))), 1.0)

    def charges(name: str) -> Array:
        shift = (total - summed(scalars[name])) / count
        return scalars[name] + shift[jnp.minimum(batch.owner, n_structures - 1)]

    def dipole() -> Array:
        return summed(charges("dipole_charge")[:, None] * batch.positions + moments.vector)

    def polarizability() -> Array:
        isotropic = summed(scalars["isotropic"])[:, None, None] * jnp.eye(3)
        return isotropic + summed(moments.tensor.astype(jnp.float64))

    def gap() -> Array:
        assert moments.pooled is not None, "this surrogate knows no gap"
        value, weight = moments.pooled.astype(jnp.float64).T
        highest = jax.ops.segment_max(weight, batch.owner, n_structures + 1)
        share = jnp.exp(weight - jax.lax.stop_gradient(highest)[batch.owner])
        # 1 where there is no atom: an empty slot.
        return summed(share * value) / jnp.where(batch.present > 0, summed(share), 1.0)

    def of_atoms(name: str) -> Array:
        empty = jnp.zeros((n_structures, batch.integrals.charges.shape[1]))
        return empty.at[batch.owner, batch.place].set(charges(name), mode="drop")

    ways: dict[str, Any] = {"dipole": dipole, "polarizability": polarizability, "homo_lumo_gap": gap}
    return {name: ways[name]() if name in ways else of_atoms(name) for name in names}
