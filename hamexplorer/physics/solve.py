"""From a Hamiltonian to an electronic state, through PySCFAD's padded mean-field class."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from pyscfad.ml.scf import SCFPad

from hamexplorer.physics.integrals import Integrals


class ElectronicState(NamedTuple):
    """Closed-shell eigenstates of one H̃, Löwdin orbitals; padding orbitals come last.

    Attributes:
        mo_energy: ascending, shape (n_ao,), Ha; padding levels lie far above and are masked by ``mo_mask``.
        mo_coeff: orthonormal columns, shape (n_ao, n_ao).
        mo_occ: 2 or 0, shape (n_ao,).
        mo_mask: true for real orbitals, shape (n_ao,).
        density: spin-summed P̃ = S^½ P S^½, shape (n_ao, n_ao).
        hamiltonian: the H̃ that was solved, shape (n_ao, n_ao), Ha.
    """

    mo_energy: Array
    mo_coeff: Array
    mo_occ: Array
    mo_mask: Array
    density: Array
    hamiltonian: Array


class _Orbitals:
    """The three things that PySCFAD's padded class asks of a molecule when H and S are given."""

    verbose = 0

    def __init__(self, integrals: Integrals) -> None:
        self.ao_mask = integrals.ao_mask
        self._n_electrons = 2 * integrals.n_occ

    def tot_electrons(self) -> Array:
        return self._n_electrons


def solve(hamiltonian: Array, integrals: Integrals) -> ElectronicState:
    """Diagonalise H̃ and fill the lowest orbitals (aufbau).

    Args:
        hamiltonian: H̃, Hermitian, shape (n_ao, n_ao), Ha; what stands in padding is ignored.
        integrals: of the same structure, padded to the same n_ao.

    Returns:
        The state. Derivatives are PySCFAD's: finite also for degenerate levels, whose mutual coupling (closer than
        1e-9 Ha) is left out; it cancels in every property that treats the levels alike.
    """
    mf = SCFPad(_Orbitals(integrals))
    energy, coeff = mf.eig(hamiltonian, jnp.eye(hamiltonian.shape[-1], dtype=hamiltonian.dtype))
    mask = mf.mo_mask(energy)
    occ = mf.get_occ(energy, coeff)
    density = mf.make_rdm1(coeff, occ)
    return ElectronicState(energy, coeff, occ, mask, density, hamiltonian)
