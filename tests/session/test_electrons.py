"""Looking into the picked molecule: what every view shows of it, worked out in the background."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hamexplorer.errors import TrainingError
from hamexplorer.train.events import Snapshot
from tests.session.conftest import results_for


def test_what_the_calculations_say_is_there_at_once(session):
    state = session.state_of_picked
    assert list(state.sets) == ["raw", "reference"] and state.structure is session.structures[0]
    session.pick(5)
    assert session.state_of_picked.structure is session.structures[5]


def test_only_orbitals_that_exist_can_be_chosen(session):
    session.choose_orbital(-3)
    assert session.orbital == -3
    for nonsense in (99, -99):
        session.choose_orbital(nonsense)
    assert session.orbital == -3


def test_the_same_atoms_again_end_the_mark(session):
    session.mark((1, 4))
    assert session.marked == (1, 4)
    session.mark((2, 2))
    assert session.marked == (2,), "a block of an atom with itself is the atom"
    session.mark((2,))
    assert session.marked == ()
    session.mark((3,))
    session.pick(1)
    assert session.marked == (), "atoms of the molecule before"


def test_excitations_are_worked_out_once(session):
    session.excite()
    session.wait()
    first = session.excitations
    assert list(first) == ["raw"] and first["raw"].energy[0] > 0
    session.excite()
    session.wait()
    assert session.excitations is first
    session.pick(2)
    session.excite()
    assert session.excitations == {}, "those of another molecule are not shown"
    session.wait()
    assert session.excitations["raw"].energy[0] != first["raw"].energy[0]


@pytest.fixture
def learned(session, script, until):
    """A run whose learned matrices are the raw ones; gives the targets whose gradient was asked for."""
    asked = []

    def gradient(row, target, matrix):
        asked.append(target)
        if target == "missing":
            raise TrainingError("no such value")
        return 2 * matrix

    def state(row):
        raw = session.state_of_picked
        return dataclasses.replace(raw, sets={**raw.sets, "learned": raw.sets["raw"]})

    session.start()
    results = dataclasses.replace(results_for(session.dataset, 1), states=state, gradients=gradient)
    script.inbox.put(Snapshot(1, results))
    until(lambda: session.state_of_picked is not None and "learned" in session.state_of_picked.sets)
    script.finish(1)
    session.wait()
    return asked


def test_the_pull_of_an_error_is_found_once_a_state(session, learned):
    session.find_pull("mo_energy")
    session.wait()
    target, gradient = session.pull
    np.testing.assert_array_equal(gradient, 2 * session.state_of_picked.sets["learned"].matrix)
    assert target == "mo_energy"
    session.find_pull("mo_energy")
    session.wait()
    assert learned == ["mo_energy"]
    session.pick(1)
    assert session.pull is None


def test_a_pull_that_cannot_be_found_is_a_sentence(session, learned):
    session.find_pull("missing")
    session.wait()
    assert session.pull is None and session.message.text == "no such value"
