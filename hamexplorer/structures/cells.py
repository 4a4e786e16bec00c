"""What a cell must be before anything is computed with it, and what is odd about one that may be used."""

from __future__ import annotations

import dataclasses

import numpy as np
from ase.data import chemical_symbols
from ase.neighborlist import primitive_neighbor_list

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import MIN_DISTANCE_ANGSTROM, check_contents
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
        StructureError: for atoms that cannot be, a cell that is no cell, or atoms too close, also through its faces.
    """
    check_contents(structure.numbers.tolist(), structure.positions_angstrom, structure.charge, where)
    if structure.cell is None:
        raise StructureError(f"{where} has no cell; give its three cell vectors")
    check_lattice(structure.cell * BOHR_ANGSTROM, where)
    wrapped = dataclasses.replace(structure, positions=_inside(structure))
    _check_images(wrapped, where)
    return wrapped


def check_lattice(angstrom: np.ndarray, where: str) -> None:
    """Refuse three vectors (Å) that span no right-handed cell.

    Raises:
        StructureError: starting with ``where``.
    """
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


def _heights(cell: np.ndarray, volume: float) -> np.ndarray:
    """Distance between opposite faces."""
    faces = np.linalg.norm(np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]]), axis=1)
    return np.abs(volume) / np.maximum(faces, 1e-12)


def _inside(structure: Structure) -> np.ndarray:
    """Positions in bohr, moved by whole cells into this one."""
    fractional = _fractional(structure)
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


def vacuum_of(structure: Structure) -> dict[int, float]:
    """Directions that repeat although they look like vacuum: index of the cell vector -> width of the gap, Å."""
    if structure.cell is None or not structure.n_atoms:
        return {}
    cell = structure.cell * BOHR_ANGSTROM
    heights = _heights(cell, float(np.linalg.det(cell)))
    found = {}
    for axis in np.flatnonzero(structure.pbc).tolist():
        places = np.sort(_fractional(structure)[:, axis] % 1.0)
        widest = float(np.diff(np.append(places, places[0] + 1.0)).max() * heights[axis])
        if widest > _VACUUM_LOOKS_LIKE:
            found[axis] = widest
    return found


def warnings_about(structure: Structure) -> list[str]:
    """Sentences about what can be computed but is probably not meant."""
    return [
        f"{structure.label} repeats along {'abc'[axis]}, where {width:.1f} Å are empty: if that is vacuum, "
        f"mark the direction as not periodic (in extended XYZ, pbc with F there), or k-points are wasted on it"
        for axis, width in vacuum_of(structure).items()
    ]


def without_vacuum(structure: Structure) -> Structure:
    """The same structure, not repeating along the directions of :func:`vacuum_of`; a molecule if none is left."""
    if structure.cell is None:
        return structure
    empty = vacuum_of(structure)
    pbc = [repeats and axis not in empty for axis, repeats in enumerate(structure.pbc)]
    fractional = _fractional(structure)
    for axis in empty:
        # Atoms on both sides of the face belong together: the cut goes through the middle of the gap.
        places = np.sort(fractional[:, axis] % 1.0)
        gaps = np.diff(np.append(places, places[0] + 1.0))
        cut = places[gaps.argmax()] + gaps.max() / 2
        fractional[:, axis] = (fractional[:, axis] - cut) % 1.0
    return dataclasses.replace(
        structure,
        positions=fractional @ structure.cell,
        cell=structure.cell if any(pbc) else None,
        pbc=(pbc[0], pbc[1], pbc[2]),
    )


def _fractional(structure: Structure) -> np.ndarray:
    assert structure.cell is not None
    return structure.positions @ np.linalg.inv(structure.cell)
