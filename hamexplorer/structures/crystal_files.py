"""Crystals from files: CIF, POSCAR, extended XYZ with a lattice, and what else ASE reads that has a cell."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import ase.io
from ase import Atoms
from ase.io.formats import UnknownFileTypeError, filetype

from hamexplorer.errors import StructureError
from hamexplorer.structures.cells import check_crystal
from hamexplorer.structures.checks import check_size
from hamexplorer.structures.files import PASTED, content_of
from hamexplorer.structures.frames import frame_label, whole_charge
from hamexplorer.structures.structure import Structure

#: Formats of ASE that hold cells and whose readers run no code of the file, with their names.
CRYSTAL_FORMATS: dict[str, str] = {
    "cif": "CIF",
    "vasp": "POSCAR",
    "vasp-xdatcar": "XDATCAR",
    "extxyz": "extended XYZ",
    "xsf": "XSF",
    "espresso-in": "Quantum ESPRESSO input",
    "castep-cell": "CASTEP cell",
    "res": "SHELX res",
    "aims": "FHI-aims geometry",
    "struct": "WIEN2k struct",
}
#: Names of files for which ASE has no ending.
_BY_NAME = {
    "poscar": "vasp",
    "contcar": "vasp",
    "xdatcar": "vasp-xdatcar",
    "vasp": "vasp",
    "xyz": "extxyz",
    "res": "res",
}


def read_crystals(
    source: str | Path | bytes, *, filename: str | None = None, charge: int = 0
) -> list[Structure]:
    """Every crystal of a file, an upload or pasted text.

    Args:
        source: a path; bytes, for example of an upload; or a text with line breaks, taken as pasted.
        filename: name of the file that the bytes came from; it says the format.
        charge: of a cell for which the file states none, e.

    Raises:
        StructureError: one sentence naming the file, the frame, what is wrong and what to do. Nothing is returned from
            a file with any mistake in it.
    """
    if isinstance(source, bytes):
        content, file = source, Path(filename or "the upload").name
    elif isinstance(source, str) and "\n" in source.strip():
        content, file = source.encode(), filename or PASTED
    else:
        content, file = content_of(Path(source).expanduser()), Path(filename or source).name
    if not content.strip():
        raise StructureError(f"{file} is empty; choose a file with a cell and atoms in it")
    format = _format_of(content, file)
    try:
        text = content.decode("utf-8")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            images = list(ase.io.iread(io.StringIO(text), index=":", format=format))
    except UnicodeDecodeError as error:
        raise StructureError(f"{file} is no text; give a crystal as CIF, POSCAR or extended XYZ") from error
    except Exception as error:
        raise StructureError(
            f"{file} cannot be read as {CRYSTAL_FORMATS[format]}; it may be damaged or cut off: get the whole file, or "
            f"write it again as CIF"
        ) from error
    if not images:
        raise StructureError(f"{file} holds no crystal; choose a file with a cell and atoms in it")
    return [_structure(atoms, file, k, len(images), charge) for k, atoms in enumerate(images, start=1)]


def _format_of(content: bytes, file: str) -> str:
    ending = (Path(file).suffix.lstrip(".") or Path(file).stem).lower()
    format = _BY_NAME.get(ending) or _BY_NAME.get(Path(file).stem.lower())
    if format is None:
        try:
            format = filetype(io.BytesIO(content) if ending == file.lower() else file, read=False)
        except (UnknownFileTypeError, ValueError, OSError):
            format = _guess(content)
    if format not in CRYSTAL_FORMATS:
        format = _guess(content)
    if format is None:
        raise StructureError(
            f"{file} is in no format with a cell that is read here; give a crystal as CIF, POSCAR or extended XYZ"
        )
    return format


def _guess(content: bytes) -> str | None:
    """The format of a text without a telling name."""
    head = content[:4000].decode("utf-8", "replace")
    if "_cell_length_a" in head or head.lstrip().startswith("data_"):
        return "cif"
    if "Lattice=" in head:
        return "extxyz"
    words = [line.split() for line in head.splitlines()[1:5]]
    numbers = [len(w) for w in words] == [1, 3, 3, 3]
    return "vasp" if numbers and all(_is_number(x) for w in words for x in w) else None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _structure(atoms: Atoms, file: str, frame: int, n_frames: int, charge: int) -> Structure:
    where = frame_label(file, frame) if n_frames > 1 else file
    check_size(len(atoms), where)
    if not atoms.pbc.any():
        raise StructureError(f"{where} has no cell that repeats; load it as a molecule, or give it a lattice")
    occupied = atoms.info.get("occupancy")
    if occupied and any(len(kinds) > 1 or sum(kinds.values()) < 0.999 for kinds in occupied.values()):
        raise StructureError(
            f"{where} has sites that are shared or partly empty; give an ordered crystal, with one atom a site"
        )
    stated = atoms.info.get("charge")
    structure = Structure.from_ase(
        atoms,
        charge=charge if stated is None else whole_charge(stated, where),
        name=str(atoms.info.get("name", "")) or (Path(file).stem if file != PASTED else ""),
        source=where,
        periodic=True,
    )
    return check_crystal(structure, where)
