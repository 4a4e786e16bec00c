"""What a file holds, told from its content, so that a wrong name is noticed before a reader stumbles."""

from __future__ import annotations

import codecs
import re

from hamexplorer.errors import StructureError
from hamexplorer.structures.crystal_files import looks_like_poscar

_MAGIC = {
    b"SQLite format 3\x00": "db",
    b"- of Ulm": "traj",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"PK\x03\x04": "zip",
    b"%PDF": "pdf",
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"\x89HDF": "hdf5",
}

#: What people call a kind of content.
NOUNS = {
    "xyz": "an XYZ file",
    "atoms": "lines of atoms without an XYZ header",
    "sdf": "a mol or SDF file",
    "pdb": "a PDB file",
    "json": "JSON",
    "db": "an ASE (SQLite) database",
    "traj": "an ASE trajectory",
    "cif": "a crystal (CIF)",
    "vasp": "a crystal (POSCAR)",
    "html": "a web page (HTML)",
    "xml": "XML",
    "hdf5": "HDF5, which is a dataset rather than a list of structures",
    "pdf": "a PDF document",
    "image": "an image",
    "binary": "binary data",
    "text": "text that is no list of atoms",
    **{name: f"a compressed file ({name})" for name in ("gzip", "bzip2", "xz", "zip")},
}

_CURES = {
    "html": "download the file itself, not the page that shows it",
    **dict.fromkeys(("gzip", "bzip2", "xz", "zip"), "unpack it first"),
}

#: What content looks like -> a format whose files look so, too.
_LOOK_ALIKE = {("json", "cjson"), ("vasp", "vasp-xdatcar"), ("pdb", "struct")}

_ATOM_LINE = re.compile(r"\s*[A-Za-z]{1,2}(\s+[-+]?(\d+\.?\d*|\.\d+)([eEdD][-+]?\d+)?){3}\s*")


def recognise(content: bytes) -> str:
    """The kind of content, a key of :data:`NOUNS`, or ``"empty"``."""
    for magic, kind in _MAGIC.items():
        if content.startswith(magic):
            return kind
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\x00" in content[:65536]:
        return "binary"
    text = as_text(content)
    return _recognise_text(text) if text.strip() else "empty"


def as_text(content: bytes) -> str:
    """Decode UTF-8 or UTF-16 with or without its mark, else Latin-1, which takes anything."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def refuse_mismatch(kind: str, wanted: str, file: str) -> None:
    """Say so when a file plainly holds something else than its name or the given format promises.

    Args:
        kind: what :func:`recognise` found.
        wanted: the format its name or the user promised.
        file: the file's name.

    Raises:
        StructureError: one sentence with what it holds and what to do.
    """
    if kind == "empty":
        raise StructureError(f"{file} is empty; give at least one molecule or crystal")
    # A reader's own complaint about text says which line is wrong, which helps more.
    if kind == wanted or kind == "text" or (kind, wanted) in _LOOK_ALIKE:
        return
    promised = NOUNS.get(wanted, f"a file in the format {wanted}")
    cure = _CURES.get(kind)
    if cure is None and kind in ("xyz", "sdf", "pdb", "json", "db", "traj", "cif", "vasp"):
        cure = f"let its name end in .{kind}"
    raise StructureError(
        f"{file} is not {promised}: it holds {NOUNS[kind]}; {cure or 'choose a file with atoms in it'}"
    )


def _recognise_text(text: str) -> str:
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype html", "<html", "<head")):
        return "html"
    if start.startswith("<"):
        return "xml"
    if start.startswith(("{", "[")):
        return "json"
    head = text[:20000].splitlines()
    # A mol record's title may be a number, so it is looked for before XYZ.
    if any(re.search(r"V[23]000\s*$", line) for line in head[:8]):
        return "sdf"
    # A POSCAR's title may be a number, too.
    if looks_like_poscar(text):
        return "vasp"
    filled = [line for line in head if line.strip()] or [""]
    if filled[0].strip().isdecimal():
        return "xyz"
    if any(re.match(r"(ATOM  |HETATM)\s*\S+ ", line) for line in filled):
        return "pdb"
    if any(line.startswith(("data_", "_cell_length_a")) for line in filled):
        return "cif"
    if all(_ATOM_LINE.fullmatch(line) for line in filled[:50]):
        return "atoms"
    return "text"
