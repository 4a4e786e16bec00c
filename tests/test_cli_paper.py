"""`hamexplorer study paper`: options, files and sentences; what it runs is tests/train/test_paper.py's."""

from __future__ import annotations

import csv
import dataclasses
import json

import pytest

from hamexplorer.cli import OK, USAGE, USER_ERROR, main
from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.train import study as study_module
from hamexplorer.train.planned import own_test
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.study import RowReady, StudyEnded, planned


@pytest.fixture
def studied(monkeypatch):
    """Stands in for the trainings: the budget is spent after the runs of the first seed."""
    asked = {}

    def run_study(grids, *, datasets, report, **options):
        asked.update(options, grids=grids, datasets=datasets)
        plan = asked["plan"] = [run for grid in grids for run in planned(grid, datasets)]
        rows = []
        for run in plan:
            if run.settings.seed != plan[0].settings.seed or run.settings.train_at_most:
                break
            errors = {
                where: {"dipole": ErrorRow("dipole", "Dipole moment", "e·bohr", *[0.5] * 6, 3)}
                for where in (own_test(run.dataset), *run.test_on)
            }
            rows.append(Row(run, 2.0, 3, 3, errors, n_train=6))
            report(RowReady(rows[-1], False))
        rows[1] = Row(rows[1].run, sentence="it broke")
        report(StudyEnded("Stopped.", False))
        return rows

    monkeypatch.setattr(study_module, "run_study", run_study)
    return asked


@pytest.fixture(scope="module")
def qm7(tmp_path_factory):
    """Ethanes under the name of the paper's set."""
    path = tmp_path_factory.mktemp("data") / "qm7-few.h5"
    write_dataset(path, read_dataset("ethane").subset(range(8)))
    return path


def test_it_writes_every_figure_beside_the_authors_and_every_run_with_its_fate(
    qm7, studied, tmp_path, capsys
):
    out = tmp_path / "out"
    typed = [
        "--epochs",
        "3",
        "--response",
        "atoms",
        "--seeds",
        "42,87",
        "--sizes",
        "2,3,6",
        "--test-on",
        "ethane",
    ]
    assert main(["study", "paper", "--out", str(out), "--dataset", str(qm7), "--budget", "60", *typed]) == OK
    assert studied["budget"] == 60.0 and studied["kept"].folder == out
    assert set(studied["datasets"]) == {"qm7-few", "ethane"}
    plan = studied["plan"]
    assert {run.settings.seed for run in plan} == {42, 87} and {run.test_on for run in plan} == {("ethane",)}
    hybrids = [run.settings for run in plan if "mo_energy" in run.settings.targets]
    assert {(s.epochs, s.response) for s in hybrids} == {(3, "atoms")}
    assert {s.train_at_most for s in hybrids} == {0, 2, 3}

    lines = list(csv.DictReader((out / "summary.csv").open(encoding="utf-8")))
    assert lines[0]["experiment"] == "raw" and lines[0]["seeds"] == "42 87"
    found = {
        (line["experiment"], line["target_basis"], line["targets"], line["tested_on"], line["target"]): line
        for line in lines
    }
    raw = found["raw", "large", "", "qm7-few, test part", "dipole"]
    assert raw["authors_rmse_per_atom"] == "0.0225" and 0 < float(raw["rmse_per_atom"]) < 1
    hybrid = found["hybrid", "large", "mo_energy+dipole+polarizability", "qm7-few, test part", "dipole"]
    assert (hybrid["rmse_per_atom"], hybrid["authors_rmse_per_atom"], hybrid["n_train"]) == (
        "0.5",
        "0.0086",
        "6",
    )
    assert hybrid["authors_n_train"] == "700" and raw["authors_n_train"] == ""
    assert found["hybrid", "large", "mo_energy", "ethane", "dipole"]["authors_rmse_per_atom"] == ""

    runs = list(csv.DictReader((out / "table.csv").open(encoding="utf-8")))
    unrun = [line["sentence"] for line in runs if line["sentence"].startswith("not run")]
    assert set(unrun) == {"not run: the budget of 60 s was spent; the same command goes on"}
    assert len(unrun) == sum(run.settings.seed == 87 or run.settings.train_at_most > 0 for run in plan)
    assert len(json.loads((out / "table.json").read_text(encoding="utf-8"))) == len(plan)

    about = dict(csv.reader((out / "about.csv").open(encoding="utf-8")))
    assert about["seeds"] == "42, 87" and "epochs = 3, " in about["settings of Hamiltonians"]
    page = (out / "report.html").read_text(encoding="utf-8")
    for words in (
        "it broke",
        "the budget of 60 s was spent",
        "pyscf",
        "jax",
        "core",
        "42, 87",
        "raw STO-3G",
        "0.0225",
    ):
        assert words in page
    told = capsys.readouterr()
    assert "no run with 6 training structures: there are 6" in told.out
    assert f"{len(plan)} runs on qm7-few" in told.out and "the budget is 60 s" in told.out
    assert "dipole moment 0.5 e·bohr (authors: 0.0086)" in told.out
    assert "1 run: it broke" in told.out and f"{len(unrun)} runs: not run: the budget" in told.out


