"""STRUCTURES on the command line: a file or a short description."""

from __future__ import annotations

import argparse
from pathlib import Path

from hamexplorer.cli.console import ProgressLine
from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure

#: Shown in the help of every verb that takes STRUCTURES.
STRUCTURES_HELP = """\
STRUCTURES is one of
  molecules.xyz            a file that ASE reads: xyz, extxyz, mol, sdf, pdb, json, db; crystals: cif, POSCAR, extxyz
  molecules.xyz@0:50:2     some of its frames
  'folder/*.xyz'           several files
  'smiles:CCO c1ccccc1'    SMILES
  g2:4, 'g2:CH4 C6H6'      small CHNO molecules: up to 4 heavy atoms, or by name
  polyenes:1-6, acenes:1-4, polyenoic-acids:1-5
  distorted:CC             100 distorted ethanes; distorted:CH4,n=20,amplitude=0.1,seed=7
  qm7:100, qm9:30,min_heavy=8        molecules of QM7 or QM9, fetched from their archives the first time
  crystal:graphene         a ready-made crystal; crystal:silicon, crystal:polyethylene, …
  'bulk:SiC zincblende'    a bulk crystal, maybe with its lattice constant in Å; layer:BN a hexagonal layer
  polyacetylene:0-0.14,n=15          chains with more and more alternating bonds, Å
  rattled:silicon,n=40,repeats=2x1x1 distorted copies of a crystal, or of the one in a file: rattled:mine.cif"""


def add_structures(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The positional argument and the charge that goes with it."""
    parser.add_argument(
        "structures",
        metavar="STRUCTURES",
        nargs=None if required else "?",
        help="a file or a short description; see below",
    )
    parser.add_argument(
        "--charge",
        type=int,
        metavar="N",
        help="total charge in e of structures for which the file states none (default: 0)",
    )


def read_structures_option(options: argparse.Namespace) -> list[Structure]:
    """The structures that were named.

    Raises:
        HamExplorerError: one sentence with what is wrong and what to do.
    """
    from hamexplorer.structures.sources import SOURCES, resolve

    text = options.structures
    if options.charge is None:
        line = ProgressLine()
        try:
            return resolve(text, tell=lambda words: line.update(0, 0, words))
        finally:
            line.clear()
    path, _, frames = (text, "", "") if Path(text).exists() else text.partition("@")
    if not Path(path).is_file():
        raise StructureError(
            f"--charge goes with a file of structures, and {text!r} is none; "
            f"leave --charge out (SMILES state their charge themselves)"
        )
    source = SOURCES["file"]
    return source.load(source.Params(path=path, frames=frames, charge=options.charge))
