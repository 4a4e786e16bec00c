"""Results: how well every target is met, while it trains and after."""

from __future__ import annotations

import math
from html import escape

import ipywidgets as widgets

from hamexplorer.panels.bands import BandPoint, BandsPanel
from hamexplorer.panels.electrons import ElectronsPanel
from hamexplorer.panels.gathered import GatheredPanel
from hamexplorer.panels.health import HealthPanel
from hamexplorer.panels.molecule import MoleculePanel
from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import card, menu, row, styled, text
from hamexplorer.panels.report import report_html
from hamexplorer.panels.runs import RunsPanel
from hamexplorer.panels.share import SharePanel
from hamexplorer.panels.steps import STEPS
from hamexplorer.panels.study import StudyPanel
from hamexplorer.panels.timeline import TimelineBar
from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.live import LivePlot
from hamexplorer.plots.plot import OtherRun, number, scale_of
from hamexplorer.session import Session
from hamexplorer.session.health import signs
from hamexplorer.session.state import Download
from hamexplorer.units import ENERGY_UNITS

_PARTS = [("all", "all"), ("training", "train"), ("validation", "validation"), ("test", "test")]
_MEASURES = (("mae", "MAE"), ("rmse", "RMSE"), ("rmse_per_atom", "RMSE per atom"))


