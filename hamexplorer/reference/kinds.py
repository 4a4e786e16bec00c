"""The kinds of reference calculation, molecules and crystals: what a batch, a worker or an estimate asks of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hamexplorer.errors import StructureError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.crystal import calculate_crystal, check_crystal, crystal_seconds
from hamexplorer.reference.crystal_method import CrystalMethod, CrystalPoint
from hamexplorer.reference.method import LevelOfTheory, ReferenceMethod
from hamexplorer.reference.properties import Properties, Reference
from hamexplorer.reference.single_point import calculate
from hamexplorer.reference.xtb import calculate_xtb, check_xtb, xtb_seconds
from hamexplorer.reference.xtb_method import XTBMethod
from hamexplorer.structures.structure import Structure

Method = ReferenceMethod | CrystalMethod | XTBMethod


@dataclass(frozen=True)
class Kind:
    """One kind of reference calculation.

    Attributes:
        method: class of its methods.
        levels: (structure, method) → the small and the large level.
        check: (structure, level); raises HamExplorerError, quickly, for what cannot be set up.
        calculate: (structure, level) → the finished calculation.
        seconds: (structure, level) → estimate on one core of the machine that made the constants.
        assemble: (structure, method, small, large) → what a dataset keeps of two finished calculations.
    """

    method: type
    levels: Callable[[Structure, Any], tuple[Any, Any]]
    check: Callable[[Structure, Any], Any]
    calculate: Callable[[Structure, Any], Any]
    seconds: Callable[[Structure, Any], float]
    assemble: Callable[[Structure, Any, Any, Any], Reference]


def kind_of(method: Method) -> Kind:
    """The kind to which a method belongs."""
    return KINDS[type(method).__name__]


def method_from(name: str, values: dict[str, Any]) -> Method:
    """The method of a kind's name with these settings; raises SettingsError."""
    return KINDS[name].method(**values)


def _check_molecule(structure: Structure, level: LevelOfTheory) -> None:
    if structure.is_crystal:
        raise StructureError(f"{structure.label} is a crystal; compute it with a method for crystals")
    make_mole(structure, level.basis)


def _molecule_seconds(structure: Structure, level: LevelOfTheory) -> float:
    from hamexplorer.reference.costs import level_seconds  # costs asks for kinds, too

    return level_seconds(structure, level)


def _xtb_reference(
    structure: Structure, method: XTBMethod, small: CrystalPoint, large: CrystalPoint
) -> Reference:
    if structure.is_crystal:
        return Reference.of_crystal(structure, small, large, method.mesh(structure))
    values = Properties(mo_energy=small.mo_energy[0], e_tot=small.e_tot)
    return Reference(
        structure=structure,
        n_occ=small.n_electrons // 2,
        overlap=small.overlap[0],
        fock=small.fock[0],
        iao_fock=None,
        small=values,
        large=values,
    )


KINDS: dict[str, Kind] = {
    "ReferenceMethod": Kind(
        ReferenceMethod,
        lambda structure, method: (method.small, method.large),
        _check_molecule,
        calculate,
        _molecule_seconds,
        Reference.of,
    ),
    "CrystalMethod": Kind(
        CrystalMethod,
        lambda structure, method: method.levels(structure),
        check_crystal,
        calculate_crystal,
        crystal_seconds,
        lambda structure, method, small, large: Reference.of_crystal(
            structure, small, large, method.mesh(structure)
        ),
    ),
    "XTBMethod": Kind(
        XTBMethod,
        lambda structure, method: method.levels(structure),
        check_xtb,
        calculate_xtb,
        xtb_seconds,
        _xtb_reference,
    ),
}
