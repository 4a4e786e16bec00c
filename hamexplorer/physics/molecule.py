"""Structures as PySCF molecules: the one place where a `pyscf.gto.Mole` is built."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from ase.data import chemical_symbols
from pyscf import gto

from hamexplorer.errors import BasisError, StructureError
from hamexplorer.structures.structure import Structure

#: Small bases offered for the learned Hamiltonian, with the sentence shown beside them.
SMALL_BASES: dict[str, str] = {
    "sto-3g": "minimal, three Gaussians an orbital; the paper's choice",
    "minao": "minimal, tabulated from free atoms; core orbitals included",
    "6-31g": "split valence: two functions a valence orbital",
    "def2-svp": "split valence with polarization functions",
}
#: Large bases offered for reference calculations.
LARGE_BASES: dict[str, str] = {
    "def2-svp": "split valence with polarization; quick",
    "def2-tzvp": "triple zeta with polarization; the paper's choice, several times slower",
    "def2-svpd": "def2-SVP with diffuse functions, for polarizabilities",
    "6-31g*": "Pople split valence with polarization",
    "cc-pvdz": "Dunning double zeta",
    "cc-pvtz": "Dunning triple zeta; slow",
    "sto-3g": "minimal: learn the small basis itself",
}


@functools.cache
def element_basis(basis: str, number: int) -> tuple[tuple, ...]:
    """Shells of one element in PySCF's internal format, core electrons included.

    Raises:
        BasisError: if the basis is unknown or has no functions for the element.
    """
    symbol = chemical_symbols[number]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shells = gto.basis.load(basis, symbol)
    except (RuntimeError, KeyError, FileNotFoundError, OSError) as error:
        raise BasisError(
            f"the basis {basis!r} has no functions for {symbol}; choose another basis, "
            f"for example def2-svp, or leave out structures with {symbol}"
        ) from error
    # PySCFAD registers a fallback that answers an unknown basis with an empty shell.
    if not shells or all(len(shell) == 2 and shell[1][-1] == 0.0 for shell in shells):
        raise BasisError(
            f"the basis {basis!r} has no functions for {symbol}; choose another basis, "
            f"for example def2-svp, or leave out structures with {symbol}"
        )
    return tuple(shells)


@functools.cache
def element_shells(basis: str, number: int) -> tuple[int, ...]:
    """l of each shell of an element, in PySCF's orbital order, contractions counted singly.

    Raises:
        BasisError: if the basis has no functions for the element.
    """
    shells = list(element_basis(basis, number))
    mol = gto.M(atom=[(number, (0.0, 0.0, 0.0))], basis={number: shells}, spin=number % 2, verbose=0)
    return tuple(int(mol.bas_angular(b)) for b in range(mol.nbas) for _ in range(mol.bas_nctr(b)))


def make_mole(structure: Structure, basis: str) -> gto.Mole:
    """Build the PySCF molecule of a closed-shell structure.

    Raises:
        StructureError: if the electron count is odd or not positive.
        BasisError: if an element has no functions in ``basis``.
    """
    if structure.n_electrons <= 0 or structure.n_electrons % 2:
        raise StructureError(
            f"{structure.label} has {structure.n_electrons} electrons; this model is closed-shell "
            f"and needs an even, positive number: change the charge or leave it out"
        )
    return _mole(structure, basis, charge=structure.charge, spin=0)


def make_auxiliary_mole(structure: Structure) -> gto.Mole:
    """The same atoms carrying fitting functions for the electron repulsion; for integrals only.

    Raises:
        BasisError: if an element has no fitting functions.
    """
    return _mole(structure, "weigend", spin=None)


def _mole(structure: Structure, basis: str, **how: Any) -> gto.Mole:
    shells = {chemical_symbols[z]: list(element_basis(basis, z)) for z in set(structure.numbers.tolist())}
    atoms = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
    return gto.M(atom=atoms, unit="Bohr", basis=shells, verbose=0, **how)
