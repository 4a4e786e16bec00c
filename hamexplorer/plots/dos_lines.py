"""Traces of the density of states, of whole sets and of groups of orbitals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.band_view import BandView, line_of
from hamexplorer.plots.crystals import set_name
from hamexplorer.plots.dos import density_of_states, group_shares
from hamexplorer.train.bands import BandSet
from hamexplorer.units import HARTREE_EV

#: Energies at which it is drawn, and how far beyond the window they reach, Ha.
N_POINTS, MARGIN = 480, 4 / HARTREE_EV


@dataclass(frozen=True, eq=False)
class DosLines:
    """Lines on the energy axis of the bands, and an axis of their own for the number of states."""

    view: BandView

    @cached_property
    def grid(self) -> np.ndarray:
        low, high = self.view.window
        return np.linspace(low - MARGIN, high + MARGIN, N_POINTS)

    def widest(self) -> float:
        """The largest total density in sight, and a little more."""
        low, high = self.view.window
        seen = (self.grid >= low) & (self.grid <= high)
        found = [float(values[seen].max()) for values in self._dos_of.values()]
        return 1.06 * max([*found, 1e-6])

    def projections(self) -> list[go.Scatter]:
        """Densities of states of the groups, filled."""
        if not self.view.groups:
            return []
        each = self.view.sets[self.view.shown_in]
        assert each.mesh_character is not None
        found = self._dos(self.view.shown_in, each, group_shares(each.mesh_character, self.view.groups))
        traces = []
        for place, (group, values) in enumerate(zip(self.view.groups, found, strict=True)):
            colour, name = self.view.group_colour(place), self.view.group_name(group)
            traces.append(
                self._dos_line(
                    values,
                    f"{name} in {set_name(self.view.shown_in, self.view.context)}",
                    uid=f"projected {place}",
                    name=name,
                    legendgroup=f"group {group}",
                    fill="tozerox",
                    fillcolor=theme.faded(colour, 0.35),
                    line={"color": colour, "width": 1},
                )
            )
        return traces

    def totals(self) -> list[go.Scatter]:
        return [
            self._dos_line(
                self._dos_of[name],
                set_name(name, self.view.context),
                uid=f"dos {name}",
                name=f"{set_name(name, self.view.context)}, density of states",
                legendgroup=name,
                showlegend=False,
                line=line_of(name, self.view.context),
            )
            for name in self.view.sets
        ]

    @cached_property
    def _dos_of(self) -> dict[str, np.ndarray]:
        return {name: self._dos(name, each) for name, each in self.view.sets.items()}

    def _dos(self, name: str, each: BandSet, share: np.ndarray | None = None) -> np.ndarray:
        """States a unit of energy (as shown) and cell."""
        energy = each.mesh_energy - self.view.zeros[name]
        broadening = self.view.context.broadening_eV / HARTREE_EV
        found = density_of_states(energy, each.mesh_weights, self.grid, broadening, share)
        return found / self.view.context.energy_factor

    def _dos_line(self, values: np.ndarray, label: str, **style: Any) -> go.Scatter:
        units = self.view.context.units
        return go.Scatter(
            x=values.astype(np.float32),
            y=(self.grid * self.view.context.energy_factor).astype(np.float32),
            xaxis="x2",
            yaxis="y",
            mode="lines",
            hovertemplate=f"<b>{label}</b><br>%{{x:.2f}} states/({units}·cell)<br>%{{y:.2f}} {units}<extra></extra>",
            **style,
        )
