"""A question of a lesson: first a guess, then the answer and its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as widgets

from hamexplorer.errors import SettingsError
from hamexplorer.panels.parts import Button, row, styled, text


class Question(widgets.VBox):
    """A choice or a number to be guessed, a button that checks it, and one that tells once a guess was made.

    Attributes:
        given: the last guess that was checked, an option or a number; None before.
        right: whether it was right; None before.
    """

    def __init__(
        self,
        question: str,
        options: Sequence[str] = (),
        *,
        answer: str | float | Callable[[], str | float],
        because: str,
        hint: str = "",
        within: float = 0.0,
        unit: str = "",
    ) -> None:
        """Ask.

        Args:
            question: a sentence or two.
            options: what can be chosen; none where a number is asked for.
            answer: one of the options, or the number; or a function that finds it when a guess is checked, for what
                only an experiment tells.
            because: why it is so, shown with the answer.
            hint: shown after a wrong guess.
            within: how far a number may be off.
            unit: of the number.

        Raises:
            SettingsError: if the answer is none of the options.
        """
        if options and not callable(answer) and answer not in options:
            raise SettingsError(
                f"the answer {str(answer)!r} is none of the options; choose it among {', '.join(map(repr, options))}"
            )
        self._answer, self._because, self._hint = answer, because, hint
        self._within, self._unit = within, unit
        self.given: str | float | None = None
        self.right: bool | None = None
        self._guess = (
            widgets.RadioButtons(options=list(options), value=None, layout={"width": "auto"})
            if options
            else styled(
                widgets.Text(placeholder="a number", description=unit or "Your guess"),
                "hx-inline",
                "hx-guess",
            )
        )
        self._check = Button("Check", help="Compare the guess with the answer", names=["hx-check-guess"])
        self._tell = Button("Tell me", help="Show the answer and its reason", names=["hx-quiet"])
        self._said = text("", "hx-verdict")
        super().__init__(
            [
                text(f"<b>Predict</b> {escape(question)}", "hx-asked"),
                self._guess,
                row(self._check, self._tell, names=["hx-question-buttons"]),
                self._said,
            ]
        )
        styled(self, "hx-card", "hx-question")
        self._check.on_click(lambda _: self.check())
        self._tell.on_click(lambda _: self.tell())
        self._guess.observe(lambda _: self._allow(), "value")
        self._allow()

    def guess(self, value: str | float) -> bool:
        """Make a guess as a click would, and check it; true if it is right."""
        self._guess.value = value if isinstance(value, str) else f"{value:g}"
        return self.check()

    def check(self) -> bool:
        """Compare what was guessed with the answer; true if it is right."""
        guess, answer = self._guess.value, self._found()
        if not guess or answer is None:
            return False
        if isinstance(answer, str):
            self.given, self.right = guess, guess == answer
        else:
            try:
                self.given = float(guess.replace(",", "."))
            except ValueError:
                self._say("hx-warning", f"{guess} is no number; write one such as {self._within or 1:g}.")
                return False
            self.right = abs(self.given - float(answer)) <= self._within
        if self.right:
            self._say("hx-info", f"Yes. {self._because}")
        else:
            self._say("hx-warning", f"Not so. {self._hint or 'Guess again, or ask to be told.'}")
        self._allow()
        return self.right

    def tell(self) -> None:
        """Show the answer and its reason."""
        answer = self._found()
        if answer is None:
            return
        shown = answer if isinstance(answer, str) else f"{answer:g} {self._unit}".strip()
        self._say("hx-info", f"{shown}. {self._because}")

    def _found(self) -> str | float | None:
        """The answer; None, and a sentence, as long as the experiment that tells it was not made."""
        if not callable(self._answer):
            return self._answer
        try:
            return self._answer()
        except (NameError, LookupError):
            self._say("hx-warning", "Your guess is noted. What comes next tells: run it, then check again.")
            return None

    def _say(self, level: str, sentence: str) -> None:
        for each in ("hx-info", "hx-warning"):
            (self._said.add_class if each == level else self._said.remove_class)(each)
        self._said.value = f"<div role='status'>{escape(sentence)}</div>"

    def _allow(self) -> None:
        self._check.allow("" if self._guess.value else "make a guess first")
        self._tell.allow("" if self.given is not None else "make a guess and check it first")
