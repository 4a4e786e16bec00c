"""The paper's comparison: how far every property is off by what was learned, with a Hamiltonian, without, and raw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.loss import ticks
from hamexplorer.plots.plot import number
from hamexplorer.units import energy_factor, property_unit

if TYPE_CHECKING:
    from hamexplorer.train.results import ErrorRow
    from hamexplorer.train.rows import Row

LABEL = "Comparison of the runs"
HELP = (
    "Errors on structures that were not learned from. Large marks are means over the seeds, small ones single seeds. "
    "Filled: the property was among the targets; hollow: it was only predicted, which needs a Hamiltonian. Dashed: the "
    "raw small basis."
)
#: Measures of error that can be shown.
MEASURES = {"rmse_per_atom": "per atom, as in the paper", "mae": "MAE", "rmse": "RMSE"}
#: Always shown where known; others only where they were learned.
_ALWAYS = ("mo_energy", "dipole", "polarizability")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "hexagon", "triangle-down")
#: Heights in pixels: of a panel, of the space between two, of what stands above and below them all.
_PANEL, _GAP, _TOP, _BOTTOM = 170, 42, 96, 64
#: How far the kinds of models stand apart, in units of the distance of two target sets.
_APART = 0.16


@dataclass(frozen=True)
class _Point:
    """One error of one run."""

    kind: str
    target_set: str
    seed: int
    entry: ErrorRow
    learned: bool
    reduction: str


def comparison_figure(
    rows: Sequence[Row],
    *,
    units: str = "eV",
    laboratory: bool = False,
    dark: bool = False,
    measure: str = "rmse_per_atom",
) -> go.Figure:
    """A row of panels a property, a column a tested set; target sets along x, errors on a logarithmic axis.

    Args:
        rows: of a study; those that failed are left out.
        units: of energies, a key of :data:`hamexplorer.units.ENERGY_UNITS`.
        laboratory: whether dipoles are in debye and polarizabilities in Å³.
        dark: whether the page is dark.
        measure: of :data:`MEASURES`.
    """
    colours = theme.DARK if dark else theme.LIGHT
    rows = [row for row in rows if not row.failed]
    if not rows:
        return theme.sentence(
            colours, "No run of the study is finished: errors appear here with the first one."
        )
    properties = _properties(rows)
    tested = list(dict.fromkeys(name for row in rows for name in row.errors))
    panels = [
        _Panel(rows, place, len(properties), column, len(tested), name, where, measure, units, laboratory)
        for place, name in enumerate(properties)
        for column, where in enumerate(tested)
    ]
    axes: dict[str, Any] = {}
    for panel in panels:
        axes |= panel.axes()
    inner = len(properties) * (_PANEL + _GAP) - _GAP
    layout = theme.frame(
        colours,
        height=inner + _TOP + _BOTTOM,
        margin={"l": 8, "r": 12, "t": _TOP, "b": _BOTTOM},
        uirevision=f"{properties} {tested} {measure} {units} {laboratory}",
        legend=theme.LEGEND | {"y": 1 + 46 / inner},
        annotations=[note for panel in panels for note in panel.headings()],
        **axes,
    )
    traces = [trace for panel in panels for trace in panel.traces(colours)]
    return go.Figure([*_legend(rows, colours), *traces], layout)


def _properties(rows: Sequence[Row]) -> list[str]:
    """What has errors somewhere and is worth a panel, in the order of the results."""
    learned = {name for row in rows for name in row.run.settings.targets}
    found = dict.fromkeys(name for row in rows for errors in row.errors.values() for name in errors)
    wanted = [name for name in _ALWAYS if name in found]
    return wanted + [name for name in found if name in learned and name not in wanted]


def kinds_of(rows: Sequence[Row], colours: theme.Palette) -> dict[str, tuple[str, str]]:
    """Mark and colour of every kind of model, in the order of the rows."""
    several = len({row.run.settings.reduction for row in rows}) > 1
    palette = (colours.learned, *colours.series)
    names = dict.fromkeys(kind_of(row, several) for row in rows)
    return {name: (_SYMBOLS[k % len(_SYMBOLS)], palette[k % len(palette)]) for k, name in enumerate(names)}


def _legend(rows: Sequence[Row], colours: theme.Palette) -> list[go.Scatter]:
    """Entries without a point: each kind of model once, whichever panels it is in."""
    kinds = kinds_of(rows, colours)
    shown = [(name, symbol, colour) for name, (symbol, colour) in kinds.items()]
    if any(name not in row.run.settings.targets for row in rows for e in row.errors.values() for name in e):
        shown.append(("predicted, not learned", "circle-open", colours.muted))
    return [
        go.Scatter(
            x=[None],
            y=[None],
            name=name,
            legendgroup=name,
            mode="markers",
            marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
        )
        for name, symbol, colour in shown
    ]


def kind_of(row: Row, several_reductions: bool) -> str:
    """What a legend calls the model of a run."""
    settings = row.run.settings
    if settings.model.startswith("surrogate"):
        return settings.model
    return f"Hamiltonian, {settings.model}" + (f", {settings.reduction}" if several_reductions else "")


@dataclass(frozen=True, eq=False)
class _Panel:
    """Errors of one property on one tested set."""

    rows: Sequence[Row]
    place: int
    n_places: int
    column: int
    n_columns: int
    name: str
    where: str
    measure: str
    units: str
    laboratory: bool

    @property
    def _number(self) -> int:
        return self.place * self.n_columns + self.column + 1

    @property
    def _ids(self) -> tuple[str, str]:
        tail = "" if self._number == 1 else str(self._number)
        return f"x{tail}", f"y{tail}"

    @property
    def target_sets(self) -> list[str]:
        return list(dict.fromkeys(row.run.target_set for row in self.rows))

    @property
    def points(self) -> list[_Point]:
        reductions = {row.run.settings.reduction for row in self.rows}
        return [
            _Point(
                kind_of(row, len(reductions) > 1),
                row.run.target_set,
                row.run.settings.seed,
                row.errors[self.where][self.name],
                self.name in row.run.settings.targets,
                row.run.settings.reduction,
            )
            for row in self.rows
            if self.name in row.errors.get(self.where, {})
        ]

    @property
    def _scale(self) -> tuple[str, str, float]:
        """Label, unit and factor of the property."""
        entry = next(
            errors[self.name] for row in self.rows for errors in row.errors.values() if self.name in errors
        )
        if entry.unit == "Ha":
            return entry.label, self.units, energy_factor(self.units)
        return entry.label, *property_unit(entry.unit, self.laboratory)

    def traces(self, colours: theme.Palette) -> list[go.Scatter]:
        kinds, found = kinds_of(self.rows, colours), []
        for k, (kind, style) in enumerate(kinds.items()):
            shift = (k - (len(kinds) - 1) / 2) * _APART
            points = [point for point in self.points if point.kind == kind]
            found += [self._means(kind, points, shift, *style), self._seeds(kind, points, shift, *style)]
        return [*found, self._raw(colours)]

    def _value(self, entry: ErrorRow, prefix: str = "") -> float:
        return float(getattr(entry, prefix + self.measure)) * self._scale[2]

    def _means(self, kind: str, points: list[_Point], shift: float, symbol: str, colour: str) -> go.Scatter:
        """One large mark a target set."""
        x, y, marks, said = [], [], [], []
        for place, name in enumerate(self.target_sets):
            mine = [point for point in points if point.target_set == name]
            if not mine:
                continue
            x.append(place + shift)
            y.append(float(np.mean([self._value(point.entry) for point in mine])))
            marks.append(symbol if mine[0].learned else f"{symbol}-open")
            raw = np.mean([self._value(point.entry, "raw_") for point in mine])
            how = "learned" if mine[0].learned else "not among the targets"
            seeds = f"mean of {len(mine)} seeds" if len(mine) > 1 else f"seed {mine[0].seed}"
            said.append(f"{name}: {how}, {seeds}, raw {number(float(raw))}")
        return self._scatter(
            x,
            y,
            kind,
            showlegend=False,
            mode="lines+markers",
            line={"color": theme.faded(colour, 0.45), "width": 1},
            marker={"symbol": marks, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
            customdata=said,
            hovertemplate=f"{kind}<br>%{{customdata}}<br>%{{y:.4g}} {self._scale[1]}<extra></extra>",
        )

    def _seeds(self, kind: str, points: list[_Point], shift: float, symbol: str, colour: str) -> go.Scatter:
        """A small mark a seed, where there are several."""
        several = len({point.seed for point in points}) > 1
        shown = points if several else []
        return self._scatter(
            [self.target_sets.index(point.target_set) + shift + _APART / 3 for point in shown],
            [self._value(point.entry) for point in shown],
            kind,
            showlegend=False,
            mode="markers",
            marker={"symbol": f"{symbol}-open", "size": 5, "color": colour},
            customdata=[f"seed {point.seed}" for point in shown],
            hovertemplate=f"{kind}, %{{customdata}}<br>%{{y:.4g}} {self._scale[1]}<extra></extra>",
        )

    def _raw(self, colours: theme.Palette) -> go.Scatter:
        """A dashed line over each target set, of each reduction: which levels count depends on it."""
        x: list[float] = []
        y: list[float] = []
        for place, name in enumerate(self.target_sets):
            for reduction in dict.fromkeys(point.reduction for point in self.points):
                mine = [p for p in self.points if p.target_set == name and p.reduction == reduction]
                # Where its own values are learned, the small basis is off by nothing, which no logarithm shows.
                values = [value for p in mine if 0 < (value := self._value(p.entry, "raw_")) < np.inf]
                if values:
                    x += [place - 0.45, place + 0.45, np.nan]
                    y += [float(np.mean(values))] * 2 + [np.nan]
        return self._scatter(
            x,
            y,
            "raw small basis",
            showlegend=self._number == 1,
            mode="lines",
            line={"color": colours.raw, "width": 1.8, "dash": "dash"},
            hovertemplate=f"raw small basis<br>%{{y:.4g}} {self._scale[1]}<extra></extra>",
        )

    def _scatter(self, x: list[float], y: list[float], name: str, **style: Any) -> go.Scatter:
        axes = {"xaxis": self._ids[0], "yaxis": self._ids[1]}
        return go.Scatter(x=np.array(x), y=np.array(y), name=name, legendgroup=name, **axes, **style)

    def axes(self) -> dict[str, Any]:
        inner = self.n_places * (_PANEL + _GAP) - _GAP
        top = 1 - self.place * (_PANEL + _GAP) / inner
        # Between two columns stand the numbers of the second.
        between = 0.16 if self.n_columns > 1 else 0.0
        width = (1 - between * (self.n_columns - 1)) / self.n_columns
        left = self.column * (width + between)
        x, y = self._ids
        sets = self.target_sets
        xaxis = {
            "anchor": y,
            "domain": [left, left + width],
            "tickvals": list(range(len(sets))),
            "ticktext": sets,
            "range": [-0.5, len(sets) - 0.5],
            "showgrid": False,
            "showticklabels": self.place == self.n_places - 1,
        }
        raw = [self._value(point.entry, "raw_") for point in self.points]
        drawn = np.array([self._value(point.entry) for point in self.points] + raw)
        drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
        yaxis = {"anchor": x, "type": "log", "domain": [max(0.0, top - _PANEL / inner), top]}
        if len(drawn):
            # Room for the marks, and for two numbers at least on a short axis.
            ends = np.log10([drawn.min(), drawn.max()]) + np.array([-0.13, 0.13])
            yaxis |= ticks(drawn) | {"range": ends.tolist()}
        return {x.replace("x", "xaxis"): xaxis, y.replace("y", "yaxis"): yaxis}

    def headings(self) -> list[dict[str, Any]]:
        """The property at the left of its row, the tested set above its column."""
        label, unit, _ = self._scale
        per = "/atom" if self.measure == "rmse_per_atom" else ""
        said = []
        if self.column == 0:
            said.append((f"<b>{label}</b>" + (f" ({unit}{per})" if unit or per else ""), 0))
        if self.place == 0:
            said.append((f"<i>{theme.plain(self.where)}</i>", 17))
        axes = self.axes()
        x, y = self._ids
        left, top = axes[x.replace("x", "xaxis")]["domain"][0], axes[y.replace("y", "yaxis")]["domain"][1]
        rim = {"xanchor": "left", "yanchor": "bottom", "align": "left"}
        return [theme.note(text, x=left, y=top, yshift=shift, **rim) for text, shift in said]
