"""Bands of the picked crystal along its standard path, and the density of states on the same energy axis."""

from __future__ import annotations

import textwrap

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.band_lines import band_lines, fat_bands
from hamexplorer.plots.band_view import BandView
from hamexplorer.plots.crystals import (
    ZERO_SYMBOLS,
    band_structure,
    full_name,
    missing,
    shown_sets,
    zero_note,
)
from hamexplorer.plots.dos_lines import DosLines
from hamexplorer.plots.gaps import Gap
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext
from hamexplorer.structures.paths import reciprocal

#: How much of the width the bands take, and where the density of states begins.
BANDS_END, DOS_START = 0.73, 0.79


@PLOTS.register("bands")
class Bands(Plot):
    """Reference, raw and learned bands and densities of states; a point under the pointer is marked in the zone."""

    label = "Bands and density of states"
    help = (
        "Energies along lines between points of high symmetry, and how many states there are at each energy."
    )

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
        view = BandView(context, bands)
        dos = DosLines(view)
        traces = [*fat_bands(view), *band_lines(view), *dos.projections(), *dos.totals(), *_chosen(view)]
        return go.Figure(traces, _layout(view, dos.widest()))


def _chosen(view: BandView) -> list[go.Scatter]:
    """Rings around the state whose orbital is shown, one a set."""
    chosen, context = view.context.crystal, view.context
    if chosen is None or chosen.place >= len(view.along):
        return []
    levels = [
        (each.path_energy[chosen.place, chosen.band] - view.zeros[name]) * context.energy_factor
        for name, each in view.sets.items()
        if chosen.band < each.path_energy.shape[1]
    ]
    ring = {"symbol": "circle-open", "size": 13, "color": context.palette.picked, "line": {"width": 2.5}}
    return [
        go.Scatter(
            uid="chosen",
            x=[float(view.along[chosen.place])] * len(levels),
            y=[float(level) for level in levels],
            name="orbital shown below",
            mode="markers",
            marker=ring,
            hoverinfo="skip",
            showlegend=False,
        )
    ]


def band_words(context: PlotContext) -> list[str]:
    """The gaps of all sets and what counts as zero, as sentences; empty where there are no bands."""
    bands = band_structure(context)
    if bands is None:
        return []
    how = (context.energy_factor, context.units, context.energy_digits)
    shown = shown_sets(bands, context)
    gaps = [
        f"{full_name(name, context)}: {Gap.of(each, bands.path).sentence(*how)}."
        for name, each in shown.items()
    ]
    return [*gaps, zero_note(bands, context)] if shown else []


def _layout(view: BandView, widest: float) -> go.Layout:
    context, colours = view.context, view.context.palette
    assert view.bands.structure.cell is not None
    ticks = view.bands.path.ticks(view.bands.structure.cell)
    names = "<br>".join(textwrap.wrap(theme.plain(view.bands.path.convention), 34))
    factor, (low, high) = context.energy_factor, view.window
    zero = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "layer": "below"}
    return theme.frame(
        colours,
        height=500,
        uirevision=f"{context.units} {view.kind}",
        hoverdistance=30,
        shapes=[zero | {"line": {"color": colours.muted, "width": 1, "dash": "dot"}}],
        xaxis={
            "domain": [0, BANDS_END],
            "range": [0.0, float(view.along[-1])],
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
            "range": [0.0, widest],
            "nticks": 4,
            "fixedrange": True,
            "mirror": True,
            "title": {"text": f"states/<br>({context.units}·cell)"},
        },
        yaxis={
            "title": {"text": f"<i>E</i> − {ZERO_SYMBOLS[view.kind]} ({context.units})"},
            "range": [low * factor, high * factor],
            "showgrid": False,
        },
    )


def k_of_place(context: PlotContext, place: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A point of the picked crystal's path: fractions of its reciprocal vectors, and Cartesian, 1/bohr."""
    bands = band_structure(context)
    if bands is None or bands.structure.cell is None or not 0 <= place < len(bands.path.points):
        return None
    fractions = bands.path.points[place]
    return fractions, fractions @ reciprocal(bands.structure.cell)
