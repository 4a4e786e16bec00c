"""Step 1: which structures are there, and which one is shown."""

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
from hamexplorer.structures.descriptions import noun_of

_FIRST = [{"label": "Structure", "width": "minmax(0, 1fr)"}, {"label": "Formula", "width": "58px"}]
_ATOMS = {"label": "Atoms", "width": "42px", "align": "right", "title": "all atoms"}
_HEAVY = {"label": "Heavy", "width": "44px", "align": "right", "title": "atoms other than hydrogen"}
#: Takes the place of heavy atoms where there are crystals.
_KIND = {
    "label": "Kind",
    "width": "62px",
    "align": "right",
    "title": "along how many directions it repeats: chain 1, layer 2, bulk 3",
}
_PART = {
    "label": "Part",
    "width": "34px",
    "align": "right",
    "mark": True,
    "title": "what training uses it for",
}
_PARTS = {"train": "train", "validation": "valid", "test": "test", "": "–"}
#: Values of the dataset menu that are no shipped name.
_NONE, _OWN = "", "*"


class StructuresPanel:
    """Open references, load structures, choose some, pick one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._quiet = False
        self._dataset = styled(
            widgets.Dropdown(
                description="Dataset",
                tooltip="Structures with reference values to learn from; opening another keeps what you added",
            ),
            "hx-field",
            "hx-dataset",
        )
        self._facts = text("", "hx-facts")
        self._table = PickTable(empty="No structures: open a dataset, or add some below.")
        self.widget = card(
            "Structures",
            [
                self._dataset,
                self._facts,
                self._table,
                MessageBox(session, "structures", "references"),
                fold("Add structures", [AddPanel(session).widget]),
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
        noun = "structure" if len(session.structures) == 1 else "structures"
        words = [f"{len(session.selected)} of {len(session.structures)} {noun}"]
        if len(session.selected) == len(session.structures):
            words = [f"{len(session.structures)} {noun}"]
        if session.dataset is not None:
            method = session.dataset.method
            bases = f"{basis_label(method.small_basis)} ← {basis_label(method.large_basis)}"
            words.append(f"{method.xc.upper()} · {bases}" if hasattr(method, "xc") else method.label)
        if session.loaded:
            words.append(f"{len(session.loaded)} without references")
        self._facts.value = escape(" · ".join(words))

    def _fill(self, _=None) -> None:
        session = self._session
        parts = (
            session.parts if len(session.parts) == len(session.structures) else [""] * len(session.structures)
        )
        crystals = any(structure.is_crystal for structure in session.structures)
        columns = [*_FIRST, _ATOMS, _KIND if crystals else _HEAVY, _PART]
        rows: list[list[object]] = []
        for index in session.selected:
            structure = session.structures[index]
            told = noun_of(structure) if crystals else structure.n_heavy
            rows.append(
                [index, structure.label, structure.formula, structure.n_atoms, told, _PARTS[parts[index]]]
            )
        if columns != self._table.columns:
            self._table.fill([])  # no row may stand under headings that are not its own
            self._table.columns = columns
        self._table.fill(rows)
