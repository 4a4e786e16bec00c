"""A target: Mulliken's electronegativity χ = -(ε_HOMO + ε_LUMO) / 2."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.reductions import ReducedReference
from hamexplorer.physics.integrals import Integrals
from hamexplorer.physics.solve import ElectronicState
from hamexplorer.physics.targets import TARGETS, Target


@TARGETS.register("electronegativity")
class Electronegativity(Target):
    """Half-way between the highest occupied and the lowest empty level, with the sign changed (Koopmans)."""

    label = "Electronegativity"
    help = "How strongly a molecule holds its electrons: Mulliken's mean of ionisation energy and electron affinity."
    unit = "Ha"
    is_energy = True  # shown in eV or Ha, as the user likes
    default_weight = 1e3

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        # Molecules of a batch are padded to one size: n_occ is an array, and padding levels lie above all others.
        homo = state.mo_energy[integrals.n_occ - 1]
        lumo = state.mo_energy[jnp.minimum(integrals.n_occ, state.mo_energy.shape[-1] - 1)]
        return -(homo + lumo) / 2

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray | None:
        # A level that the small matrix does not have cannot be learned: the structure then has no such value.
        return _of_levels(properties.mo_energy, n_occ) if reduced.levels.shape[-1] > n_occ else None

    def raw(self, properties: Any, fock: np.ndarray | None, n_occ: int) -> np.ndarray | None:
        return _of_levels(properties.mo_energy, n_occ)


def _of_levels(mo_energy: np.ndarray, n_occ: int) -> np.ndarray | None:
    if mo_energy.shape[-1] <= n_occ:
        return None
    return -(mo_energy[n_occ - 1] + mo_energy[n_occ]) / 2
