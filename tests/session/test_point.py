"""Addresses: what is open as a text, and a text as what is open."""

from __future__ import annotations

import contextlib
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamexplorer.errors import HamExplorerError, SettingsError
from hamexplorer.session import Session
from hamexplorer.session.point import LONGEST_TASK, StartingPoint


def test_address_opens_another_session_where_the_first_one_is(session):
    session.configure(targets={"mo_energy": 1e4, "dipole": 2.5e-3}, epochs=7, train_fraction=0.6)
    session.pick(3)
    point = session.point(show=("targets", "levels"), task="Train & look: is it < 0.1 eV?")
    other = Session()
    other.open_dataset("silicon")
    other.wait()
    other.begin_at(StartingPoint.parse(f"?{point.query()}"))
    other.wait()
    assert other.dataset.name == "ethane" and other.picked == 3
    assert other.settings == session.settings
    assert StartingPoint.parse(point.query()) == point


def test_address_says_no_more_than_what_differs_from_the_beginning(session):
    assert session.point().query() == "data=ethane"


def test_address_adds_a_molecule_or_a_crystal_and_keeps_warnings_about_it(session):
    session.begin_at(StartingPoint.parse("add=smiles:CCO+N"))
    session.wait()
    assert [s.formula for s in session.loaded] == ["C2H6O", "H3N"]
    assert session.picked == len(session.dataset)
    session.begin_at(StartingPoint.parse("add=crystal:graphene"))
    session.wait()
    assert session.structures[-1].is_crystal


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("data=/etc/passwd", r"names the data set '/etc/passwd', which does not come along; choose one of ethane"),
        ("add=file:/etc/passwd", "may add a SMILES or a crystal"),
        ("add=rattled:/etc/passwd", "may add a SMILES or a crystal"),
        ("epochs=many", "Epochs must be a whole number, got 'many'"),
        ("epochs=-3", "Epochs must be a whole number from 0"),
        ("train_fraction=nan", "Training part must be a number from"),
        ("targets=dipole", "targets are written with their weights"),
        ("targets=dipol:1", "did you mean 'dipole'"),
        ("targets=dipole:inf", "weight of dipole must be a positive number"),
        ("structure=first", "counted from 1"),
        ("colour=red", "'colour', which is neither a setting nor one of data"),
        ("&".join(f"a{k}=1" for k in range(200)), "more than a hundred parts"),
    ],
)  # fmt: skip
def test_wrong_address_is_a_sentence(query, said):
    with pytest.raises(SettingsError, match=said):
        StartingPoint.parse(query)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_address_is_understood_or_refused(text):
    for query in (
        text,
        f"task={quote_plus(text.encode('utf-8', 'replace'))}",
        f"show={text}&structure={text}",
    ):
        with contextlib.suppress(HamExplorerError):
            point = StartingPoint.parse(query)
            assert StartingPoint.parse(point.query()) == point


def test_a_task_has_an_end():
    assert len(StartingPoint.parse(f"task={'x' * 5000}").task) == LONGEST_TASK


def test_molecule_that_makes_no_sense_changes_nothing(session):
    before = session.structures, session.settings
    session.begin_at(StartingPoint.parse("data=silicon&add=smiles:C(&epochs=3"))
    session.wait()
    assert (session.structures, session.settings) == before
    assert session.message.level == "error" and "C(" in session.message.text


def test_own_molecules_have_no_address_and_the_cure_is_told(session):
    session.close_dataset()
    assert "save a session file instead" in session.why_not_link()
    with pytest.raises(HamExplorerError, match="no data set is open"):
        session.point()


def test_address_waits_for_a_training_to_end(session, script, until):
    session.start()
    until(lambda: len(script.calls) == 1)
    session.begin_at(StartingPoint(data="silicon"))
    assert session.dataset.name == "ethane" and "stop it" in session.message.text
