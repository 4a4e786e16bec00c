"""Parity: what was predicted against what the large basis says, with the raw small basis behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, Scale, TargetValues, number, scale_of

#: Above this many points the browser draws with WebGL; SVG is sharper, but slow.
WEBGL_ABOVE = 5000
#: No more points than this are sent: a matrix as target has hundreds of values a molecule.
MOST_POINTS = 20000
#: Orbital energies below this (Ha) belong to cores and would squash everything else.
CORE_BELOW = -2.2


@PLOTS.register("parity")
class Parity(Plot):
    """Predicted against reference values of one target; a click on a point picks its molecule."""

    label = "Parity"
    help = "Every value of one target: perfect predictions lie on the line, grey is the raw small basis."

    def unavailable(self, context: PlotContext) -> str:
        if context.results is None or not context.results.targets:
            return "Press Train: the predictions appear with the first epoch."
        if context.target is not None and context.target not in context.results.targets:
            return "This target is not part of the training: choose it among the targets and train again."
        if not _shown(_values(context), context).any():
            return f"There is no {context.part} molecule: choose another part, or another split."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        values = _values(context)
        scale = scale_of(values.name, context)
        shown = np.flatnonzero(_shown(values, context))
        kept = _thinned(shown, values.structure, context.picked)
        kind = go.Scattergl if 2 * len(kept) > WEBGL_ABOVE else go.Scatter
        window = _window(values, kept)
        traces = [_identity(scale, context, values, kept), _raw(kind, values, kept, scale, context)]
        part_of = parts_of(context.results.split, values.structure)
        for part in theme.PARTS:
            traces.append(_split(kind, part, values, kept[part_of[kept] == part], scale, context))
        traces.append(
            _highlight(kind, values, kept[values.structure[kept] == context.picked], scale, context)
        )
        return go.Figure(traces, _layout(scale, context, values, kept, window, len(shown)))


def parts_of(split: Any, structure: np.ndarray) -> np.ndarray:
    """The part of the split ("train", …; "" if none) to which each structure index belongs."""
    part = np.full(np.shape(structure), "", dtype=object)
    for name in theme.PARTS:
        part[np.isin(structure, np.asarray(getattr(split, name), dtype=int))] = name
    return part


def _values(context: PlotContext) -> TargetValues:
    assert context.results is not None
    name = context.target or next(iter(context.results.targets))
    return context.results.targets[name]


def _shown(values: TargetValues, context: PlotContext) -> np.ndarray:
    assert context.results is not None
    finite = np.isfinite(values.reference) & np.isfinite(values.predicted)
    if context.part == "all":
        return finite
    return finite & np.isin(
        values.structure, np.asarray(getattr(context.results.split, context.part), dtype=int)
    )


def _thinned(shown: np.ndarray, structure: np.ndarray, picked: int | None) -> np.ndarray:
    """Every n-th point if there are too many, and always all points of the picked molecule."""
    if len(shown) <= MOST_POINTS:
        return shown
    every = shown[:: -(-len(shown) // MOST_POINTS)]
    return np.union1d(every, shown[structure[shown] == picked])


def _window(values: TargetValues, kept: np.ndarray) -> np.ndarray:
    """What to show at first, atomic units: [[x low, x high], [y low, y high]].

    Core levels stay outside. The raw values are inside: how far they are off is what the plot is about.
    """
    valence = kept[values.reference[kept] > CORE_BELOW] if values.name == "mo_energy" else kept
    valence = valence if len(valence) else kept
    x = values.reference[valence]
    y = np.concatenate([x, values.predicted[valence], values.raw[valence]])
    ranges = np.array([[np.nanmin(each), np.nanmax(each)] for each in (x, y)])
    margin = 0.04 * np.ptp(ranges, axis=1, keepdims=True)
    margin[margin == 0] = 0.05
    return ranges + margin * np.array([-1.0, 1.0])


def _identity(scale: Scale, context: PlotContext, values: TargetValues, kept: np.ndarray) -> go.Scatter:
    ends = np.concatenate([values.reference[kept], values.predicted[kept]])
    line = np.array([ends.min(), ends.max()]) + np.array([-1, 1]) * (0.1 * np.ptp(ends) + 1e-9)
    return go.Scatter(
        x=line * scale.factor,
        y=line * scale.factor,
        mode="lines",
        line={"color": context.palette.line, "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
        name="perfect",
    )


def _points(
    kind: Any,
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    structure: np.ndarray,
    scale: Scale,
    what: str,
    context: PlotContext,
    **style: Any,
) -> Any:
    assert context.results is not None
    labels = [entry.label for entry in context.results.dataset.structures]
    unit = f" {scale.unit}" if scale.unit else ""
    return kind(
        x=x * scale.factor,
        y=y * scale.factor,
        name=name,
        mode="markers",
        customdata=structure.astype(np.int32),
        text=[labels[i] for i in structure],
        hovertemplate=f"<b>%{{text}}</b> · molecule %{{customdata}}<br>reference %{{x:.4f}}{unit}"
        f"<br>{what} %{{y:.4f}}{unit}<extra>{name}</extra>",
        **style,
    )


def _raw(kind: Any, values: TargetValues, kept: np.ndarray, scale: Scale, context: PlotContext) -> Any:
    kept = kept[np.isfinite(values.raw[kept])]
    marker = {"color": context.palette.raw, "size": 5, "symbol": "circle-open", "opacity": 0.75}
    return _points(
        kind,
        f"raw {context.small_basis}",
        values.reference[kept],
        values.raw[kept],
        values.structure[kept],
        scale,
        context.small_basis,
        context,
        marker=marker,
        legendrank=1001,
    )


def _split(
    kind: Any, part: str, values: TargetValues, kept: np.ndarray, scale: Scale, context: PlotContext
) -> Any:
    marker = {
        "color": getattr(context.palette, part),
        "symbol": theme.SYMBOLS[part],
        "size": 6,
        "opacity": 0.8,
    }
    return _points(
        kind,
        part,
        values.reference[kept],
        values.predicted[kept],
        values.structure[kept],
        scale,
        "predicted",
        context,
        marker=marker,
        showlegend=bool(len(kept)),
    )


def _highlight(kind: Any, values: TargetValues, kept: np.ndarray, scale: Scale, context: PlotContext) -> Any:
    colours = context.palette
    marker = {
        "color": "rgba(0,0,0,0)",
        "size": 12,
        "symbol": "circle",
        "line": {"color": colours.picked, "width": 2},
    }
    return _points(
        kind,
        "picked",
        values.reference[kept],
        values.predicted[kept],
        values.structure[kept],
        scale,
        "predicted",
        context,
        marker=marker,
        showlegend=False,
    )


def _layout(
    scale: Scale,
    context: PlotContext,
    values: TargetValues,
    kept: np.ndarray,
    window: np.ndarray,
    n_shown: int,
) -> go.Layout:
    assert context.results is not None
    notes = [_score(values, scale, context)]
    hidden = int((values.reference[kept] < window[0, 0]).sum())
    if hidden:
        notes.append(_corner(f"{hidden} core levels lie below: double-click shows all", context))
    elif len(kept) < n_shown:
        notes.append(_corner(f"{len(kept)} of {n_shown} values drawn", context))
    limits = (window * scale.factor).tolist()
    return theme.frame(
        context.palette,
        height=460,
        uirevision=f"{values.name} {scale.unit}",
        xaxis={"title": {"text": f"reference {context.large_basis}{scale.suffix}"}, "range": limits[0]},
        yaxis={"title": {"text": f"predicted{scale.suffix}"}, "range": limits[1]},
        annotations=notes,
    )


def _score(values: TargetValues, scale: Scale, context: PlotContext) -> dict[str, Any]:
    """The mean absolute errors of what is shown, in the upper left corner."""
    assert context.results is not None
    row = context.results.errors(context.part, context.units)[values.name]
    text = f"<b>{scale.label}</b><br>MAE {number(row.mae)} {scale.unit}"
    if np.isfinite(row.raw_mae):
        text += (
            f"<br><span style='color:{context.palette.muted}'>raw {number(row.raw_mae)} {scale.unit}</span>"
        )
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.02,
        "y": 0.98,
        "xanchor": "left",
        "yanchor": "top",
        "align": "left",
    }


def _corner(text: str, context: PlotContext) -> dict[str, Any]:
    font = {"size": 11, "color": context.palette.muted}
    return {
        "text": text,
        "xref": "paper",
        "yref": "paper",
        "x": 0.99,
        "y": 0.01,
        "xanchor": "right",
        "yanchor": "bottom",
        "font": font,
    }
