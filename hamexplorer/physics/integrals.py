"""Small-basis integrals of one structure, in symmetrically orthogonalised orbitals.

The learned matrix is H̃ in the Löwdin basis; H = S^½ H̃ S^½ is the same operator in atomic orbitals. Working with
H̃ turns the generalised eigenproblem into an ordinary one and lets the start from a fitted Fock matrix
survive the first indirect steps.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from pyscf import gto

from hamexplorer.basis.layout import AOLayout
from hamexplorer.physics.molecule import element_basis, make_mole
from hamexplorer.physics.populations import inverse_square_root, membership, square_root
from hamexplorer.structures.structure import Structure


class Integrals(NamedTuple):
    """What turns H̃ into properties; atomic units. Leaves are padded and batched by :func:`pad_integrals`.

    Attributes:
        ao_mask: true where an orbital is real and not padding, shape (n_ao,).
        n_occ: number of doubly occupied orbitals.
        r: ⟨μ̃|r|ν̃⟩ between Löwdin orbitals, origin at 0, shape (3, n_ao, n_ao), bohr.
        root: S^½, shape (n_ao, n_ao).
        inverse_root: S^-½, shape (n_ao, n_ao).
        member: 1 where an orbital sits on an atom, shape (n_ao, n_atoms).
        charges: nuclear charges, shape (n_atoms,), 0 for padding.
        nuclear_dipole: Σ Z_A R_A, shape (3,), e·bohr.
    """

    ao_mask: np.ndarray
    n_occ: np.ndarray
    r: np.ndarray
    root: np.ndarray
    inverse_root: np.ndarray
    member: np.ndarray
    charges: np.ndarray
    nuclear_dipole: np.ndarray


@cache
def element_shells(basis: str, number: int) -> tuple[int, ...]:
    """l of each shell of an element, in PySCF's orbital order, contractions counted singly.

    Raises:
        BasisError: if the basis has no functions for the element.
    """
    shells = list(element_basis(basis, number))
    mol = gto.M(atom=[(number, (0.0, 0.0, 0.0))], basis={number: shells}, spin=number % 2, verbose=0)
    return tuple(int(mol.bas_angular(b)) for b in range(mol.nbas) for _ in range(mol.bas_nctr(b)))


def make_layout(structure: Structure, basis: str) -> AOLayout:
    """The orbitals of a structure in a named basis."""
    numbers = tuple(int(z) for z in structure.numbers)
    return AOLayout(numbers, {z: element_shells(basis, z) for z in set(numbers)})


def make_integrals(structure: Structure, basis: str) -> Integrals:
    """Compute the integrals of one structure through PySCF.

    Raises:
        StructureError, BasisError: if the molecule cannot be set up in this basis.
    """
    mol = make_mole(structure, basis)
    overlap = mol.intor_symmetric("int1e_ovlp")
    with mol.with_common_origin((0.0, 0.0, 0.0)):
        r = mol.intor_symmetric("int1e_r", comp=3)
    inverse_root = inverse_square_root(overlap)
    charges = structure.numbers.astype(float)
    return Integrals(
        ao_mask=np.ones(len(overlap), dtype=bool),
        n_occ=np.int32(structure.n_electrons // 2),  # type: ignore[arg-type]
        r=inverse_root @ r @ inverse_root,
        root=square_root(overlap),
        inverse_root=inverse_root,
        member=membership(make_layout(structure, basis).atom_of_ao, structure.n_atoms),
        charges=charges,
        nuclear_dipole=charges @ structure.positions,
    )


def pad_integrals(integrals: Integrals, *, n_ao: int, n_atoms: int) -> Integrals:
    """Enlarge every array to the given sizes; padding orbitals are orthonormal and carry nothing."""
    more_ao, more_atoms = n_ao - len(integrals.ao_mask), n_atoms - len(integrals.charges)
    square = ((0, more_ao), (0, more_ao))
    eye = np.diag(np.r_[np.zeros(len(integrals.ao_mask)), np.ones(more_ao)])
    return Integrals(
        ao_mask=np.pad(integrals.ao_mask, (0, more_ao)),
        n_occ=integrals.n_occ,
        r=np.pad(integrals.r, ((0, 0), *square)),
        root=np.pad(integrals.root, square) + eye,
        inverse_root=np.pad(integrals.inverse_root, square) + eye,
        member=np.pad(integrals.member, ((0, more_ao), (0, more_atoms))),
        charges=np.pad(integrals.charges, (0, more_atoms)),
        nuclear_dipole=integrals.nuclear_dipole,
    )
