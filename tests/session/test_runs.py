"""Runs are kept, shown again, compared, and can be repeated from what is exported of them."""

from __future__ import annotations

import json
import runpy
import tomllib

import nbformat
import numpy as np
import pytest

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.session import Session
from hamexplorer.session.runs import Run, differences
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import defaults_for
from tests.session.conftest import Model


def finish_run(session, script, epochs: int) -> None:
    session.start()
    for number in range(1, epochs + 1):
        script.epoch(number)
        script.snapshot(session, number)
    script.finish(epochs)
    session.wait()


@pytest.fixture
def two_runs(session, script):
    finish_run(session, script, 3)
    session.configure(learning_rate=5e-3)
    session.select(type(session.selection)(index_range="0:40"))
    finish_run(session, script, 2)
    return session


def test_runs_are_kept_and_shown_again(two_runs):
    first, second = two_runs.runs
    assert (first.number, first.epochs, first.rows, first.n_structures) == (1, 3, None, 100)
    assert (second.number, second.epochs, second.n_structures) == (2, 2, 40)
    assert two_runs.shown_run == 2 and two_runs.results.epoch == 2
    two_runs.show_run(1)
    assert two_runs.run_shown is first
    assert two_runs.results is first.results and two_runs.history is first.history
    assert two_runs.model is first.model and two_runs.timeline.epochs == (1, 2, 3)
    two_runs.show_run(7)
    assert two_runs.run_shown is first


def test_what_differs_between_two_runs(two_runs):
    found = {what: (a, b) for what, a, b in differences(*two_runs.runs)}
    assert found == {
        "Structures": ("100", "40"),
        "Learning rate": ("0.001", "0.005"),
        "Epochs done": ("3", "2"),
    }
    assert differences(two_runs.runs[0], two_runs.runs[0]) == []


def test_a_run_under_way_hides_no_run(two_runs, script):
    two_runs.start()
    two_runs.show_run(1)
    assert "stop the training first" in two_runs.message.text and two_runs.shown_run is None
    script.finish(1)
    two_runs.wait()
    assert len(two_runs.runs) == 2, "a run without an epoch is not kept"


def test_files_that_repeat_a_run(two_runs):
    toml = tomllib.loads(two_runs.export("toml").content.decode())
    assert RunSettings.from_dict(toml) == RunSettings(
        **defaults_for("one molecule"), learning_rate=5e-3, epochs=2
    )
    program = two_runs.export("script").content.decode()
    assert 'read_dataset("ethane")' in program and f"subset({list(range(40))})" in program
    download = two_runs.export("notebook")
    assert download.filename == "ethane-run-2.ipynb"
    nbformat.validate(nbformat.reads(download.content.decode(), 4))
    assert json.loads(download.content)["nbformat"] == 4


def test_without_a_run_there_is_nothing_to_repeat(session):
    assert "when a training has ended" in session.why_not_export("script")


@pytest.mark.slow
def test_the_script_gives_the_very_same_model(tmp_path):
    session = Session()
    session.open_dataset("ethane")
    session.wait()
    session.select(type(session.selection)(index_range="0:20"))
    session.configure(epochs=4, model="linear", baseline="sap", train_fraction=0.5, validation_fraction=0.25)
    session.start()
    session.wait(300)
    path = tmp_path / "again.py"
    path.write_bytes(session.export("script").content)
    again = runpy.run_path(str(path))["model"]
    structure = read_dataset("ethane").structures[30]
    one, other = (model.predict([structure])[0].mo_energy for model in (session.model, again))
    np.testing.assert_array_equal(one, other)


def test_weights_changed_on_the_way_are_in_the_recipes(two_runs):
    run = two_runs.runs[0].with_weights(2, {"mo_energy": 1.0, "dipole": 3.0})
    assert isinstance(run, Run)
    (entry,) = differences(two_runs.runs[0], run)
    assert entry[0] == "Targets" and "from epoch 2 mo_energy=1, dipole=3" in entry[2]
    two_runs.runs = (run,)
    two_runs.show_run(1)
    program = two_runs.export("script").content.decode()
    assert "changes = {2: {'mo_energy': 1.0, 'dipole': 3.0}}" in program
    compile(program, "again.py", "exec")


def test_a_structure_with_references_outside_the_run_is_predicted_and_set_beside_them(session):
    session.model = Model()
    session.pick(4)
    session.wait()
    known = session.known(4)
    assert list(known) == ["small", "learned", "large"]
    np.testing.assert_allclose(known["learned"]["dipole"], [0, 0, 0.5])
    assert list(session.state_of_picked.sets) == ["raw", "learned", "reference"]


def test_earlier_runs_of_other_data_sets_stay_out_of_the_plots(session, script):
    for name in ("ethane", "small-molecules", "ethane"):
        session.open_dataset(name)
        session.wait()
        finish_run(session, script, 1)
    assert [run.dataset for run in session.runs] == ["ethane", "small-molecules", "ethane"]
    assert [run.number for run in session.other_runs] == [1]
