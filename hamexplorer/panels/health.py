"""A card of sentences: how the run is doing, and how far to trust it."""

from __future__ import annotations

from html import escape

from hamexplorer.panels.parts import card, text
from hamexplorer.session import Session
from hamexplorer.session.health import signs

_MARKS = {"good": ("✓", "good"), "watch": ("!", "watch out"), "bad": ("✕", "bad")}


class HealthPanel:
    """Follows the session; not there before there is something to say."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._list = text("", "hx-signs")
        self.widget = card(
            "How far to trust it",
            [self._list],
            "hx-health",
            about=(
                "What the curves, the errors and the picked structure say about the model. Unlike: atoms whose "
                "surroundings were not met in training. Over-fitting: learning by heart what does not carry over. "
                "Committee: several models trained side by side, if the settings ask for them; where they disagree, "
                "none of them knows."
            ),
        )
        session.observe(
            lambda _: self._show(), ["history", "results", "state_of_picked", "novelty", "predictions"]
        )
        self._show()

    def _show(self) -> None:
        session = self._session
        found = signs(
            session.history, session.results, session.state_of_picked, session.novelty, session.doubts
        )
        self.widget.layout.display = "" if found and session.results is not None else "none"
        lines = [
            f"<li class='hx-sign hx-sign-{sign.level}'><span role='img' aria-label='{_MARKS[sign.level][1]}'>"
            f"{_MARKS[sign.level][0]}</span> {escape(sign.text)}</li>"
            for sign in found
        ]
        html = f"<ul>{''.join(lines)}</ul>"
        if html != self._list.value:
            self._list.value = html
