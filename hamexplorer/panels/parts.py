"""Pieces that every panel uses: cards, sentences, and buttons that say why they cannot be pressed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.session import Message


def styled(widget: widgets.DOMWidget, *names: str) -> widgets.DOMWidget:
    """The same widget with CSS classes."""
    for name in names:
        widget.add_class(name)
    return widget


def text(html: str = "", *names: str) -> widgets.HTML:
    """A piece of HTML; the caller escapes what people wrote."""
    return styled(widgets.HTML(html), "hx-text", *names)


def card(
    title: str,
    children: Sequence[widgets.Widget],
    *names: str,
    number: int | None = None,
    aside: widgets.Widget | None = None,
    about: str = "",
) -> widgets.VBox:
    """A titled box; a number makes it a step, ``aside`` stands beside the title, ``about`` opens below it."""
    badge = f"<span class='hx-step' aria-hidden='true'>{number}</span>" if number is not None else ""
    heading = text(f"<h2>{badge}{escape(title)}</h2>", "hx-heading")
    top = heading if aside is None else row(heading, aside, names=["hx-between"])
    if about:
        # Folded away by the browser alone: no kernel is asked, and a keyboard opens it.
        said = f"<details><summary>What this shows</summary>{escape(about)}</details>"
        children = [text(said, "hx-about"), *children]
    return styled(widgets.VBox([top, *children]), "hx-card", *names)


def row(*children: widgets.Widget, names: Sequence[str] = ()) -> widgets.HBox:
    return styled(widgets.HBox(list(children)), "hx-row", *names)


def menu(label: str, options: Sequence[Any], *names: str, help: str, **more: Any) -> widgets.Dropdown:
    """A drop-down list beside its label, with a sentence of help; ``more`` goes to the widget."""
    made = widgets.Dropdown(description=label, options=options, tooltip=help, **more)
    return styled(made, "hx-inline", *names)


def fold(title: str, children: Sequence[widgets.Widget], *, opened: bool = False) -> widgets.Accordion:
    """A section that opens and closes."""
    inside = styled(widgets.VBox(list(children)), "hx-stack")
    section = widgets.Accordion([inside], selected_index=0 if opened else None)
    section.set_title(0, title)
    return styled(section, "hx-fold")


class Button(widgets.Button):
    """A button that is disabled together with the reason, which its tooltip shows."""

    def __init__(
        self, description: str, *, help: str = "", icon: str = "", names: Sequence[str] = ()
    ) -> None:
        super().__init__(description=description, icon=icon, tooltip=help)
        self._help = help
        styled(self, "hx-button", *names)

    def allow(self, reason: str) -> None:
        """Enabled if ``reason`` is empty."""
        self.disabled = bool(reason)
        self.tooltip = f"Not now: {reason}" if reason else self._help


class MessageBox(widgets.VBox):
    """The latest message for some panels, as a card that can be put away."""

    def __init__(self, session, *where: str) -> None:
        self._session, self._where = session, where
        self._text = text("", "hx-message-text")
        close = styled(widgets.Button(description="×", tooltip="Put this message away"), "hx-close")
        close.on_click(lambda _: self.show(Message()))
        super().__init__([widgets.HBox([self._text, close])])
        styled(self, "hx-message")
        session.observe(lambda change: self._arrived(change["new"]), "message")
        self.show(session.message if session.message.where in where else Message())

    def _arrived(self, message: Message) -> None:
        if message.where in self._where:
            self.show(message)

    def show(self, message: Message) -> None:
        for level in ("info", "warning", "error"):
            (self.add_class if level == message.level else self.remove_class)(f"hx-{level}")
        role = "alert" if message.level == "error" else "status"
        first = message.text.partition(" ")[0]
        # A file's name keeps its case.
        sentence = message.text[:1].upper() + message.text[1:] if first.isalpha() else message.text
        self._text.value = f"<div role='{role}'>{escape(sentence)}</div>" if sentence else ""
        self.layout.display = "" if sentence else "none"


def duration(seconds: float | None) -> str:
    """`40 s`, `3 min`, `2 h 10 min`: as precise as an estimate deserves."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def basis_label(name: str) -> str:
    """A basis set as people write it: `sto-3g` is STO-3G, `def2-svp` is def2-SVP."""
    return name.upper().replace("DEF2", "def2")
