"""A study in the session: one thing at a time, rows as they come, and sentences where it cannot be."""

from __future__ import annotations

import queue

import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.session import Session
from hamexplorer.session import study as session_study
from hamexplorer.train.planned import own_test
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.study import RowReady, StudyEnded, StudyProgress

CHOICES = {
    "targets": ("ε", "ε + μ"),
    "models": ("network", "surrogate"),
    "reductions": ("lowest_n",),
    "seeds": (1,),
    "epochs": 3,
}


class Studied:
    """Stands in for :func:`run_study`: the test says what is reported."""

    def __init__(self) -> None:
        self.inbox: queue.Queue = queue.Queue()
        self.asked = None

    def __call__(self, grid, *, datasets, kept, controls, report):
        self.asked, self.datasets, self.controls, self.kept = grid, datasets, controls, kept
        while True:
            event = self.inbox.get(timeout=20)
            if isinstance(event, Exception):
                raise event
            report(event)
            if isinstance(event, StudyEnded):
                return []


@pytest.fixture
def studied(monkeypatch, session):
    made = Studied()
    monkeypatch.setattr(session_study, "run_study", made)
    yield made
    if session.study.running:
        made.inbox.put(StudyEnded("Stopped.", False))
        session.wait()


def row_of(grid):
    run = next(grid.runs("ethane"))
    entry = ErrorRow("mo_energy", "Orbital energies", "Ha", *[0.1] * 6, 3)
    return Row(run, 2.0, 3, 3, {own_test("ethane"): {"mo_energy": entry}})


def test_a_grid_keeps_what_is_not_varied(session):
    session.configure(batch_size=5, epochs=77)
    grid = session.grid_of(**CHOICES)
    runs = list(grid.runs("ethane"))
    assert session.count_runs(grid) == len(runs) == 3  # a surrogate has no ε alone
    assert {(r.settings.batch_size, r.settings.epochs) for r in runs} == {(5, 3)}


def test_rows_and_progress_arrive_and_training_waits(session, studied, until):
    grid = session.grid_of(**CHOICES)
    session.start_study(grid)
    assert session.study.running and "a study is under way" in session.why_not("start")
    session.start()
    assert session.state == "idle" and session.message.level == "warning"
    studied.inbox.put(StudyProgress(1, 3, "ε", "epoch 1 of 3", 0.1, 9.0))
    studied.inbox.put(RowReady(row_of(grid), False))
    until(lambda: session.study_rows)
    assert session.study.progress.total == 3 and session.study_rows[0].seconds == 2.0
    studied.inbox.put(StudyEnded("3 of 3 runs are finished.", True))
    until(lambda: not session.study.running)
    assert session.study.sentence == "3 of 3 runs are finished."
    assert not session.why_not("start")
    assert studied.asked == grid and len(studied.datasets["ethane"]) == 100


def test_no_study_while_a_training_is_under_way(session, studied, script):
    session.start()
    assert session.why_not_study() == "a training is under way"
    session.start_study(session.grid_of(**CHOICES))
    assert not session.study.running and session.message.where == "study"


def test_stop_reaches_the_study(session, studied, until):
    session.start_study(session.grid_of(**CHOICES))
    until(lambda: studied.asked is not None)
    session.stop_study()
    assert studied.controls.stopped and session.study.stopping


def test_a_failure_is_told(session, studied, until):
    session.start_study(session.grid_of(**CHOICES))
    studied.inbox.put(SettingsError("the grid is odd"))
    until(lambda: not session.study.running)
    assert session.message.text == "the grid is odd" and session.message.where == "study"


def test_a_model_that_cannot_learn_the_ticked_targets_does_not_start(session):
    session.configure(model="surrogate")
    assert "cannot learn orbital energies" in session.why_not("start")
    # The grid chooses its own models.
    assert session.why_not_study() == ""


def test_tables_can_be_taken_away(session, studied, until):
    assert session.export_study("csv") is None
    grid = session.grid_of(**CHOICES)
    session.start_study(grid)
    studied.inbox.put(RowReady(row_of(grid), False))
    until(lambda: session.study_rows)
    assert b"mo_energy" in session.export_study("csv").content
    assert session.export_study("json").filename == "ethane-study.json"


def test_a_session_file_keeps_the_rows_and_trains_none_of_them_again(session, studied, until):
    grid = session.grid_of(**CHOICES)
    session.start_study(grid)
    row = row_of(grid)
    until(lambda: hasattr(studied, "kept"))
    studied.kept.put("its key", row)  # as a study does
    studied.inbox.put(RowReady(row, False))
    studied.inbox.put(StudyEnded("1 of 3 runs are finished.", False))
    until(lambda: not session.study.running)
    content = session.save_session().content
    found = Session()
    found.open_session(content)
    found.wait()
    assert [each.to_dict() for each in found.study_rows] == [row.to_dict()]
    found.start_study(grid)
    until(lambda: studied.kept is not session._kept_rows)
    assert studied.kept.get("its key").to_dict() == row.to_dict()
    studied.inbox.put(StudyEnded("Stopped.", False))
    found.wait()


def test_without_a_dataset_a_sentence(session):
    session.close_dataset() if hasattr(session, "close_dataset") else setattr(session, "dataset", None)
    with pytest.raises(SettingsError, match="no dataset is open"):
        session.grid_of(**CHOICES)