def test_options_of_the_paper_do_not_go_with_a_grid(tmp_path, capsys):
    path = tmp_path / "grid.toml"
    path.write_text('dataset = "ethane"\n')
    assert main(["study", str(path), "--out", str(tmp_path / "out"), "--epochs", "3"]) == USER_ERROR
    assert "--epochs belongs to `hamexplorer study paper`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        (
            ["--seeds", "1,x"],
            USAGE,
            "a seed is a whole number from 0, several are parted by commas, got '1,x'",
        ),
        (["--sizes", "0"], USAGE, "a number of training structures is a whole number from 1"),
        (["--test-on", "ethane"], USER_ERROR, "two of the data sets are called 'ethane'"),
        (
            ["--model", "surrogate"],
            USER_ERROR,
            "the model 'surrogate' has no Hamiltonian; choose one of network",
        ),
        (["--sizes", "5", "--sizes-of", "epsilon"], USER_ERROR, "'epsilon' is unknown"),
        (["--config", "{config}"], USER_ERROR, "seed is varied by the study itself"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, capsys, typed, code, sentence):
    config = tmp_path / "fixed.toml"
    config.write_text("seed = 3\n")
    typed = [word.format(config=config) for word in typed]
    out = tmp_path / "out"
    assert main(["study", "paper", "--dataset", "ethane", "--out", str(out), *typed]) == code
    assert sentence in capsys.readouterr().err and not out.exists()


def test_runs_that_were_finished_before_with_other_seeds_are_told(qm7, studied, tmp_path):
    command = [
        "study",
        "paper",
        "--out",
        str(tmp_path),
        "--dataset",
        str(qm7),
        "--budget",
        "60",
        "--epochs",
        "3",
    ]
    assert main([*command, "--seeds", "87"]) == OK
    kept, plan = studied["kept"], studied["plan"]
    key = kept.key(plan[-1], studied["datasets"]["qm7-few"], [])
    errors = {own_test("qm7-few"): {"dipole": ErrorRow("dipole", "Dipole moment", "e·bohr", *[0.25] * 6, 3)}}
    kept.put(key, Row(plan[-1], 2.0, 3, 3, errors, n_train=6))
    assert main([*command, "--seeds", "42,87"]) == OK
    runs = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert runs[-1]["settings"]["seed"] == 87 and runs[-1]["errors"] and not runs[-2]["errors"]


def test_a_reduction_that_a_set_cannot_be_given_is_told_before_the_work(studied, tmp_path, capsys):
    bare = tmp_path / "bare.h5"
    few = read_dataset("ethane").subset(range(4))
    write_dataset(
        bare,
        dataclasses.replace(
            few, references=tuple(dataclasses.replace(r, iao_fock=None) for r in few.references)
        ),
    )
    command = ["study", "paper", "--dataset", str(bare), "--out", str(tmp_path / "out"), "--reduction", "iao"]
    assert main(command) == USER_ERROR
    assert "no intrinsic-orbital projection" in capsys.readouterr().err and "plan" not in studied


@pytest.mark.slow
def test_the_whole_study_of_one_seed_runs_and_goes_on(qm7, tmp_path, capsys, monkeypatch):
    typed = ["--epochs", "1", "--batch-size", "2", "--train-fraction", "0.5", "--seeds", "7", "--sizes", "2"]
    command = ["study", "paper", "--out", str(tmp_path), "--dataset", str(qm7), *typed]

    def after_three_runs(study):  # where a budget ends on the clock depends on the machine
        if len(study.spent) >= 3:
            study.controls.stop()
        return study.controls.stopped

    with monkeypatch.context() as patch:
        patch.setattr("hamexplorer.train.study._Study._is_over", after_three_runs)
        assert main([*command, "--budget", "40"]) == OK
    first = list(csv.DictReader((tmp_path / "table.csv").open(encoding="utf-8")))
    assert any(line["sentence"].startswith("not run: the budget") for line in first)
    assert main(command) == OK
    runs = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert len(runs) == 17 and not any(run["sentence"] for run in runs)
    assert "Learning curve" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "finished before" in capsys.readouterr().out
