"""Start, pause, stop and reset; reports that arrive through the queue; settings frozen at Start."""

from __future__ import annotations

import json

import pytest

from hamexplorer.errors import StructureError, TrainingError
from hamexplorer.session import Selection, findings
from hamexplorer.train.events import Failed, Paused, Resumed, Stage, WeightsChanged
from tests.session.conftest import Model


def test_reports_change_the_traits_only_when_drained(session, script, until):
    session.start()
    assert session.state == "preparing"
    script.inbox.put(Stage("compiling", 0.5))
    until(lambda: session.progress.fraction == 0.5)
    assert session.progress.text == "compiling"
    script.epoch(1)
    script.snapshot(session)
    until(lambda: session.results is not None)
    assert session.state == "training" and session.progress.epoch == 1
    assert len(session.history) == 1


def test_each_trait_changes_once_for_many_reports(session, script, until):
    session.start()
    seen = []
    session.observe(lambda change: seen.append(len(change["new"])), "history")
    for number in range(1, 51):
        script.epoch(number, 50)
    script.finish(50)
    session.wait()
    assert len(session.history) == 50 and len(seen) < 25


def test_finish_leaves_a_model(session, script):
    session.start()
    script.epoch(10)
    script.finish()
    session.wait()
    assert session.state == "finished" and session.model is not None
    assert session.why_not("start") == "" and session.progress.text == "all epochs are done"


def test_pause_and_resume_go_through_the_door(session, script, until):
    session.start()
    script.epoch(1)
    until(lambda: session.state == "training")
    session.pause()
    assert script.calls[0].controls.paused
    script.inbox.put(Paused(1))
    until(lambda: session.state == "paused")
    assert session.why_not("pause") and not session.why_not("resume")
    session.resume()
    assert not script.calls[0].controls.paused
    script.inbox.put(Resumed(1))
    until(lambda: session.state == "training")


def test_stop_is_told_from_finishing(session, script, until):
    session.start()
    script.epoch(1)
    until(lambda: session.state == "training")
    session.stop()
    assert script.calls[0].controls.stopped
    script.finish(1)
    session.wait()
    assert session.state == "stopped" and session.model is not None


def test_settings_are_frozen_at_start(session, script, until):
    session.start()
    script.epoch(1)
    until(lambda: session.state == "training")
    session.configure(epochs=7)
    assert script.calls[0].settings.epochs != 7


def test_weights_reach_a_run_under_way_and_are_marked(session, script, until):
    session.start()
    script.epoch(1)
    until(lambda: session.state == "training")
    session.set_weights({"dipole": 3.0})
    script.inbox.put(WeightsChanged(1, {"dipole": 3.0}))
    until(lambda: bool(session.history.marks))
    assert session.history.marks[0].kind == "weights" and dict(session.settings.targets) == {"dipole": 3.0}


@pytest.mark.parametrize("changes", [{"epochs": -1}, {"targets": {}}, {"model": "no such model"}])
def test_a_setting_out_of_bounds_changes_nothing(session, changes):
    before = session.settings
    assert not session.configure(**changes)
    assert (
        session.settings is before and session.message.level == "error" and session.message.where == "targets"
    )


@pytest.mark.parametrize(
    "error", [TrainingError("the loss of mo_energy is NaN; lower the learning rate"), KeyError("x")]
)
def test_whatever_happens_in_the_thread_becomes_a_sentence(session, script, error):
    session.start()
    script.inbox.put(error)
    session.wait()
    assert session.state == "failed" and session.message.level == "error"
    assert session.message.where == "training" and "Traceback" not in session.message.text
    assert session.why_not("start") == ""


def test_a_failure_that_is_reported_shows_its_sentence(session, script, until):
    session.start()
    script.inbox.put(Failed("the loss is not a number; lower the learning rate"))
    until(lambda: session.state == "failed")
    assert "not a number" in session.message.text
    script.finish()
    session.wait()
    assert session.state == "failed"


def test_only_chosen_molecules_are_trained_on(session, script):
    session.select(Selection(index_range="10:20"))
    session.start()
    script.finish()
    session.wait()
    assert len(script.calls[0].dataset) == 10


def test_too_few_molecules_are_refused_with_a_sentence(session, script):
    session.select(Selection(index_range="0:2"))
    session.start()
    assert session.state == "idle" and session.message.where == "training" and not script.calls


