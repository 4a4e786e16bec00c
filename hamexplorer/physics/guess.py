r"""Occupied orbitals of one basis as the beginning of a self-consistent field in another.

The orbitals $C$ of a small basis are written in the functions of a PySCF molecule, $S^{-1} S_{12} C$, made orthonormal
again, and filled: $P = 2 C C^T$ is then idempotent and holds every electron, however far the two bases are apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pyscf import gto

from hamexplorer.errors import BasisError, StructureError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.structures.checks import check_atoms
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Overlap eigenvalues below this belong to functions that others make up; PySCF's own limit is 1e-8.
_DEPENDENT = 1e-8
#: An occupied orbital of which less than this share lies in the other basis is not an orbital of it.
_LEAST_SHARE = 0.5


def structure_of_mole(mol: Any) -> Structure:
    """The closed-shell molecule that a PySCF ``Mole`` describes, in its order of atoms.

    Raises:
        StructureError: for anything but a built ``Mole``, and for ghost atoms, effective core potentials, unpaired
            electrons and charges.
    """
    if not isinstance(mol, gto.Mole):
        raise StructureError(
            f"a PySCF Mole is needed, got {type(mol).__name__}; of a molecule, pyscf.gto.M(…)"
        )
    if not mol._built:
        raise StructureError("the Mole is not built; call its build() first")
    symbols = [mol.atom_symbol(k) for k in range(mol.natm)]
    ghosts = [k for k, symbol in enumerate(symbols) if gto.is_ghost_atom(symbol)]
    if ghosts:
        raise StructureError(
            f"atom {ghosts[0] + 1} ({symbols[ghosts[0]]}) is a ghost, functions without a nucleus, which models do not "
            f"know; use PySCF's own guess for counterpoise calculations"
        )
    if mol.has_ecp():
        raise StructureError(
            "the Mole has effective core potentials and the model learned with all electrons; use an all-electron "
            "basis, or PySCF's own guess"
        )
    if mol.spin:
        raise StructureError(
            f"the Mole has {mol.spin} unpaired electrons and models are closed-shell; use PySCF's own guess"
        )
    if mol.charge:
        raise StructureError(
            f"the Mole has charge {mol.charge:+d}, which models do not see; use PySCF's own guess for ions"
        )
    numbers, positions = mol.atom_charges(), mol.atom_coords()
    check_atoms(numbers.tolist(), positions * BOHR_ANGSTROM, 0, "the Mole")
    return Structure(numbers=numbers, positions=positions, name="the Mole")


def density_in(mol: Any, structure: Structure, basis: str, occupied: np.ndarray) -> np.ndarray:
    """Density matrix of doubly occupied orbitals between the functions of a PySCF ``Mole``.

    Args:
        mol: spherical or Cartesian, any basis; its atoms are those of ``structure``.
        structure: the molecule.
        basis: in which the orbitals are given.
        occupied: orbitals in columns, shape (n_ao of that basis, n_occ).

    Returns:
        Spin-summed P, shape (mol.nao, mol.nao), with tr(P S) = 2 n_occ.

    Raises:
        BasisError: if the functions of ``mol`` cannot hold the orbitals.
    """
    overlap = mol.intor_symmetric("int1e_ovlp")
    cross = gto.intor_cross("int1e_ovlp", mol, make_mole(structure, basis))
    values, vectors = np.linalg.eigh(overlap)
    independent = values > _DEPENDENT
    # Between orthonormal functions the inverse of a nearly singular overlap is never formed.
    orthonormal = vectors[:, independent] / np.sqrt(values[independent])
    inside = orthonormal.T @ cross @ occupied
    shares = inside.T @ inside
    least = float(np.linalg.eigvalsh(shares)[0])
    if least < _LEAST_SHARE:
        raise BasisError(
            f"the basis of the Mole holds only {max(least, 0.0):.0%} of an occupied orbital; use a larger basis, or "
            f"PySCF's own guess"
        )
    coefficients = orthonormal @ inside @ inverse_square_root(shares)
    return 2 * coefficients @ coefficients.T
