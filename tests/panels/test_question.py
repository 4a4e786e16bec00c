"""A question of a lesson: guess first, then the answer."""

from __future__ import annotations

import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.panels.question import Question

WAYS = ("It grows", "It shrinks")


def said(question: Question) -> str:
    return question.children[-1].value


def buttons(question: Question):
    return question.children[2].children


def test_nothing_is_told_before_a_guess():
    question = Question("The gap?", WAYS, answer="It shrinks", because="More room.")
    check, tell = buttons(question)
    assert check.disabled and tell.disabled and not said(question)
    assert tell.tooltip == "Not now: make a guess and check it first"
    assert not question.check() and question.right is None


def test_a_wrong_guess_gets_the_hint_and_may_be_told_then():
    question = Question("The gap?", WAYS, answer="It shrinks", because="More room.", hint="Think of a box.")
    assert not question.guess("It grows")
    assert "Think of a box." in said(question) and "More room." not in said(question)
    check, tell = buttons(question)
    assert not check.disabled and not tell.disabled
    tell.click()
    assert "It shrinks. More room." in said(question)
    assert question.guess("It shrinks") and question.right and "Yes." in said(question)


def test_numbers_may_be_off_by_a_little_and_words_are_no_numbers():
    question = Question("How many?", answer=3.9, within=0.5, unit="iterations", because="Counted.")
    assert question.guess("4,2") and question.given == 4.2
    assert not question.guess(6)
    assert not question.guess("<b>some</b>") and "&lt;b&gt;some" in said(question)
    question.tell()
    assert "3.9 iterations. Counted." in said(question)


def test_an_answer_that_only_an_experiment_tells_is_asked_for_when_it_is_checked():
    found = []
    question = Question("Which?", WAYS, answer=lambda: found[-1], because="So it was.")
    assert (
        not question.guess("It grows") and question.right is None and "run it, then check" in said(question)
    )
    found.append("It grows")
    assert question.check() and "So it was." in said(question)


def test_an_answer_that_cannot_be_chosen_is_refused():
    with pytest.raises(SettingsError, match="'It stays' is none of the options"):
        Question("The gap?", WAYS, answer="It stays", because="")
