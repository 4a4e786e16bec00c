"""Protein Data Bank files: small molecules in them, one model a frame.

Source: wwPDB, Atomic Coordinate Entry Format 3.30, sections 8 and 9.
"""

from __future__ import annotations

import re

import numpy as np

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import MAX_ATOMS, atomic_number, check_size
from hamexplorer.structures.frames import Frame, frame_label

#: Two-letter elements believed from an atom name alone; "HO21" or "CD1" are hydrogen and carbon.
_TWO_LETTERS = frozenset({"AL", "BR", "CL", "CU", "FE", "LI", "MG", "NA", "SI", "ZN"})


def read_pdb(text: str, file: str) -> list[Frame]:
    """All models of a PDB text; of alternate locations the first is taken.

    Raises:
        StructureError: naming the model (frame) and line that is wrong.
    """
    frames: list[Frame] = []
    atoms: list[str] = []
    numbered: list[int] = []
    periodic = False
    for k, line in enumerate([*text.splitlines(), "END"], start=1):
        record = line[:6].strip()
        if record == "CRYST1":
            periodic = _is_cell(line)
        elif record in ("ATOM", "HETATM"):
            if line[16:17] in (" ", "", "A", "1"):
                atoms.append(line)
                numbered.append(k)
        elif record in ("ENDMDL", "END", "MODEL") and atoms:
            frames.append(_read_model(atoms, numbered, periodic, frame_label(file, len(frames) + 1)))
            atoms, numbered = [], []
    return frames


def _read_model(atoms: list[str], numbered: list[int], periodic: bool, where: str) -> Frame:
    if len(atoms) > MAX_ATOMS:
        check_size(len(atoms), where)
    numbers, positions, charge = [], [], 0
    for line, k in zip(atoms, numbered, strict=True):
        here = f"{where}, line {k}"
        try:
            positions.append([float(line[column : column + 8]) for column in (30, 38, 46)])
        except ValueError:
            raise StructureError(
                f"{here} has no three coordinates in columns 31 to 54; the file may be cut off or its "
                f"columns shifted: "
                f"get the whole file"
            ) from None
        numbers.append(atomic_number(_symbol(line), here))
        charge += _formal_charge(line)
    return Frame(numbers, np.array(positions), charge or None, periodic=periodic)


def _symbol(line: str) -> str:
    """Element of columns 77-78, or of the atom name where they are empty, as many programs leave them."""
    if stated := line[76:78].strip():
        return stated
    name = line[12:16]
    letters = re.sub(r"[^A-Za-z]", "", name).upper()
    # The element is right-justified in columns 13-14, so a name that starts in column 14 has one letter.
    if name[:1].isalpha() and letters[:2] in _TWO_LETTERS:
        return letters[:2]
    return letters[:1]


def _formal_charge(line: str) -> int:
    """Charge of columns 79-80, such as ``1-``."""
    match = re.fullmatch(r"(\d)([+-])", line[78:80].strip())
    return int(match[2] + match[1]) if match else 0


def _is_cell(line: str) -> bool:
    # By the format's rule a unit cube stands for "no crystal".
    try:
        return any(float(word) not in (0.0, 1.0) for word in (line[6:15], line[15:24], line[24:33]))
    except ValueError:
        return True
