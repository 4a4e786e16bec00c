"""The picked molecule: its shape in 3D and what is known and predicted of it."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
import numpy as np

from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import basis_label, card, styled, text
from hamexplorer.session import Session
from hamexplorer.units import energy_factor
from hamexplorer.views.structure_view import StructureView

_COLOURS = {"element": "elements", "mulliken_charge": "Mulliken charges", "lowdin_charge": "Löwdin charges"}


class MoleculePanel:
    """One 3D view, used for every molecule in turn."""

    def __init__(self, session: Session, page: Page) -> None:
        self._session = session
        self._units = "eV"
        self._view = StructureView(height="330px")
        self._title = text("", "hx-molecule-title")
        self._facts = text("", "hx-molecule-facts")
        self._legend = text("", "hx-legend")
        self._colour = styled(
            widgets.Dropdown(
                description="Colour", options=[(label, name) for name, label in _COLOURS.items()]
            ),
            "hx-inline",
        )
        stage = styled(widgets.Box([self._view.widget]), "hx-stage")
        self.widget = card(
            "Molecule", [self._title, stage, self._legend, self._facts], "hx-molecule", aside=self._colour
        )
        self._colour.observe(lambda _: self._show(), "value")
        page.observe(lambda change: self._view.set_dark(change["new"]), "dark")
        self._view.set_dark(page.dark)
        session.observe(lambda _: self._show(), ["picked", "dataset", "structures", "predictions", "parts"])
        session.observe(lambda _: self._show_facts(), "results")
        self._show()

    def set_units(self, units: str) -> None:
        self._units = units
        self._show_facts()

    def _show(self) -> None:
        session = self._session
        if not 0 <= session.picked < len(session.structures):
            self._view.show(None)
            self._title.value = "No molecule is picked."
            self._facts.value = self._legend.value = ""
            return
        structure = session.structures[session.picked]
        part = session.parts[session.picked] if session.picked < len(session.parts) else ""
        chips = [structure.formula, f"{structure.n_atoms} atoms"]
        chips += [f"charge {structure.charge:+d}"] if structure.charge else []
        chips += [part] if part else []
        chips += [] if session.has_reference(session.picked) else ["no references"]
        marks = "".join(f"<span class='hx-chip'>{escape(chip)}</span>" for chip in chips)
        self._title.value = f"<b>{escape(structure.label)}</b> {marks}"
        charges = self._charges()
        self._view.show(structure, charges)
        self._legend.value = self._legend_html() if charges is not None else ""
        self._show_facts()

    def _charges(self) -> np.ndarray | None:
        if self._colour.value == "element":
            return None
        known, name = self._session.known(self._session.picked), self._colour.value
        origins = (known.get(origin, {}) for origin in ("large", "learned"))
        return next((values[name] for values in origins if name in values), None)

    def _legend_html(self) -> str:
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
        known = self._session.known(self._session.picked)
        factor, digits = energy_factor(self._units), 3 if self._units == "eV" else 5
        lines = (
            ("HOMO-LUMO gap", self._units, lambda v: _scaled(v.get("homo_lumo_gap"), factor, digits)),
            ("Dipole moment", "e·bohr", lambda v: _scaled(_norm(v.get("dipole")), 1.0, 3)),
            ("Mean polarizability", "bohr³", lambda v: _scaled(_mean(v.get("polarizability")), 1.0, 2)),
        )
        if not known:
            self._facts.value = ""
            return
        head = "".join(f"<th>{escape(self._origin(name))}</th>" for name in known)
        body = "".join(
            f"<tr><th>{label}<small>{unit}</small></th>{''.join(f'<td>{show(v)}</td>' for v in known.values())}</tr>"
            for label, unit, show in lines
        )
        self._facts.value = f"<table class='hx-facts-table'><tr><th></th>{head}</tr>{body}</table>"


def _norm(vector: np.ndarray | None) -> float | None:
    return None if vector is None else float(np.linalg.norm(vector))


def _mean(tensor: np.ndarray | None) -> float | None:
    return None if tensor is None else float(np.trace(tensor)) / 3


def _scaled(value: float | None, factor: float, digits: int) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value * factor:.{digits}f}"
