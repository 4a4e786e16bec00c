"""Use only some of the structures: by kind, element, heavy atoms or position."""

from __future__ import annotations

import ipywidgets as widgets

from hamexplorer.panels.parts import Button, row, styled, text
from hamexplorer.session import Selection, Session
from hamexplorer.structures.selection import KINDS


class SelectionPanel:
    """Lines to fill in; an empty one is no condition."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kind = styled(
            widgets.Dropdown(
                description="Kind",
                tooltip="Molecules, crystals, or both",
                options=[("all", ""), *((name, name) for name in KINDS)],
            ),
            "hx-field",
        )
        self._elements = _line(
            "Elements", "only these: C H O; with: +N; without: -F", "Symbols of elements; empty for any"
        )
        self._smallest = _line(
            "Fewest heavy atoms", "1", "Atoms other than hydrogen, a whole number; empty for any"
        )
        self._largest = _line(
            "Most heavy atoms", "any", "Atoms other than hydrogen, a whole number; empty for any"
        )
        self._range = _line(
            "Positions", "0:50 or 0:100:2", "Places in the list from 0 as first:end:step; empty for all"
        )
        self._apply = Button("Choose", help="Use only the structures that pass", icon="filter")
        self._all = Button("All", help="Use all structures", names=["hx-quiet"])
        note = text("Training and reference calculations use the chosen structures only.", "hx-help")
        sizes = row(self._smallest, self._largest)
        self.widget = styled(
            widgets.VBox([self._kind, self._elements, sizes, self._range, note, row(self._apply, self._all)]),
            "hx-stack",
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
        chosen = Selection(self._elements.value, smallest, largest, self._range.value, self._kind.value)
        self._session.select(chosen)

    def _show(self, _=None) -> None:
        selection = self._session.selection
        self._elements.value = selection.elements
        self._kind.value = selection.kind
        # One kind alone is no choice; the field is there when both are, or when it is set.
        both = len({structure.is_crystal for structure in self._session.structures}) > 1
        self._kind.layout.display = "" if both or selection.kind else "none"
        self._range.value = selection.index_range
        self._smallest.value = "" if selection.min_heavy is None else str(selection.min_heavy)
        self._largest.value = "" if selection.max_heavy is None else str(selection.max_heavy)
        self._all.allow("" if selection != Selection() else "all structures are used")


def _line(label: str, placeholder: str, help: str) -> widgets.Text:
    return styled(widgets.Text(description=label, placeholder=placeholder, tooltip=help), "hx-field")


def _whole_or_none(line: widgets.Text) -> int | None:
    return int(line.value) if line.value.strip() else None
