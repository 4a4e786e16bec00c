"""Everything that is kept of one molecule in one basis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hamexplorer.physics.populations import lowdin_charge, mayer_bond_order, mulliken_charge
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.response import coupled_polarizability, uncoupled_polarizability
from hamexplorer.reference.scf import run_scf
from hamexplorer.structures.structure import Structure


@dataclass(frozen=True, eq=False)
class SinglePoint:
    """A converged closed-shell SCF and the properties derived from it, in atomic units.

    Attributes:
        mo_energy: ascending, shape (n_mo,), Ha.
        mo_coeff: shape (n_ao, n_mo).
        n_occ: number of doubly occupied orbitals.
        overlap: S, shape (n_ao, n_ao).
        dipole: shape (3,), e·bohr, origin at the coordinate origin.
        polarizability: coupled (CPKS), shape (3, 3), bohr³.
        polarizability_uncoupled: sum over states, shape (3, 3), bohr³.
        mulliken_charge, lowdin_charge: shape (n_atoms,), e.
        mayer_bond_order: shape (n_atoms, n_atoms); the diagonal sums over the atom's own block.
        e_tot: total energy, Ha.
        strategy: which SCF strategy converged.
    """

    mo_energy: np.ndarray
    mo_coeff: np.ndarray
    n_occ: int
    overlap: np.ndarray
    dipole: np.ndarray
    polarizability: np.ndarray
    polarizability_uncoupled: np.ndarray
    mulliken_charge: np.ndarray
    lowdin_charge: np.ndarray
    mayer_bond_order: np.ndarray
    e_tot: float
    strategy: str

    @classmethod
    def from_stored(cls, values: dict[str, Any]) -> SinglePoint:
        """From what the store holds."""
        plain: dict[str, Any] = {"n_occ": int, "e_tot": float, "strategy": bytes.decode}
        return cls(**{name: plain[name](value) if name in plain else value for name, value in values.items()})

    @property
    def fock(self) -> np.ndarray:
        """F = S C ε Cᵀ S, the matrix whose eigenvalues are exactly ``mo_energy``."""
        half = self.overlap @ self.mo_coeff
        return (half * self.mo_energy) @ half.T


SINGLE_POINT_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(SinglePoint))


def calculate(structure: Structure, level: LevelOfTheory) -> SinglePoint:
    """Run the SCF and its response for one structure.

    Raises:
        ReferenceCalculationError: if the SCF or the response does not converge.
        BasisError, StructureError: if the calculation cannot be set up.
    """
    mf, strategy = run_scf(structure, level)
    density = mf.make_rdm1()
    overlap = mf.get_ovlp()
    atom_of_ao = np.array([label[0] for label in mf.mol.ao_labels(fmt=None)])
    charges = mf.mol.atom_charges()
    # PySCF's dip_moment shifts the origin of charged molecules itself; here it is always 0.
    with mf.mol.with_common_origin((0.0, 0.0, 0.0)):
        r = mf.mol.intor_symmetric("int1e_r", comp=3)
    dipole = charges @ mf.mol.atom_coords() - np.einsum("xpq,pq->x", r, density)
    return SinglePoint(
        mo_energy=mf.mo_energy,
        mo_coeff=mf.mo_coeff,
        n_occ=structure.n_electrons // 2,
        overlap=overlap,
        dipole=dipole,
        polarizability=coupled_polarizability(mf),
        polarizability_uncoupled=uncoupled_polarizability(mf),
        mulliken_charge=mulliken_charge(density, overlap, atom_of_ao, charges),
        lowdin_charge=lowdin_charge(density, overlap, atom_of_ao, charges),
        mayer_bond_order=mayer_bond_order(density, overlap, atom_of_ao, len(charges)),
        e_tot=float(mf.e_tot),
        strategy=strategy,
    )
