"""`hamexplorer study`: files, exit codes and sentences; the runs themselves are tests/train/test_study.py's."""

from __future__ import annotations

import csv
import json

import pytest

from hamexplorer.cli import OK, USAGE, USER_ERROR, main
from hamexplorer.train import study as study_module
from hamexplorer.train.grid import Grid
from hamexplorer.train.planned import own_test
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.study import RowReady, StudyEnded, StudyProgress

GRID = 'dataset = "ethane"\ntargets = ["ε"]\nmodels = ["network"]\nseeds = [1, 2]\n[settings]\nepochs = 3\n'


@pytest.fixture
def grid_file(tmp_path):
    path = tmp_path / "grid.toml"
    path.write_text(GRID)
    return path


@pytest.fixture
def studied(monkeypatch):
    """Stands in for the trainings: one run is finished, the other has failed."""
    asked = {}

    def run_study(grid: Grid, **options):
        asked.update(options, grid=grid)
        good, bad = grid.runs("ethane")
        entry = ErrorRow("mo_energy", "Orbital energies", "Ha", *[0.1] * 6, 3)
        rows = [
            Row(good, 2.0, 3, 3, {own_test("ethane"): {"mo_energy": entry}}),
            Row(bad, sentence="it broke"),
        ]
        options["report"](StudyProgress(1, 2, good.label, "epoch 1 of 3", 0.1, 9.0))
        for row in rows:
            options["report"](RowReady(row, False))
        options["report"](StudyEnded("2 of 2 runs are finished, 1 of them failed.", True))
        return rows

    monkeypatch.setattr(study_module, "run_study", run_study)
    return asked


def test_it_writes_table_and_report_and_tells_every_run(grid_file, studied, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["study", str(grid_file), "--out", str(out), "--budget", "60"]) == OK
    assert studied["budget"] == 60.0 and studied["folder"] == out and studied["grid"].seeds == (1, 2)
    lines = list(csv.DictReader((out / "table.csv").open(encoding="utf-8")))
    assert [line["target"] for line in lines] == ["mo_energy", ""] and lines[1]["sentence"] == "it broke"
    assert float(lines[0]["rmse_per_atom"]) == pytest.approx(2.72114, rel=1e-5)
    assert len(json.loads((out / "table.json").read_text(encoding="utf-8"))) == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Comparison of the runs" in page and "it broke" in page
    told = capsys.readouterr()
    assert "orbital energies 2.72 eV" in told.out and "failed: it broke" in told.out
    assert "2 of 2 runs are finished" in told.out


def test_a_wrong_grid_is_one_sentence(tmp_path, capsys):
    path = tmp_path / "grid.toml"
    path.write_text(GRID.replace("seeds", "sead"))
    assert main(["study", str(path), "--out", str(tmp_path / "out")]) == USER_ERROR
    assert "did you mean 'seeds'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("budget", ["0", "-3", "soon", "inf"])
def test_a_budget_is_a_positive_time(grid_file, tmp_path, capsys, budget):
    assert main(["study", str(grid_file), "--out", str(tmp_path), f"--budget={budget}"]) == USAGE
    assert f"a budget is a positive number of seconds, got '{budget}'" in capsys.readouterr().err
