"""Ensembles of one crystal: atoms moved, cell strained, cells joined."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hamexplorer.errors import SettingsError, StructureError
from hamexplorer.params import Real, Text, Whole, param, validate
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.crystals import distorted, supercell
from hamexplorer.structures.named_crystals import named_crystal
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

_SEED_HELP = "Any whole number; the same one gives the same structures again."


@SOURCES.register("rattled")
class RattledSource(Source):
    """Distorted, strained and enlarged copies of one crystal."""

    label = "Crystal, rattled copies"
    help = "Many copies of one crystal with atoms moved, cell strained, or both: to learn how H follows the geometry."
    main = "base"

    @dataclass(frozen=True)
    class Params:
        base: str = param(
            "graphene",
            Text(),
            label="Crystal",
            help="A ready-made one such as silicon, a formula with its type such as SiC zincblende, or a file.",
        )
        amplitude: float = param(
            0.05,
            Real(0.0, 0.5),
            label="Amplitude",
            unit="Å",
            help="Root-mean-square way of an atom from where it was; 0 for strain alone.",
        )
        strain: float = param(
            0.01,
            Real(0.0, 0.2),
            label="Strain",
            help="Usual size of the cell's strain; 0 keeps the cell as it is.",
        )
        repeats: str = param(
            "1x1x1",
            Text(),
            label="Supercell",
            help="Cells along a, b, c in each copy, such as 2x2x1 for a layer.",
        )
        n: int = param(40, Whole(1, 5000), label="Copies", help="How many.")
        seed: int = param(42, Whole(0, 2**31 - 1), label="Seed", help=_SEED_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        repeats = read_repeats(params.repeats)
        base = named_crystal(params.base)
        cell = base if repeats == (1, 1, 1) else supercell(base, repeats)
        if params.amplitude == params.strain == 0.0 and params.n > 1:
            raise StructureError(
                f"{params.n} copies of {cell.label} without amplitude and strain would all be equal; give one of them, "
                f"or ask for one copy"
            )
        if params.n == 1 and params.amplitude == params.strain == 0.0:
            return check_structures([cell])
        copies = distorted(
            cell, n=params.n, amplitude=params.amplitude, strain=params.strain, seed=params.seed
        )
        try:
            return check_structures(copies)
        except StructureError as error:
            raise StructureError(
                f"an amplitude of {params.amplitude:g} Å and a strain of {params.strain:g} are too large for "
                f"{base.label} ({str(error).split(';')[0]}); take smaller ones"
            ) from error


def read_repeats(text: str) -> tuple[int, int, int]:
    """``2x2x1``, ``2×2×1`` or ``2 2 1`` as three numbers.

    Raises:
        SettingsError: if there are not three whole numbers from 1 on.
    """
    words = re.split(r"[\s×x*]+", text.strip().lower())
    if len(words) != 3 or not all(word.isdecimal() and int(word) > 0 for word in words):
        raise SettingsError(
            f"Supercell must be three whole numbers from 1 on, got {text!r}; write for example 2x2x1"
        )
    return int(words[0]), int(words[1]), int(words[2])
