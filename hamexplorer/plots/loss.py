"""Learning curves: one panel per target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.history import History, Mark
from hamexplorer.plots.plot import PLOTS, OtherRun, Plot, PlotContext, Scale, number, scale_of
from hamexplorer.plots.theme import Palette

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
            return f"{context.awaited}: the curves appear with the first epoch."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        history = context.history
        assert history is not None
        names, raw = history.targets, _raw_errors(context)
        panels = [
            _Panel(row, len(names), scale_of(name, context), history, name, raw.get(name, np.nan))
            for row, name in enumerate(names)
        ]
        shapes, notes = _marks(history.marks, context.palette)
        shapes += _shown_epoch(context, history)
        axes: dict[str, Any] = {}
        for panel in panels:
            axes |= panel.axes()
            notes.append(panel.heading())
        inner = _inner_height(len(names))
        layout = theme.frame(
            context.palette,
            height=RIM + inner,
            margin={"l": 8, "r": 12, "t": 54, "b": 8},
            uirevision=f"{len(names)} {context.units}",
            legend=theme.LEGEND | {"y": 1 + 20 / inner},  # above the first panel's heading
            shapes=shapes,
            annotations=notes,
            **axes,
        )
        raw_label = f"raw {context.small_basis}"
        return go.Figure([trace for panel in panels for trace in panel.curves(context, raw_label)], layout)


@dataclass(frozen=True, eq=False)
class _Panel:
    """One target's part of the figure; ``raw`` is the error of the raw small basis in the units on screen."""

    row: int
    rows: int
    scale: Scale
    history: History
    name: str
    raw: float

    @property
    def _ids(self) -> tuple[str, str]:
        tail = "" if self.row == 0 else str(self.row + 1)
        return f"x{tail}", f"y{tail}"

    def curve(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        epochs, values = self.history.curve(self.name, part)
        return epochs, values * self.scale.factor

    def curves(self, context: PlotContext, raw_label: str) -> list[go.Scatter]:
        """Train, validation and raw small basis: always three traces, so that an update finds its place."""
        colours = context.palette
        mode = "lines+markers" if len(self.history) < 2 else "lines"
        train: dict[str, Any] = {"mode": mode, "line": {"color": colours.train, "width": 1.6}}
        validation: dict[str, Any] = {"mode": mode, "line": {"color": colours.validation, "width": 2.4}}
        raw: dict[str, Any] = {"mode": "lines", "line": {"color": colours.raw, "width": 1.5, "dash": "dash"}}
        ends = np.array([self.history.reports[0].epoch, self.history.reports[-1].epoch], dtype=float)
        return [
            self._line("train", *self.curve("train"), **train),
            self._line("validation", *self.curve("validation"), **validation),
            self._line(raw_label, ends, np.full(2, self.raw), **raw),
            *(self._other(place, other, context) for place, other in enumerate(context.others)),
        ]

    def _other(self, place: int, other: OtherRun, context: PlotContext) -> go.Scatter:
        """Validation curve of another run."""
        epochs, values = other.history.curve(self.name, "validation")
        colour, _ = theme.of_other(place, context.palette)
        line = {"color": colour, "width": 1.2, "dash": "dot"}
        return self._line(other.label, epochs, values * self.scale.factor, mode="lines", line=line)

    def _line(self, name: str, x: np.ndarray, y: np.ndarray, **style: Any) -> go.Scatter:
        return go.Scatter(
            x=x,
            y=y,
            name=name,
            legendgroup=name,
            showlegend=self.row == 0,
            hovertemplate=f"{name} · epoch %{{x:.4~g}}<br>%{{y:.4g}} {self.scale.unit}<extra></extra>",
            xaxis=self._ids[0],
            yaxis=self._ids[1],
            **style,
        )

    def axes(self) -> dict[str, Any]:
        """The two axes of the panel; all panels share the epochs of the lowest."""
        inner, height = _inner_height(self.rows), _panel_height(self.rows)
        top = 1 - self.row * (height + GAP) / inner
        x, y = self._ids
        lowest = self.row == self.rows - 1
        xaxis: dict[str, Any] = {"anchor": y, "showticklabels": lowest, "tickformat": "d"}
        if lowest:
            xaxis["title"] = {"text": "epoch"}
        if self.row:
            xaxis["matches"] = "x"
        if len(self.history) < 2:
            xaxis["range"] = [0, max(10, self.history.reports[0].epoch + 1)]
        drawn = np.concatenate([self.curve("train")[1], self.curve("validation")[1], [self.raw]])
        yaxis = {"anchor": x, "type": "log", "domain": [max(0.0, top - height / inner), top]} | ticks(drawn)
        return {x.replace("x", "xaxis"): xaxis, y.replace("y", "yaxis"): yaxis}

    def heading(self) -> dict[str, Any]:
        """What the panel shows, where it stands now, and how that compares with the raw small basis."""
        value = self.curve("validation")[1][-1]
        text = f"<b>{self.scale.label}</b> · {number(value)} {self.scale.unit}/atom"
        if np.isfinite(self.raw) and self.raw > 0 and value > 0:
            # Short enough for a phone.
            better = value < self.raw
            factor = number(self.raw / value if better else value / self.raw, 2)
            text += f" (raw {'÷' if better else '×'} {factor})"
        place = {"xanchor": "left", "yref": f"{self._ids[1]} domain", "yanchor": "bottom"}
        return theme.note(text.replace(" /atom", " per atom"), x=0, y=1, **place)


def _panel_height(rows: int) -> int:
    """Few targets get tall panels, many get low ones."""
    return max(PANEL, TALLEST // rows)


def _inner_height(rows: int) -> int:
    return rows * _panel_height(rows) + (rows - 1) * GAP


def _raw_errors(context: PlotContext) -> dict[str, float]:
    """Per-atom RMSE of the raw small basis on the validation molecules, in the units on screen."""
    if context.results is None:
        return {}
    rows = context.errors("validation")
    return {name: float(row.raw_rmse_per_atom) for name, row in rows.items()}


def ticks(values: np.ndarray) -> dict[str, Any]:
    """Round numbers on a logarithmic axis, written out: 0.1, 0.2, 0.5 …; all digits on a short one."""
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return {}
    low, high = np.log10(values.min()) - 0.1, np.log10(values.max()) + 0.1
    digits = (1, 2, 3, 4, 5, 6, 7, 8) if high - low < 0.6 else (1, 2, 5) if high - low < 2.3 else (1,)
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    at = [digit * 10.0**decade for decade in decades for digit in digits]
    return {"tickvals": at, "ticktext": [number(tick, 1) for tick in at]}


def _shown_epoch(context: PlotContext, history: History) -> list[dict[str, Any]]:
    """A line at the epoch that the other plots show, where that is an earlier one."""
    last = history.last
    if (
        context.results is None
        or last is None
        or context.results.epoch >= last.epoch
        or not context.looking_back
    ):
        return []
    at, line = context.results.epoch, {"color": context.palette.learned, "width": 2}
    return [{"type": "line", "yref": "paper", "x0": at, "x1": at, "y0": 0, "y1": 1, "line": line}]


def _marks(marks: tuple[Mark, ...], colours: Palette) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Vertical lines through all panels, and their texts: where weights changed and where it was paused."""
    shapes, notes = [], []
    for (epoch, kind), text in {(mark.epoch, mark.kind): mark.text for mark in marks}.items():
        if kind not in _SAID:
            continue
        weights = kind == "weights"
        color = colours.picked if weights else colours.line
        line = {"color": color, "width": 1.5 if weights else 1, "dash": "dot"}
        place = {"type": "line", "yref": "paper", "x0": epoch, "x1": epoch, "y0": 0, "y1": 1}
        shapes.append(place | {"line": line, "layer": "below"})
        style = {
            "textangle": -90,
            "yanchor": "bottom",
            "xanchor": "right",
            "font": {"size": 10, "color": color},
        }
        said = f"epoch {epoch}: {theme.plain(text) or _SAID[kind]}"
        notes.append(theme.note(kind, x=epoch, y=0, xref="x", hovertext=said, **style))
    return shapes, notes
