"""One molecule as a file states it, before it is checked and becomes a Structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import check_atoms
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


@dataclass(frozen=True, eq=False)
class Frame:
    """Atomic numbers, coordinates in Å, and what else the file says; ``charge`` None where it says "
    "nothing."""

    numbers: list[int]
    positions: np.ndarray
    charge: int | None = None
    name: str = ""
    periodic: bool = False


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
        if number != int(number):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StructureError(
            f"{where} states the charge {value!r}; a molecule's charge is a whole number such as -1, 0 or "
            f"1: correct it"
        ) from None
    return int(number)


def structures_of(frames: Sequence[Frame], file: str, stem: str, charge: int) -> list[Structure]:
    """Check every frame, then build; either all of them come back or none.

    Args:
        frames: what a reader found.
        file: the file's name, for sentences and for ``Structure.source``.
        stem: what a frame without a name of its own is called, before its number.
        charge: charge of frames whose file states none.

    Raises:
        StructureError: naming the first frame that cannot be used.
    """
    if not frames:
        raise StructureError(f"{file} holds no molecule; choose a file with atoms and coordinates")
    for k, frame in enumerate(frames, start=1):
        where = frame_label(file, k)
        if frame.periodic:
            raise StructureError(
                f"{where} is periodic (it has a cell), and only molecules can be loaded for now; take the "
                f"cell out if "
                f"it is just a box around a molecule"
            )
        check_atoms(frame.numbers, frame.positions, _charge(frame, charge), where)
    single = len(frames) == 1
    return [
        Structure(
            numbers=np.array(frame.numbers),
            positions=frame.positions / BOHR_ANGSTROM,
            charge=_charge(frame, charge),
            name=frame.name or (stem if single else f"{stem or 'molecule'} {k}"),
            source=file if single else frame_label(file, k),
        )
        for k, frame in enumerate(frames, start=1)
    ]


def _charge(frame: Frame, default: int) -> int:
    return default if frame.charge is None else frame.charge
