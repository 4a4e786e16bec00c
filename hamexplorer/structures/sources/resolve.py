"""Structures from one text: what the command line's STRUCTURES means."""

from __future__ import annotations

import difflib
import glob
import os
import re
from collections.abc import Callable

from rdkit import Chem, rdBase

from hamexplorer.errors import StructureError
from hamexplorer.structures.named_crystals import ready_made_name
from hamexplorer.structures.sources.base import SOURCES
from hamexplorer.structures.sources.generated import SERIES_KINDS
from hamexplorer.structures.structure import Structure


def resolve(text: str, *, tell: Callable[[str], None] = lambda text: None) -> list[Structure]:
    """Structures from a path or a short description; a slow source says to ``tell`` how far it is.

    ============================================  ====================================================
    text                                          structures
    ============================================  ====================================================
    ``molecules.xyz``                             all molecules of a file
    ``molecules.xyz@0:50:2``                      some of them: a Python slice, counted from 0
    ``'folder/*.xyz'``                            all files that match, in alphabetical order
    ``'smiles:CCO c1ccccc1'``                     SMILES, parted by blanks or commas
    ``g2`` or ``g2:4``                            small CHNO molecules, up to 4 heavy atoms
    ``'g2:CH4 C6H6'``                             some of them by name
    ``polyenes:1-6``                              ethene to dodecahexaene; one alone: ``polyenes:3``
    ``acenes:1-4``                                benzene to tetracene
    ``polyenoic-acids:1-5``                       acrylic acid and longer
    ``distorted:CC``                              100 distorted ethanes; a SMILES or a g2 name
    ``distorted:CH4,n=20,amplitude=0.1,seed=7``   more settings of a source follow after commas
    ``qm7:100`` or ``qm9:30,min_heavy=8``         molecules of QM7 or QM9, fetched from the archive the first time
    ``crystal:graphene``                          a ready-made crystal
    ``'bulk:SiC zincblende 4.36'``                a bulk crystal; type and constant may be left out if known
    ``layer:BN``                                  a hexagonal layer
    ``polyacetylene:0-0.14,n=15``                 chains with more and more alternating bonds
    ``rattled:silicon,n=40,repeats=2x1x1``        distorted copies of a crystal, or of the one in a file
    ============================================  ====================================================

    Raises:
        HamExplorerError: one sentence with what is wrong and what to do.
    """
    text = text.strip()
    if not text:
        raise StructureError("no structures are named; give a file, for example water.xyz, or smiles:CCO")
    if "\n" in text:
        return SOURCES["text"].load(SOURCES["text"].Params(text=text))
    prefix, colon, argument = text.partition(":")
    kind = prefix.lower().replace("-", " ")
    if colon and not argument.strip() and (kind in SERIES_KINDS or prefix.lower() in SOURCES):
        raise StructureError(f"nothing follows {text!r}; write for example smiles:CCO, g2:4 or polyenes:1-6")
    if kind in SERIES_KINDS:
        return _load("series", f"{prefix.lower()}:{argument}" if colon else prefix.lower(), tell)
    if prefix.lower() in SOURCES and (colon or prefix.lower() not in ("file", "text")):
        return _load(prefix.lower(), argument, tell)
    if os.path.exists(os.path.expanduser(text)):
        return _load_file(text, "")
    if at := re.fullmatch(r"(.+)@([-\d:, ]*)", text):
        return _load_file(at[1], at[2])
    if glob.has_magic(text) and (matches := sorted(glob.glob(os.path.expanduser(text), recursive=True))):
        return [structure for path in matches for structure in _load_file(path, "")]
    raise StructureError(_nothing_found(text, prefix if colon else ""))


def _load(name: str, argument: str, tell: Callable[[str], None]) -> list[Structure]:
    source = SOURCES[name]
    return source.load_telling(source.parse(argument), tell)


def _load_file(path: str, frames: str) -> list[Structure]:
    return SOURCES["file"].load(SOURCES["file"].Params(path=path, frames=frames))


def _nothing_found(text: str, prefix: str) -> str:
    names = [
        *(name for name in SOURCES if name != "text"),
        *(kind.replace(" ", "-") for kind in SERIES_KINDS),
    ]
    missing = f"there is no file {text!r}"
    if glob.has_magic(text) and "[" not in text:
        return f"no file matches {text!r}; check the folder and the pattern"
    if re.search(r"\.\w+$|/", text) and not prefix:
        return f"{missing}; check the name and the folder"
    if near := difflib.get_close_matches((prefix or text).lower(), names, n=1):
        return f"{missing}, and no source of that name; did you mean {near[0]!r}?"
    if re.fullmatch(r"[A-Za-z0-9 -]{2,}", prefix):
        return f"{missing}, and {prefix!r} is no source of structures; choose one of {', '.join(names)}"
    if (crystal := ready_made_name(text)) is not None:
        return f"{missing}; for the crystal write 'crystal:{crystal}'"
    with rdBase.BlockLogs():
        smiles = Chem.MolFromSmiles(text)
    if smiles is not None:
        return f"{missing}; for the molecule with this SMILES write 'smiles:{text}'"
    return f"{missing}; check the name and the folder, or use one of {', '.join(names)}"
