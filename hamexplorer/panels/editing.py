"""Change atoms, measure between them, and check what the model says by a reference calculation."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
from ase.data import chemical_symbols

from hamexplorer.panels.parts import Button, MessageBox, duration, fold, menu, row, styled, text
from hamexplorer.plots import PlotContext
from hamexplorer.plots.plot import number, scale_of
from hamexplorer.session import Session
from hamexplorer.structures import edits
from hamexplorer.structures.edits import Edit
from hamexplorer.structures.structure import Structure


class EditingPanel:
    """A fold below the 3D view; everything in it is about the picked structure and the atom that is pointed out."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._units, self._laboratory = "eV", False
        self._quiet = False
        self._atom = menu(
            "Atom", [], "hx-edit-atom", help="The atom to change; a click on it in 3D chooses it, too"
        )
        self._way = menu("Move", [], help="Where + moves the atom; − moves it back")
        self._step = styled(
            widgets.BoundedFloatText(
                value=0.05, min=0.01, max=2.0, step=0.01, description="by (Å)", tooltip="0.01 to 2 Å"
            ),
            "hx-inline",
        )
        self._element = styled(
            widgets.Combobox(
                value="H",
                ensure_option=False,
                description="Element",
                tooltip="Symbol of an element, as in F or Cl; the model must have learned it to predict anything",
            ),
            "hx-inline",
            "hx-edit-element",
        )
        self._charge = styled(
            widgets.BoundedIntText(value=0, min=-9, max=9, description="Charge (e)", tooltip="Of the whole"),
            "hx-inline",
            "hx-edit-charge",
        )
        self._measure = styled(
            widgets.ToggleButton(
                description="Measure",
                icon="arrows-h",
                tooltip="Then click two atoms for a distance, a third for an angle, a fourth for a dihedral angle",
            ),
            "hx-choice",
            "hx-ruler",
        )
        self._measured, self._why = text("", "hx-help", "hx-measured"), text("", "hx-reason", "hx-edit-why")
        self._buttons = {
            "minus": self._button("−", "Move the atom back by one step", lambda s, a: self._move(s, a, -1)),
            "plus": self._button("+", "Move the atom by one step", lambda s, a: self._move(s, a, +1)),
            "replace": self._button(
                "Replace", "Make it this element", lambda s, a: edits.replace_atom(s, a, self._element.value)
            ),
            "add": self._button(
                "Add",
                "Bond an atom of this element to it",
                lambda s, a: edits.add_atom(s, a, self._element.value),
            ),
            "delete": self._button("Delete", "Take the atom away", edits.delete_atom),
        }
        self._undo = Button("Undo", help="Take the latest edit back", icon="undo", names=["hx-undo"])
        self._undo.on_click(lambda _: session.undo())
        self._check = Button(
            "Check with DFT",
            help="Compute its reference values in the background",
            icon="cogs",
            names=["hx-verify"],
        )
        self._cancel = Button("Cancel", help="Stop the calculation", names=["hx-quiet", "hx-cancel-check"])
        self._estimate, self._outcome = text("", "hx-help", "hx-check-estimate"), text("", "hx-check-outcome")
        self.widget = self._laid_out()
        self._listen()
        self._show()

    def _button(self, label: str, help: str, change: Callable[[Structure, int], Edit]) -> Button:
        made = Button(label, help=help)
        made.on_click(lambda _: self._edit(change))
        return made

    def _laid_out(self) -> widgets.Widget:
        button = self._buttons
        words = text(
            "Edits make a copy; the model predicts it at once, and Undo goes back step by step.", "hx-help"
        )
        return styled(
            fold(
                "Edit, measure, check",
                [
                    row(self._measure, self._measured),
                    words,
                    row(self._atom, self._charge),
                    row(self._way, self._step, button["minus"], button["plus"]),
                    row(self._element, button["replace"], button["add"], button["delete"]),
                    row(self._undo),
                    self._why,
                    row(self._check, self._cancel, self._estimate),
                    self._outcome,
                    MessageBox(self._session, "editing"),
                ],
            ),
            "hx-editing",
        )

    def _listen(self) -> None:
        session = self._session
        self._check.on_click(lambda _: session.check_with_reference())
        self._cancel.on_click(lambda _: session.cancel_check())
        self._measure.observe(lambda change: self._turn_measuring(change["new"]), "value")
        self._atom.observe(lambda change: self._atom_chosen(change["new"]), "value")
        self._charge.observe(lambda change: self._charge_chosen(change["new"]), "value")
        session.observe(lambda _: self._show(), ["picked", "structures", "draft", "dataset", "model"])
        session.observe(lambda _: self._show_atom(), "marked")
        session.observe(lambda _: self._show_measured(), ["measured", "measuring"])
        session.observe(lambda _: self._show_check(), ["checking", "checks"])

    def set_units(self, units: str, laboratory: bool) -> None:
        self._units, self._laboratory = units, laboratory
        self._show_check()

    # ---- edits -------------------------------------------------------------------------------------

    def _edit(self, change: Callable[[Structure, int], Edit]) -> None:
        atom = self._atom.value
        if atom is not None:
            self._session.edit(lambda structure: change(structure, atom))

    def _move(self, structure: Structure, atom: int, sign: int) -> Edit:
        way = edits.directions(structure, atom)[self._way.value]
        return edits.move(structure, atom, sign * self._step.value * way)

    def _atom_chosen(self, atom: int | None) -> None:
        if self._quiet or atom is None:
            return
        if self._session.marked != (atom,):
            self._session.mark((atom,))
        self._show_ways()

    def _charge_chosen(self, charge: int) -> None:
        if not self._quiet:
            self._session.edit(lambda structure: edits.set_charge(structure, charge))

    def _show(self) -> None:
        structure, draft = self._session.shown, self._session.draft
        names = [] if structure is None else [edits.atom_name(structure, k) for k in range(structure.n_atoms)]
        options = tuple((name, k) for k, name in enumerate(names))
        self._quiet = True
        try:
            if tuple(self._atom.options) != options:
                before = self._atom.value
                self._atom.options = options
                if names:
                    self._atom.value = before if before is not None and before < len(names) else 0
            self._charge.value = 0 if structure is None else structure.charge
        finally:
            self._quiet = False
        self._atom.disabled = self._charge.disabled = structure is None
        last = draft.last_edit if draft is not None else ""
        self._undo.description = f"Undo: {last}" if last else "Undo"
        self._undo.allow("" if last else "nothing was edited")
        self._element.options = self._elements()
        reason = "" if structure is not None else "no structure is picked"
        for button in self._buttons.values():
            button.allow(reason)
        self._why.value = (
            escape(f"No prediction yet: {draft.why_not}. The plots show what it was before.")
            if draft is not None and draft.why_not
            else ""
        )
        self._show_ways()
        self._show_atom()
        self._show_measured()
        self._show_check()

    def _elements(self) -> list[str]:
        """Those that the model knows, or that are loaded, come first in the list."""
        session = self._session
        first = {symbol for structure in session.structures for symbol in structure.elements}
        if session.model is not None:
            first = {chemical_symbols[z] for z in session.model.geometry.graph.elements}
        known = [symbol for symbol in chemical_symbols[1:] if symbol in first]
        return known + [symbol for symbol in chemical_symbols[1:] if symbol not in first]

    def _show_atom(self) -> None:
        marked = self._session.marked
        if len(marked) == 1 and marked[0] in [k for _, k in self._atom.options]:
            self._quiet = True
            self._atom.value = marked[0]
            self._quiet = False
            self._show_ways()

    def _show_ways(self) -> None:
        structure, atom = self._session.shown, self._atom.value
        if structure is None or atom is None or atom >= structure.n_atoms:
            return
        names = list(edits.directions(structure, atom))
        if tuple(self._way.options) != tuple(names):
            chosen = self._way.value
            self._way.options = names
            self._way.value = chosen if chosen in names else names[0]

    # ---- measuring ---------------------------------------------------------------------------------

    def _turn_measuring(self, on: bool) -> None:
        self._session.measuring = on
        self._session.measured = ()

    def _show_measured(self) -> None:
        session = self._session
        self._measure.value = session.measuring
        said = session.measurement
        if session.measuring and not said:
            said = (
                "Click one atom after the other in the picture." if not session.measured else "One more atom."
            )
        self._measured.value = escape(said)

    # ---- checking ----------------------------------------------------------------------------------

    def _show_check(self) -> None:
        session = self._session
        state, reason = session.checking, session.why_not_check()
        self._check.allow(reason)
        self._cancel.layout.display = "" if state.running else "none"
        self._cancel.allow("it is being stopped" if state.cancelling else "")
        if state.running:
            left = f", about {duration(state.seconds_left)} left" if state.seconds_left is not None else ""
            self._estimate.value = escape(f"Computing {state.label}{left}.")
        elif reason:
            self._estimate.value = escape(f"Not now: {reason}.")
        else:
            method = session.check_method
            level = "" if method is None else method.label
            self._estimate.value = escape(f"{level}: about {duration(session.estimate_check())}.")
        self._outcome.value = self._outcome_html()

    def _outcome_html(self) -> str:
        session = self._session
        structure = session.shown
        check = None if structure is None else session.checks.get(structure.key)
        if check is None or check.results is None:
            return ""
        context = PlotContext(results=check.results, units=self._units, laboratory=self._laboratory)
        lines = [
            f"<tr><th>{escape(scale_of(name, context).label)}<small>{escape(entry.unit)}</small></th>"
            f"<td>{number(float(entry.raw_mae))}</td><td><b>{number(float(entry.mae))}</b></td></tr>"
            for name, entry in context.errors("all").items()
        ]
        head = (
            f"<tr><th>Off by, on average</th><th>raw {escape(context.small_basis)}</th><th>learned</th></tr>"
        )
        return f"<table class='hx-facts-table'>{head}{''.join(lines)}</table>"
