"""Step 1: which molecules are there, and which one is shown."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from hamexplorer.panels.add import AddPanel
from hamexplorer.panels.parts import MessageBox, basis_label, card, fold, styled, text
from hamexplorer.panels.references import ReferencesPanel
from hamexplorer.panels.selection import SelectionPanel
from hamexplorer.panels.table import PickTable
from hamexplorer.reference.dataset import SHIPPED
from hamexplorer.session import Session

_COLUMNS = [
    {"label": "Molecule", "width": "minmax(0, 1fr)"},
    {"label": "Formula", "width": "58px"},
    {"label": "Atoms", "width": "42px", "align": "right", "title": "all atoms"},
    {"label": "Heavy", "width": "44px", "align": "right", "title": "atoms other than hydrogen"},
    {"label": "Part", "width": "34px", "align": "right", "mark": True, "title": "what training uses it for"},
]
_PARTS = {"train": "train", "validation": "valid", "test": "test", "": "–"}
#: Values of the dataset menu that are no shipped name.
_NONE, _OWN = "", "*"


class StructuresPanel:
    """Open references, load molecules, choose some, pick one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._quiet = False
        self._dataset = styled(widgets.Dropdown(description="Dataset"), "hx-field", "hx-dataset")
        self._facts = text("", "hx-facts")
        self._table = PickTable(columns=_COLUMNS, empty="No molecules: open a dataset, or add some below.")
        self.widget = card(
            "Structures",
            [
                self._dataset,
                self._facts,
                self._table,
                MessageBox(session, "structures", "references"),
                fold("Add molecules", [AddPanel(session).widget]),
                fold("Choose some of them", [SelectionPanel(session).widget]),
                fold("Compute references", [ReferencesPanel(session).widget]),
            ],
            "hx-structures",
            number=1,
        )
        self._dataset.observe(self._choose_dataset, "value")
        self._table.observe(lambda change: session.pick(change["new"]), "picked")
        session.observe(self._show_dataset, ["dataset", "loading"])
        session.observe(self._fill, ["structures", "selected", "parts"])
        session.observe(self._show_facts, ["dataset", "structures", "selected", "loading"])
        session.observe(lambda change: setattr(self._table, "picked", change["new"]), "picked")
        self._show_dataset()
        self._fill()
        self._show_facts()
        self._table.picked = session.picked

    def _choose_dataset(self, change) -> None:
        if self._quiet or change["new"] == _OWN:
            return
        if change["new"] == _NONE:
            self._session.close_dataset()
        else:
            self._session.open_dataset(change["new"])
        self._show_dataset()

    def _show_dataset(self, _=None) -> None:
        """The menu names what is open; a dataset that is not shipped has an entry of its own."""
        dataset = self._session.dataset
        own = dataset is not None and dataset.name not in SHIPPED
        options = [(sentence.split(",")[0].split(":")[0], name) for name, sentence in SHIPPED.items()]
        options += [(dataset.name, _OWN)] if own else []
        options += [("none: only what I add", _NONE)]
        self._quiet = True
        try:
            if tuple(options) != tuple(self._dataset.options):
                self._dataset.options = options
            if not self._session.loading:
                self._dataset.value = _NONE if dataset is None else _OWN if own else dataset.name
        finally:
            self._quiet = False

    def _show_facts(self, _=None) -> None:
        session = self._session
        if session.loading:
            self._facts.value = f"<span class='hx-busy'>{escape(session.loading)} …</span>"
            return
        words = [f"{len(session.selected)} of {len(session.structures)} molecules"]
        if len(session.selected) == len(session.structures):
            words = [f"{len(session.structures)} molecules"]
        if session.dataset is not None:
            method = session.dataset.method
            bases = f"{basis_label(method.small_basis)} ← {basis_label(method.large_basis)}"
            words.append(f"{method.xc.upper()} · {bases}")
        if session.loaded:
            words.append(f"{len(session.loaded)} without references")
        self._facts.value = escape(" · ".join(words))

    def _fill(self, _=None) -> None:
        session = self._session
        parts = (
            session.parts if len(session.parts) == len(session.structures) else [""] * len(session.structures)
        )
        rows = []
        for index in session.selected:
            structure = session.structures[index]
            rows.append(
                [
                    index,
                    structure.label,
                    structure.formula,
                    structure.n_atoms,
                    structure.n_heavy,
                    _PARTS[parts[index]],
                ]
            )
        self._table.fill(rows)
