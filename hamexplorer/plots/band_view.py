"""One crystal's bands as a plot shows them: which sets, from which zero, in which window, with which orbitals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hamexplorer.plots.crystals import (
    fat_set,
    orbital_groups,
    set_colour,
    shown_sets,
    zero_kind,
    zero_of,
)
from hamexplorer.plots.plot import PlotContext, place_of_other
from hamexplorer.train.bands import BandSet, BandStructure
from hamexplorer.units import HARTREE_EV

#: What is shown at first, from the Fermi level, Ha.
BELOW, ABOVE = -22 / HARTREE_EV, 12 / HARTREE_EV
#: Width of the lines; the reference is a rim around the learned bands where these are right.
WIDTHS = {"raw": 1.2, "reference": 2.8, "learned": 1.4}


def line_of(name: str, context: PlotContext) -> dict[str, Any]:
    """Colour, width and dash of a set's lines; those of other runs are dotted."""
    dash = {} if place_of_other(name, context) is None else {"dash": "dot"}
    return {"color": set_colour(name, context), "width": WIDTHS.get(name, 1.4)} | dash


@dataclass(frozen=True, eq=False)
class BandView:
    """What all parts of the figure share; energies in Ha from each set's own zero until they become coordinates."""

    context: PlotContext
    bands: BandStructure

    @cached_property
    def sets(self) -> dict[str, BandSet]:
        return shown_sets(self.bands, self.context)

    @cached_property
    def kind(self) -> str:
        return zero_kind(self.bands, self.context)

    @cached_property
    def zeros(self) -> dict[str, float]:
        return {name: zero_of(self.bands, name, self.kind) for name in self.bands.sets}

    @cached_property
    def along(self) -> np.ndarray:
        assert self.bands.structure.cell is not None
        return self.bands.path.distance(self.bands.structure.cell)

    @cached_property
    def window(self) -> tuple[float, float]:
        """Energies to show at first: valence and lowest empty bands, no cores."""
        lows, highs = [], []
        for name, each in self.sets.items():
            fermi = each.fermi - self.zeros[name]
            energy = each.path_energy - self.zeros[name]
            near = energy[:, (energy.max(axis=0) > fermi + BELOW) & (energy.min(axis=0) < fermi + ABOVE)]
            lows.append(near.min() if near.size else fermi + BELOW)
            highs.append(min(energy.max(), fermi + ABOVE))
        # In steps, so that the axis does not tremble while it trains.
        step = 0.5 / HARTREE_EV
        return float(np.floor(min(lows) / step - 0.5) * step), float(np.ceil(max(highs) / step) * step)

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """Orbitals by group; empty if none are asked for, or no set that is shown has orbitals."""
        return orbital_groups(self.bands.orbitals, self.context.fat) if self.shown_in else {}

    @cached_property
    def shown_in(self) -> str:
        """The set whose orbitals are shown."""
        return fat_set(self.sets)

    def group_colour(self, place: int) -> str:
        return self.context.palette.series[place % len(self.context.palette.series)]

    def group_name(self, group: str) -> str:
        return group if self.context.fat == "element" else f"{group} orbitals"
