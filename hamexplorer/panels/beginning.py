"""What an address asks of the dashboard: where it begins, which panels it shows, and what is to be done."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import ipywidgets as widgets

from hamexplorer.errors import SettingsError
from hamexplorer.panels.one_by_one import Panels
from hamexplorer.panels.parts import Button, MessageBox, row, styled, text
from hamexplorer.panels.steps import STEPS
from hamexplorer.session.point import StartingPoint


class Beginning:
    """A task above the dashboard, of which only what the task needs is shown.

    Attributes:
        widget: the task, and a button for the rest of the dashboard; nothing where no address asks.
        main: what is laid out below; it gets one column where no step is shown.
    """

    def __init__(self, panels: Panels, main: widgets.Widget) -> None:
        self._panels, self.main = panels, main
        self._task = text("", "hx-task-text")
        self._all = Button("Show all panels", help="The whole dashboard, as without the address")
        # What the first card would say, where that one is left out.
        self._message = MessageBox(panels.session, "structures")
        task = styled(row(self._task, self._all), "hx-card", "hx-task")
        self.widget = widgets.VBox([task, self._message])
        self._all.on_click(lambda _: self.show(()))
        panels.page.observe(lambda change: self.open(change["new"]), "address")
        self._says, self._narrow = "", False
        self._tell()

    def open(self, query: str) -> None:
        """Begin where an address says, the part of it behind the question mark; a wrong one gets a sentence."""
        if not query.strip("?"):
            return
        try:
            point = StartingPoint.parse(query)
            self.show(point.show)
        except SettingsError as error:
            self._panels.session.say(str(error), "error", "structures")
            return
        self._says = point.task
        self._tell()
        self._panels.session.begin_at(point)

    def show(self, names: Iterable[str]) -> None:
        """Show these panels alone, or all of them.

        Raises:
            SettingsError: if there is none of that name.
        """
        chosen = {name: self._panels[name] for name in names}
        for name in self._panels:
            _leave_out(self._panels[name], bool(chosen) and name not in chosen)
        _mark(self.main, "hx-without-steps", bool(chosen) and not set(chosen) & set(STEPS))
        _mark(self.main, "hx-without-results", bool(chosen) and set(chosen) <= set(STEPS))
        self._narrow = bool(chosen)
        _leave_out(self._message, not chosen or "structures" in chosen)
        self._tell()
        self._panels.page.resize()

    def _tell(self) -> None:
        task = f"<b>Your task</b> {escape(self._says)}" if self._says else "The panels that this step needs."
        self._task.value = task
        _leave_out(self._all, not self._narrow)
        _leave_out(self.widget, not (self._says or self._narrow))


def _mark(widget: widgets.DOMWidget, name: str, wanted: bool) -> None:
    (widget.add_class if wanted else widget.remove_class)(name)


def _leave_out(widget: widgets.DOMWidget, wanted: bool) -> None:
    # A class and not the layout: panels take their own layout away where they have nothing to show.
    _mark(widget, "hx-left-out", wanted)
