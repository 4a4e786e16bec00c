"""Crystals that are made here: ready-made ones, bulk and layers of one's own, and chains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamexplorer.errors import SettingsError, StructureError
from hamexplorer.params import Choice, Real, Text, Whole, param, validate
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.crystals import (
    BULK_KINDS,
    CRYSTALS,
    build_bulk,
    build_layer,
    build_polyacetylene,
)
from hamexplorer.structures.named_crystals import ready_made_name, usual_kind
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

#: Formulas of layers, and their lattice constants in Å.
LAYERS = {"C2": 2.46, "BN": 2.50, "SiC": 3.10}
_LAYER_HELP = {"C2": "graphene", "BN": "hexagonal boron nitride", "SiC": "flat silicon carbide"}
_CONSTANT_HELP = "Lattice constant; 0 takes the one known from experiment."


@SOURCES.register("crystal")
class CrystalSource(Source):
    """One ready-made crystal."""

    label = "Crystal, ready-made"
    help = "A well-known crystal in its primitive cell, with the measured lattice constant."
    main = "name"

    @dataclass(frozen=True)
    class Params:
        name: str = param("graphene", Choice(CRYSTALS), label="Crystal", help="Which one.")

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        return check_structures([CRYSTALS[params.name]()])

    def parse_main(self, argument: str) -> dict[str, Any]:
        """A name in any case; hyphens stand for blanks."""
        return {"name": ready_made_name(argument) or argument}


@SOURCES.register("bulk")
class BulkSource(Source):
    """A bulk crystal of elements and a size of one's own."""

    label = "Crystal, bulk"
    help = "A crystal that repeats in three directions, from its type, its elements and its lattice constant."
    main = "formula"

    @dataclass(frozen=True)
    class Params:
        formula: str = param(
            "SiC",
            Text(),
            label="Formula",
            help="One element, or two of them: Si, SiC, MgO; the type says how many.",
        )
        kind: str = param("zincblende", Choice(BULK_KINDS), label="Type", help="How the atoms are arranged.")
        constant: float = param(0.0, Real(0.0, 20.0), label="Constant", unit="Å", help=_CONSTANT_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        return check_structures([build_bulk(params.formula.strip(), params.kind, params.constant or None)])

    def parse_main(self, argument: str) -> dict[str, Any]:
        """``SiC zincblende 4.36``: type and lattice constant may be left out."""
        words = argument.split()
        if len(words) > 3:
            raise SettingsError(
                f"{argument!r} is no bulk crystal; write formula, type and constant, for example "
                f"bulk:SiC zincblende 4.36"
            )
        values: dict[str, Any] = {"formula": words[0]}
        if kind := words[1].lower() if len(words) > 1 else usual_kind(words[0]):
            values["kind"] = kind
        if len(words) > 2:
            values["constant"] = _number(words[2], "the lattice constant")
        return values


@SOURCES.register("layer")
class LayerSource(Source):
    """A hexagonal layer."""

    label = "Crystal, layer"
    help = "One flat hexagonal layer of two atoms a cell, with vacuum around it: graphene or hexagonal BN."
    main = "formula"

    @dataclass(frozen=True)
    class Params:
        formula: str = param(
            "C2", Choice(_LAYER_HELP, free=True), label="Formula", help="Two atoms: C2 is graphene."
        )
        constant: float = param(0.0, Real(0.0, 20.0), label="Constant", unit="Å", help=_CONSTANT_HELP)

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        formula = {"C": "C2", "graphene": "C2"}.get(params.formula.strip(), params.formula.strip())
        constant = params.constant or LAYERS.get(formula)
        if constant is None:
            raise StructureError(
                f"the lattice constant of a layer of {formula} is not known here; give one between 1 and 20 Å"
            )
        return check_structures([build_layer(formula, constant)])


@SOURCES.register("polyacetylene")
class PolyacetyleneSource(Source):
    """Chains of polyacetylene, from equal to alternating bonds."""

    label = "Crystal, polyacetylene"
    help = "All-trans chains whose carbon bonds alternate more and more: the alternation opens the gap (Peierls)."
    main = "first"

    @dataclass(frozen=True)
    class Params:
        first: float = param(
            0.08,
            Real(0.0, 0.3),
            label="Bond alternation",
            unit="Å",
            help="Long less short carbon bond of the first chain; 0.08 Å is the real one, 0 a metal.",
        )
        last: float = param(
            0.08,
            Real(0.0, 0.3),
            label="Up to",
            unit="Å",
            help="The same of the last chain, where there are several.",
        )
        n: int = param(1, Whole(1, 500), label="Chains", help="How many, in equal steps from first to last.")
        mean_bond: float = param(
            1.40, Real(1.2, 1.7), label="Mean bond", unit="Å", help="Mean of the two carbon bonds."
        )

        def __post_init__(self) -> None:
            validate(self)

    def load(self, params: Params) -> list[Structure]:
        if params.n > 1 and params.first == params.last:
            raise StructureError(
                f"{params.n} chains from {params.first:g} to {params.last:g} Å would all be equal; give two different "
                f"alternations, or ask for one chain"
            )
        steps = np.linspace(params.first, params.last, params.n)
        return check_structures([build_polyacetylene(float(step), params.mean_bond) for step in steps])

    def parse_main(self, argument: str) -> dict[str, Any]:
        """``0.08`` or ``0-0.14``: the alternation of one chain, or of the first and the last."""
        match = re.fullmatch(r"(\d*\.?\d+)(?:\s*-\s*(\d*\.?\d+))?", argument.strip())
        if match is None:
            raise SettingsError(
                f"{argument!r} is no bond alternation; write Å, for example polyacetylene:0.08 or "
                f"polyacetylene:0-0.14,n=15"
            )
        first = float(match[1])
        return {"first": first, "last": float(match[2]) if match[2] else first}


def _number(word: str, what: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise SettingsError(f"{what} must be a number, got {word!r}") from None
