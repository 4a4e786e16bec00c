"""XYZ and extended XYZ, read line by line so that a mistake can be named with its frame and line."""

from __future__ import annotations

import re

import numpy as np

from hamexplorer.errors import StructureError, quoted
from hamexplorer.structures.checks import atomic_number, check_count, check_size
from hamexplorer.structures.frames import Frame, frame_label, whole_charge

#: One ``key=value`` of a comment line; a quoted value is consumed whole, whatever it contains. ASE writes an
#: empty value as ``name= charge=1``, so a bare value after a blank counts only if no ``=`` follows it. A key begins
#: where a word does, and quantifiers are possessive: a line of a million letters takes no longer than reading it.
_ENTRY = re.compile(
    r"""(?<![^\s="'{}])([^\s="']++)\s*+=(?:\s*+"((?:[^"\\]|\\.)*+)"|\s*+'([^']*+)'|\s*+\{([^{}]*+)\}"""
    r"""|\s++([^\s="']++)(?=\s|$)(?!\s*+=)|(\S*+))"""
)
#: Columns of a plain file: symbol, x, y, z.
_PLAIN = ("species", "S", "1", "pos", "R", "3")
#: Of an atom, of one kind.
_MOST_COLUMNS = 100_000
#: QM9's files carry frequencies, SMILES and InChI in three lines after the atoms, and start like this.
_QM9 = re.compile(r"gdb \d+\s")


def read_xyz(text: str, file: str) -> list[Frame]:
    """All frames of an XYZ or extended XYZ text; blank lines between frames are allowed.

    Raises:
        StructureError: naming the frame and the line that is missing or wrong.
    """
    lines = text.splitlines()
    frames: list[Frame] = []
    start = 0
    while (start := _next_filled(lines, start)) < len(lines):
        frame, start = _read_frame(lines, start, file, len(frames) + 1)
        frames.append(frame)
        check_count(len(frames), file)
    return frames


def read_bare_atoms(text: str, file: str) -> list[Frame]:
    """Lines of ``symbol x y z`` without the two lines that head an XYZ frame; blank lines part molecules."""
    blocks = [block.splitlines() for block in re.split(r"\n\s*\n", text.strip())]
    return read_xyz("\n".join(f"{len(block)}\n\n" + "\n".join(block) for block in blocks), file)


def _next_filled(lines: list[str], start: int) -> int:
    while start < len(lines) and not lines[start].strip():
        start += 1
    return start


def _read_frame(lines: list[str], start: int, file: str, index: int) -> tuple[Frame, int]:
    where = frame_label(file, index)
    count = lines[start].strip()
    if not count.isdecimal():
        raise StructureError(
            f"{where}: line {start + 1} should be the number of atoms but reads {_short(count)}; an XYZ "
            f"frame is that "
            f"number, a comment line, then one line an atom"
        )
    n_atoms = int(count[:12])  # what is longer is too many as well
    check_size(n_atoms, where)
    first, stop = start + 2, start + 2 + n_atoms
    comment = lines[start + 1] if start + 1 < len(lines) else ""
    if len(lines) < stop:
        raise StructureError(
            f"{where} is cut off: line {start + 1} promises {n_atoms} atoms and the file ends after "
            f"{max(0, len(lines) - first)}; get the whole file or take this frame out"
        )
    entries = _entries(comment)
    species, position, width = _columns(entries.get("properties", ""), where)
    numbers, positions = [], np.empty((n_atoms, 3))
    for k, line in enumerate(lines[first:stop]):
        words = line.split()
        here = f"{where}, line {first + k + 1}"
        if len(words) < width:
            raise StructureError(
                f"{here} should be atom {k + 1} of {n_atoms} (symbol x y z) but reads {_short(line)}; "
                f"correct the line "
                f"or the number of atoms in line {start + 1}"
            )
        numbers.append(atomic_number(words[species], here))
        positions[k] = [_coordinate(word, here) for word in words[position : position + 3]]
    if _QM9.match(comment):
        stop += 3
    name = entries.get("name", "") or (" ".join(comment.split()[:2]) if _QM9.match(comment) else "")
    cell, pbc = _cell_of(entries, where)
    return Frame(numbers, positions, _charge_of(entries, where), name, cell, pbc), stop


def _entries(comment: str) -> dict[str, str]:
    """Keys (lower case) and raw values of an extended XYZ comment; empty for free text."""
    found: dict[str, str] = {}
    for key, double, *others in _ENTRY.findall(comment):
        # ASE escapes quotes but not the backslashes of a SMILES such as C/C=C\C.
        unescaped = re.sub(r'\\(["\\])', r"\1", double)
        found.setdefault(key.lower(), (unescaped or next(filter(None, others), "")).strip())
    return found


def _columns(properties: str, where: str) -> tuple[int, int, int]:
    """Columns of the symbol and of x, and how many columns a line must have."""
    parts = properties.split(":") if properties else list(_PLAIN)
    offsets, column = {}, 0
    try:
        for name, width in zip(parts[0::3], parts[2::3], strict=True):
            offsets[name.lower()] = column
            if not 0 < int(width) <= _MOST_COLUMNS:
                raise ValueError
            column += int(width)
        species = offsets["species"] if "species" in offsets else offsets["z"]
        return species, offsets["pos"], column
    except (KeyError, ValueError):
        raise StructureError(
            f"{where} describes its columns as Properties={_plain(properties)}, which lacks species or pos or a width "
            f"of them; an ordinary one reads Properties=species:S:1:pos:R:3"
        ) from None


def _coordinate(word: str, here: str) -> float:
    try:
        # Fortran and Mathematica write 1.0D-3 and 1.0*^-3.
        return float(re.sub(r"(?<=\d|\.)(?:\*\^|[dD])", "e", word))
    except ValueError:
        raise StructureError(f"{here}: the coordinate {_short(word)} is not a number; correct it") from None


def _charge_of(entries: dict[str, str], where: str) -> int | None:
    for key in ("charge", "total_charge"):
        if entries.get(key):
            return whole_charge(entries[key], where)
    return None


def _cell_of(entries: dict[str, str], where: str) -> tuple[np.ndarray | None, tuple[bool, bool, bool]]:
    """The lattice (Å) and along which of its vectors the structure repeats."""
    # Extended XYZ: a lattice without a word about pbc means periodic in all directions.
    words = re.findall(r"[A-Za-z0-9]+", entries.get("pbc", ""))
    repeats = [word.lower() in ("t", "true", "1") for word in words] or ["lattice" in entries] * 3
    pbc = tuple(repeats * 3 if len(repeats) == 1 else repeats)
    if not any(pbc):
        return None, (False, False, False)
    if len(pbc) != 3:
        raise StructureError(
            f'{where} says pbc={quoted(entries["pbc"])}; it is one T or F a direction, for example pbc="T T F"'
        )
    if "lattice" not in entries:
        raise StructureError(
            f'{where} is periodic but states no Lattice; add the nine numbers of its cell, or say pbc="F F F"'
        )
    try:
        numbers = [float(word) for word in re.split(r"[\s,]+", entries["lattice"].strip(" []"))]
        return np.array(numbers).reshape(3, 3), (pbc[0], pbc[1], pbc[2])
    except ValueError:
        raise StructureError(
            f"{where} states Lattice={_short(entries['lattice'])}; it is nine numbers in Å, vector after vector: "
            f"correct it"
        ) from None


def _short(text: str) -> str:
    text = text.strip()
    return quoted(text if len(text) <= 40 else text[:37] + "…") if text else "empty"


def _plain(text: str) -> str:
    return quoted(text)[1:-1]
