"""Orbital levels of the picked molecule: small basis, learned, reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext
from hamexplorer.units import energy_factor

#: Levels below this (Ha) belong to cores and are left out of the first view.
CORE_BELOW = -2.2
#: How far above the highest LUMO the first view reaches, Ha.
HEADROOM = 0.25
#: Levels closer than this (Ha) are drawn side by side: 0.05 eV, about a line's width.
SIDE_BY_SIDE = 2e-3
#: The height of a gap's text, as a fraction of the plot.
TEXT_HIGH = 0.09
#: Half the width of a level in units of the distance between columns.
HALF = 0.3


@dataclass(frozen=True)
class Column:
    """One set of levels: heading, energies (Ha, ascending), number of occupied ones and colour."""

    label: str
    mo_energy: np.ndarray
    n_occ: int
    colour: str

    @property
    def homo(self) -> float:
        return float(self.mo_energy[self.n_occ - 1])

    @property
    def lumo(self) -> float:
        """The lowest empty level; NaN if the basis has none."""
        return float(self.mo_energy[self.n_occ]) if self.n_occ < len(self.mo_energy) else np.nan


@PLOTS.register("levels")
class Levels(Plot):
    """Level diagram with the HOMO-LUMO gaps, as in a textbook."""

    label = "Orbital levels"
    help = "Orbital energies of the picked molecule: occupied levels are solid, empty ones hollow."

    def unavailable(self, context: PlotContext) -> str:
        if context.results is None:
            return "Press Train: the learned levels appear with the first epoch."
        if context.picked is None:
            return "Pick a molecule in the table, or click a point of the parity plot."
        if not 0 <= context.picked < len(context.results.mo_energy):
            return "The picked molecule is not in the dataset of this training: pick another one."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        columns = _columns(context)
        factor = energy_factor(context.units)
        low, high = window(columns)
        traces = [_connections(columns, factor, context)]
        for place, column in enumerate(columns):
            traces += [_levels(place, column, occupied, factor, context, high) for occupied in (True, False)]
        notes, arrows = [], []
        for place, column in enumerate(columns):
            notes.append(_heading(place, column))
            if np.isfinite(column.lumo):
                room = (column.lumo - column.homo) / (high - low) > TEXT_HIGH
                notes.append(_gap_note(place, column, factor, context, room))
                clear = TEXT_HIGH * (high - low) / 2 if room else 0.0
                arrows += [_gap_line(place, ends, column, factor) for ends in _around_text(column, clear)]
        layout = theme.frame(
            context.palette,
            height=460,
            uirevision=context.units,
            showlegend=False,
            annotations=notes,
            shapes=arrows,
            xaxis={"range": [-0.5, 2.5], "visible": False, "fixedrange": True},
            yaxis={
                "title": {"text": f"orbital energy ({context.units})"},
                "showgrid": False,
                "range": [low * factor, high * factor],
            },
        )
        return go.Figure(traces, layout)


def _columns(context: PlotContext) -> tuple[Column, ...]:
    assert context.results is not None
    assert context.picked is not None
    entry = context.results.dataset.references[context.picked]
    learned = np.sort(np.asarray(context.results.mo_energy[context.picked], dtype=float))
    colours = context.palette
    small, large = np.asarray(entry.small.mo_energy), np.asarray(entry.large.mo_energy)
    return (
        Column(context.small_basis, small, entry.n_occ, colours.muted),
        Column("learned", learned[np.isfinite(learned)], entry.n_occ, colours.learned),
        Column(context.large_basis, large, entry.n_occ, colours.reference),
    )


def window(columns: tuple[Column, ...]) -> tuple[float, float]:
    """Energies (Ha) to show at first: valence levels and the lowest empty ones, no cores."""
    occupied = np.concatenate([column.mo_energy[: column.n_occ] for column in columns])
    valence = occupied[occupied > CORE_BELOW]
    low = float((valence if len(valence) else occupied).min())
    edges = [column.lumo for column in columns if np.isfinite(column.lumo)]
    high = max([*edges, float(occupied.max())]) + HEADROOM
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def side_by_side(mo_energy: np.ndarray, tolerance: float = SIDE_BY_SIDE) -> list[list[int]]:
    """Indices of ascending levels in groups that lie within ``tolerance`` of the first of their group."""
    groups: list[list[int]] = []
    for index, energy in enumerate(mo_energy):
        if groups and energy - mo_energy[groups[-1][0]] < tolerance:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def _segments(column: Column, place: int, high: float) -> list[tuple[int, float, float]]:
    """Level index, left and right end of every level up to just above the window."""
    segments = []
    levels = column.mo_energy[column.mo_energy < high + 1.0]
    for group in side_by_side(levels):
        width = 2 * HALF / len(group)
        gap = 0.12 * width if len(group) > 1 else 0.0
        for turn, index in enumerate(group):
            left = place - HALF + turn * width
            segments.append((index, left + gap / 2, left + width - gap / 2))
    return segments


def _levels(
    place: int, column: Column, occupied: bool, factor: float, context: PlotContext, high: float
) -> go.Scatter:
    """The occupied or the empty levels of one column, as one trace with gaps."""
    x: list[float] = []
    y: list[float] = []
    text: list[str] = []
    for index, left, right in _segments(column, place, high):
        if (index < column.n_occ) is occupied:
            x += [left, (left + right) / 2, right, np.nan]
            y += [column.mo_energy[index] * factor] * 3 + [np.nan]
            text += [_level_name(index, column.n_occ)] * 4
    return go.Scatter(
        x=np.array(x),
        y=np.array(y),
        text=text,
        name=f"{column.label} {'occupied' if occupied else 'empty'}",
        mode="lines",
        connectgaps=False,
        line={
            "color": column.colour,
            "width": 3 if occupied else 2,
            "dash": "solid" if occupied else "3px,2px",
        },
        opacity=1.0 if occupied else 0.7,
        hovertemplate=f"<b>{column.label}</b> · %{{text}}<br>%{{y:.3f}} {context.units}<extra></extra>",
    )


def _level_name(index: int, n_occ: int) -> str:
    """`HOMO−1`, `LUMO+2`, with the number of the level."""
    below = n_occ - 1 - index
    if below >= 0:
        return f"HOMO{f'−{below}' if below else ''}, level {index + 1}"
    return f"LUMO{f'+{-below - 1}' if below < -1 else ''}, level {index + 1}"


def _connections(columns: tuple[Column, ...], factor: float, context: PlotContext) -> go.Scatter:
    """Thin lines from column to column: how HOMO and LUMO move from basis to basis."""
    x: list[float] = []
    y: list[float] = []
    for edge in ("homo", "lumo"):
        for place in range(len(columns) - 1):
            ends = [getattr(columns[place], edge), getattr(columns[place + 1], edge)]
            x += [place + HALF, place + 1 - HALF, np.nan]
            y += [ends[0] * factor, ends[1] * factor, np.nan]
    line = {"color": context.palette.line, "width": 1.2, "dash": "dot"}
    return go.Scatter(
        x=np.array(x), y=np.array(y), mode="lines", line=line, hoverinfo="skip", name="HOMO and LUMO"
    )


def _heading(place: int, column: Column) -> dict[str, Any]:
    return {
        "text": f"<b>{column.label}</b>",
        "x": place,
        "xref": "x",
        "y": 1.01,
        "yref": "paper",
        "yanchor": "bottom",
        "font": {"color": column.colour, "size": 13},
    }


def _gap_note(place: int, column: Column, factor: float, context: PlotContext, room: bool) -> dict[str, Any]:
    """The gap's value: in the middle of it, or beside it where it is too small to hold the text."""
    gap = (column.lumo - column.homo) * factor
    digits = 2 if context.units == "eV" else 4
    return {
        "text": f"gap<br><b>{gap:.{digits}f}</b> {context.units}",
        "x": place if room else place + 0.04,
        "y": (column.lumo + column.homo) / 2 * factor,
        "xanchor": "center" if room else "left",
        "font": {"color": column.colour, "size": 12},
    }


def _around_text(column: Column, clear: float) -> list[tuple[float, float]]:
    """From the HOMO up to the text, and from the text up to the LUMO."""
    middle = (column.homo + column.lumo) / 2
    return [(column.homo, middle - clear), (middle + clear, column.lumo)]


def _gap_line(place: int, ends: tuple[float, float], column: Column, factor: float) -> dict[str, Any]:
    line = {"color": column.colour, "width": 1}
    return {
        "type": "line",
        "x0": place,
        "x1": place,
        "y0": ends[0] * factor,
        "y1": ends[1] * factor,
        "line": line,
        "layer": "below",
    }
