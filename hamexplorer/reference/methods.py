"""The methods offered for molecules and for crystals: forms and command-line options are made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hamexplorer.errors import StructureError
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.xtb_method import XTBMethod
from hamexplorer.structures.descriptions import contents_of
from hamexplorer.structures.structure import Structure


@dataclass(frozen=True)
class Offer:
    """One class of methods.

    Attributes:
        label, help: for people.
        method: the settings class, which runs with its defaults.
    """

    label: str
    help: str
    method: type


#: "molecule" or "crystal" -> name -> what is offered; the first is the default.
METHODS: dict[str, dict[str, Offer]] = {
    "molecule": {
        "dft": Offer(
            "Density functional", "Hartree-Fock or a density functional, all electrons.", ReferenceMethod
        ),
    },
    "crystal": {
        "dft": Offer(
            "Density functional", "With k-points; pseudopotentials for the core electrons.", CrystalMethod
        ),
        "xtb": Offer("GFN1-xTB", "Tight binding: a fraction of a second a crystal, and rough.", XTBMethod),
    },
}


def structure_kind(structures: Sequence[Structure]) -> str:
    """Which methods serve these structures: a key of METHODS.

    Raises:
        StructureError: if there are molecules and crystals among them, which no method serves alike.
    """
    if len({structure.is_crystal for structure in structures}) > 1:
        raise StructureError(
            f"{contents_of(structures)} cannot be computed together, since no method serves both; choose the molecules "
            f"or the crystals"
        )
    return "crystal" if structures and structures[0].is_crystal else "molecule"


def serves(method: object, kind: str) -> bool:
    """Whether a method is one for this kind of structure."""
    return any(isinstance(method, offer.method) for offer in METHODS[kind].values())
