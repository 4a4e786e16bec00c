"""Learning curves: one panel per target."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.history import History, Mark
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, Scale, number, scale_of

#: Pixels: one panel, at most and at least, the space between panels, and what legend and axis title need.
TALLEST, PANEL, GAP, RIM = 240, 132, 34, 112
_SAID = {"weights": "targets or weights changed", "paused": "paused"}


@PLOTS.register("loss")
class Loss(Plot):
    """Per-atom RMSE of every target against the epoch, for train and validation molecules."""

    label = "Learning curves"
    help = "How the error of each target falls; the dashed line is the raw small basis, the bar to beat."

    def unavailable(self, context: PlotContext) -> str:
        if context.history is None or not context.history.reports:
            return "Press Train: the curves appear with the first epoch."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        history = context.history
        assert history is not None
        targets = history.targets
        figure = go.Figure(layout=_frame(len(targets), context))
        raw = _raw_errors(context)
        for row, name in enumerate(targets):
            scale = scale_of(name, context)
            axes = _axes(row)
            for trace in _curves(history, name, scale, context, raw.get(name, np.nan), axes, first=row == 0):
                figure.add_trace(trace)
            figure.update_layout(_panel(row, len(targets), history))
            figure.update_layout({axes[1].replace("y", "yaxis"): _ticks(figure.data[-3:])})
            figure.add_annotation(_heading(history, name, scale, raw.get(name, np.nan), axes, context))
        _add_marks(figure, history.marks, context)
        return figure


def _panel_height(rows: int) -> int:
    """Few targets get tall panels, many get low ones."""
    return max(PANEL, TALLEST // rows)


def _inner_height(rows: int) -> int:
    return rows * _panel_height(rows) + (rows - 1) * GAP


def _frame(rows: int, context: PlotContext) -> go.Layout:
    inner = _inner_height(rows)
    layout = theme.frame(context.palette, height=RIM + inner, margin={"l": 8, "r": 12, "t": 54, "b": 8})
    layout.uirevision = f"{rows} {context.units}"
    layout.legend.y = 1 + 20 / inner  # above the first panel's heading
    return layout


def _ticks(traces: tuple[go.Scatter, ...]) -> dict[str, Any]:
    """Round numbers on a logarithmic axis, written out: 0.1, 0.2, 0.5 …; all digits on a short one."""
    values = np.concatenate([np.asarray(trace.y, dtype=float) for trace in traces])
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return {}
    low, high = np.log10(values.min()) - 0.1, np.log10(values.max()) + 0.1
    digits = (1, 2, 3, 4, 5, 6, 7, 8) if high - low < 0.6 else (1, 2, 5) if high - low < 2.3 else (1,)
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in digits]
    return {"tickvals": ticks, "ticktext": [number(tick, 1) for tick in ticks]}


def _axes(row: int) -> tuple[str, str]:
    tail = "" if row == 0 else str(row + 1)
    return f"x{tail}", f"y{tail}"


def _raw_errors(context: PlotContext) -> dict[str, float]:
    """Per-atom RMSE of the raw small basis on the validation molecules, in the units on screen."""
    if context.results is None:
        return {}
    rows = context.results.errors("validation", context.units)
    return {name: float(row.raw_rmse_per_atom) for name, row in rows.items()}


def _curves(
    history: History,
    name: str,
    scale: Scale,
    context: PlotContext,
    raw: float,
    axes: tuple[str, str],
    *,
    first: bool,
) -> list[go.Scatter]:
    """Train, validation and raw small basis: always three traces, so that an update finds its place."""
    colours = context.palette
    traces = []
    for part, width in (("train", 1.6), ("validation", 2.4)):
        epochs, values = history.curve(name, part)
        traces.append(
            go.Scatter(
                x=epochs,
                y=values * scale.factor,
                name=part,
                legendgroup=part,
                showlegend=first,
                mode="lines+markers" if len(history) < 2 else "lines",
                line={"color": getattr(colours, part), "width": width},
                hovertemplate=f"{part} · epoch %{{x:d}}<br>%{{y:.4g}} {scale.unit}<extra></extra>",
                xaxis=axes[0],
                yaxis=axes[1],
            )
        )
    ends = np.array([history.reports[0].epoch, history.reports[-1].epoch], dtype=float)
    label = f"raw {context.small_basis}"
    traces.append(
        go.Scatter(
            x=ends,
            y=np.full(2, raw),
            name=label,
            legendgroup="raw",
            showlegend=first,
            mode="lines",
            line={"color": colours.raw, "width": 1.5, "dash": "dash"},
            hovertemplate=f"{label}<br>%{{y:.4g}} {scale.unit}<extra></extra>",
            xaxis=axes[0],
            yaxis=axes[1],
        )
    )
    return traces


def _panel(row: int, rows: int, history: History) -> dict[str, Any]:
    """The two axes of one panel; all panels share the epochs of the lowest."""
    inner = _inner_height(rows)
    top = 1 - row * (_panel_height(rows) + GAP) / inner
    x, y = _axes(row)
    lowest = row == rows - 1
    xaxis: dict[str, Any] = {
        "anchor": y,
        "showticklabels": lowest,
        "rangemode": "nonnegative",
        "tickformat": "d",
    }
    if lowest:
        xaxis["title"] = {"text": "epoch"}
    if row:
        xaxis["matches"] = "x"
    if len(history) < 2:
        xaxis["range"] = [0, max(10, history.reports[0].epoch + 1)]
    yaxis = {"anchor": x, "type": "log", "domain": [max(0.0, top - _panel_height(rows) / inner), top]}
    return {x.replace("x", "xaxis"): xaxis, y.replace("y", "yaxis"): yaxis}


def _heading(
    history: History, name: str, scale: Scale, raw: float, axes: tuple[str, str], context: PlotContext
) -> dict[str, Any]:
    """Above a panel: what it shows, where it stands now, and how far that is below the raw small basis."""
    value = history.curve(name, "validation")[1][-1] * scale.factor
    text = f"<b>{scale.label}</b> · {number(value)} {scale.unit}/atom".replace(" /atom", " per atom")
    if np.isfinite(raw) and value > 0:
        # Short enough for a phone.
        text += f" (raw ÷ {number(raw / value, 2)})" if value < raw else f" (raw × {number(value / raw, 2)})"
    return {
        "text": text,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "yref": f"{axes[1]} domain",
        "y": 1,
        "yanchor": "bottom",
        "font": {"size": 12},
    }


def _add_marks(figure: go.Figure, marks: tuple[Mark, ...], context: PlotContext) -> None:
    """Vertical lines through all panels: dotted where the weights changed, faint where it was paused."""
    colours = context.palette
    shapes, notes = [], []
    for mark in marks:
        if mark.kind == "resumed":
            continue
        weights = mark.kind == "weights"
        line = {
            "color": colours.picked if weights else colours.line,
            "width": 1.5 if weights else 1,
            "dash": "dot",
        }
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": mark.epoch,
                "x1": mark.epoch,
                "y0": 0,
                "y1": 1,
                "line": line,
                "layer": "below",
            }
        )
        notes.append(
            {
                "text": mark.kind,
                "textangle": -90,
                "hovertext": f"epoch {mark.epoch}: {mark.text or _SAID[mark.kind]}",
                "xref": "x",
                "x": mark.epoch,
                "yref": "paper",
                "y": 0,
                "yanchor": "bottom",
                "xanchor": "right",
                "font": {"size": 10, "color": line["color"]},
            }
        )
    figure.update_layout(shapes=shapes, annotations=[*figure.layout.annotations, *notes])
