"""The structure to which imported matrices belong, checked as far as matrices ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from hamexplorer.errors import DatasetError, StructureError
from hamexplorer.structures.cells import check_crystal
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: A coordinate beyond this (Å) is a mistake of unit or a damaged number.
_FARTHEST = 1e4


def matrix_structure(
    numbers: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    pbc: Sequence[bool],
    where: str | Path,
) -> Structure:
    """Atoms and cell as they stand: atoms are not moved into the cell, which would change what T means.

    Args:
        numbers: atomic numbers, shape (n_atoms,).
        positions: bohr, shape (n_atoms, 3).
        cell: rows are vectors, bohr, shape (3, 3).
        pbc: along which of them it repeats.
        where: the file or folder; names the structure and starts a sentence.

    Raises:
        DatasetError: if an element is unknown, a number is not finite, the cell is flat or atoms are too close.
    """
    for k, z in enumerate(numbers.tolist()):
        if not (float(z).is_integer() and 1 <= z < len(chemical_symbols)):
            raise DatasetError(
                f"{where}: atom {k + 1} has the atomic number {z:g}; give whole numbers from 1 to 118"
            )
    for what, values in (("position", positions), ("cell vector", cell)):
        if not np.isfinite(values).all() or np.abs(values).max() * BOHR_ANGSTROM > _FARTHEST:
            raise DatasetError(
                f"{where}: a {what} is not finite or beyond {_FARTHEST:g} Å; correct it or its unit"
            )
    path = Path(where)
    structure = Structure(
        numbers=numbers,
        positions=positions,
        name=path.stem,
        source=path.name,
        cell=cell,
        pbc=(pbc[0], pbc[1], pbc[2]),
    )
    right_handed = cell if np.linalg.det(cell) >= 0 else -cell
    try:
        check_crystal(Structure(numbers, positions, cell=right_handed, pbc=structure.pbc), str(where))
    except StructureError as error:
        raise DatasetError(str(error)) from error
    return structure


def repeats(translations: np.ndarray) -> tuple[bool, bool, bool]:
    """The directions along which there are neighbours."""
    along = (np.asarray(translations) != 0).any(0)
    return bool(along[0]), bool(along[1]), bool(along[2])
