"""Directed pairs of atoms within a cutoff."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase.neighborlist import primitive_neighbor_list

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


class Pairs(NamedTuple):
    """Both (i, j) and (j, i) are listed; ``vector`` points from i to j, in bohr."""

    i: np.ndarray
    j: np.ndarray
    vector: np.ndarray


def find_pairs(structure: Structure, *, cutoff_angstrom: float) -> Pairs:
    """All pairs of different atoms closer than the cutoff, ordered by i then j.

    Raises:
        StructureError: if the cutoff is not positive.
    """
    if cutoff_angstrom <= 0:
        raise StructureError(f"the cutoff must be positive, got {cutoff_angstrom} Å; 6 Å is a good start")
    i, j, vector = primitive_neighbor_list(
        "ijD", (False, False, False), np.eye(3), structure.positions, cutoff_angstrom / BOHR_ANGSTROM
    )
    order = np.lexsort((j, i))
    return Pairs(i[order], j[order], vector[order])
