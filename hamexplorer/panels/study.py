"""A grid of runs: what is varied, how far it is, and the comparison of all that are finished."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.basis.reductions import REDUCTIONS
from hamexplorer.errors import HamExplorerError, SettingsError
from hamexplorer.model import KINDS
from hamexplorer.panels.download import DownloadButton
from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import Button, MessageBox, card, duration, fold, menu, row, styled, text
from hamexplorer.panels.study_report import errors_of_one, study_html
from hamexplorer.panels.table import PickTable
from hamexplorer.physics.targets import TARGETS
from hamexplorer.plots.comparison import HELP, LABEL, MEASURES, comparison_figure
from hamexplorer.plots.live import PlotWidget
from hamexplorer.plots.plot import number
from hamexplorer.session import Session
from hamexplorer.session.state import Download
from hamexplorer.train.grid import Grid, target_set
from hamexplorer.train.rows import Row, in_units
from hamexplorer.train.suited import PRESETS

_COLUMNS = [
    {"label": "Run", "width": "minmax(0, 1fr)"},
    {
        "label": "Error",
        "width": "112px",
        "align": "right",
        "title": "per atom, of the first target over the test part",
    },
]
#: Chosen at first.
_TARGETS, _MODELS = ("ε", "ε + μ", "ε + μ + α"), ("network", "surrogate")


class StudyPanel:
    """One card: choices, start and stop, finished rows, the figure."""

    def __init__(self, session: Session, page: Page) -> None:
        self._session, self._page = session, page
        self._units, self._laboratory = "eV", False
        sets = {name: (name, f"Train on {' and '.join(_words(name))}") for name in PRESETS}
        self._targets = Ticks("Target sets", sets, _TARGETS)
        models, reductions = (
            {name: (entry.label, entry.help) for name, entry in registry.items()}
            for registry in (KINDS, REDUCTIONS)
        )
        self._models = Ticks("Models", models, _MODELS)
        self._reductions = Ticks("Basis reductions", reductions, (session.settings.reduction,))
        self._further = Ticks("Tested on as well", {}, ())
        self._seeds = styled(
            widgets.Text(value="42", description="Seeds", tooltip="Whole numbers parted by commas"),
            "hx-field",
        )
        self._epochs = styled(
            widgets.BoundedIntText(
                value=40, min=1, max=100000, description="Epochs", tooltip="Of each run, at most"
            ),
            "hx-field",
        )
        self._start = Button(
            "Start the study",
            help="Train and test every model of the grid, one after the other",
            icon="play",
            names=["hx-primary", "hx-study-start"],
        )
        self._stop = Button(
            "Stop the study",
            help="End after the step under way; finished rows are kept",
            icon="stop",
            names=["hx-stop"],
        )
        self._count, self._line = text("", "hx-help", "hx-study-count"), text("", "hx-help", "hx-study-line")
        self._bar = styled(widgets.FloatProgress(min=0, max=1), "hx-bar")
        self._table = PickTable(columns=_COLUMNS, height=151, label="Finished runs of the study")
        self._errors = text("", "hx-study-row")
        self._measure = menu(
            "Errors",
            [(label, name) for name, label in MEASURES.items()],
            "hx-measure",
            help="Which measure of error the figure shows",
        )
        self._plot = PlotWidget(comparison_figure(()), LABEL)
        self._csv, self._json = (
            DownloadButton(f"Table, {kind.upper()}", partial(session.export_study, kind))
            for kind in ("csv", "json")
        )
        self._report = DownloadButton("Report, HTML", self.report)
        self._outcome = styled(
            widgets.VBox(
                [
                    self._table,
                    self._errors,
                    self._measure,
                    self._plot,
                    row(self._csv, self._json, self._report, names=["hx-downloads"]),
                ]
            ),
            "hx-stack",
        )
        self.widget = self._laid_out()
        self._connect()
        self._offer()
        self._show()

    def _laid_out(self) -> widgets.Widget:
        lists = [self._targets.widget, self._models.widget, self._reductions.widget]
        more = styled(widgets.VBox([self._seeds, self._epochs, self._further.widget]), "hx-stack")
        choices = styled(widgets.Box([*lists, more]), "hx-study-choices")
        return card(
            "Study: a grid of runs",
            [
                fold("What is varied", [choices]),
                self._count,
                row(self._start, self._stop, names=["hx-controls"]),
                self._bar,
                self._line,
                MessageBox(self._session, "study"),
                self._outcome,
            ],
            "hx-study",
            about=(
                "Trains every combination of the ticked target sets, models, reductions and seeds on the chosen "
                f"structures, one after the other; all other settings are those of step 2. {HELP} A click on a row "
                "shows its errors. What is finished is not trained again when the grid is widened."
            ),
        )

    def _connect(self) -> None:
        session = self._session
        for ticks in (self._targets, self._models, self._reductions, self._further):
            ticks.observe(self._allow)
        for control in (self._seeds, self._epochs):
            control.observe(lambda _: self._allow(), "value")
        self._start.on_click(lambda _: self._begin())
        self._stop.on_click(lambda _: session.stop_study())
        self._measure.observe(lambda _: self._draw(), "value")
        self._table.observe(lambda _: self._show_errors(), "picked")
        self._page.observe(lambda _: self._draw(), "dark")
        session.observe(lambda _: self._offer(), "dataset")
        session.observe(lambda _: self._allow(), ["state", "selected", "loading", "settings", "dataset"])
        session.observe(lambda _: self._show(), ["study", "study_rows"])

    def set_units(self, units: str, laboratory: bool) -> None:
        self._units, self._laboratory = units, laboratory
        self._fill()
        self._draw()

    def _offer(self) -> None:
        """What the open dataset allows."""
        session = self._session
        for name in PRESETS:
            reasons = [session.why_not_target(target) for target in target_set(name)]
            self._targets.allow(name, next(filter(None, reasons), ""))
        further = session.further_sets()
        self._further.offer({name: (name, f"Test every model on {name}, too") for name in further})

    def _grid(self) -> Grid:
        """As ticked; raises SettingsError."""
        try:
            seeds = [int(part) for part in self._seeds.value.replace(",", " ").split()]
        except ValueError:
            raise SettingsError(
                f"the seeds must be whole numbers parted by commas, got {self._seeds.value!r}"
            ) from None
        return self._session.grid_of(
            targets=self._targets.chosen,
            models=self._models.chosen,
            reductions=self._reductions.chosen,
            seeds=seeds,
            epochs=self._epochs.value,
            test_on=self._further.chosen,
        )

    def _begin(self) -> None:
        try:
            grid = self._grid()
        except HamExplorerError as error:
            self._session.say(str(error), "error", "study")
            return
        self._session.start_study(grid)

    def _allow(self) -> None:
        session = self._session
        reason = session.why_not_study()
        said = ""
        if not reason:
            try:
                count = session.count_runs(self._grid())
            except HamExplorerError as error:
                reason = str(error)
            else:
                noun = "run" if count == 1 else "runs"
                reason = "" if count else "no ticked model can learn any of the ticked targets"
                said = f"{count} {noun} of at most {self._epochs.value} epochs; the time left is told when they run."
        self._count.value = escape(said or f"Cannot start: {reason}.")
        self._start.allow(reason)
        self._stop.allow("" if session.study.running else "no study is under way")

    def _show(self) -> None:
        study = self._session.study
        progress = study.progress
        self._bar.value = progress.fraction if progress is not None else 0.0
        self._bar.layout.display = "" if study.running else "none"
        words = []
        if study.running and progress is not None:
            words = [f"<b>Run {progress.number} of {progress.total}</b>", escape(progress.label)]
            words.append(escape(progress.text))
            if progress.seconds_left is not None:
                words.append(f"{duration(progress.seconds_left)} left")
        elif study.running:
            words = ["<b>Preparing</b>"]
        if study.stopping:
            words.append("stopping")
        self._line.value = " · ".join(words) or escape(study.sentence)
        self._allow()
        self._fill()
        self._draw()

    def _fill(self) -> None:
        rows = self._session.study_rows
        self._outcome.layout.display = "" if rows else "none"
        filled = [[k, *_cells(entry, self._units)] for k, entry in enumerate(rows)]
        if filled != self._table.rows:
            self._table.fill(filled)
            self._show_errors()

    def _show_errors(self) -> None:
        rows, picked = self._session.study_rows, self._table.picked
        self._errors.value = errors_of_one(rows[picked], self._units) if 0 <= picked < len(rows) else ""

    def _draw(self) -> None:
        figure = comparison_figure(
            self._session.study_rows,
            units=self._units,
            laboratory=self._laboratory,
            dark=self._page.dark,
            measure=self._measure.value,
        )
        self._plot.draw(figure)

    def report(self) -> Download | None:
        """Figure and table in one file."""
        rows = self._session.study_rows
        if not any(not entry.failed for entry in rows):
            return None
        name = rows[0].run.dataset.replace(" ", "-")
        return Download(f"{name}-study.html", study_html(rows, units=self._units).encode())


class Ticks:
    """A heading and a box to tick for each of several names: name -> its label and a sentence of help."""

    def __init__(self, title: str, options: Mapping[str, tuple[str, str]], chosen: tuple[str, ...]) -> None:
        self._title = text(escape(title), "hx-label")
        self._changed: list[Any] = []
        self._boxes: dict[str, widgets.Checkbox] = {}
        self.widget = widgets.VBox([])
        self.offer(options, chosen)

    def offer(self, options: Mapping[str, tuple[str, str]], chosen: tuple[str, ...] = ()) -> None:
        """Other names; what was ticked and is still there stays ticked."""
        if list(options) == list(self._boxes) and self._boxes:
            return
        ticked = (*self.chosen, *chosen)
        self._boxes = {}
        self._help = {name: help for name, (_, help) in options.items()}
        for name, (label, help) in options.items():
            box = widgets.Checkbox(value=name in ticked, description=label, indent=False, tooltip=help)
            box.observe(lambda _: self._tell(), "value")
            self._boxes[name] = styled(box, "hx-check")
        self.widget.children = [self._title, *self._boxes.values()]
        self.widget.layout.display = "" if self._boxes else "none"

    @property
    def chosen(self) -> tuple[str, ...]:
        return tuple(name for name, box in self._boxes.items() if box.value)

    def allow(self, name: str, reason: str) -> None:
        """A name for which there is a reason can not be ticked."""
        box = self._boxes[name]
        box.disabled, box.tooltip = bool(reason), reason or self._help[name]
        if reason:
            box.value = False

    def observe(self, changed: Any) -> None:
        self._changed.append(changed)

    def _tell(self) -> None:
        for changed in self._changed:
            changed()


def _cells(entry: Row, units: str) -> list[Any]:
    settings = entry.run.settings
    first = "failed"
    if not entry.failed:
        errors = in_units(next(iter(entry.errors.values())), units)
        name = next((name for name in settings.targets if name in errors), "")
        first = f"{number(errors[name].rmse_per_atom)} {errors[name].unit}" if name else "–"
    return [entry.run.label, first]


def _words(preset: str) -> list[str]:
    """The targets of a preset as people call them."""
    return [TARGETS[name].label.lower() for name in PRESETS[preset]]