def test_reset_forgets_the_run_and_keeps_the_settings(session, script):
    session.configure(epochs=7)
    session.start()
    script.epoch(1)
    script.finish(1)
    session.wait()
    session.reset()
    assert session.state == "idle" and session.results is None and session.model is None
    assert len(session.history) == 0 and session.settings.epochs == 7


def test_a_row_of_the_results_picks_its_molecule_whatever_is_selected_later(session, script, until):
    session.select(Selection(index_range="50:80"))
    session.start()
    until(lambda: bool(script.calls))
    script.snapshot(script.calls[0])
    until(lambda: session.results is not None)
    session.select(Selection())
    session.pick_row(3)
    assert session.picked == 53 and session.row_of(53) == 3 and session.row_of(0) is None


def test_what_is_known_of_a_molecule_grows_by_what_was_learned(session, script, until):
    assert list(session.known(0)) == ["small", "large"]
    levels = session.dataset.references[0].large.mo_energy
    occupied = session.dataset.references[0].n_occ
    assert session.known(0)["large"]["homo_lumo_gap"] == pytest.approx(
        levels[occupied] - levels[occupied - 1]
    )
    session.start()
    script.snapshot(session)
    until(lambda: session.results is not None)
    known = session.known(0)
    assert list(known) == ["small", "learned", "large"]
    # The scripted results repeat the levels of the small basis.
    assert known["learned"]["homo_lumo_gap"] == pytest.approx(known["small"]["homo_lumo_gap"])


def test_molecules_without_references_are_predicted(session, script):
    session.load_structures("smiles")
    session.wait()
    session.start()
    script.finish()
    session.wait()
    session.wait()
    known = session.known(session.picked)
    assert list(known) == ["learned"] and known["learned"]["homo_lumo_gap"] == pytest.approx(0.7)


def test_they_are_predicted_while_it_learns(session, script, until, monkeypatch):
    monkeypatch.setattr(findings, "_SELDOM", 0.0)
    session.load_structures("smiles")
    session.wait()
    session.start()

    def dipole():
        return session.known(session.picked).get("learned", {}).get("dipole", [0, 0, 0])[2]

    for value in (0.1, 0.2):
        script.snapshot(session, model=Model(value))
        until(lambda value=value: dipole() == value)
    script.finish()
    until(lambda: dipole() == 0.5)
    assert session.learning is None and session.predictor is session.model
    session.reset()
    assert session.known(session.picked) == {}


def test_what_cannot_be_predicted_is_said_once_a_run(session, script, until, monkeypatch):
    monkeypatch.setattr(findings, "_SELDOM", 0.0)
    session.load_structures("smiles")
    session.wait()
    asked = []

    class Refuses(Model):
        def predict(self, structures):
            asked.append(self)
            raise StructureError("it has an element that was not learned")

    session.start()
    for number in (1, 2, 3):
        script.snapshot(session, number, model=Refuses())
        until(lambda number=number: session.results is not None and session.results.epoch == number)
    until(lambda: "cannot be predicted" in session.message.text)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", ["csv", "json", "model"])
def test_exports(session, script, until, kind):
    assert session.export(kind) is None and session.message.level == "error"
    session.start()
    script.epoch(1)
    script.snapshot(session)
    script.finish(1)
    session.wait()
    download = session.export(kind)
    assert download.filename.startswith("ethane") and download.content
    if kind == "json":
        assert json.loads(download.content)["errors"]["test"]["homo_lumo_gap"]["raw_mae"] == pytest.approx(
            0.2
        )
    if kind == "csv":
        assert len(download.content.decode().splitlines()) == 101


def test_held_out_structures_are_the_test_part(session):
    session.hold_out([3, 5, 8])
    assert "3 structures are the test part" in session.message.text
    assert [k for k, part in enumerate(session.parts) if part == "test"] == [3, 5, 8]
    session.configure(seed=7)
    assert [k for k, part in enumerate(session.parts) if part == "test"] == [3, 5, 8]
    session.hold_out(())
    assert session.settings.held_out == "" and session.parts.count("test") == 10


def test_another_dataset_forgets_what_was_held_out(session):
    session.hold_out([3, 5])
    session.open_dataset("silicon")
    session.wait()
    assert session.settings.held_out == "" and session.why_not("start") == ""


def test_holding_out_nearly_all_is_refused(session):
    session.hold_out(range(99))
    assert "hold out fewer" in session.message.text and session.settings.held_out == ""