class ResultsPanel:
    """Plots, error table and the picked molecule; all follow the session.

    Attributes:
        cards: every piece by name, in the page's order.
        widget: the whole.
    """

    def __init__(self, session: Session, page: Page) -> None:
        self._session, self._page = session, page
        self._units = menu(
            "Energies in",
            list(ENERGY_UNITS),
            "hx-units",
            value="eV",
            help="Unit of all energies on this page",
        )
        self._laboratory = menu(
            "Dipoles, polarizabilities in",
            [("atomic units", False), ("D and Å³", True)],
            "hx-laboratory",
            help="Debye and cubic ångström are what laboratories write; atomic units are e·bohr and bohr³",
        )
        self._part = menu(
            "Show", _PARTS, "hx-part", value="all", help="Which structures errors and points are of"
        )
        self._target = menu("Target", [], "hx-parity-target", help="The property whose values are compared")
        self._due: dict[str, None] = {}
        #: Plots that missed a change while a model trained and nobody saw them.
        self._behind: set[str] = set()
        self._plots: dict[str, LivePlot] = {}
        self._bands, self._electrons = BandsPanel(), ElectronsPanel(session, self._draw)
        of_panels = self._bands.plots | self._electrons.plots
        others = [name for name in PLOTS if name not in of_panels]
        self._plots |= of_panels | {name: LivePlot(name, self._context()) for name in others}
        self._gathered = GatheredPanel(session)
        self._timeline, self._health = TimelineBar(session), HealthPanel(session)
        self._runs, self._study = RunsPanel(session), StudyPanel(session, page)
        self._errors = text("", "hx-errors")
        self._tiles = text("", "hx-tiles")
        self._molecule = MoleculePanel(session, page)
        self.cards: dict[str, widgets.Widget] = {}
        self.widget = self._laid_out()
        for plot in self._plots.values():
            plot.on_pick(session.pick_row)
            plot.widget.observe(lambda _: self._catch_up(), "in_sight")
        for unit in (self._units, self._laboratory):
            unit.observe(lambda _: self._units_changed(), "value")
        self._part.observe(lambda _: self._draw(), "value")
        self._target.observe(lambda _: self._draw("parity", "tradeoff"), "value")
        page.observe(lambda _: self._draw(), "dark")
        session.observe(lambda change: self._state_changed(change["new"]), "state")
        session.observe(
            lambda _: self._draw("loss", "tradeoff"), ["history", "shown_epoch", "runs", "shown_run"]
        )
        session.observe(lambda _: self._results_changed(), "results")
        session.observe(lambda _: self._draw(*self._bands.plots, "parity", "levels"), "picked")
        self._plots["levels"].on_choose("orbital", session.choose_orbital)
        self._plots["parity"].on_gather(self._gather)
        session.observe(lambda _: self._draw(*self._bands.plots), ["bands", "dataset", "bands_of_others"])
        self._bands.observe(lambda change: self._band_clicked(change["new"]), "clicked")
        self._bands.observe(lambda _: self._draw(*self._bands.plots), "choices")
        self._results_changed()
        self._draw(*self._electrons.plots)

    def _laid_out(self) -> widgets.Widget:
        of_panels = self._bands.plots | self._electrons.plots
        inside = {name: [plot.widget] for name, plot in self._plots.items() if name not in of_panels}
        inside["errors"].append(self._errors)
        inside["parity"].append(self._gathered.widget)
        beside = {"parity": self._target}
        plots = {
            name: card(
                PLOTS[name].label,
                children,
                "hx-plot",
                f"hx-plot-{name}",
                aside=beside.get(name),
                about=PLOTS[name].help,
            )
            for name, children in inside.items()
        }
        self._tradeoff = plots["tradeoff"]
        self._tradeoff.layout.display = "none"
        last = plots.pop("errors")
        above = {
            "units": row(self._units, self._laboratory, self._part, names=["hx-toolbar"]),
            "timeline": self._timeline.widget,
            "tiles": self._tiles,
        }
        below = {
            "bands": self._bands.widget,
            "parity": plots.pop("parity"),
            "molecule": self._molecule.widget,
            "health": self._health.widget,
            **plots,
            **self._electrons.cards,
            "errors": last,
            "runs": self._runs.widget,
            "study": self._study.widget,
        }
        names = (*STEPS, *above, *below, "share")
        below["share"] = SharePanel(self._session, self.report, names).widget
        self.cards = above | below
        self._grid = styled(widgets.Box(list(below.values())), "hx-results-grid")
        return styled(widgets.VBox([*above.values(), self._grid]), "hx-results")

    def _context(self) -> PlotContext:
        session = self._session
        return PlotContext(
            history=session.history,
            results=session.results,
            others=tuple(OtherRun(run.label, run.history, run.results) for run in session.other_runs),
            running=session.running,
            looking_back=session.shown_epoch is not None,
            picked=session.row_of(session.picked),
            bands=session.bands_of(session.picked),
            method=None if session.dataset is None else session.dataset.method,
            units=self._units.value,
            laboratory=self._laboratory.value,
            dark=self._page.dark,
            part=self._part.value,
            target=self._target.value,
            **self._bands.choices,
            **self._electrons.choices,
        )

    def _draw(self, *names: str) -> None:
        """Draw these plots, or all, one at a time, so that a click in between is answered."""
        idle = not self._due
        self._due.update(dict.fromkeys(name for name in names or self._plots if name in self._plots))
        if idle and self._due:
            self._session.pump.soon(self._draw_next)

    def _draw_next(self) -> None:
        name = next(iter(self._due))
        context = self._context()
        try:
            if self._wanted(name):
                self._behind.discard(name)
                self._plots[name].update(context)
            else:
                self._behind.add(name)
            self._follow(name, context)
        finally:
            del self._due[name]
            if self._due:
                self._session.pump.soon(self._draw_next)

    def _wanted(self, name: str) -> bool:
        """Whether a plot is worth its figure now: while a model trains only one that somebody sees."""
        return self._plots[name].widget.in_sight or not self._session.running

    def _state_changed(self, state: str) -> None:
        if state == "preparing":
            self._draw()  # plots that are empty say what they wait for
        self._catch_up()

    def _catch_up(self) -> None:
        behind = [name for name in self._behind if self._wanted(name)]
        if behind:
            self._draw(*behind)

    def _follow(self, name: str, context: PlotContext) -> None:
        """What belongs to a plot and stands elsewhere."""
        if name == "errors":
            self._errors.value = errors_table(context)
            self._tiles.value = tiles(context)
        self._electrons.follow(name, context)
        if name == "tradeoff":
            # With one target there is nothing to trade.
            self._tradeoff.layout.display = "none" if PLOTS[name].unavailable(context) else ""
        if name == "parity":
            self._gathered.follow(context)
        if name == "bands":
            is_crystal = self._is_crystal()
            self._bands.follow(context, is_crystal=is_crystal)
            # The orbital of a band stands below the bands, where the click was.
            (self._grid.add_class if is_crystal else self._grid.remove_class)("hx-of-crystal")

    def _is_crystal(self) -> bool:
        session = self._session
        return 0 <= session.picked < len(session.structures) and session.structures[session.picked].is_crystal

    def _band_clicked(self, point: BandPoint | None) -> None:
        if point is not None:
            self._session.pick_band(point.place, point.band)

    def _gather(self, rows: list[int]) -> None:
        self._gathered.gather(rows)
        self._draw("parity")

    def _units_changed(self) -> None:
        self._runs.set_units(self._units.value)
        self._study.set_units(self._units.value, self._laboratory.value)
        self._molecule.set_units(self._units.value, self._laboratory.value)
        self._draw()

    def _results_changed(self) -> None:
        results = self._session.results
        names = list(results.targets) if results is not None else list(self._session.settings.targets)
        options = [(scale_of(name, self._context()).label, name) for name in names]
        if tuple(options) != tuple(self._target.options):
            chosen = self._target.value
            self._target.options = options
            self._target.value = chosen if chosen in names else names[0]
        self._draw(*self._bands.plots, "parity", "levels", "errors")

    def report(self) -> Download | None:
        """What the page shows, in one file."""
        session, context = self._session, self._context()
        if session.results is None:
            return None
        shown = [
            (PLOTS[name], plot) for name, plot in self._plots.items() if not PLOTS[name].unavailable(context)
        ]
        found = signs(
            session.history, session.results, session.state_of_picked, session.novelty, session.doubts
        )
        name = session.results.dataset.name
        page = report_html(
            f"{name}: a learned Hamiltonian",
            [(plot.label, plot.help, drawn.figure(context)) for plot, drawn in shown],
            errors_table(context),
            [sign.text for sign in found],
            session.run_shown,
        )
        return Download(f"{name.replace(' ', '-')}-report.html", page.encode())


