"""Molecules and crystals from a file, an upload or pasted text: all of them, or one sentence and none."""

from __future__ import annotations

import os
from pathlib import Path

from hamexplorer.errors import StructureError, plain_text, quoted
from hamexplorer.structures.ase_formats import ASE_FORMATS, read_ase_database, read_with_ase
from hamexplorer.structures.crystal_files import CRYSTAL_ENDINGS
from hamexplorer.structures.frames import Frame, structures_of
from hamexplorer.structures.molfile import read_sdf
from hamexplorer.structures.pdb import read_pdb
from hamexplorer.structures.recognise import NOUNS, as_text, recognise, refuse_mismatch
from hamexplorer.structures.structure import Structure
from hamexplorer.structures.xyz import read_bare_atoms, read_xyz

#: Largest file that is read, in bytes: as text with any character beyond the first 65,536 in it, with its lines beside
#: it, it takes nine times as much.
MAX_BYTES = 50_000_000
#: Most lines of a text: each is an object of its own. 20,000 molecules of a hundred atoms have as many.
MAX_LINES = 2_000_000
_LINE_ENDS = tuple(b"\n\r\x0b\x0c\x1c\x1d\x1e")

#: Endings of file names -> format.
ENDINGS = {
    **dict.fromkeys(("xyz", "extxyz"), "xyz"),
    **dict.fromkeys(("mol", "sdf", "sd"), "sdf"),
    **dict.fromkeys(("pdb", "ent"), "pdb"),
    **{name: name for name in ("json", "db", "traj")},
    **CRYSTAL_ENDINGS,
}
_TEXT_READERS = {"xyz": read_xyz, "atoms": read_bare_atoms, "sdf": read_sdf, "pdb": read_pdb}
#: What the caller may ask for by name.
FORMATS = (*dict.fromkeys(ENDINGS), *ASE_FORMATS)

PASTED = "the pasted text"


def read_structures(
    source: str | Path | bytes | memoryview,
    *,
    filename: str | None = None,
    format: str | None = None,
    charge: int = 0,
) -> list[Structure]:
    """Every molecule and crystal of a file, an upload or pasted text.

    Formats: xyz and extended xyz with any number of frames, mol and sdf with several records, pdb with
    several models, ASE's json and db, CIF, POSCAR, and what else ASE reads that holds molecules or crystals
    (``ASE_FORMATS``). What repeats along any direction by its file is a crystal; its atoms are moved into its cell.
    A structure's name is what the file gives it (``name`` in an extended XYZ comment or a database, the title
    of a mol record), else the file's name and the frame, counted from 1.

    Args:
        source: a path; bytes, for example of an upload; or a text with line breaks, taken as pasted.
        filename: name of the file that the bytes came from; its ending says the format.
        format: read it as this format, whatever its name; one of :data:`FORMATS`.
        charge: total charge in e of structures for which the file states none, of a crystal that of its cell.

    Raises:
        StructureError: one sentence naming the file, the frame, what is wrong and what to do. Nothing is
            returned from a file with any mistake in it.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        content, file = bytes(source), filename or "the upload"
    elif isinstance(source, str) and "\n" in source.strip():
        content, file = source.encode("utf-8", "replace"), filename or PASTED
    else:
        # Path.expanduser raises for a user that does not exist.
        content, file = content_of(Path(os.path.expanduser(source))), filename or Path(source).name
    file = plain_text(Path(file).name, 120) or "the file"
    if len(content) > MAX_BYTES:
        raise StructureError(_too_large(file, len(content)))
    stem = "" if file in (PASTED, "the upload") else Path(file).stem
    return structures_of(_frames(content, file, format), file, stem, charge)


def content_of(path: Path) -> bytes:
    """The bytes of a file, or a StructureError that says why they cannot be had."""
    # os.path answers False where pathlib raises: for names that are too long or hold a null byte.
    try:
        if os.path.isdir(path):
            raise StructureError(
                f"{path} is a folder; name a file in it, or all of one kind with a pattern such as "
                f"{path / '*.xyz'}"
            )
        if not os.path.isfile(path):
            raise StructureError(f"there is no file {quoted(str(path), 200)}; check the name and the folder")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise StructureError(_too_large(path.name, size))
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it is not accessible"
        raise StructureError(
            f"{path} cannot be opened ({reason}); check the name and its permissions"
        ) from error


def _too_large(file: str, size: int) -> str:
    return f"{file} has {size / 1e6:.0f} MB and at most {MAX_BYTES / 1e6:.0f} MB are read; split the file"


def _frames(content: bytes, file: str, format: str | None) -> list[Frame]:
    if sum(map(content.count, _LINE_ENDS)) > MAX_LINES:
        raise StructureError(
            f"{file} has more than {MAX_LINES} lines, the most that are read; split the file"
        )
    kind = recognise(content)
    wanted = _wanted(file, format, kind)
    if wanted is not None:
        refuse_mismatch(kind, wanted, file)
    if wanted in _TEXT_READERS:
        return _TEXT_READERS[wanted](as_text(content), file)
    if wanted in ("json", "db"):
        return read_ase_database(content, file, wanted)
    return read_with_ase(content, file, wanted)


def _wanted(file: str, format: str | None, kind: str) -> str | None:
    """The format to read: asked for, told by the name, or recognised; None leaves it to ASE."""
    if format is not None:
        asked = format.lower().lstrip(".")
        if asked not in FORMATS:
            raise StructureError(
                f"the format {quoted(format)} is unknown; choose one of {', '.join(FORMATS)}"
            )
        return ENDINGS.get(asked, asked)
    ending = Path(file).suffix.lstrip(".").lower() or file.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    if kind in ("empty", *_TEXT_READERS, "json", "db", "traj", "cif", "vasp"):
        return kind
    if file in (PASTED, "the upload"):
        raise StructureError(
            f"{file} holds {NOUNS[kind]}; an XYZ block is the number of atoms, a comment line, then one line "
            f"'symbol x y z' an atom; a crystal is pasted as CIF, POSCAR or extended XYZ"
        )
    if kind != "text":
        raise StructureError(
            f"{file} holds {NOUNS[kind]}; choose a file with atoms in it, for example XYZ or CIF"
        )
    return None
