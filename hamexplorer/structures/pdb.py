"""Protein Data Bank files: small molecules and cells in them, one model a frame.

Source: wwPDB, Atomic Coordinate Entry Format 3.30, sections 8 and 9.
"""

from __future__ import annotations

import re

import numpy as np
from ase.geometry import cellpar_to_cell

from hamexplorer.errors import StructureError, quoted
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
    cell: np.ndarray | None = None
    for k, line in enumerate([*text.splitlines(), "END"], start=1):
        record = line[:6].strip()
        if record == "CRYST1":
            cell = _cell_of(line, f"{file}, line {k}")
        elif record in ("ATOM", "HETATM"):
            if line[16:17] in (" ", "", "A", "1"):
                atoms.append(line)
                numbered.append(k)
        elif record in ("ENDMDL", "END", "MODEL") and atoms:
            frames.append(_read_model(atoms, numbered, cell, frame_label(file, len(frames) + 1)))
            atoms, numbered = [], []
    return frames


def _read_model(atoms: list[str], numbered: list[int], cell: np.ndarray | None, where: str) -> Frame:
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
    return Frame(numbers, np.array(positions), charge or None, cell=cell, pbc=(cell is not None,) * 3)


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


def _cell_of(line: str, where: str) -> np.ndarray | None:
    """The cell (Å) of a CRYST1 record in the standard setting; None where it stands for "no crystal".

    Raises:
        StructureError: if it is not to be read, or the file lists only the asymmetric part of the cell.
    """
    try:
        numbers = [float(line[a:b]) for a, b in ((6, 15), (15, 24), (24, 33), (33, 40), (40, 47), (47, 54))]
    except ValueError:
        raise StructureError(
            f"{where} should state the cell's three lengths and angles but reads {quoted(line.strip(), 90)}; "
            f"correct it, or "
            f"take it out if there is no crystal"
        ) from None
    # By the format's rule a unit cube stands for "no crystal".
    if all(length in (0.0, 1.0) for length in numbers[:3]):
        return None
    group = line[55:66].strip()
    if group not in ("", "P 1", "P1", "1"):
        raise StructureError(
            f"{where} gives the space group {quoted(group)[1:-1]} and so only a part of the cell; write all atoms "
            f"in P 1, or give "
            f"the crystal as CIF"
        )
    return np.asarray(cellpar_to_cell(numbers))
