"""A study on workers: the same rows as here, kept as they come, models and all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hamexplorer.cluster import LocalWorkers
from hamexplorer.errors import TrainingError
from hamexplorer.model import MODELS, SURROGATES
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train import planned
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import Grid
from hamexplorer.train.planned import own_test
from hamexplorer.train.rows import KeptRows
from hamexplorer.train.runfile import dataset_key
from hamexplorer.train.study import RowReady, StudyEnded, run_study
from hamexplorer.train.trained import TrainedModel


@pytest.fixture(scope="module")
def ethanes():
    dataset = read_dataset("ethane")
    return dataset.subset(range(12))


#: Sizes of networks as they are when this file is collected, before any test runs.
USUAL = {type(kind): kind.settings for kind in (MODELS["network"], SURROGATES["surrogate"])}


@pytest.fixture(autouse=True)
def networks_of_usual_size(monkeypatch):
    """As in the workers; the training's own tests make theirs smaller for as long as this process lasts."""
    for kind, settings in USUAL.items():
        monkeypatch.setattr(kind, "settings", settings)


#: Little work: what is tested is the way there and back.
FIXED = {"epochs": 2, "batch_size": 4, "committee": 1, "baseline": "sap"}


@pytest.fixture
def grid() -> Grid:
    return Grid(("few",), targets=("ε",), models=("linear", "surrogate"), seeds=(1, 2), settings=FIXED)


def test_a_task_carries_all_that_a_run_needs(ethanes, grid, monkeypatch):
    """In this process; the paths of workers are in the slow tests."""
    learned = []

    def train_nothing(dataset, settings, **options):
        learned.append((dataset, settings))
        raise TrainingError("enough")

    monkeypatch.setattr(planned, "train", train_nothing)
    run = replace(next(grid.runs("few")), test_on=("few",))
    assert planned.answer(*planned.encode_task(run, {"few": ethanes})) == {"sentence": "enough"}
    dataset, settings = learned[0]
    assert settings == run.settings
    assert dataset_key(dataset) == dataset_key(ethanes)


@pytest.mark.slow
def test_rows_are_those_of_this_process(ethanes, grid, tmp_path):
    heard = []
    there = run_study(
        grid, folder=tmp_path, datasets={"few": ethanes}, workers=LocalWorkers(2), report=heard.append
    )
    here = run_study(grid, datasets={"few": ethanes})
    assert [row.run for row in there] == [row.run for row in here]
    for a, b in zip(there, here, strict=True):
        assert (a.sentence, a.epochs, a.n_train) == (b.sentence, b.epochs, b.n_train)
        for target, entry in a.errors[own_test("few")].items():
            assert entry.mae == pytest.approx(b.errors[own_test("few")][target].mae, rel=1e-4, abs=1e-9)
    assert sum(isinstance(event, RowReady) for event in heard) == len(there)
    assert isinstance(heard[-1], StudyEnded)
    assert heard[-1].complete

    # Kept with the models: a second study needs no worker, and the model answers here as it did there.
    again = run_study(grid, folder=tmp_path, datasets={"few": ethanes}, workers=LocalWorkers(1))
    assert [row.to_dict() for row in again] == [row.to_dict() for row in there]
    key = KeptRows.key(there[0].run, ethanes, [])
    model = TrainedModel.load(KeptRows(tmp_path).run_folder(key))
    mae = model.evaluate(ethanes, "test").errors("test")["mo_energy"].mae
    assert mae == pytest.approx(there[0].errors[own_test("few")]["mo_energy"].mae, rel=1e-4)


@pytest.mark.slow
def test_a_run_that_fails_there_says_why_and_the_others_go_on(ethanes, tmp_path):
    settings = {**FIXED, "train_fraction": 0.05}
    grid = Grid(("few",), targets=("ε",), models=("linear",), seeds=(1, 2), settings=settings)
    there = run_study(grid, folder=tmp_path, datasets={"few": ethanes}, workers=LocalWorkers(1))
    here = run_study(grid, datasets={"few": ethanes})
    assert [row.sentence for row in there] == [row.sentence for row in here]


@pytest.mark.slow
def test_stopped_there_it_keeps_what_is_finished(ethanes, grid, tmp_path):
    controls = Controls()

    def stop(event):
        if isinstance(event, RowReady):
            controls.stop()

    rows = run_study(
        grid,
        folder=tmp_path,
        datasets={"few": ethanes},
        workers=LocalWorkers(1),
        controls=controls,
        report=stop,
    )
    assert len(rows) == 1
    kept = [json.loads(path.read_text()) for path in tmp_path.glob("runs/*/row.json")]
    assert [row["settings"] for row in kept] == [rows[0].run.settings.to_dict()]
    assert not list(tmp_path.glob("runs/*/.*"))
