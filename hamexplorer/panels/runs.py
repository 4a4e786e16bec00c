"""The runs of this session: side by side, what differs, and shown again by a click."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.panels.parts import card, duration, styled, text
from hamexplorer.panels.table import PickTable
from hamexplorer.plots.plot import number
from hamexplorer.session import Session
from hamexplorer.session.runs import Run, differences

_COLUMNS = [
    {"label": "Run", "width": "48px"},
    {"label": "Dataset", "width": "minmax(0, 1fr)"},
    {"label": "Targets", "width": "minmax(0, 1.4fr)"},
    {"label": "Model", "width": "minmax(0, 1fr)"},
    {"label": "Epochs", "width": "58px", "align": "right"},
    {"label": "Time", "width": "64px", "align": "right"},
    {
        "label": "Error",
        "width": "92px",
        "align": "right",
        "title": "mean of the first target over the test part",
    },
    {
        "label": "Raw ÷",
        "width": "58px",
        "align": "right",
        "title": "how many times better than the raw small basis",
    },
]


class RunsPanel:
    """Not there before a run has ended."""

    def __init__(self, session: Session) -> None:
        self._session, self._units = session, "eV"
        self._table = PickTable(columns=_COLUMNS, height=121, label="Runs of this session")
        self._other = styled(
            widgets.Dropdown(description="Compare with", tooltip="The run to set beside the one shown"),
            "hx-inline",
            "hx-compare",
        )
        self._found = text("", "hx-help")
        self.widget = card(
            "Runs",
            [self._table, self._other, self._found],
            "hx-runs",
            about=(
                "Every training of this session, the last twelve. Click one to see it in every plot again; the thin "
                "lines among the learning curves are the validation errors of the others."
            ),
        )
        self._table.observe(lambda change: self._picked(change["new"]), "picked")
        self._other.observe(lambda _: self._compare(), "value")
        session.observe(lambda _: self._fill(), ["runs", "shown_run"])
        self._fill()

    def set_units(self, units: str) -> None:
        self._units = units
        self._fill()

    def _picked(self, number: int) -> None:
        if number != self._session.shown_run and number > 0:
            self._session.show_run(number)

    def _fill(self) -> None:
        session = self._session
        self.widget.layout.display = "" if session.runs else "none"
        self._table.fill([[run.number, *_cells(run, self._units)] for run in session.runs])
        self._table.picked = session.shown_run or -1
        others = [(run.label, run.number) for run in session.runs if run.number != session.shown_run]
        if tuple(others) != tuple(self._other.options):
            self._other.options = others
            self._other.value = others[-1][1] if others else None
        self._other.layout.display = "" if others and session.run_shown is not None else "none"
        self._compare()

    def _compare(self) -> None:
        shown = self._session.run_shown
        other = next((run for run in self._session.runs if run.number == self._other.value), None)
        if shown is None or other is None or shown is other:
            self._found.value = ""
            return
        rows = differences(shown, other)
        if not rows:
            self._found.value = escape(f"{shown.label.capitalize()} and {other.label} were made alike.")
            return
        lines = "".join(
            f"<tr><th scope='row'>{escape(what)}</th><td>{escape(a)}</td><td>{escape(b)}</td></tr>"
            for what, a, b in rows
        )
        heads = ("What differs", shown.label, other.label)
        cells = "".join(f"<th scope='col'>{escape(each)}</th>" for each in heads)
        head = f"<tr>{cells}</tr>"
        self._found.value = f"<table class='hx-differences'>{head}{lines}</table>"


def _cells(run: Run, units: str) -> list[Any]:
    rows = {} if run.results is None else run.results.errors("test", units)
    first = next(iter(rows.values()), None)
    gain = (
        ""
        if first is None or not first.raw_mae > 0 or not first.mae > 0
        else number(first.raw_mae / first.mae, 2)
    )
    return [
        run.number,
        run.dataset,
        " + ".join(run.settings.targets),
        run.settings.model,
        run.epochs,
        duration(run.seconds),
        "–" if first is None else f"{number(first.mae)} {first.unit}",
        gain,
    ]
