"""Molecules that are made here: from SMILES, from collections, and distorted copies of one molecule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hamexplorer.errors import SettingsError, StructureError, quoted
from hamexplorer.params import Choice, Real, Text, Whole, param, validate
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.collections import MULTI_REFERENCE, g2_chno, g2_molecule, named_molecule, series
from hamexplorer.structures.ensembles import normal_mode_displacements, random_displacements
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

#: Kinds of series: name -> sentence.
SERIES_KINDS = {
    "polyenes": "chains of alternating double and single bonds: ethene, butadiene, hexatriene, …",
    "acenes": "rows of fused six-membered rings: benzene, naphthalene, anthracene, …",
    "polyenoic acids": "polyenes that end in a carboxyl group: acrylic acid, pentadienoic acid, …",
}
#: Ways to distort: name -> sentence.
DISTORTIONS = {
    "normal-mode": "along the molecule's own vibrations, soft ones farther: like heat",
    "random": "every atom by itself in any direction: also stretches stiff bonds",
}
#: Each takes some hundredths of a second, and nothing stops it in between.
_MOST_SMILES = 2000
_SEED_HELP = "Any whole number; the same one gives the same structures again."


@SOURCES.register("smiles")
class SmilesSource(Source):
    """Molecules written as SMILES."""

    label = "SMILES"
    help = (
        "Molecules written as SMILES, for example CCO for ethanol, O for water. The shape is guessed with RDKit, a "
        "chemistry library; it is not a relaxed geometry of DFT."
    )
    main = "smiles"

    @dataclass(frozen=True)
    class Params:
        smiles: str = param(
            "CCO",
            Text(),
            label="SMILES",
            help="One or several, parted by blanks or line breaks: CCO c1ccccc1 CC(=O)O.",
        )
        seed: int = param(0, Whole(0, 2**31 - 1), label="Seed", help=_SEED_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        words = [word for word in re.split(r"[\s,;]+", params.smiles) if word]
        if not words:
            raise StructureError("no SMILES is given; write at least one, for example CCO for ethanol")
        if len(words) > _MOST_SMILES:
            raise StructureError(f"{len(words)} SMILES are too many at once; give {_MOST_SMILES} at most")
        return check_structures(from_smiles(word, seed=params.seed) for word in words)


@SOURCES.register("g2")
class G2Source(Source):
    """Small molecules that ship with ASE."""

    label = "Small molecules (g2)"
    help = "The molecules of C, H, N and O in the g2 set, from methane to benzene, with accurate geometries."
    main = "max_heavy"

    @dataclass(frozen=True)
    class Params:
        max_heavy: int = param(
            6,
            Whole(1, 6),
            label="Largest",
            unit="heavy atoms",
            help="Most atoms other than hydrogen in one molecule.",
        )
        names: str = param(
            "",
            Text(),
            label="Only",
            help="Names in the g2 set, such as CH4 C6H6, parted by blanks. Empty for all.",
        )

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        if names := re.split(r"[\s,]+", params.names.strip()) if params.names.strip() else []:
            return [g2_molecule(name) for name in names]
        return [s for s in g2_chno(max_heavy=params.max_heavy) if s.name not in MULTI_REFERENCE]

    def parse_main(self, argument: str) -> dict[str, Any]:
        """A number is the largest size, anything else are names."""
        return super().parse_main(argument) if argument.isdecimal() else {"names": argument}


@SOURCES.register("series")
class SeriesSource(Source):
    """Molecules of one kind and growing length."""

    label = "Series"
    help = "Molecules of one kind and growing length: train on the short ones, test on the long ones."
    main = "kind"

    @dataclass(frozen=True)
    class Params:
        kind: str = param(
            "polyenes", Choice(SERIES_KINDS), label="Kind", help="What grows from member to member."
        )
        first: int = param(
            1,
            Whole(1, 20),
            label="Shortest",
            help="Double bonds or rings of the first member; 1 is ethene or benzene.",
        )
        last: int = param(
            6,
            Whole(1, 20),
            label="Longest",
            help="Double bonds (up to 20) or rings (up to 8) of the last member.",
        )
        seed: int = param(0, Whole(0, 2**31 - 1), label="Seed", help=_SEED_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        return check_structures(series(params.kind, first=params.first, last=params.last, seed=params.seed))

    def parse_main(self, argument: str) -> dict[str, Any]:
        """``acenes:1-4`` or ``acenes 1-4``: a kind, and lengths if they are not the usual ones."""
        match = re.fullmatch(
            r"([A-Za-z -]*[A-Za-z])(?:[\s:]+(\d{1,9})(?:\s*[-:]\s*(\d{1,9}))?)?", argument.strip()
        )
        if match is None:
            raise SettingsError(
                f"{quoted(argument)} is no series; write a kind and its lengths, for example polyenes:1-6 or "
                f"acenes:3"
            )
        kind, first, last = match.groups()
        values: dict[str, Any] = {"kind": kind.lower().replace("-", " ")}
        if first:
            values.update(first=int(first), last=int(last or first))
        return values


@SOURCES.register("distorted")
class DistortedSource(Source):
    """Distorted copies of one molecule."""

    label = "Distorted copies"
    help = "Many copies of one molecule with its atoms moved a little: to learn how H follows the geometry."
    main = "base"

    @dataclass(frozen=True)
    class Params:
        base: str = param(
            "CC",
            Text(),
            label="Molecule",
            help="A SMILES such as CC, or a name of the g2 set such as C2H6; g2:CO where a name is both.",
        )
        method: str = param(
            "normal-mode",
            Choice(DISTORTIONS),
            label="Move",
            help="Along vibrations, or every atom by itself.",
        )
        amplitude: float = param(
            0.06,
            Real(0.001, 0.5),
            label="Amplitude",
            unit="Å",
            help="Root-mean-square way of an atom from where it was; 0.06 Å is about room temperature.",
        )
        n: int = param(100, Whole(1, 5000), label="Copies", help="How many distorted copies.")
        seed: int = param(42, Whole(0, 2**31 - 1), label="Seed", help=_SEED_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        base = named_molecule(params.base)
        displace = normal_mode_displacements if params.method == "normal-mode" else random_displacements
        copies = displace(base, n=params.n, amplitude=params.amplitude, seed=params.seed)
        try:
            return check_structures(copies)
        except StructureError as error:
            raise StructureError(
                f"the amplitude {params.amplitude:g} Å is too large for {base.label} "
                f"({str(error).split(';')[0]}); "
                f"take a smaller one"
            ) from error
