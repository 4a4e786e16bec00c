"""Parity: what was predicted against what the large basis says, with the raw small basis behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, OtherRun, Plot, PlotContext, Scale, number, scale_of
from hamexplorer.structures.selection import PARTS

if TYPE_CHECKING:
    from hamexplorer.structures.selection import Split
    from hamexplorer.train.results import Results, TargetResult

#: Above this many points the browser draws with WebGL; SVG is sharper, but slow.
WEBGL_ABOVE = 1_000
#: No more points than this are sent: a matrix as target has hundreds of values a molecule.
MOST_POINTS = 10_000
#: Nor more than this of each other run.
MOST_OF_OTHER = 1_000
#: Orbital energies below this (Ha) belong to cores and would squash everything else.
CORE_BELOW = -2.2


@PLOTS.register("parity")
class Parity(Plot):
    """Predicted against reference values of one target; a click on a point picks its molecule."""

    label = "Parity"
    help = (
        "Every value of one target: perfect predictions lie on the line, grey is the raw small basis. Click a point to "
        "see its structure; with the lasso above the plot, several at once. Bars: the error that a committee expects."
    )
    gathers = True

    def unavailable(self, context: PlotContext) -> str:
        results = context.results
        if results is None or not results.targets:
            return f"{context.awaited}: the predictions appear with the first epoch."
        if context.target is not None and context.target not in results.targets:
            return "This target is not part of the training: choose it among the targets and train again."
        if not len(_shown(_values(context, results), results, context.part)):
            return f"There is no {context.part} {context.noun}: choose another part, or another split."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        assert context.results is not None
        cloud = _Cloud.of(context, context.results)
        colours, values = context.palette, cloud.values
        raw = cloud.kept[np.isfinite(values.raw[cloud.kept])]
        # Rings show what is behind them; with WebGL they take ten times as long to draw as discs.
        symbol = "circle" if cloud.many else "circle-open"
        marker: dict[str, Any] = {"color": colours.raw, "size": 5, "symbol": symbol, "opacity": 0.75}
        traces = [
            cloud.identity(),
            cloud.points(f"raw {context.small_basis}", raw, values.raw, marker=marker, legendrank=1001),
        ]
        part_of = parts_of(context.results.split, values.structure[cloud.kept])
        for part in PARTS:
            mine = cloud.kept[part_of == part]
            marker = {
                "color": getattr(colours, part),
                "symbol": theme.SYMBOLS[part],
                "size": 6,
                "opacity": 0.8,
            }
            style = {"marker": marker, "showlegend": bool(len(mine)), **cloud.error_bars(part, mine)}
            traces.append(cloud.points(part, mine, values.predicted, **style))
        traces += [cloud.other(place, other) for place, other in enumerate(context.others)]
        picked = cloud.kept[values.structure[cloud.kept] == context.picked]
        ring = {"color": "rgba(0,0,0,0)", "size": 12, "line": {"color": colours.picked, "width": 2}}
        traces.append(cloud.points("picked", picked, values.predicted, marker=ring, showlegend=False))
        return go.Figure(traces, cloud.layout())


def parts_of(split: Split, structure: np.ndarray) -> np.ndarray:
    """The part of the split ("train", …; "" if none) to which each structure index belongs."""
    part = np.full(np.shape(structure), "", dtype=object)
    for name in PARTS:
        part[np.isin(structure, np.asarray(getattr(split, name), dtype=int))] = name
    return part


@dataclass(frozen=True, eq=False)
class _Cloud:
    """The points of one target, and how they are shown; ``kept`` are the indices of those that are drawn."""

    context: PlotContext
    results: Results
    values: TargetResult
    scale: Scale
    kept: np.ndarray
    n_shown: int

    @classmethod
    def of(cls, context: PlotContext, results: Results) -> _Cloud:
        values = _values(context, results)
        shown = _shown(values, results, context.part)
        kept = _thinned(shown, values.structure, context.picked)
        return cls(context, results, values, scale_of(values.name, context), kept, len(shown))

    @property
    def many(self) -> bool:
        """Whether WebGL draws them."""
        return 2 * len(self.kept) > WEBGL_ABOVE

    def identity(self) -> go.Scatter:
        ends = np.concatenate([self.values.reference[self.kept], self.values.predicted[self.kept]])
        line = np.array([ends.min(), ends.max()]) + np.array([-1, 1]) * (0.1 * np.ptp(ends) + 1e-9)
        return go.Scatter(
            x=line * self.scale.factor,
            y=line * self.scale.factor,
            mode="lines",
            line={"color": self.context.palette.line, "width": 1.2},
            hoverinfo="skip",
            showlegend=False,
            name="perfect",
        )

    def points(self, name: str, drawn: np.ndarray, y: np.ndarray, **style: Any) -> go.Scatter | go.Scattergl:
        """Markers that carry the index of their structure, so that a click can pick it."""
        kind = go.Scattergl if self.many else go.Scatter
        labels = [theme.plain(structure.label) for structure in self.results.dataset.structures]
        structure = self.values.structure[drawn]
        unit = f" {self.scale.unit}" if self.scale.unit else ""
        return kind(
            x=self.values.reference[drawn] * self.scale.factor,
            y=y[drawn] * self.scale.factor,
            name=name,
            mode="markers",
            customdata=structure.astype(np.int32),
            text=[labels[i] for i in structure],
            hovertemplate=f"<b>%{{text}}</b> · {self.context.noun} %{{customdata}}<br>reference %{{x:.4f}}{unit}"
            f"<br>{name if name.startswith('raw') else 'predicted'} %{{y:.4f}}{unit}<extra>{name}</extra>",
            **style,
        )

    def other(self, place: int, other: OtherRun) -> go.Scatter | go.Scattergl:
        """What another run said of its own structures of the same part; a click picks none of them."""
        kind = go.Scattergl if self.many else go.Scatter
        theirs = None if other.results is None else other.results.targets.get(self.values.name)
        x = y = np.zeros(0)
        if theirs is not None and other.results is not None:
            drawn = _shown(theirs, other.results, self.context.part)
            drawn = drawn[:: -(-len(drawn) // MOST_OF_OTHER) or 1]
            x, y = (each[drawn] * self.scale.factor for each in (theirs.reference, theirs.predicted))
        colour, symbol = theme.of_other(place, self.context.palette)
        return kind(
            x=x,
            y=y,
            name=other.label,
            mode="markers",
            marker={"color": colour, "symbol": f"{symbol}-open", "size": 6, "opacity": 0.7},
            showlegend=bool(len(x)),
            hovertemplate=f"reference %{{x:.4f}}<br>{other.label} %{{y:.4f}}<extra></extra>",
        )

    def error_bars(self, part: str, drawn: np.ndarray) -> dict[str, Any]:
        """What a committee expects of its errors: the spread times what error over spread is on validation structures.

        Of unseen structures only, since on those learned from members agree; and of few: each bar is drawn by itself.
        """
        spread = self.values.spread
        if part == "train" or spread is None or self.many:
            return {}
        usual, error = self.results.calibration(self.values.name) or (1.0, 0.0)
        bars = spread[drawn] * error / usual * self.scale.factor
        color = theme.faded(getattr(self.context.palette, part), 0.5)
        return {"error_y": {"type": "data", "array": bars, "color": color, "thickness": 1, "width": 0}}

    def layout(self) -> go.Layout:
        limits = self._window()
        notes = [self._score()]
        hidden = int((self.values.reference[self.kept] < limits[0, 0]).sum())
        if hidden:
            notes.append(self._corner(f"{hidden} core levels below: double-click"))
        elif len(self.kept) < self.n_shown:
            notes.append(self._corner(f"{len(self.kept)} of {self.n_shown} values drawn"))
        x, y = (limits * self.scale.factor).tolist()
        reference = f"reference {self.context.large_basis}{self.scale.suffix}"
        return theme.frame(
            self.context.palette,
            height=460,
            uirevision=f"{self.values.name} {self.scale.unit}",
            xaxis={"title": {"text": reference}, "range": x},
            yaxis={"title": {"text": f"predicted{self.scale.suffix}"}, "range": y},
            annotations=notes,
        )

    def _window(self) -> np.ndarray:
        """What to show at first, atomic units: [[x low, x high], [y low, y high]].

        Core levels stay outside. The raw values are inside: how far they are off is what the plot is about.
        """
        values, kept = self.values, self.kept
        valence = kept[values.reference[kept] > CORE_BELOW] if values.name == "mo_energy" else kept
        valence = valence if len(valence) else kept
        x = values.reference[valence]
        y = np.concatenate([x, values.predicted[valence], values.raw[valence]])
        ranges = np.array([[np.nanmin(each), np.nanmax(each)] for each in (x, y)])
        margin = 0.04 * np.ptp(ranges, axis=1, keepdims=True)
        margin[margin == 0] = 0.05
        return ranges + margin * np.array([-1.0, 1.0])

    def _score(self) -> dict[str, Any]:
        """The mean absolute errors of what is shown, in the upper left corner."""
        row = self.context.errors(self.context.part)[self.values.name]
        text = f"<b>{self.scale.label}</b><br>MAE {number(row.mae)} {self.scale.unit}"
        if np.isfinite(row.raw_mae):
            raw = f"raw {number(row.raw_mae)} {self.scale.unit}"
            text += f"<br><span style='color:{self.context.palette.muted}'>{raw}</span>"
        return theme.note(text, x=0.02, y=0.98, xanchor="left", yanchor="top", align="left")

    def _corner(self, text: str) -> dict[str, Any]:
        font = {"size": 11, "color": self.context.palette.muted}
        return theme.note(text, x=0.99, y=0.01, xanchor="right", yanchor="bottom", font=font)


def _values(context: PlotContext, results: Results) -> TargetResult:
    return results.targets[context.target or next(iter(results.targets))]


def _shown(values: TargetResult, results: Results, part: str) -> np.ndarray:
    """Indices of the values of one part of the split."""
    shown = np.isfinite(values.reference) & np.isfinite(values.predicted)
    if part != "all":
        shown &= np.isin(values.structure, np.asarray(getattr(results.split, part), dtype=int))
    return np.flatnonzero(shown)


def _thinned(shown: np.ndarray, structure: np.ndarray, picked: int | None) -> np.ndarray:
    """Every n-th point if there are too many, and always all points of the picked molecule."""
    if len(shown) <= MOST_POINTS:
        return shown
    every = shown[:: -(-len(shown) // MOST_POINTS)]
    return np.union1d(every, shown[structure[shown] == picked])
