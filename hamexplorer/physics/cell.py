"""Crystals as PySCF cells: the one place where a `pyscf.pbc.gto.Cell` is built."""

from __future__ import annotations

from typing import Any

from pyscf.pbc import gto

from hamexplorer.errors import BasisError, StructureError
from hamexplorer.structures.structure import Structure


def make_cell(structure: Structure, basis: str, *, pseudo: str, cutoff: float) -> gto.Cell:
    """Build the PySCF cell of a closed-shell crystal, three-dimensional with vacuum where it does not repeat.

    Args:
        structure: with a cell.
        basis, pseudo: names that PySCF knows.
        cutoff: of the plane waves that carry the density, Ha.

    Raises:
        StructureError: if there is no cell, or the valence electrons are odd in number.
        BasisError: if an element has no functions or no pseudopotential under these names.
    """
    if structure.cell is None:
        raise StructureError(f"{structure.label} has no cell; a crystal calculation needs its three vectors")
    options: dict[str, Any] = {"unit": "Bohr", "verbose": 0, "precision": 1e-7, "ke_cutoff": cutoff}
    atoms = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
    try:
        cell = gto.M(
            atom=atoms,
            a=structure.cell,
            basis=basis,
            pseudo=pseudo,
            charge=structure.charge,
            spin=None,
            **options,
        )
    except (KeyError, RuntimeError, OSError) as error:
        raise BasisError(
            f"{structure.label} cannot be set up with the basis {basis!r} and the pseudopotential {pseudo!r}: "
            f"{str(error).splitlines()[0][:100] or type(error).__name__}; choose another pair"
        ) from error
    if cell.nelectron % 2:
        raise StructureError(
            f"{structure.label} has {cell.nelectron} valence electrons a cell; this model is closed-shell and needs an "
            f"even number: double the cell or change the charge"
        )
    return cell
