"""Bands of the picked crystal along its standard path, and the density of states on the same energy axis."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.crystals import (
    ZERO_SYMBOLS,
    band_structure,
    fat_set,
    full_name,
    missing,
    orbital_groups,
    set_colour,
    set_name,
    shown_sets,
    zero_kind,
    zero_note,
    zero_of,
)
from hamexplorer.plots.dos import density_of_states, group_shares
from hamexplorer.plots.gaps import Gap
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext
from hamexplorer.structures.paths import reciprocal
from hamexplorer.train.bands import BandSet, BandStructure
from hamexplorer.units import HARTREE_EV

#: What is shown at first, from the Fermi level, and how far above that empty bands are drawn, Ha.
BELOW, ABOVE, BEYOND = -22 / HARTREE_EV, 12 / HARTREE_EV, 15 / HARTREE_EV
#: Energies at which the density of states is drawn.
DOS_POINTS = 480
#: How much of the width the bands take, and where the density of states begins.
BANDS_END, DOS_START = 0.73, 0.77
#: Shares below this get no mark; pixels of a mark of share 0 and 1; no more marks than this are drawn.
LEAST_SHARE, SMALLEST, LARGEST, MOST_MARKS = 0.05, 2.0, 13.0, 1500
#: Width of the lines; the reference is a rim around the learned bands where these are right.
WIDTHS = {"raw": 1.2, "reference": 2.8, "learned": 1.4}


@PLOTS.register("bands")
class Bands(Plot):
    """Reference, raw and learned bands and densities of states; a point under the pointer is marked in the zone."""

    label = "Bands and density of states"
    help = "Energies along lines between points of high symmetry, and how many states there are at each energy."

    def unavailable(self, context: PlotContext) -> str:
        reason = missing(context)
        if reason:
            return reason
        bands = band_structure(context)
        if bands is not None and not shown_sets(bands, context):
            return "No bands are chosen: tick at least one of the sets above."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        bands = band_structure(context)
        assert bands is not None
        drawn = _Drawing(context, bands)
        return go.Figure([*drawn.fat_bands(), *drawn.lines(), *drawn.projections(), *drawn.totals()], drawn.layout())


def band_words(context: PlotContext) -> list[str]:
    """The gaps of all sets and what counts as zero, as sentences; empty where there are no bands."""
    bands = band_structure(context)
    if bands is None:
        return []
    how = (context.energy_factor, context.units, context.energy_digits)
    shown = shown_sets(bands, context)
    gaps = [f"{full_name(name, context)}: {Gap.of(each, bands.path).sentence(*how)}." for name, each in shown.items()]
    return [*gaps, zero_note(bands, context)] if shown else []


@dataclass(frozen=True, eq=False)
class _Drawing:
    """One figure under construction; energies in Ha from each set's own zero until they become coordinates."""

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
        return orbital_groups(self.bands.orbitals, self.context.fat) if self.shown_in else {}

    @cached_property
    def shown_in(self) -> str:
        """The set whose orbitals are shown."""
        return fat_set(self.bands)

    @cached_property
    def grid(self) -> np.ndarray:
        low, high = self.window
        return np.linspace(low - 4 / HARTREE_EV, high + 4 / HARTREE_EV, DOS_POINTS)

    def _kept(self, energy: np.ndarray) -> np.ndarray:
        """Places of the bands that are drawn: all but those far above."""
        return np.flatnonzero(energy.min(axis=0) < self.window[1] + BEYOND)

    def lines(self) -> list[go.Scatter]:
        """All bands of a set as one line, which ends where the path jumps and after each band."""
        return [self._line(name, each) for name, each in self.sets.items()]

    def _line(self, name: str, each: BandSet) -> go.Scatter:
        context, starts = self.context, list(self.bands.path.starts[1:])
        energy = each.path_energy - self.zeros[name]
        kept = self._kept(energy)
        n_points = len(self.along)
        x = np.append(np.insert(self.along, starts, np.nan), np.nan)
        y = np.vstack([np.insert(energy[:, kept], starts, np.nan, axis=0), np.full((1, len(kept)), np.nan)])
        place = np.append(np.insert(np.arange(n_points), starts, -1), -1)
        numbers = np.repeat(kept + 1, len(place))
        gap = Gap.of(each, self.bands.path).short(context.energy_factor, context.units, context.energy_digits)
        label = set_name(name, context)
        return go.Scatter(
            uid=f"bands {name}",
            x=np.tile(x, len(kept)).astype(np.float32),
            y=(y.T.ravel() * context.energy_factor).astype(np.float32),
            customdata=np.stack([np.tile(place, len(kept)), numbers], axis=1).astype(np.int16),
            meta={"link": "points", "set": name},
            name=f"{label}: {gap}" if gap else label,
            legendgroup=name,
            mode="lines",
            connectgaps=False,
            line={"color": set_colour(name, context), "width": WIDTHS.get(name, 1.4)},
            hovertemplate=f"<b>{label}</b> · band %{{customdata[1]}}<br>%{{y:.3f}} {context.units}<extra></extra>",
        )

    def fat_bands(self) -> list[go.Scatter]:
        """Marks on the bands of the set with orbitals, as wide as a group's share in the state."""
        if not self.groups or self.shown_in not in self.sets:
            return []
        each = self.sets[self.shown_in]
        assert each.path_character is not None
        energy = each.path_energy - self.zeros[self.shown_in]
        low, high = self.window
        share = group_shares(each.path_character, self.groups)
        seen = (share > LEAST_SHARE) & ((energy > low) & (energy < high + BEYOND / 3))[:, :, None]
        every = max(1, -(-int(seen.sum()) // MOST_MARKS))
        seen[np.arange(len(energy)) % every > 0] = False
        traces = []
        for place, group in enumerate(self.groups):
            at, band = np.nonzero(seen[:, :, place])
            size = SMALLEST + (LARGEST - SMALLEST) * np.clip(share[at, band, place], 0, 1)
            marker = {"color": self._group_colour(place), "size": size.astype(np.float32), "line": {"width": 0}}
            traces.append(
                go.Scatter(
                    uid=f"fat {place}",
                    x=self.along[at].astype(np.float32),
                    y=(energy[at, band] * self.context.energy_factor).astype(np.float32),
                    name=self._group_name(group),
                    legendgroup=f"group {group}",
                    mode="markers",
                    marker=marker | {"opacity": 0.45, "sizemode": "diameter"},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        return traces

    def _group_colour(self, place: int) -> str:
        return self.context.palette.series[place % len(self.context.palette.series)]

    def _group_name(self, group: str) -> str:
        return group if self.context.fat == "element" else f"{group} orbitals"

    def projections(self) -> list[go.Scatter]:
        """Densities of states of the groups, filled."""
        if not self.groups or self.shown_in not in self.sets:
            return []
        each = self.sets[self.shown_in]
        assert each.mesh_character is not None
        found = self._dos(self.shown_in, each, group_shares(each.mesh_character, self.groups))
        traces = []
        for place, (group, values) in enumerate(zip(self.groups, found, strict=True)):
            colour, name = self._group_colour(place), self._group_name(group)
            traces.append(
                self._dos_line(
                    values,
                    f"{name} in {set_name(self.shown_in, self.context)}",
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
                set_name(name, self.context),
                uid=f"dos {name}",
                name=f"{set_name(name, self.context)}, density of states",
                legendgroup=name,
                showlegend=False,
                line={"color": set_colour(name, self.context), "width": WIDTHS.get(name, 1.4)},
            )
            for name in self.sets
        ]

    @cached_property
    def _dos_of(self) -> dict[str, np.ndarray]:
        return {name: self._dos(name, each) for name, each in self.sets.items()}

    def _dos(self, name: str, each: BandSet, share: np.ndarray | None = None) -> np.ndarray:
        """States a unit of energy (as shown) and cell."""
        energy = each.mesh_energy - self.zeros[name]
        broadening = self.context.broadening_eV / HARTREE_EV
        found = density_of_states(energy, each.mesh_weights, self.grid, broadening, share)
        return found / self.context.energy_factor

    def _dos_line(self, values: np.ndarray, label: str, **style: Any) -> go.Scatter:
        units = self.context.units
        return go.Scatter(
            x=values.astype(np.float32),
            y=(self.grid * self.context.energy_factor).astype(np.float32),
            xaxis="x2",
            yaxis="y",
            mode="lines",
            hovertemplate=f"<b>{label}</b><br>%{{x:.2f}} states/({units}·cell)<br>%{{y:.2f}} {units}<extra></extra>",
            **style,
        )

    def layout(self) -> go.Layout:
        context, colours = self.context, self.context.palette
        assert self.bands.structure.cell is not None
        ticks = self.bands.path.ticks(self.bands.structure.cell)
        names = "<br>".join(textwrap.wrap(self.bands.path.convention, 34))
        factor, (low, high) = context.energy_factor, self.window
        zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below"}
        return theme.frame(
            colours,
            height=500,
            uirevision=f"{context.units} {self.kind}",
            hoverdistance=30,
            shapes=[zero | {"line": {"color": colours.muted, "width": 1, "dash": "dot"}}],
            xaxis={
                "domain": [0, BANDS_END],
                "range": [0.0, float(self.along[-1])],
                "tickvals": [place for place, _ in ticks],
                "ticktext": [label for _, label in ticks],
                "tickfont": {"size": 12, "color": colours.text},
                "gridcolor": colours.line,
                "ticks": "",
                "fixedrange": True,
                "mirror": True,
                "title": {"text": f"wave vector (1/bohr)<br><span style='font-size:11px'>{names}</span>"},
                "showspikes": True,
                "spikemode": "across",
                "spikethickness": 1,
                "spikedash": "solid",
                "spikecolor": colours.picked,
            },
            xaxis2={
                "domain": [DOS_START, 1],
                "anchor": "y",
                "range": [0.0, self._widest()],
                "nticks": 4,
                "fixedrange": True,
                "mirror": True,
                "title": {"text": f"states/<br>({context.units}·cell)"},
            },
            yaxis={
                "title": {"text": f"<i>E</i> − {ZERO_SYMBOLS[self.kind]} ({context.units})"},
                "range": [low * factor, high * factor],
                "showgrid": False,
            },
        )

    def _widest(self) -> float:
        """The largest total density in sight, and a little more."""
        low, high = self.window
        seen = (self.grid >= low) & (self.grid <= high)
        found = [float(values[seen].max()) for values in self._dos_of.values()]
        return 1.06 * max([*found, 1e-6])


def k_of_place(context: PlotContext, place: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A point of the picked crystal's path: fractions of its reciprocal vectors, and Cartesian, 1/bohr."""
    bands = band_structure(context)
    if bands is None or bands.structure.cell is None or not 0 <= place < len(bands.path.points):
        return None
    fractions = bands.path.points[place]
    return fractions, fractions @ reciprocal(bands.structure.cell)
