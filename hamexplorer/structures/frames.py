"""One molecule or crystal as a file states it, before it is checked and becomes a Structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamexplorer.errors import StructureError, plain_text, quoted
from hamexplorer.structures.cells import check_crystal, check_lattice
from hamexplorer.structures.checks import check_atoms, check_contents, check_count
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


@dataclass(frozen=True, eq=False)
class Frame:
    """Atomic numbers, coordinates in Å, and what else the file says; ``charge`` None where it says nothing.

    Attributes:
        cell: rows are the cell's vectors in Å; read only where ``pbc`` says that any of them repeats.
    """

    numbers: list[int]
    positions: np.ndarray
    charge: int | None = None
    name: str = ""
    cell: np.ndarray | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)


#: Beyond it (e), a charge is a damaged number.
_LARGEST_CHARGE = 1000


def frame_label(file: str, frame: int) -> str:
    """How a sentence names a frame; frames count from 1."""
    return f"{file}, frame {frame}"


def whole_charge(value: Any, where: str) -> int:
    """A charge from a file as a whole number.

    Raises:
        StructureError: if it is no whole number.
    """
    try:
        number = float(value)
        if number != int(number) or abs(number) > _LARGEST_CHARGE:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StructureError(
            f"{where} states the charge {quoted(value)}; a structure's charge is a whole number such as -1, 0 or "
            f"1: correct it"
        ) from None
    return int(number)


def structures_of(frames: Sequence[Frame], file: str, stem: str, charge: int) -> list[Structure]:
    """Check every frame and build its structure; either all of them come back or none.

    Args:
        frames: what a reader found.
        file: the file's name, for sentences and for ``Structure.source``.
        stem: what a frame without a name of its own is called, before its number.
        charge: charge of frames whose file states none.

    Raises:
        StructureError: naming the first frame that cannot be used.
    """
    if not frames:
        raise StructureError(f"{file} holds no structure; choose a file with atoms and coordinates")
    check_count(len(frames), file)
    single = len(frames) == 1
    found = []
    for k, frame in enumerate(frames, start=1):
        periodic = any(frame.pbc)
        where = file if single else frame_label(file, k)
        total = charge if frame.charge is None else frame.charge
        if not periodic:
            check_atoms(frame.numbers, frame.positions, total, frame_label(file, k))
        else:
            check_contents(frame.numbers, frame.positions, total, where)
            check_lattice(np.zeros((3, 3)) if frame.cell is None else frame.cell, where)
        structure = Structure(
            numbers=np.array(frame.numbers),
            positions=frame.positions / BOHR_ANGSTROM,
            charge=total,
            name=plain_text(frame.name)
            or (stem if single else f"{stem or ('crystal' if periodic else 'molecule')} {k}"),
            source=where,
            cell=frame.cell / BOHR_ANGSTROM if periodic and frame.cell is not None else None,
            pbc=frame.pbc,
        )
        found.append(check_crystal(structure, where) if periodic else structure)
    return found
