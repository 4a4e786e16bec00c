"""Looking back in time: what is kept, and what every view shows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hamexplorer.session import timeline
from hamexplorer.session.timeline import Timeline
from tests.session.conftest import results_for


@pytest.fixture
def trained(session, script):
    """A session with a run of five epochs."""
    session.start()
    for number in range(1, 6):
        script.epoch(number)
        script.snapshot(session, number)
    script.finish(5)
    session.wait()
    return session


def test_every_view_moves_back_and_forth(trained):
    assert trained.timeline.epochs == (1, 2, 3, 4, 5)
    assert trained.results.epoch == 5 and trained.shown_epoch is None
    trained.show_epoch(2)
    assert trained.results.epoch == 2 and trained.shown_epoch == 2
    trained.show_epoch(5)
    assert trained.results.epoch == 5 and trained.shown_epoch is None
    trained.show_epoch(3)
    trained.show_epoch(None)
    assert trained.results.epoch == 5


def test_an_epoch_that_was_not_kept_changes_nothing(trained):
    trained.show_epoch(77)
    assert trained.results.epoch == 5


def test_a_training_goes_on_behind_what_is_shown(session, script, until):
    session.start()
    script.snapshot(session, 1)
    script.snapshot(session, 2)
    until(lambda: len(session.timeline.epochs) == 2)
    session.show_epoch(1)
    script.snapshot(session, 3)
    until(lambda: len(session.timeline.epochs) == 3)
    assert session.results.epoch == 1
    script.finish(3)
    session.wait()
    assert session.results.epoch == 1
    session.show_epoch(None)
    assert session.results.epoch == 3


def test_a_new_run_forgets_the_old_one(trained, script):
    trained.show_epoch(2)
    trained.start()
    assert trained.timeline.epochs == () and trained.shown_epoch is None
    script.finish(1)
    trained.wait()


def test_the_timeline_is_thinned_but_keeps_its_ends(session, monkeypatch):
    found = Timeline()
    first = results_for(session.dataset, 1)
    for epoch in range(1, 200):
        found = found.with_results(dataclasses.replace(first, epoch=epoch))
    assert len(found.kept) <= timeline.MOST
    assert found.epochs[0] == 1 and found.epochs[-1] == 199
    assert (np.diff(found.epochs) > 0).all()
    monkeypatch.setattr(timeline, "FULL", 1)
    for epoch in range(200, 210):
        found = found.with_results(dataclasses.replace(first, epoch=epoch))
    assert len(found.kept) <= 3 and found.epochs[-1] == 209
    assert found.with_results(dataclasses.replace(first, epoch=209)).epochs == found.epochs
