"""Symmetry of crystals, through spglib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import spglib

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Å within which atoms count as equivalent.
PRECISION = 1e-3


class Symmetry(NamedTuple):
    """Of a crystal that repeats in three directions its space group, in two its layer group.

    Attributes:
        symbol: international (Hermann-Mauguin) symbol.
        number: of the space group (1 … 230) or layer group (1 … 80).
        n_operations: in the cell as given.
    """

    symbol: str
    number: int
    n_operations: int


def symmetry_of(structure: Structure, precision: float = PRECISION) -> Symmetry | None:
    """The symmetry, or None for a chain or molecule, which these groups do not describe.

    Args:
        structure: the crystal.
        precision: Å.

    Raises:
        StructureError: if spglib finds no symmetry at all, which means that the cell is broken.
    """
    n_periodic = sum(structure.pbc)
    if structure.cell is None or n_periodic < 2:
        return None
    if n_periodic == 3:
        found = _ask(structure, lambda cell: spglib.get_symmetry_dataset(cell, symprec=precision))
    else:
        axis = structure.pbc.index(False)
        found = _ask(
            structure, lambda cell: spglib.get_layergroup(cell, aperiodic_dir=axis, symprec=precision)
        )
    return Symmetry(found.international, found.number, len(found.rotations))


def standard_cell(structure: Structure, *, primitive: bool, precision: float = PRECISION) -> Structure:
    """The primitive or the conventional cell in the standard setting, with a right-handed lattice.

    Raises:
        StructureError: unless the crystal repeats in three directions, or if spglib cannot find its symmetry.
    """
    if structure.cell is None or not all(structure.pbc):
        raise StructureError(
            f"{structure.label} does not repeat in three directions; its cell has no standard setting here"
        )
    found = _ask(
        structure, lambda cell: spglib.standardize_cell(cell, to_primitive=primitive, symprec=precision)
    )
    lattice, places, numbers = found
    charge = structure.charge * len(numbers) / structure.n_atoms
    if charge != int(charge):
        raise StructureError(
            f"the charge {structure.charge:+d} of {structure.label} cannot be shared among primitive cells"
        )
    cell = np.asarray(lattice) / BOHR_ANGSTROM
    return Structure(
        np.asarray(numbers),
        np.asarray(places) @ cell,
        int(charge),
        structure.name,
        structure.source,
        cell,
        structure.pbc,
    )


def _ask(structure: Structure, question: Callable[[Any], Any]) -> Any:
    """The answer of spglib, asked about lattice (Å), fractional coordinates and numbers."""
    assert structure.cell is not None
    places = structure.positions @ np.linalg.inv(structure.cell)
    try:
        found = question((structure.cell * BOHR_ANGSTROM, places, structure.numbers))
    except spglib.SpglibError:
        found = None
    if found is None:
        raise StructureError(
            f"the symmetry of {structure.label} cannot be found; check its cell and its atoms"
        )
    return found
