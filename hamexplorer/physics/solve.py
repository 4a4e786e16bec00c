"""From a Hamiltonian to an electronic state, through PySCFAD's padded mean-field class."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from pyscfad.ml.pbc.scf.khf_pad import KSCFPad
from pyscfad.ml.scf import SCFPad

from hamexplorer.physics.integrals import Integrals

#: Levels closer than this (Ha) count as equal; PySCFAD's own threshold in float64.
EQUAL_LEVELS = 1e-9


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
        ``EQUAL_LEVELS``) is left out. That is exact for functions of the density or of the set of levels; a
        property that couples equal levels adds :func:`coupling_of_equal_levels`.
    """
    mf = SCFPad(_Orbitals(integrals))
    # PySCFAD itself puts the padding's 1 on the diagonal; twice would halve the shift that marks its levels.
    overlap = jnp.diag(integrals.ao_mask.astype(hamiltonian.dtype))
    energy, coeff = mf.eig(hamiltonian, overlap)
    mask = mf.mo_mask(energy)
    occ = mf.get_occ(energy, coeff)
    density = mf.make_rdm1(coeff, occ)
    return ElectronicState(energy, coeff, occ, mask, density, hamiltonian)


def coupling_of_equal_levels(state: ElectronicState) -> Array:
    """⟨p|H̃ - H̃|q⟩ between different levels of equal energy: zero, but its derivative is not; shape (n_ao, n_ao).

    It gives back what PySCFAD leaves out of the orbitals' derivative: a property whose second-order formula holds
    matrix elements between equal levels adds this matrix with the right factor.
    """
    coeff, energy = jax.lax.stop_gradient((state.mo_coeff, state.mo_energy))
    change = state.hamiltonian - jax.lax.stop_gradient(state.hamiltonian)
    equal = jnp.abs(energy[:, None] - energy[None, :]) <= EQUAL_LEVELS
    return jnp.where(equal & ~jnp.eye(len(energy), dtype=bool), coeff.T @ change @ coeff, 0.0)


class Bands(NamedTuple):
    """Eigenstates of one crystal at its k-points, in orthogonalised orbitals; padding bands come last.

    Attributes:
        energy: ascending, shape (n_k, n_ao), Ha; padding bands lie far above and are masked by ``mask``.
        coeff: orthonormal columns, shape (n_k, n_ao, n_ao), complex.
        mask: true for real bands, shape (n_k, n_ao).
        hamiltonian: the H(k) that was solved, between atomic orbitals, shape (n_k, n_ao, n_ao), Ha.
    """

    energy: Array
    coeff: Array
    mask: Array
    hamiltonian: Array


def solve_bands(hamiltonian: Array, integrals: Integrals) -> Bands:
    r"""Solve $H(k) C = S(k) C \varepsilon$ at every k-point, as $\tilde H = S^{-1/2} H S^{-1/2}$.

    Args:
        hamiltonian: H(k), Hermitian, between atomic orbitals, shape (n_k, n_ao, n_ao), Ha.
        integrals: of the same crystal, padded to the same sizes.

    Returns:
        The bands, through PySCFAD's padded class for k-points; derivatives as in :func:`solve`.
    """
    x = integrals.orthogonaliser
    mf = KSCFPad(_Orbitals(integrals))
    overlap = jnp.broadcast_to(jnp.diag(integrals.ao_mask.astype(hamiltonian.dtype)), hamiltonian.shape)
    # PySCFAD itself puts the padding's 1 on the diagonal, see above.
    energy, coeff = mf.eig(x @ hamiltonian @ x, overlap)
    return Bands(energy, coeff, mf.mo_mask(energy), hamiltonian)
