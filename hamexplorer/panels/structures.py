"""Step 1: which molecules are there, and which one is shown."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from hamexplorer.panels.forms import Form, read_or_none
from hamexplorer.panels.parts import Button, MessageBox, basis_label, card, fold, row, styled, text
from hamexplorer.panels.references import ReferencesPanel
from hamexplorer.panels.table import PickTable
from hamexplorer.reference.dataset import SHIPPED
from hamexplorer.session import Selection, Session
from hamexplorer.structures.sources import SOURCES

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
#: Largest upload that goes through a browser message in one piece, bytes.
MAX_UPLOAD = 100_000_000


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


class AddPanel:
    """A file from the reader's disk, or any entry of SOURCES with its form."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._upload = styled(
            widgets.FileUpload(multiple=True, description="Upload a file", icon="upload"),
            "hx-button",
            "hx-upload",
        )
        self._source = styled(
            widgets.Dropdown(
                description="or make them from",
                options=[(SOURCES[name].label, name) for name in SOURCES],
                value="smiles" if "smiles" in SOURCES else next(iter(SOURCES)),
            ),
            "hx-field",
        )
        self._help = text("", "hx-help")
        self._place = widgets.VBox()
        self._forms: dict[str, Form] = {}
        self._load = Button("Load", help="Add these molecules to the list", icon="plus", names=["hx-load"])
        self._remove = Button(
            "Remove added", help="Remove the molecules without references", names=["hx-quiet", "hx-remove"]
        )
        note = text("xyz, sdf, mol, pdb, ASE json or db; a hamexplorer .h5 opens as dataset.", "hx-help")
        children = [self._upload, note, self._source, self._help, self._place, row(self._load, self._remove)]
        self.widget = styled(widgets.VBox(children), "hx-stack")
        self._upload.observe(self._uploaded, "value")
        self._source.observe(lambda _: self._show_source(), "value")
        self._load.on_click(lambda _: self._load_source())
        self._remove.on_click(lambda _: session.remove_loaded())
        session.observe(self._allow, ["loading", "loaded"])
        self._show_source()
        self._allow()

    def _show_source(self) -> None:
        name = self._source.value
        if name not in self._forms:
            self._forms[name] = Form(SOURCES[name].Params)
        self._help.value = SOURCES[name].help
        self._place.children = [self._forms[name].widget]

    def _load_source(self) -> None:
        name = self._source.value
        params = read_or_none(self._forms[name], lambda sentence: self._session.say(sentence, "error"))
        if params is not None:
            self._session.load_structures(name, params)

    def _uploaded(self, change) -> None:
        files = change["new"]
        if not files:
            return
        try:
            size = sum(file["size"] for file in files)
            if size > MAX_UPLOAD:
                told = f"{size / 1e6:.0f} MB are more than the {MAX_UPLOAD / 1e6:.0f} MB that can be uploaded"
                self._session.say(f"{told}; split the file, or give its path as source File", "error")
            else:
                self._session.load_upload({file["name"]: bytes(file["content"]) for file in files})
        finally:
            # Emptied, so that the same file can be chosen again.
            self._upload.value = ()

    def _allow(self, _=None) -> None:
        busy = f"{self._session.loading} is under way" if self._session.loading else ""
        self._load.allow(busy)
        self._upload.disabled = bool(busy)
        self._remove.allow(busy or ("" if self._session.loaded else "every molecule has references"))


class SelectionPanel:
    """Use only some of the molecules: by element, heavy atoms or position."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._elements = _line("Elements", "only these: C H O; with: +N; without: -F")
        self._smallest = _line("Fewest heavy atoms", "1")
        self._largest = _line("Most heavy atoms", "any")
        self._range = _line("Positions", "0:50 or 0:100:2")
        self._apply = Button("Choose", help="Use only the molecules that pass", icon="filter")
        self._all = Button("All", help="Use all molecules", names=["hx-quiet"])
        note = text("Training and reference calculations use the chosen molecules only.", "hx-help")
        sizes = row(self._smallest, self._largest)
        self.widget = styled(
            widgets.VBox([self._elements, sizes, self._range, note, row(self._apply, self._all)]), "hx-stack"
        )
        self._apply.on_click(lambda _: self._chosen())
        self._all.on_click(lambda _: session.select(Selection()))
        session.observe(self._show, ["selection", "structures"])
        self._show()

    def _chosen(self) -> None:
        try:
            smallest, largest = (_whole_or_none(line) for line in (self._smallest, self._largest))
        except ValueError:
            self._session.say("the numbers of heavy atoms must be whole numbers, or empty", "error")
            return
        self._session.select(Selection(self._elements.value, smallest, largest, self._range.value))

    def _show(self, _=None) -> None:
        selection = self._session.selection
        self._elements.value = selection.elements
        self._range.value = selection.index_range
        self._smallest.value = "" if selection.min_heavy is None else str(selection.min_heavy)
        self._largest.value = "" if selection.max_heavy is None else str(selection.max_heavy)
        self._all.allow("" if selection != Selection() else "all molecules are used")


def _line(label: str, placeholder: str) -> widgets.Text:
    return styled(widgets.Text(description=label, placeholder=placeholder), "hx-field")


def _whole_or_none(line: widgets.Text) -> int | None:
    return int(line.value) if line.value.strip() else None
