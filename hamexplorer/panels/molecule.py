"""The picked structure: its shape in 3D, its cell, and what is known and predicted of it."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from hamexplorer.panels.crystal import CrystalPart
from hamexplorer.panels.editing import EditingPanel
from hamexplorer.panels.facts import doubt_html, facts_table, rows_of_facts
from hamexplorer.panels.frames import FramesBar
from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import basis_label, card, row, styled, text
from hamexplorer.session import Session
from hamexplorer.structures.descriptions import noun_of
from hamexplorer.structures.structure import Structure
from hamexplorer.views.cells import Copies, copies_of
from hamexplorer.views.charges import SHORTEST, SHORTEST_ERROR
from hamexplorer.views.drawings import (
    Shape,
    bond_order_shapes,
    dipole_shapes,
    measure_shapes,
    polarizability_shapes,
)
from hamexplorer.views.structure_view import StructureView

#: What atoms are coloured by: label -> charges, and whose ("error": learned less reference).
_COLOURS: dict[str, tuple[str, str]] = {
    "elements": ("", ""),
    **{
        f"{label} charges, {whose}": (name, origin)
        for name, label in (("mulliken_charge", "Mulliken"), ("lowdin_charge", "Löwdin"))
        for whose, origin in (("reference", "large"), ("learned", "learned"), ("error", "error"))
    },
}

_DRAWS = {
    "": "nothing",
    "dipole": "dipole moment",
    "polarizability": "polarizability",
    "mayer_bond_order": "bond orders",
}


class MoleculePanel:
    """One 3D view, used for every structure in turn."""

    def __init__(self, session: Session, page: Page) -> None:
        self._session = session
        self._units, self._laboratory = "eV", False
        self._view = StructureView(height="330px")
        self._title = text("", "hx-molecule-title")
        self._facts = text("", "hx-molecule-facts")
        self._legend = text("", "hx-legend")
        self._colour = styled(
            widgets.Dropdown(
                description="Colour",
                tooltip="What the colours of the atoms mean; the error is learned less reference",
                options=list(_COLOURS.items()),
            ),
            "hx-inline",
            "hx-colour-choice",
        )
        self._draws = styled(
            widgets.Dropdown(
                description="Draw",
                tooltip="A property beside the atoms, of each calculation that knows it",
                options=[(label, name) for name, label in _DRAWS.items()],
            ),
            "hx-inline",
            "hx-draw-choice",
        )
        self._copies = styled(
            widgets.Dropdown(
                description="Cells",
                tooltip="Copies of the cell to look at; a calculation has one",
                options=[("one", Copies())],
            ),
            "hx-inline",
            "hx-copies",
        )
        self._caption = text("", "hx-help", "hx-caption")
        self._drawn = text("", "hx-help", "hx-drawn")
        self._crystal = CrystalPart(session)
        self._editing = EditingPanel(session)
        self._quiet = False
        stage = styled(widgets.Box([self._view.widget]), "hx-stage")
        self.widget = card(
            "Structure",
            [
                self._title,
                stage,
                FramesBar(session).widget,
                self._caption,
                self._drawn,
                self._legend,
                self._crystal.widget,
                self._facts,
                self._editing.widget,
            ],
            "hx-molecule",
            aside=row(self._copies, self._draws, self._colour, names=["hx-view-controls"]),
        )
        self._colour.observe(lambda _: self._show(), "value")
        self._draws.observe(lambda _: self._draw(), "value")
        session.observe(lambda _: self._draw(), "results")
        self._copies.observe(lambda _: None if self._quiet else self._show(), "value")
        page.observe(lambda change: self._turn_dark(change["new"]), "dark")
        self._view.set_dark(page.dark)
        session.observe(
            lambda _: self._show(),
            ["picked", "dataset", "structures", "predictions", "parts", "draft", "checks"],
        )
        session.observe(lambda _: self._show_facts(), ["results", "state_of_picked", "novelty"])
        session.observe(lambda _: self._point_out(), ["marked", "measured"])
        self._view.on_atom(session.touch)
        self._view.on_hover(lambda atom: session.set_trait("hovered", atom))
        self._view.leave_the_wheel()
        page.observe(lambda _: self._view.resize(), "resized")
        self._show()

    def set_units(self, units: str, laboratory: bool) -> None:
        self._units, self._laboratory = units, laboratory
        self._editing.set_units(units, laboratory)
        self._show_facts()

    def _show(self) -> None:
        session = self._session
        if not 0 <= session.picked < len(session.structures):
            self._view.show(None)
            self._title.value = "No structure is picked."
            self._facts.value = self._legend.value = ""
            self._offer_copies(None)
            self._crystal.show(None)
            return
        structure = session.shown
        assert structure is not None, "one is picked"
        as_listed = structure is session.structures[session.picked]
        part = session.parts[session.picked] if as_listed and session.picked < len(session.parts) else ""
        noun = "atom" if structure.n_atoms == 1 else "atoms"
        chips = [structure.formula, f"{structure.n_atoms} {noun}"]
        chips += [noun_of(structure)] if structure.is_crystal else []
        chips += [f"charge {structure.charge:+d}"] if structure.charge else []
        chips += [part] if part else []
        chips += [] if as_listed and session.has_reference(session.picked) else ["no references"]
        marks = "".join(f"<span class='hx-chip'>{escape(chip)}</span>" for chip in chips)
        self._title.value = f"<b>{escape(structure.label)}</b> {marks}"
        charges = self._charges()
        self._offer_copies(structure)
        errors = self._colour.value[1] == "error"
        self._view.show(structure, charges, self._copies.value, finest=SHORTEST_ERROR if errors else SHORTEST)
        self._legend.value = self._legend_html(charges)
        self._crystal.show(structure)
        self._draw()
        self._point_out()
        self._show_facts()

    def _point_out(self) -> None:
        """A halo around atoms that are pointed out or measured, and lines between the latter."""
        session = self._session
        self._view.light(session.measured or session.marked)
        self._draw()

    def _known(self) -> dict[str, dict[str, Any]]:
        """What is known of the structure as it is shown."""
        draft = self._session.draft
        return {} if draft is not None and draft.why_not else self._session.known(self._session.picked)

    def _draw(self) -> None:
        """Draw a property into the view, and say below it what is drawn."""
        structure = self._session.shown
        if structure is None:
            self._view.draw(())
            self._drawn.value = ""
            return
        shapes, self._drawn.value = self._property_shapes(structure)
        lines = measure_shapes(
            structure, self._session.measured, self._session.measurement, dark=self._view.dark
        )
        self._view.draw([*shapes, *lines])

    def _property_shapes(self, structure: Structure) -> tuple[list[Shape], str]:
        """The property that is to be drawn, and the words below it."""
        wanted = self._draws.value
        if not wanted:
            return [], ""
        values = {origin: found[wanted] for origin, found in self._known().items() if wanted in found}
        if structure.is_crystal or not values:
            return [], "Not known of this structure: train on it, or draw something else."
        names = {origin: self._origin(origin) for origin in values}
        if wanted == "mayer_bond_order":
            origin = next(o for o in ("learned", "large", "small") if o in values)
            shapes = bond_order_shapes(structure, np.asarray(values[origin]), names[origin])
            return shapes, escape(f"Thickness: bond orders, {names[origin]}. Point at a bond for its number.")
        make = dipole_shapes if wanted == "dipole" else polarizability_shapes
        shapes = make(structure, values, names, dark=self._view.dark)
        colours = {"small": "grey", "learned": "blue", "large": "white" if self._view.dark else "black"}
        legend = ", ".join(f"{names[origin]} {colours[origin]}" for origin in values)
        none = "" if shapes else " Too short to be seen."
        return shapes, escape(f"{_DRAWS[wanted].capitalize()}: {legend}.{none}")

    def _offer_copies(self, structure: Structure | None) -> None:
        """Cells that can be shown of a crystal, kept from one to the next; and what is only for the eye."""
        offered = copies_of(structure)
        wanted = self._copies.value if self._copies.value in offered else offered[0]
        self._quiet = True
        try:
            if tuple(self._copies.options) != tuple((copies.label, copies) for copies in offered):
                self._copies.options = [(copies.label, copies) for copies in offered]
            self._copies.value = wanted
        finally:
            self._quiet = False
        self._copies.layout.display = "" if len(offered) > 1 else "none"
        self._caption.value = "" if structure is None or wanted == Copies() else _caption(structure)

    def _turn_dark(self, dark: bool) -> None:
        self._view.set_dark(dark)
        self._show()

    def _charges(self) -> np.ndarray | None:
        """What the atoms are coloured by, e, shape (n_atoms,); None for elements, or where it is not known."""
        (name, whose), known = self._colour.value, self._known()
        if whose != "error":
            return known.get(whose, {}).get(name)
        origins = ("learned", self._session.compared_with)
        learned, reference = (known.get(origin, {}).get(name) for origin in origins)
        return None if learned is None or reference is None else learned - reference

    def _legend_html(self, charges: np.ndarray | None) -> str:
        if charges is None:
            return "These charges are not known of this structure." if self._colour.value[0] else ""
        marks = "".join(
            f"<span><i style='background:{entry.color}'></i>{escape(entry.label)}</span>"
            for entry in self._view.legend
        )
        return f"<div class='hx-legend-row'>{marks}</div>"

    def _origin(self, name: str) -> str:
        dataset = self._session.dataset
        if name == "learned" or dataset is None:
            return name
        return basis_label(dataset.method.small_basis if name == "small" else dataset.method.large_basis)

    def _show_facts(self) -> None:
        session, known = self._session, self._known()
        if not known:
            self._facts.value = ""
            return
        model = session.predictor
        trained = session.settings.targets if model is None else model.settings.targets
        crystal = session.structures[session.picked].is_crystal
        rows = rows_of_facts(self._units, self._laboratory, crystal=crystal)
        names = {origin: self._origin(origin) for origin in known}
        warning = doubt_html(session.novelty) if "learned" in known else ""
        self._facts.value = facts_table(known, names, rows, trained) + warning


def _caption(structure: Structure) -> str:
    count = "the atom" if structure.n_atoms == 1 else f"the {structure.n_atoms} atoms"
    return f"Pale atoms are copies, only to look at: a calculation has {count} of one cell."
