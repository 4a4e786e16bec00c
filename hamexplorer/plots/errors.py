"""How many times smaller the learned error is than that of the raw small basis, target by target."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, OtherRun, Plot, PlotContext, number, scale_of

#: Pixels of one target, and of everything around.
BAR, RIM = 66, 92
#: The two figures of merit: column of the error table, its name, opacity of its bars.
MEASURES = (("mae", "MAE", 1.0), ("rmse_per_atom", "RMSE per atom", 0.55))


@PLOTS.register("errors")
class Errors(Plot):
    """Bars of raw error / learned error on a logarithmic axis; 1 is the raw small basis."""

    label = "Gain"
    help = "How many times smaller each error is than that of the raw small basis, the bar to beat."

    def unavailable(self, context: PlotContext) -> str:
        if context.results is None:
            return f"{context.awaited}: the errors appear with the first epoch."
        if not any(row.n for row in context.errors(context.part).values()):
            return f"There is no {context.part} {context.noun}: choose another part, or another split."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        assert context.results is not None
        rows = context.errors(context.part)
        layout = theme.frame(
            context.palette,
            height=RIM + BAR * len(rows),
            barmode="group",
            bargap=0.5,
            bargroupgap=0.08,
            xaxis=_gain_axis(rows, context),
            yaxis={
                "showgrid": False,
                "showticklabels": False,
                "ticks": "",
                "showline": False,
                "automargin": False,
                "autorange": "reversed",
                "fixedrange": True,
            },
            shapes=_unity(rows, context),
            annotations=[_heading(name, row, context) for name, row in rows.items()],
            margin={"l": 12, "r": 16, "t": 34, "b": 8},
        )
        bars = [_bars(rows, measure, context) for measure in MEASURES]
        others = [_other(place, other, rows, context) for place, other in enumerate(context.others)]
        return go.Figure([*bars, *others], layout)


def gain(row: Any, measure: str) -> float:
    """Raw error over learned error; NaN where one of them is undefined or zero."""
    learned, raw = float(getattr(row, measure)), float(getattr(row, f"raw_{measure}"))
    return raw / learned if np.isfinite(raw) and learned > 0 and raw > 0 else np.nan


def _bars(rows: Any, measure: tuple[str, str, float], context: PlotContext) -> go.Bar:
    """Bars that start at 1 and grow to the right where the learned error is smaller."""
    field, label, opacity = measure
    gains = np.array([gain(row, field) for row in rows.values()])
    colours = [
        theme.faded(context.palette.worse if value < 1 else context.palette.better, opacity)
        for value in gains
    ]
    learned = [f"{number(getattr(row, field))} {row.unit}" for row in rows.values()]
    raw = [f"{number(getattr(row, 'raw_' + field))} {row.unit}" for row in rows.values()]
    return go.Bar(
        x=gains - 1,
        base=np.ones(len(gains)),
        y=list(rows),
        orientation="h",
        name=label,
        marker={"color": colours, "cornerradius": 3},
        text=[f"{number(value, 2)}×" if np.isfinite(value) else "" for value in gains],
        textposition="outside",
        textfont={"color": context.palette.text, "size": 11},
        cliponaxis=False,
        customdata=list(zip(learned, raw, strict=True)),
        hovertemplate=f"{label}<br>learned %{{customdata[0]}}<br>{context.small_basis} %{{customdata[1]}}"
        "<extra></extra>",
    )


def _other(place: int, other: OtherRun, rows: Any, context: PlotContext) -> go.Scatter:
    """The gain of another run on its own structures of the same part."""
    theirs = {} if other.results is None else other.results.errors(context.part)
    gains = {name: gain(theirs[name], "mae") for name in rows if name in theirs}
    colour, symbol = theme.of_other(place, context.palette)
    return go.Scatter(
        x=list(gains.values()),
        y=list(gains),
        name=other.label,
        mode="markers",
        marker={
            "color": colour,
            "symbol": symbol,
            "size": 11,
            "line": {"color": context.palette.text, "width": 1},
        },
        hovertemplate=f"{other.label}: MAE %{{x:.3g}} times smaller<extra></extra>",
    )


def _gain_axis(rows: Any, context: PlotContext) -> dict[str, Any]:
    gains = [gain(row, field) for row in rows.values() for field, _, _ in MEASURES]
    for other in context.others:
        theirs = {} if other.results is None else other.results.errors(context.part)
        gains += [gain(theirs[name], "mae") for name in rows if name in theirs]
    finite = [value for value in gains if np.isfinite(value)] or [1.0]
    low, high = min(1.0, min(finite) / 1.6), max(3.0, max(finite) * 2.2)
    title = f"times smaller than {context.small_basis} ({context.part} {context.noun}s)"
    ticks = [
        value
        for value in (0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
        if low <= value <= high
    ]
    if len(ticks) > 8:
        ticks = [value for value in ticks if str(value)[0] == "1" or (value < 1 and str(value)[-1] == "1")]
    return {
        "type": "log",
        "range": [float(np.log10(low)), float(np.log10(high))],
        "tickvals": ticks,
        "ticktext": [f"{value:g}×" for value in ticks],
        "title": {"text": title},
    }


def _unity(rows: Any, context: PlotContext) -> list[dict[str, Any]]:
    """A line at the raw small basis, where some bars point the other way."""
    if not any(gain(row, field) < 1 for row in rows.values() for field, _, _ in MEASURES):
        return []
    line = {"color": context.palette.muted, "width": 1.5, "dash": "dash"}
    place = {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper"}
    return [place | {"line": line, "layer": "below"}]


def _heading(name: str, row: Any, context: PlotContext) -> dict[str, Any]:
    """Above a target's bars: its name, and the mean absolute error of the raw small basis → of the model."""
    raw = f"{number(row.raw_mae)} → " if np.isfinite(row.raw_mae) else ""
    text = f"<b>{scale_of(name, context).label}</b> · MAE {raw}{number(row.mae)} {row.unit}"
    if not raw:
        text += f" <span style='color:{context.palette.muted}'>(no raw value)</span>"
    return {
        "text": text,
        "xref": "paper",
        "x": 0,
        "xanchor": "left",
        "y": name,
        "yshift": 25,
        "yanchor": "middle",
        "align": "left",
    }
