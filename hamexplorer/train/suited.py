"""What suits which structures: presets of targets, and the settings to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from hamexplorer.params import params_of
from hamexplorer.structures.structure import Structure
from hamexplorer.train.settings import RunSettings

#: Sets of targets that belong together, those of the paper first: name -> target names.
PRESETS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ε": ("mo_energy",),
        "ε + μ": ("mo_energy", "dipole"),
        "ε + μ + α": ("mo_energy", "dipole", "polarizability"),
        "ε + μ + α + bond orders": ("mo_energy", "dipole", "polarizability", "mayer_bond_order"),
        "the matrix itself": ("hamiltonian",),
        "levels and matrix": ("mo_energy", "hamiltonian"),
    }
)

#: What suits crystals better than the defaults, which are made for molecules: matrix elements reach farther, empty
#: bands of a small basis are soon meaningless, and every crystal brings many k-points.
FOR_CRYSTALS: Mapping[str, Any] = MappingProxyType(
    {
        "baseline": "gfn1",
        "reduction": "occupied_virtual",
        "n_virtual": 2,
        "cutoff": 8.0,
        "batch_size": 8,
        "weight_decay": 0.0,
    }
)
#: What suits geometries of one molecule better: they lie densely, and the geometry says it all. With the defaults for
#: different molecules, levels of unseen ethanes are off by 47 meV, with these by 30 (mean absolute errors, seed 42).
FOR_ONE_MOLECULE: Mapping[str, Any] = MappingProxyType(
    {"features": "geometry", "weight_decay": 0.0, "batch_size": 16}
)
#: Settings that suit better than the defaults, by what is learned from.
SUITED: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"molecules": {}, "one molecule": FOR_ONE_MOLECULE, "crystals": FOR_CRYSTALS}
)


def kind_of(structures: Sequence[Structure]) -> str:
    """Which of :data:`SUITED` some structures are."""
    if structures[0].is_crystal:
        return "crystals"
    formulas = {tuple(sorted(structure.numbers.tolist())) for structure in structures}
    return "one molecule" if len(formulas) == 1 else "molecules"


def defaults_for(kind: str) -> dict[str, Any]:
    """The settings to begin with for one of :data:`SUITED`, as far as these differ from each other."""
    differing = {name for suited in SUITED.values() for name in suited}
    plain = {p.name: p.default for p in params_of(RunSettings) if p.name in differing}
    return {**plain, **SUITED[kind]}


def settings_for(structures: Sequence[Structure], **changes: Any) -> RunSettings:
    """Settings for these structures, as the dashboard and the command line begin; what is named in ``changes`` is so.

    Raises:
        SettingsError: naming a setting that does not exist or cannot have its value.
    """
    return RunSettings.from_dict({**defaults_for(kind_of(structures)), **changes})