def tiles(context: PlotContext) -> str:
    """The outcome, a tile a target: its mean absolute error, and how far that is from the raw small basis.

    Where all are shown, the tiles tell of the test molecules: only those say what was learned.
    """
    if context.results is None:
        return ""
    part = "test" if context.part == "all" else context.part
    rows = context.errors(part)
    return "".join(
        f"<div class='hx-tile'><span>{escape(scale_of(name, context).label)}: mean error, {part} {context.noun}s</span>"
        f"<b>{number(float(row.mae))}</b> {escape(row.unit)}{_gain(row, 'mae', context, than=True)}</div>"
        for name, row in rows.items()
    )


def errors_table(context: PlotContext) -> str:
    """Learned errors of every target with the raw small basis' below, and how many times smaller they are."""
    if context.results is None:
        return ""
    rows = context.errors(context.part)
    head = "".join(f"<th>{label}</th>" for _, label in _MEASURES)
    lines = []
    for name, entry in rows.items():
        unit = f"<small>{escape(entry.unit)}</small>" if entry.unit else ""
        cells = "".join(f"<td>{_cell(entry, measure, context)}</td>" for measure, _ in _MEASURES)
        lines.append(
            f"<tr><th>{escape(scale_of(name, context).label)}{unit}<small>{entry.n} values</small></th>{cells}</tr>"
        )
    return f"<table class='hx-errors-table'><tr><th></th>{head}</tr>{''.join(lines)}</table>"


def _cell(entry, measure: str, context: PlotContext) -> str:
    learned, raw = float(getattr(entry, measure)), float(getattr(entry, f"raw_{measure}"))
    below = f"raw {number(raw)}" if math.isfinite(raw) else "no raw value"
    return f"<b>{number(learned)}</b>{_gain(entry, measure, context)}<small>{below}</small>"


def _gain(entry, measure: str, context: PlotContext, *, than: bool = False) -> str:
    """How many times better or worse than the raw small basis; nothing where that is undefined."""
    learned, raw = float(getattr(entry, measure)), float(getattr(entry, f"raw_{measure}"))
    if not (math.isfinite(raw) and learned > 0 and raw > 0):
        return ""
    better = raw >= learned
    times = raw / learned if better else learned / raw
    shown = f"{times:,.0f}" if times >= 10 else number(times, 2)
    kind, word = ("hx-better", "better") if better else ("hx-worse", "worse")
    compared = f" than raw {escape(context.small_basis)}" if than else ""
    return f"<em class='{kind}'>{shown}× {word}{compared}</em>"
