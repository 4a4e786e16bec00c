"""Crystals from a few words: a ready-made one, a formula with its type, or a file with one crystal in it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence

from hamexplorer.errors import StructureError
from hamexplorer.structures.crystals import BULK_KINDS, CONSTANTS, CRYSTALS, build_bulk
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.structure import Structure
from hamexplorer.visiting import is_visitor

#: What else people call them.
_ALIASES = {
    "hbn": "hexagonal BN",
    "h bn": "hexagonal BN",
    "boron nitride": "hexagonal BN",
    "c bn": "cubic BN",
    "polyacetylen": "polyacetylene",
    "polyethylen": "polyethylene",
    "salt": "sodium chloride",
    "magnesia": "magnesium oxide",
}


def ready_made_name(text: str) -> str | None:
    """The key of CRYSTALS that a text means, in any case and with hyphens for blanks; None if there is none."""
    word = re.sub(r"[\s_-]+", " ", text.strip()).casefold()
    known = {name.casefold(): name for name in CRYSTALS}
    return known.get(_ALIASES.get(word, word).casefold())


def named_crystal(text: str) -> Structure:
    """One crystal: ``graphene``, ``SiC``, ``SiC zincblende``, ``SiC zincblende 4.4`` or ``mine.cif``.

    Raises:
        StructureError: if the text means none of these, or the file does not hold exactly one crystal.
    """
    if (name := ready_made_name(text)) is not None:
        return CRYSTALS[name]()
    if not is_visitor() and os.path.isfile(path := os.path.expanduser(text.strip())):
        return _only_crystal(read_structures(path), path)
    words = text.split()
    formula = words[0] if words else ""
    kind = words[1].lower() if len(words) > 1 else usual_kind(formula)
    if kind not in BULK_KINDS or len(words) > 3:
        raise StructureError(_unknown(text.strip()))
    return build_bulk(formula, kind, _constant(words[2]) if len(words) == 3 else None)


def usual_kind(formula: str) -> str:
    """The type of bulk crystal for which a lattice constant is known; empty if there is none."""
    return next((kind for known, kind in CONSTANTS if known == formula), "")


def _constant(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise StructureError(
            f"the lattice constant {word!r} is no number; give Å, for example 4.36"
        ) from None


def _only_crystal(found: Sequence[Structure], path: str) -> Structure:
    crystals = [structure for structure in found if structure.is_crystal]
    if len(found) != 1 or not crystals:
        raise StructureError(
            f"{path} holds {len(found)} structures, {len(crystals)} of them crystals; give a file with one crystal "
            f"in it"
        )
    return crystals[0]


def _unknown(text: str) -> str:
    names = {name.casefold(): name for name in CRYSTALS}
    near = difflib.get_close_matches(text.casefold(), names, n=1)
    if near:
        return f"{text!r} is no crystal known here; did you mean {names[near[0]]!r}?"
    return (
        f"{text!r} is no crystal known here; write a formula with its type, such as SiC zincblende, the name "
        f"of a file, or one of {', '.join(CRYSTALS)}"
    )
