"""What a cell must be before anything is computed with it, and what is odd about one that may be used."""

from __future__ import annotations

import dataclasses

import numpy as np
from ase.data import chemical_symbols
from ase.neighborlist import primitive_neighbor_list

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import MIN_DISTANCE_ANGSTROM
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: A cell thinner than this (Å) along any direction is a mistake: no atom fits.
_THINNEST = 0.8
#: Empty space (Å) beyond which a repeating direction looks like vacuum.
_VACUUM_LOOKS_LIKE = 6.0


def check_crystal(structure: Structure, where: str) -> Structure:
    """The same crystal, its cell right-handed and its atoms inside along the directions that repeat.

    Args:
        structure: with a cell.
        where: how the sentence starts, for example ``"diamond.cif"``.

    Raises:
        StructureError: for a cell that is no cell, or atoms too close, also through its faces.
    """
    cell = structure.cell
    if cell is None:
        raise StructureError(f"{where} has no cell; give its three cell vectors")
    angstrom = cell * BOHR_ANGSTROM
    if not np.isfinite(angstrom).all() or np.abs(angstrom).max() > 1e3:
        raise StructureError(f"{where}: the cell vectors must be finite and below 1000 Å; correct them")
    volume = float(np.linalg.det(angstrom))
    heights = _heights(angstrom, volume)
    if heights.min() < _THINNEST:
        thin = "abc"[int(np.argmin(heights))]
        raise StructureError(
            f"{where}: the cell is only {heights.min():.2g} Å thick along {thin}, so its vectors are nearly in one "
            f"plane; correct the lattice"
        )
    if volume < 0:
        raise StructureError(
            f"{where}: the cell vectors a, b, c are left-handed (volume {volume:.1f} Å³); exchange two of them, "
            f"and the atoms' fractional coordinates with them"
        )
    if not np.isfinite(structure.positions).all():
        raise StructureError(
            f"{where}: a coordinate is no finite number; correct it or leave the crystal out"
        )
    wrapped = dataclasses.replace(structure, positions=_inside(structure))
    _check_images(wrapped, where)
    return wrapped


def _heights(cell: np.ndarray, volume: float) -> np.ndarray:
    """Distance between opposite faces."""
    faces = np.linalg.norm(np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]]), axis=1)
    return np.abs(volume) / np.maximum(faces, 1e-12)


def _inside(structure: Structure) -> np.ndarray:
    """Positions in bohr, moved by whole cells into this one."""
    assert structure.cell is not None
    fractional = structure.positions @ np.linalg.inv(structure.cell)
    # Rounded first: an atom at 1 - 1e-16 belongs to the face at 0.
    whole = np.floor(np.round(fractional, 9))
    return structure.positions - np.where(structure.pbc, whole, 0.0) @ structure.cell


def _check_images(structure: Structure, where: str) -> None:
    reach = MIN_DISTANCE_ANGSTROM / BOHR_ANGSTROM
    i, j, d, shift = primitive_neighbor_list(
        "ijdS", structure.pbc, structure.cell, structure.positions, reach
    )
    if not len(d):
        return
    k = int(np.argmin(d))
    names = [f"{index + 1} ({chemical_symbols[structure.numbers[index]]})" for index in (i[k], j[k])]
    through = " through the face of the cell" if shift[k].any() else ""
    raise StructureError(
        f"{where}: atoms {names[0]} and {names[1]} are {d[k] * BOHR_ANGSTROM:.2f} Å apart{through}, closer than "
        f"{MIN_DISTANCE_ANGSTROM:g} Å; check the geometry, the lattice and their unit"
    )


def warnings_about(structure: Structure) -> list[str]:
    """Sentences about what can be computed but is probably not meant."""
    if structure.cell is None:
        return []
    cell = structure.cell * BOHR_ANGSTROM
    heights = _heights(cell, float(np.linalg.det(cell)))
    fractional = structure.positions @ np.linalg.inv(structure.cell)
    found = []
    for axis, letter in enumerate("abc"):
        if not structure.pbc[axis]:
            continue
        places = np.sort(fractional[:, axis] % 1.0)
        widest = np.diff(np.append(places, places[0] + 1.0)).max() * heights[axis]
        if widest > _VACUUM_LOOKS_LIKE:
            found.append(
                f"{structure.label} repeats along {letter}, where {widest:.1f} Å are empty: if that is vacuum, "
                f"mark the direction as not periodic (in extended XYZ, pbc with F there), or k-points are wasted on it"
            )
    return found
