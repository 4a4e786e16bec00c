"""Orbital levels of the picked molecule: small basis, learned, reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.columns import HALF, Column, level_name, segments, window
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext
from hamexplorer.units import energy_factor

#: The height of a gap's text, as a fraction of the plot.
TEXT_HIGH = 0.09
#: Columns for other runs: more would leave none of them room.
_MOST_OTHERS = 2


@PLOTS.register("levels")
class Levels(Plot):
    """Level diagram with the HOMO-LUMO gaps, as in a textbook."""

    label = "Orbital levels"
    help = "Orbital energies of the picked molecule: occupied levels are solid, empty ones dashed."

    def unavailable(self, context: PlotContext) -> str:
        if not _in_results(context) and _of_state(context):
            return ""
        if context.results is None:
            return f"{context.awaited}: the learned levels appear with the first epoch."
        if context.picked is None:
            return (
                "The picked molecule is not of this training: it is being predicted, or holds an element that the "
                "model does not know. Pick another one, or wait."
            )
        if not 0 <= context.picked < len(context.results.mo_energy):
            return "The picked molecule is not in the dataset of this training: pick another one."
        if context.results.dataset.references[context.picked].structure.is_crystal:
            return "A crystal has bands instead of levels: see bands and density of states."
        if context.results.mo_energy[context.picked] is None:
            return "The levels of this molecule were not predicted: pick another one."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        columns = _columns(context)
        factor = energy_factor(context.units)
        low, high = window(columns)
        traces = [_connections(columns, factor, context)]
        for place, column in enumerate(columns):
            traces += [_levels(place, column, occupied, factor, context, high) for occupied in (True, False)]
        traces.append(_chosen(columns, factor, context, high))
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
            xaxis={"range": [-0.5, len(columns) - 0.5], "visible": False, "fixedrange": True},
            yaxis={
                "title": {"text": f"orbital energy ({context.units})"},
                "showgrid": False,
                "range": [low * factor, high * factor],
            },
        )
        return go.Figure(traces, layout)


def _in_results(context: PlotContext) -> bool:
    """Whether the picked structure is one of the training's."""
    return (
        context.results is not None
        and context.picked is not None
        and 0 <= context.picked < len(context.results.mo_energy)
    )


def _of_state(context: PlotContext) -> tuple[Column, ...]:
    """What is known of a molecule that is in no training: calculations before one, predictions after one."""
    state, colours = context.state, context.palette
    if state is None:
        return ()
    known = (
        (context.small_basis, state.sets.get("raw"), colours.muted),
        ("learned", state.sets.get("learned"), colours.learned),
    )
    columns = [Column(label, found.energy, state.n_occ, colour) for label, found, colour in known if found]
    if state.large_energy is not None:
        columns.append(Column(context.large_basis, state.large_energy, state.n_occ, colours.reference))
    return tuple(columns)


def _columns(context: PlotContext) -> tuple[Column, ...]:
    if not _in_results(context):
        return _of_state(context)
    colours = context.palette
    assert context.results is not None
    assert context.picked is not None
    entry = context.results.dataset.references[context.picked]
    learned = np.sort(np.asarray(context.results.mo_energy[context.picked], dtype=float))
    small, large = np.asarray(entry.small.mo_energy), np.asarray(entry.large.mo_energy)
    others = [
        Column(other.label, levels, entry.n_occ, theme.of_other(place, colours)[0])
        for place, other in enumerate(context.others[-_MOST_OTHERS:])
        if (levels := other.levels_of(entry.structure)) is not None
    ]
    return (
        Column(context.small_basis, small, entry.n_occ, colours.muted),
        *others,
        Column("learned", learned[np.isfinite(learned)], entry.n_occ, colours.learned),
        Column(context.large_basis, large, entry.n_occ, colours.reference),
    )


def _levels(
    place: int, column: Column, occupied: bool, factor: float, context: PlotContext, high: float
) -> go.Scatter:
    """The occupied or the empty levels of one column, as one trace with gaps."""
    x: list[float] = []
    y: list[float] = []
    text: list[str] = []
    number: list[int | None] = []
    for index, left, right in segments(column, place, high):
        if (index < column.n_occ) is occupied:
            x += [left, (left + right) / 2, right, np.nan]
            y += [column.mo_energy[index] * factor] * 3 + [np.nan]
            text += [level_name(index, column.n_occ)] * 4
            number += [index - column.n_occ + 1] * 3 + [None]
    return go.Scatter(
        x=np.array(x),
        y=np.array(y),
        text=text,
        customdata=number,
        meta={"choose": "orbital"},
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


def _chosen(columns: tuple[Column, ...], factor: float, context: PlotContext, high: float) -> go.Scatter:
    """A mark on the level that is chosen in every column."""
    x, y = [], []
    for place, column in enumerate(columns):
        for index, left, right in segments(column, place, high):
            if index == column.n_occ - 1 + context.orbital:
                x.append((left + right) / 2)
                y.append(column.mo_energy[index] * factor)
    marker = {"symbol": "diamond-open", "size": 11, "color": context.palette.picked, "line": {"width": 2}}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, hoverinfo="skip", name="chosen orbital")


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
    digits = context.energy_digits
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
