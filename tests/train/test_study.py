"""Studies: resumable, within a budget, one failure does not end them, and the table says what the models say."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import numpy as np
import pytest

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train import planned as planned_module
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import Grid
from hamexplorer.train.planned import own_test
from hamexplorer.train.rows import MEASURES, KeptRows, Row, table_csv, table_json
from hamexplorer.train.study import RowReady, StudyEnded, StudyProgress, run_study
from hamexplorer.train.suited import kind_of
from hamexplorer.train.trained import TrainedModel
from hamexplorer.units import HARTREE_EV

FIXED = {
    "baseline": "sap",
    "epochs": 2,
    "batch_size": 2,
    "train_fraction": 0.5,
    "validation_fraction": 0.25,
}


@pytest.fixture(scope="module")
def others():
    return read_dataset("ethane").subset(range(20, 24))


def grid(**changes):
    values = {
        "datasets": ("few",),
        "targets": ("ε + μ",),
        "models": ("network", "surrogate"),
        "seeds": (7,),
        "settings": FIXED,
    }
    return Grid(**{**values, **changes})


@pytest.fixture(scope="module")
def finished(ethanes, others, tmp_path_factory):
    """Rows, folder and events of a study with a further set."""
    folder, heard = tmp_path_factory.mktemp("study"), []
    opened = {"few": ethanes, "more": others}
    rows = run_study(grid(test_on=("more",)), folder=folder, datasets=opened, report=heard.append)
    return rows, folder, heard


def test_every_run_has_a_row_with_the_errors_that_its_model_makes(finished, ethanes, others):
    rows, folder, _ = finished
    assert [row.run.settings.model for row in rows] == ["network", "surrogate"]
    for row in rows:
        key = KeptRows.key(row.run, ethanes, [others])
        model = TrainedModel.load(folder / "runs" / key)
        for name, dataset in ((own_test("few"), ethanes), ("more", others)):
            expected = model.evaluate(dataset, "test").errors("test")
            assert set(row.errors[name]) == set(expected)
            for target, entry in expected.items():
                found = dataclasses.asdict(row.errors[name][target])
                wanted = dataclasses.asdict(entry)
                assert found.pop("label") == wanted.pop("label")
                for measure in MEASURES:
                    np.testing.assert_allclose(found[measure], wanted[measure], rtol=1e-6)
        assert row.epochs == 2 and row.seconds > 0 and not row.sentence


def test_the_hamiltonian_predicts_what_it_did_not_learn_and_the_surrogate_does_not(finished):
    hybrid, surrogate = (row.errors[own_test("few")] for row in finished[0])
    assert "polarizability" in hybrid and set(surrogate) == {"dipole"}


def test_what_is_finished_is_not_trained_again(finished, ethanes, others, monkeypatch):
    rows, folder, _ = finished

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(planned_module, "train", never)
    heard = []
    again = run_study(
        grid(test_on=("more",)),
        folder=folder,
        datasets={"few": ethanes, "more": others},
        report=heard.append,
    )
    assert [e.known for e in heard if isinstance(e, RowReady)] == [True, True]
    # All figures come back as they were, numbers that are undefined among them.
    np.testing.assert_equal([row.to_dict() for row in again], [row.to_dict() for row in rows])


def test_progress_rises_and_tells_the_time(finished):
    heard = [e for e in finished[2] if isinstance(e, StudyProgress)]
    shares = [e.fraction for e in heard]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert {e.number for e in heard} == {1, 2} and {e.total for e in heard} == {2}
    assert all(e.seconds_left >= 0 for e in heard if e.seconds_left is not None)
    assert finished[2][-1] == StudyEnded("2 of 2 runs are finished.", True)


def test_stopped_in_the_middle_it_goes_on_where_it_was(ethanes, tmp_path, same_weights):
    few = grid(models=("network",), seeds=(7, 8), settings={**FIXED, "epochs": 4, "checkpoint_every": 1})
    controls, opened = Controls(), {"few": ethanes}

    def stops(event):
        if isinstance(event, StudyProgress) and event.text == "epoch 2 of 4":
            controls.stop()

    heard = []
    assert run_study(few, folder=tmp_path / "a", datasets=opened, controls=controls, report=stops) == []
    rows = run_study(few, folder=tmp_path / "a", datasets=opened, report=heard.append)
    texts = [e.text for e in heard if isinstance(e, StudyProgress) and e.number == 1]
    assert "epoch 3 of 4" in texts and "epoch 2 of 4" not in texts
    straight = run_study(few, folder=tmp_path / "b", datasets=opened)
    assert [row.errors for row in rows] == [row.errors for row in straight]


def test_the_time_of_an_interrupted_run_counts(ethanes, tmp_path):
    one, opened = grid(models=("surrogate",)), {"few": ethanes}
    (run,) = one.runs("few", kind=kind_of(ethanes.structures))
    kept = KeptRows(tmp_path)
    key = kept.key(run, ethanes, [])
    controls = Controls()

    def stops(event):
        if isinstance(event, StudyProgress) and event.text == "epoch 1 of 2":
            controls.stop()

    assert run_study(one, kept=kept, datasets=opened, controls=controls, report=stops) == []
    before = KeptRows(tmp_path).spent(key)
    kept.interrupted(key, 1000.0)
    (row,) = run_study(one, folder=tmp_path, datasets=opened)
    assert before > 0 and row.seconds > before + 1000.0


def test_a_spent_budget_stops_before_the_next_run(ethanes, tmp_path):
    heard = []
    rows = run_study(
        grid(models=("surrogate",)),
        folder=tmp_path,
        datasets={"few": ethanes},
        budget=1e-9,
        report=heard.append,
    )
    assert rows == []
    assert heard == [StudyEnded("Stopped: 0 of 1 runs are finished; start it again to go on.", False)]


def test_one_that_fails_becomes_a_sentence_and_is_tried_again(ethanes, tmp_path, monkeypatch):
    real, broken = planned_module.train, [True]

    def train(dataset, settings, **more):
        if settings.seed == 1 and broken:
            raise ZeroDivisionError("by chance")
        return real(dataset, settings, **more)

    monkeypatch.setattr(planned_module, "train", train)
    few, opened = grid(models=("surrogate",), seeds=(1, 7)), {"few": ethanes}
    first, second = run_study(few, folder=tmp_path, datasets=opened)
    assert first.failed and "went wrong (ZeroDivisionError: by chance)" in first.sentence
    assert not second.failed
    broken.clear()
    assert not run_study(few, folder=tmp_path, datasets=opened)[0].failed


def test_a_set_that_a_model_cannot_take_costs_only_its_column(ethanes):
    strange = read_dataset("small-molecules").subset([100, 101])
    rows = run_study(
        grid(models=("surrogate",), test_on=("strange",)), datasets={"few": ethanes, "strange": strange}
    )
    assert set(rows[0].errors) == {own_test("few")}
    assert rows[0].sentence.startswith("not tested on strange: ") and "has not learned" in rows[0].sentence


def test_a_target_that_the_dataset_lacks_is_told(ethanes):
    bare = dataclasses.replace(
        ethanes,
        references=tuple(
            dataclasses.replace(r, large=dataclasses.replace(r.large, dipole=None))
            for r in ethanes.references
        ),
    )
    (row,) = run_study(grid(models=("surrogate",)), datasets={"few": bare})
    assert row.failed and "holds no dipole moment" in row.sentence


def test_the_tables_hold_every_number(finished):
    rows = [*finished[0], Row(finished[0][0].run, sentence="it broke")]
    lines = list(csv.DictReader(io.StringIO(table_csv(rows, "eV"))))
    assert len(lines) == sum(len(errors) for row in rows for errors in row.errors.values()) + 1
    assert lines[-1]["sentence"] == "it broke" and lines[-1]["target"] == ""
    line = next(each for each in lines if each["target"] == "mo_energy" and each["tested_on"] == "more")
    entry = rows[0].errors["more"]["mo_energy"]
    assert float(line["mae"]) == pytest.approx(HARTREE_EV * entry.mae, rel=1e-5) and line["unit"] == "eV"
    assert float(line["raw_rmse"]) == pytest.approx(HARTREE_EV * entry.raw_rmse, rel=1e-5)
    again = [Row.from_dict(values) for values in json.loads(table_json(rows))]
    np.testing.assert_equal([row.to_dict() for row in again], [row.to_dict() for row in rows])
