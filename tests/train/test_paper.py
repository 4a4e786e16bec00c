"""The paper's study: which runs, whose figures beside which, means over seeds, and the raw small basis."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter

import numpy as np
import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.paper import AUTHORS, RAW, SEEDS, Experiment, authors_figures, paper_grids
from hamexplorer.train.paper_estimate import estimate_seconds
from hamexplorer.train.paper_summary import summarise, summary_csv, why_not_run
from hamexplorer.train.planned import own_test
from hamexplorer.train.raw_errors import raw_of_seeds
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.study import planned, run_study
from hamexplorer.units import HARTREE_EV

TINY = {"baseline": "sap", "epochs": 1, "batch_size": 2, "train_fraction": 0.5, "validation_fraction": 0.25}


def authors_figure(experiment, dataset, tested_on, target):
    figures = authors_figures(experiment, dataset, tested_on, target)
    return None if figures is None else figures.errors[target]


def runs_of(dataset, grids):
    return [run for grid in grids for run in planned(grid, {grid.datasets[0]: dataset})]


def test_the_runs_are_those_of_the_paper(ethanes):
    runs = runs_of(ethanes, paper_grids("few", {"response": "atoms", "reduction": "valence"}))
    found = Counter((Experiment.of(run.settings), run.settings.seed) for run in runs)
    assert set(found.values()) == {1} and {seed for _, seed in found} == set(SEEDS)
    kinds = Counter((e.kind, e.basis) for e, _ in found)
    # Four target sets of either basis, levels and polarizability of the small one; dipole, polarizability, charges.
    assert kinds == {
        ("hybrid", "large"): 12,
        ("hybrid", "small"): 15,
        ("direct", "small"): 3,
        ("surrogate", "large"): 9,
        ("surrogate", "small"): 9,
    }
    hybrids = [run.settings for run in runs if Experiment.of(run.settings).kind == "hybrid"]
    assert {(s.response, s.reduction) for s in hybrids} == {("atoms", "valence")}
    (direct,) = {run.settings.response for run in runs if Experiment.of(run.settings).kind == "direct"}
    assert direct == "matrix"  # the fit is of the matrix alone


def test_a_budget_ends_with_every_experiment_of_the_first_seed(ethanes):
    seeds = [run.settings.seed for run in runs_of(ethanes, paper_grids("few", {}))]
    assert seeds == sorted(seeds, key=SEEDS.index)


def test_a_learning_curve_repeats_one_hybrid_with_the_same_test_structures(ethanes):
    grids = paper_grids("few", {}, seeds=(42,), sizes=(2, 3), sizes_of="ε + μ + α")
    curve = [run.settings for run in runs_of(ethanes, grids)[-2:]]
    whole = dataclasses.replace(curve[0], train_at_most=0).split(ethanes.structures)
    for settings, n in zip(curve, (2, 3), strict=True):
        split = settings.split(ethanes.structures)
        assert len(split.train) == n and (split.test, split.validation) == (whole.test, whole.validation)
    # A set that the study does not learn anyway gets its last point as well.
    (two, all_) = runs_of(ethanes, paper_grids("few", {}, seeds=(42,), sizes=(2,), sizes_of="dipole"))[-2:]
    assert (two.settings.train_at_most, all_.settings.train_at_most) == (2, 0)
    with pytest.raises(SettingsError, match="'epsilon' is unknown"):
        paper_grids("few", {}, sizes=(2,), sizes_of="epsilon")


def test_authors_figures_are_found_for_the_same_experiment_and_molecules_only():
    both = ("mo_energy", "dipole", "polarizability")
    learned = Experiment("hybrid", "large", both)
    assert authors_figure(learned, "qm7", own_test("qm7"), "mo_energy") == 0.283
    assert authors_figure(RAW, "qm7_b3lyp_tzvp", own_test("qm7_b3lyp_tzvp"), "dipole") == 0.0225
    assert authors_figure(learned, "qm7", "qm9", "polarizability") == 2.822
    assert (
        authors_figure(Experiment("surrogate", "small", ("polarizability",)), "qm7", "qm9", "polarizability")
        == 0.9
    )
    for none in (
        (learned, "ethane", own_test("ethane"), "mo_energy"),
        (learned, "qm7", "acenes", "mo_energy"),
        (learned._replace(basis="small"), "qm7", own_test("qm7"), "mo_energy"),
        (learned._replace(train_at_most=100), "qm7", own_test("qm7"), "mo_energy"),
        (learned, "qm7", own_test("qm7"), "mayer_bond_order"),
    ):
        assert authors_figure(*none) is None


def test_every_authors_figure_has_an_experiment_of_the_study_to_stand_beside(ethanes):
    runs = runs_of(ethanes, paper_grids("qm7", {}, seeds=(42,), test_on=("qm9",)))
    ours = {RAW, *(Experiment.of(run.settings) for run in runs)}
    for figures in AUTHORS:
        tested_on = own_test("qm7") if figures.tested_on == "qm7" else "qm9"
        for target, value in figures.errors.items():
            assert value in {authors_figure(e, "qm7", tested_on, target) for e in ours}


def row_of(seed, value, *, tested_on="few, test part", target="mo_energy", unit="Ha", sentence=""):
    settings = RunSettings(seed=seed)
    entry = ErrorRow(target, "label", unit, *[value] * 6, 3)
    errors = {} if sentence else {tested_on: {target: entry}}
    return Row(PlannedRun("few", "ε", settings), 1.0, 2, 1, errors, sentence, n_train=4)


def test_means_and_spreads_are_those_of_the_seeds():
    (line,) = summarise([row_of(1, 0.1), row_of(2, 0.3), row_of(3, 9.9, sentence="it broke")], "few", {})
    assert line.seeds == (1, 2) and line.n_train == 4 and line.unit == "eV" and line.authors is None
    for figure in line.figures.values():
        assert figure.mean == pytest.approx(0.2 * HARTREE_EV)
        assert figure.spread == pytest.approx(0.1 * np.sqrt(2) * HARTREE_EV)
    (single,) = summarise([row_of(1, 0.1)], "few", {})
    assert np.isnan(single.figures["mae"].spread)
    (told,) = csv.DictReader(io.StringIO(summary_csv([single])))
    assert told["mae_spread"] == "" and told["seeds"] == "1" and told["target_basis"] == "large"


def test_the_raw_small_basis_is_compared_on_the_test_part_of_each_seed(ethanes):
    runs = runs_of(ethanes, paper_grids("few", TINY, seeds=(1, 2), test_on=("more",)))
    more = read_dataset("ethane").subset(range(20, 23))
    raw = raw_of_seeds({"few": ethanes, "more": more}, runs)
    assert list(raw) == [1, 2]
    for seed, sets in raw.items():
        test = next(r.settings for r in runs if r.settings.seed == seed).split(ethanes.structures).test
        for name, references in (
            (own_test("few"), [ethanes.references[k] for k in test]),
            ("more", more.references),
        ):
            levels = [r.large.mo_energy[: len(r.small.mo_energy)] - r.small.mo_energy for r in references]
            dipoles = [r.large.dipole - r.small.dipole for r in references]
            for target, deltas in (("mo_energy", levels), ("dipole", dipoles)):
                per_atom = np.sqrt(
                    np.mean(
                        [
                            (d**2).sum() / r.structure.n_atoms**2
                            for d, r in zip(deltas, references, strict=True)
                        ]
                    )
                )
                assert sets[name][target].rmse_per_atom == pytest.approx(per_atom, rel=1e-12)
                assert sets[name][target].mae == pytest.approx(np.abs(np.concatenate(deltas)).mean())
    assert "hamiltonian" not in raw[1]["more"]


def test_runs_that_a_data_set_cannot_serve_say_what_it_lacks(ethanes):
    def without(reference):
        large = dataclasses.replace(reference.large, polarizability=None)
        return dataclasses.replace(reference, large=large, fock=None)

    bare = dataclasses.replace(ethanes, references=tuple(map(without, ethanes.references)))
    reasons = {}
    for run in runs_of(bare, paper_grids("few", {}, seeds=(42,))):
        e = Experiment.of(run.settings)
        reasons[e.kind, e.basis, e.targets] = why_not_run(run, bare)
        assert not why_not_run(run, ethanes)
    for (kind, basis, targets), reason in reasons.items():
        if "polarizability" in targets and basis == "large":
            assert reason == "not run: the data set has no polarizability in def2-tzvp"
        elif kind == "direct":
            assert reason == "not run: the data set has no hamiltonian matrix in sto-3g"
        else:
            assert reason == ""


def test_an_estimate_grows_with_epochs_and_structures(ethanes):
    (short, *_), (long, *_) = (
        runs_of(ethanes, paper_grids("few", {"epochs": n}, seeds=(42,))[-2:]) for n in (1, 101)
    )
    difference = estimate_seconds(long, ethanes) - estimate_seconds(short, ethanes)
    limited = dataclasses.replace(long.settings, train_at_most=3)
    fewer = estimate_seconds(dataclasses.replace(long, settings=limited), ethanes)
    assert estimate_seconds(short, ethanes) < fewer < estimate_seconds(long, ethanes)
    assert difference == pytest.approx(100 * estimate_seconds(long, ethanes, part="epoch"))


@pytest.fixture(scope="module")
def first_parts(ethanes, tmp_path_factory):
    """The direct fit and the surrogates, really run."""
    folder = tmp_path_factory.mktemp("paper")
    return run_study(paper_grids("few", TINY, seeds=(7,))[:3], folder=folder, datasets={"few": ethanes})


def test_the_direct_fit_and_the_surrogates_run(first_parts):
    kinds = [Experiment.of(row.run.settings).kind for row in first_parts]
    assert kinds == ["direct"] + ["surrogate"] * 6 and not any(row.failed for row in first_parts)
    direct = first_parts[0]
    assert direct.n_train == 4 and direct.epochs == 0
    # Of the small basis' own values: electronvolts are between the two bases.
    assert direct.errors[own_test("few")]["mo_energy"].mae * HARTREE_EV < 0.2
    for row in first_parts[1:]:
        assert set(row.errors[own_test("few")]) == set(row.run.settings.targets)
    lines = summarise(first_parts, "few", {})
    assert [line.experiment.basis for line in lines if line.target == "polarizability"] == [
        "small",
        "large",
        "small",
    ]
