"""What a 3D view draws of a crystal beside its atoms: the cell's edges, and copies of the cell for the eye."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Atoms that a browser still turns smoothly; more copies than that are not offered.
MAX_SHOWN = 2000
#: Cells along each direction that repeats, beside the one cell alone.
_SIZES = (2, 3)


@dataclass(frozen=True)
class Copies:
    """How many cells are shown along a, b and c: a view, not a supercell."""

    repeats: tuple[int, int, int] = (1, 1, 1)

    @property
    def label(self) -> str:
        return "one" if self.repeats == (1, 1, 1) else "×".join(map(str, self.repeats))

    @property
    def shifts(self) -> np.ndarray:
        """Whole cells, shape (n_cells, 3): the cell itself first, and in the middle of an odd number."""
        found = list(itertools.product(*(range(-((n - 1) // 2), n // 2 + 1) for n in self.repeats)))
        return np.array(sorted(found, key=lambda shift: shift != (0, 0, 0)))


def copies_of(structure: Structure | None) -> tuple[Copies, ...]:
    """What can be shown of a structure; one cell alone comes first, and nothing repeats where the crystal does not."""
    if structure is None or not structure.is_crystal:
        return (Copies(),)
    sizes = [np.where(structure.pbc, n, 1).tolist() for n in _SIZES]
    if all(structure.pbc):
        sizes.insert(1, [3, 3, 1])  # a slab of it, to look along c
    found = [Copies(), *(Copies((a, b, c)) for a, b, c in sizes)]
    return tuple(one for one in found if len(one.shifts) * structure.n_atoms <= MAX_SHOWN or one == Copies())


def with_copies(structure: Structure, copies: Copies) -> Structure:
    """All atoms that are shown, the cell's own first, as a structure without a cell."""
    if structure.cell is None or copies == Copies():
        return Structure(structure.numbers, structure.positions, structure.charge, structure.name)
    shifts = copies.shifts @ structure.cell
    return Structure(
        np.tile(structure.numbers, len(shifts)),
        (shifts[:, None] + structure.positions).reshape(-1, 3),
        name=structure.name,
    )


def cell_edges(structure: Structure) -> np.ndarray:
    """Both ends (Å) of every edge of the cell, shape (n_edges, 2, 3): 12 edges in bulk, 4 of a layer, 1 of a chain.

    Along what does not repeat there is no edge: a layer's parallelogram lies in the middle of its atoms, and so does
    the line of a chain, which is one period long.
    """
    if structure.cell is None or not structure.is_crystal:
        return np.zeros((0, 2, 3))
    cell = structure.cell * BOHR_ANGSTROM
    axes = np.flatnonzero(structure.pbc)
    origin = _middle(structure) * ~np.array(structure.pbc) @ cell
    edges = []
    for axis in axes:
        others = [other for other in axes if other != axis]
        for corner in itertools.product((0, 1), repeat=len(others)):
            start = origin + sum(
                (n * cell[other] for n, other in zip(corner, others, strict=True)), np.zeros(3)
            )
            edges.append([start, start + cell[axis]])
    return np.array(edges)


def _middle(structure: Structure) -> np.ndarray:
    """Fractional coordinates halfway between the outermost atoms."""
    assert structure.cell is not None
    fractional = structure.positions @ np.linalg.inv(structure.cell)
    return (fractional.min(0) + fractional.max(0)) / 2
