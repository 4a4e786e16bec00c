"""Molecules and crystals: what they are, where they come from, which of them take part."""

from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.collections import g2_chno, series
from hamexplorer.structures.ensembles import normal_mode_displacements, random_displacements
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.selection import SPLITS, Split, select, split_structures
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.sources import SOURCES, Source, resolve
from hamexplorer.structures.structure import Structure

__all__ = [
    "SOURCES",
    "SPLITS",
    "Source",
    "Split",
    "Structure",
    "check_structures",
    "from_smiles",
    "g2_chno",
    "normal_mode_displacements",
    "random_displacements",
    "read_structures",
    "resolve",
    "select",
    "series",
    "split_structures",
]
