"""What is told of a picked crystal below its picture, and what can be changed: its cell, and vacuum that repeats."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from hamexplorer.panels.parts import Button, row, styled, text
from hamexplorer.session import Session
from hamexplorer.structures.cells import warnings_about
from hamexplorer.structures.descriptions import CellFacts, cell_facts
from hamexplorer.structures.structure import Structure

#: Of the two cells: whether it is the primitive one -> label.
_CELLS = {True: "Primitive", False: "Conventional"}


class CrystalPart:
    """A table of facts, two buttons for the cell, and a warning with its cure; hidden for a molecule."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._facts = text("", "hx-crystal-facts")
        self._cells = {
            primitive: Button(
                f"{label} cell", help=f"Write it in its {label.lower()} cell", names=["hx-quiet"]
            )
            for primitive, label in _CELLS.items()
        }
        self._reason = text("", "hx-help")
        self._doubt = text("", "hx-message-text")
        self._open = Button(
            "Mark as vacuum",
            help="Do not repeat it along the empty direction",
            names=["hx-quiet", "hx-open-vacuum"],
        )
        self._warning = styled(
            widgets.VBox([self._doubt, self._open]), "hx-message", "hx-warning", "hx-doubt"
        )
        buttons = row(*self._cells.values(), names=["hx-cells"])
        self.widget = styled(
            widgets.VBox([self._warning, self._facts, buttons, self._reason]), "hx-crystal", "hx-stack"
        )
        for primitive, button in self._cells.items():
            button.on_click(lambda _, primitive=primitive: session.use_cell(primitive=primitive))
        self._open.on_click(lambda _: session.open_vacuum())

    def show(self, structure: Structure | None) -> None:
        """Follow the picked structure."""
        facts = None if structure is None else cell_facts(structure)
        self.widget.layout.display = "none" if facts is None else ""
        if structure is None or facts is None:
            return
        self._facts.value = _table(facts)
        reasons = {primitive: self._session.why_not_cell(primitive=primitive) for primitive in self._cells}
        for primitive, button in self._cells.items():
            button.allow(reasons[primitive])
        # Where a finger cannot hover the reason is readable, too: of both, or of the one that is not simply this cell.
        different = list(dict.fromkeys(reason for reason in reasons.values() if reason))
        if len(different) == 2:
            different = ["primitive and conventional cell are of this size"]
        self._reason.value = escape(_sentence("; ".join(different)))
        doubts = warnings_about(structure)
        self._warning.layout.display = "" if doubts else "none"
        self._doubt.value = escape(_sentence(" ".join(doubts)))
        self._open.allow(self._session.why_not_open_vacuum() if doubts else "")


def _table(facts: CellFacts) -> str:
    lengths = " · ".join(f"{letter} {value:.3f}" for letter, value in facts.lengths.items()) + " Å"
    angles = " · ".join(f"{letter} {_angle(value)}°" for letter, value in facts.angles.items())
    noun = "Layer group" if facts.content.endswith("Å²") else "Space group"
    size = "Area" if facts.content.endswith("Å²") else "Volume"
    lines = {
        "Repeats along": facts.repeats,
        "Cell": lengths,
        "Angles": angles,
        size: facts.content,
        noun: facts.group,
    }
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in lines.items() if value
    )
    return f"<table class='hx-facts-table hx-cell-table'>{rows}</table>"


def _angle(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _sentence(words: str) -> str:
    first = words.partition(" ")[0]
    capital = words[:1].upper() + words[1:] if first.isalpha() else words
    return f"{capital}." if capital and not capital.endswith(".") else capital
