r"""Spectra from orbitals: what light of which energy would do, in three approximations.

Photoelectrons by Koopmans' theorem, :math:`I_i = -\varepsilon_i`; absorption of independent particles, where an
excitation costs the difference of two levels; and Tamm-Dancoff, where the electron feels the hole it left behind
(Hirata & Head-Gordon, Chem. Phys. Lett. 314, 291 (1999)), solved by PySCF on whatever orbitals it is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyscf import dft, lib, scf, tdscf

from hamexplorer.errors import StructureError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.structures.structure import Structure

#: Orbitals for which Tamm-Dancoff is done within seconds on a slow core.
MOST_ORBITALS = 150


@dataclass(frozen=True, eq=False)
class Transitions:
    """Excitations to singlets, the lowest first.

    Attributes:
        energy: Ha, shape (n,).
        strength: oscillator strengths, shape (n,).
        occupied, empty: index of the orbital that an electron leaves, and of the one it goes to: of a mixture, the
            pair with the largest share; shape (n,).
        share: of that pair, shape (n,).
    """

    energy: np.ndarray
    strength: np.ndarray
    occupied: np.ndarray
    empty: np.ndarray
    share: np.ndarray


def independent_transitions(
    structure: Structure, basis: str, energy: np.ndarray, orbitals: np.ndarray, n_occ: int
) -> Transitions:
    r"""All excitations of independent particles.

    :math:`f = \tfrac43 (\varepsilon_a-\varepsilon_i)|\langle i|r|a\rangle|^2`, both spins counted.

    Args:
        structure, basis: of the functions.
        energy: levels, ascending, shape (n_ao,), Ha.
        orbitals: in columns between atomic orbitals, shape (n_ao, n_ao).
        n_occ: doubly occupied ones.
    """
    moments = make_mole(structure, basis).intor_symmetric("int1e_r", comp=3)
    between = np.einsum("pi,xpq,qa->xia", orbitals[:, :n_occ], moments, orbitals[:, n_occ:], optimize=True)
    cost = energy[n_occ:] - energy[:n_occ, None]
    strength = 4 / 3 * cost * (between**2).sum(0)
    occupied, empty = np.indices(cost.shape).reshape(2, -1)
    order = np.argsort(cost.ravel(), kind="stable")
    return Transitions(
        cost.ravel()[order],
        strength.ravel()[order],
        occupied[order],
        empty[order] + n_occ,
        np.ones(len(order)),
    )


def tamm_dancoff(
    structure: Structure,
    basis: str,
    xc: str,
    energy: np.ndarray,
    orbitals: np.ndarray,
    n_occ: int,
    n_states: int = 12,
) -> Transitions:
    """The lowest excitations in the Tamm-Dancoff approximation.

    Args:
        structure, basis, energy, orbitals, n_occ: as for :func:`independent_transitions`.
        xc: functional whose kernel binds electron and hole; "hf" for exact exchange alone.
        n_states: at most so many.

    Raises:
        StructureError: if the molecule is too large, nothing can be excited, or levels and kernel do not fit together.
    """
    n_ao = len(energy)
    if n_ao > MOST_ORBITALS:
        raise StructureError(
            f"{structure.label} has {n_ao} orbitals, and Tamm-Dancoff is offered up to {MOST_ORBITALS}; look at "
            f"independent particles instead"
        )
    pairs = n_occ * (n_ao - n_occ)
    if not pairs:
        raise StructureError(
            f"{structure.label} has no empty orbital in {basis}; choose a larger small basis"
        )
    with lib.with_omp_threads(1):
        mol = make_mole(structure, basis)
        mf = scf.RHF(mol) if xc == "hf" else dft.RKS(mol, xc=xc)
        if xc != "hf":
            mf.grids.level = 1
        mf.mo_coeff, mf.mo_energy = orbitals, energy
        mf.mo_occ = np.where(np.arange(n_ao) < n_occ, 2.0, 0.0)
        mf.converged = True
        excited = tdscf.TDA(mf)
        excited.nstates = min(n_states, pairs)
        excited.verbose = 0
        try:
            excited.kernel()
        except RuntimeError as error:  # PySCF's, where it finds no excitation above zero
            raise StructureError(
                f"the excitations of {structure.label} come out below zero with {xc}: its levels and its electrons' "
                f"attraction do not fit together; look at independent particles instead"
            ) from error
        amplitudes = np.array([x for x, _ in excited.xy]).reshape(len(excited.e), n_occ, n_ao - n_occ)
        strength = np.asarray(excited.oscillator_strength())
    squared = 2 * amplitudes**2  # PySCF normalises to one half
    best = squared.reshape(len(squared), -1).argmax(1)
    occupied, empty = np.unravel_index(best, squared.shape[1:])
    share = squared.reshape(len(squared), -1).max(1)
    return Transitions(np.asarray(excited.e), strength, occupied, empty + n_occ, share)


def broadened(positions: np.ndarray, heights: np.ndarray, at: np.ndarray, width: float) -> np.ndarray:
    """Gaussians of unit area times ``heights``, standard deviation ``width``, summed at the places ``at``."""
    distance = (at[:, None] - positions) / width
    return np.exp(-0.5 * distance**2) @ heights / (width * np.sqrt(2 * np.pi))
