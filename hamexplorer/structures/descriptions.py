"""What a crystal is, in the words and numbers that people expect: along what it repeats, lengths, angles, symmetry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.structures.symmetry import standard_cell, symmetry_of
from hamexplorer.units import BOHR_ANGSTROM

#: Number of directions that repeat -> what such a structure is called.
NOUNS = ("molecule", "chain", "layer", "bulk")


def noun_of(structure: Structure) -> str:
    """One of :data:`NOUNS`."""
    return NOUNS[sum(structure.pbc)]


def contents_of(structures: Sequence[Structure]) -> str:
    """How many molecules and crystals there are, for sentences: ``3 molecules and 1 crystal``."""
    n_crystals = sum(structure.is_crystal for structure in structures)
    counts = {"molecule": len(structures) - n_crystals, "crystal": n_crystals}
    words = [f"{count} {noun}{'' if count == 1 else 's'}" for noun, count in counts.items() if count]
    return " and ".join(words) or "nothing"


@dataclass(frozen=True)
class CellFacts:
    """A crystal in numbers.

    Attributes:
        repeats: along what it repeats, for example ``"a and b (layer)"``.
        lengths: of the vectors that repeat, letter -> Å.
        angles: between those, letter (α, β, γ) -> degrees.
        content: of a bulk cell its volume, of a layer's its area, with unit; empty for a chain.
        group: space or layer group with its number; empty where there is none.
    """

    repeats: str
    lengths: dict[str, float]
    angles: dict[str, float]
    content: str
    group: str


def cell_facts(structure: Structure) -> CellFacts | None:
    """The facts of a crystal; None for a molecule."""
    if structure.cell is None or not structure.is_crystal:
        return None
    cell, axes = structure.cell * BOHR_ANGSTROM, np.flatnonzero(structure.pbc).tolist()
    lengths = np.linalg.norm(cell, axis=1)
    angles = {}
    for letter, one, other in (("α", 1, 2), ("β", 0, 2), ("γ", 0, 1)):
        if one in axes and other in axes:
            cosine = cell[one] @ cell[other] / lengths[one] / lengths[other]
            angles[letter] = float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    content = ""
    if len(axes) == 3:
        content = f"{abs(np.linalg.det(cell)):.2f} Å³"
    elif len(axes) == 2:
        content = f"{np.linalg.norm(np.cross(cell[axes[0]], cell[axes[1]])):.2f} Å²"
    words = ["abc"[axis] for axis in axes]
    joined = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return CellFacts(
        repeats=f"{joined} ({noun_of(structure)})",
        lengths={"abc"[axis]: float(lengths[axis]) for axis in axes},
        angles=angles,
        content=content,
        group=_group(structure),
    )


def _group(structure: Structure) -> str:
    try:
        found = symmetry_of(structure)
    except StructureError:
        return "not found"
    if found is None:
        return ""
    return f"{found.symbol} (no. {found.number})"


def other_cell(structure: Structure, *, primitive: bool) -> Structure:
    """The primitive or conventional cell where it differs in size from the one at hand.

    Raises:
        StructureError: saying why there is none, or that this is it.
    """
    found = standard_cell(structure, primitive=primitive)
    if found.n_atoms == structure.n_atoms:
        noun = "primitive" if primitive else "conventional"
        raise StructureError(f"the {noun} cell has {structure.n_atoms} atoms, as this one has")
    return found
