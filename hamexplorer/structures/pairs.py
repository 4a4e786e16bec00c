"""Directed pairs of atoms within a cutoff."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase.neighborlist import primitive_neighbor_list

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


class Pairs(NamedTuple):
    """Both (i, j, T) and (j, i, -T) are listed; ``vector`` points from i to j in the cell T, in bohr.

    Attributes:
        i, j: atoms, shape (n_pairs,).
        vector: shape (n_pairs, 3).
        translation: T in whole cells, shape (n_pairs, 3); zero for a molecule.
    """

    i: np.ndarray
    j: np.ndarray
    vector: np.ndarray
    translation: np.ndarray


def find_pairs(structure: Structure, *, cutoff_angstrom: float) -> Pairs:
    """All pairs of different atoms, images of the same one included, closer than the cutoff; ordered by i, j, T.

    Raises:
        StructureError: if the cutoff is not positive.
    """
    if cutoff_angstrom <= 0:
        raise StructureError(f"the cutoff must be positive, got {cutoff_angstrom} Å; 6 Å is a good start")
    cell = np.eye(3) if structure.cell is None else structure.cell
    i, j, vector, translation = primitive_neighbor_list(
        "ijDS", structure.pbc, cell, structure.positions, cutoff_angstrom / BOHR_ANGSTROM
    )
    order = np.lexsort((*translation.T[::-1], j, i))
    return Pairs(i[order], j[order], vector[order], translation[order])
