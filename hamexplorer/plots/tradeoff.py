"""What one target costs another: the errors of two targets against each other, along the training."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.loss import ticks
from hamexplorer.plots.plot import PLOTS, OtherRun, Plot, PlotContext, scale_of


@PLOTS.register("tradeoff")
class Tradeoff(Plot):
    """Path of the validation errors of two targets from epoch to epoch, and where other runs ended."""

    label = "Trade-off"
    help = (
        "Each point is an epoch: to the left the first target is better, further down the other one. Change the "
        "weights while it trains and watch the path turn; diamonds are where they were changed. The other target is "
        "the one chosen in the parity plot."
    )

    def unavailable(self, context: PlotContext) -> str:
        if context.history is None or len(context.history) < 2 or len(context.history.targets) < 2:
            return "Train on two targets: what one costs the other is drawn here."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        history = context.history
        assert history is not None
        first, second = pair_of(context)
        x, y = (scale_of(name, context) for name in (first, second))
        epochs, across = history.curve(first, "validation")
        _, up = history.curve(second, "validation")
        across, up = across * x.factor, up * y.factor
        changed = np.isin(epochs, [mark.epoch for mark in history.marks if mark.kind == "weights"])
        said = f"epoch %{{customdata}}<br>{x.label} %{{x:.3g}} {x.unit}<br>{y.label} %{{y:.3g}} {y.unit}<extra></extra>"
        traces = [
            go.Scatter(
                x=across,
                y=up,
                name="this run",
                mode="lines+markers",
                line={"color": context.palette.line, "width": 1},
                # Early epochs are pale.
                marker={"size": 6, "color": epochs, "colorscale": _scale(context), "showscale": False},
                customdata=[f"{epoch:.0f}" for epoch in epochs],
                hovertemplate=said,
            ),
            go.Scatter(
                x=across[changed],
                y=up[changed],
                name="weights changed",
                mode="markers",
                marker={
                    "symbol": "diamond-open",
                    "size": 12,
                    "color": context.palette.picked,
                    "line": {"width": 2},
                },
                showlegend=bool(changed.any()),
                hoverinfo="skip",
            ),
            *(_end(place, other, first, second, context) for place, other in enumerate(context.others)),
        ]
        layout = theme.frame(
            context.palette,
            height=380,
            uirevision=f"{first} {second} {x.unit} {y.unit}",
            xaxis=_axis(f"{x.label}{x.suffix}", across),
            yaxis=_axis(f"{y.label}{y.suffix}", up),
        )
        return go.Figure(traces, layout)


def pair_of(context: PlotContext) -> tuple[str, str]:
    """The run's first target, and the one that the parity plot shows, if that is another, else the second."""
    assert context.history is not None
    first, *others = context.history.targets
    return first, context.target if context.target in others else others[0]


def _end(place: int, other: OtherRun, first: str, second: str, context: PlotContext) -> go.Scatter:
    """Where another run ended."""
    ends = []
    for target in (first, second):
        _, values = other.history.curve(target, "validation")
        ends.append(float(values[-1]) * scale_of(target, context).factor if len(values) else np.nan)
    colour, symbol = theme.of_other(place, context.palette)
    known = np.isfinite(ends).all()
    return go.Scatter(
        x=[ends[0]] if known else [],
        y=[ends[1]] if known else [],
        name=other.label,
        mode="markers",
        marker={"symbol": symbol, "size": 12, "color": colour},
        showlegend=bool(known),
        hovertemplate=f"end of {other.label}<br>%{{x:.3g}}, %{{y:.3g}}<extra></extra>",
    )


def _axis(title: str, values: np.ndarray) -> dict[str, Any]:
    return {"title": {"text": title}, "type": "log"} | ticks(values)


def _scale(context: PlotContext) -> list[list[Any]]:
    return [[0.0, theme.faded(context.palette.learned, 0.25)], [1.0, context.palette.learned]]
