"""Structures gathered with the lasso: a table of them, and what can be done with them."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from hamexplorer.panels.parts import Button, row, styled, text
from hamexplorer.panels.table import PickTable
from hamexplorer.plots import PlotContext
from hamexplorer.plots.plot import number, scale_of
from hamexplorer.session import Session

_COLUMNS = [
    {"label": "Structure", "width": "minmax(0, 1fr)"},
    {"label": "Formula", "width": "74px"},
    {"label": "Part", "width": "74px"},
    {
        "label": "Error",
        "width": "96px",
        "align": "right",
        "title": "mean absolute error of the target that is shown",
    },
]


class GatheredPanel:
    """Below the parity plot; not there until something is gathered."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: list[int] = []
        self._said = text("", "hx-help")
        self._table = PickTable(columns=_COLUMNS, height=151, label="Gathered structures")
        self._test = Button(
            "Make these the test set", help="The next training does not learn from them", icon="flask"
        )
        self._forget = Button("Forget them", help="End the lasso", names=["hx-quiet"])
        self._chance = Button(
            "Test set by chance", help="Let the next training draw its test part again", names=["hx-quiet"]
        )
        buttons = row(self._test, self._forget, self._chance, names=["hx-gathered-buttons"])
        self.widget = styled(widgets.VBox([self._said, self._table, buttons]), "hx-stack", "hx-gathered")
        self._table.observe(lambda change: self._picked(change["new"]), "picked")
        self._test.on_click(lambda _: session.hold_out(self._indices()))
        self._forget.on_click(lambda _: self.gather([]))
        self._chance.on_click(lambda _: session.hold_out(()))
        session.observe(lambda _: self.gather([]), "dataset")
        session.observe(lambda _: self._allow(), ["settings", "state"])
        self.gather([])
        self._allow()

    def gather(self, rows: list[int]) -> None:
        """Show these rows of the results; none hides the panel."""
        self._rows = rows
        self._table.picked = -1
        self.widget.layout.display = "" if rows else "none"

    def follow(self, context: PlotContext) -> None:
        """Fill the table with what the plot shows now."""
        results = context.results
        if results is None or not self._rows or not results.targets:
            self.widget.layout.display = "none"
            return
        target = results.targets.get(context.target or "", next(iter(results.targets.values())))
        scale = scale_of(target.name, context)
        error = np.abs(target.predicted - target.reference)
        count = len(self._rows)
        self._said.value = f"<b>{count} {context.noun}{'s' if count > 1 else ''}</b> inside the lasso."
        lines = []
        for index in self._rows:
            mine = target.structure == index
            mean = float(np.average(error[mine], weights=target.weight[mine])) if mine.any() else float("nan")
            structure = results.dataset.structures[index]
            shown = f"{number(mean * scale.factor)} {scale.unit}"
            lines.append([index, structure.label, structure.formula, results.split.part_of(index), shown])
        self._table.fill(lines)

    def _picked(self, index: int) -> None:
        if index >= 0:
            self._session.pick_row(index)

    def _indices(self) -> list[int]:
        """Of the loaded structures."""
        results = self._session.results
        if results is None:
            return []
        keys = {results.dataset.structures[index].key for index in self._rows}
        return [k for k, structure in enumerate(self._session.structures) if structure.key in keys]

    def _allow(self) -> None:
        self._chance.layout.display = "" if self._session.settings.held_out else "none"
