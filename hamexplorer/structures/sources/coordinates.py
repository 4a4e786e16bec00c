"""Structures that somebody else has coordinates for: a file, or text pasted into a box."""

from __future__ import annotations

from dataclasses import dataclass

from hamexplorer.errors import StructureError, plain_text, quoted
from hamexplorer.params import Text, Whole, param, validate
from hamexplorer.structures.files import PASTED, read_structures
from hamexplorer.structures.selection import indices_in_range
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

_CHARGE_HELP = (
    "Total charge of every structure for which the file states none (an extended XYZ file states it as "
    "charge=1 in the "
    "comment line)."
)


@SOURCES.register("file")
class FileSource(Source):
    """Every structure of a file, or those of some of its frames."""

    label = "File"
    help = "Molecules (xyz, sdf, mol, pdb) or crystals (CIF, POSCAR, extended xyz) from a file, or what else ASE reads."
    reaches = "files of this machine"
    main = "path"

    @dataclass(frozen=True)
    class Params:
        path: str = param(
            "",
            Text(),
            label="File",
            help="Path of a file with one structure or many, such as molecules.xyz or quartz.cif.",
        )
        frames: str = param(
            "",
            Text(),
            label="Frames",
            help="Which structures of the file, counted from 0: 0:50 for the first fifty, ::10 for every "
            "tenth. Empty for all.",
        )
        charge: int = param(0, Whole(-20, 20), label="Charge", unit="e", help=_CHARGE_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        if not params.path.strip():
            raise StructureError(
                "no file is named; give the path of a file with molecules or crystals, for example water.xyz"
            )
        found = read_structures(params.path.strip(), charge=params.charge)
        chosen = indices_in_range(params.frames, len(found))
        if not chosen:
            raise StructureError(
                f"the frames {quoted(params.frames)} pick nothing from {plain_text(params.path)}, which holds "
                f"{len(found)}; "
                f"widen the range"
            )
        return [found[i] for i in chosen]


@SOURCES.register("text")
class TextSource(Source):
    """Structures pasted as text."""

    label = "Pasted text"
    help = "Coordinates in Å: XYZ blocks, plain lines of 'symbol x y z', mol records, or a crystal as CIF or POSCAR."
    main = "text"

    @dataclass(frozen=True)
    class Params:
        text: str = param(
            "",
            Text(),
            label="Coordinates",
            help="XYZ in Å: the number of atoms, a comment, then one line 'symbol x y z' an atom. "
            "The first two lines may be left out. A crystal as CIF, POSCAR or extended XYZ.",
        )
        charge: int = param(0, Whole(-20, 20), label="Charge", unit="e", help=_CHARGE_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        return read_structures(params.text.encode("utf-8", "replace"), filename=PASTED, charge=params.charge)
