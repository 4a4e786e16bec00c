"""Grids: what a person writes becomes runs, each once, or a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.grid import Grid, target_set
from hamexplorer.train.settings import unpredicted
from hamexplorer.train.suited import PRESETS

ROOT = Path(__file__).parents[2]


def test_every_combination_runs_once():
    grid = Grid(
        ("d",), ("ε", "ε + μ"), ("lowest_n", "valence"), ("network", "linear"), (1, 2), settings={"epochs": 7}
    )
    runs = list(grid.runs("d"))
    found = {(r.target_set, r.settings.reduction, r.settings.model, r.settings.seed) for r in runs}
    assert len(runs) == len(found) == 2 * 2 * 2 * 2
    assert {r.settings.epochs for r in runs} == {7}


def test_a_surrogate_learns_what_it_can_of_a_set_and_nothing_twice():
    grid = Grid(("d",), ("ε", "ε + μ", "ε + μ + α"), ("lowest_n", "valence"), ("surrogate",), (1,))
    runs = {r.target_set: set(r.settings.targets) for r in grid.runs("d")}
    # It has no levels to learn, and reductions say how levels are matched.
    assert runs == {"ε + μ": {"dipole"}, "ε + μ + α": {"dipole", "polarizability"}}
    assert len(list(grid.runs("d"))) == 2


def test_crystals_get_the_settings_that_suit_them():
    (run,) = Grid(("d",), ("ε",), models=("network",)).runs("d", kind="crystals")
    assert run.settings.baseline == "gfn1" and run.settings.reduction == "occupied_virtual"


@pytest.mark.parametrize("text", [*PRESETS, "ε+μ", "mo_energy+dipole", " dipole "])
def test_target_sets_have_the_usual_weights(text):
    found = target_set(text)
    assert found and all(weight == TARGETS[name].default_weight for name, weight in found.items())


def test_the_grid_in_the_repository_is_the_one_that_the_readme_describes():
    grid = Grid.read(ROOT / "notebooks" / "grid.toml")
    assert len(list(grid.runs(grid.datasets[0]))) == 10
    assert "notebooks/grid.toml" in (ROOT / "README.md").read_text()


def test_single_names_stand_for_lists(tmp_path):
    path = tmp_path / "g.toml"
    path.write_text(
        'dataset = "ethane"\ntargets = ["ε", ["mo_energy", "dipole"]]\nmodels = "linear"\nseeds = 3\n'
        "[settings]\nepochs = 5\ncutoff = 5\n"
    )
    grid = Grid.read(path)
    assert grid.datasets == ("ethane",) and grid.models == ("linear",) and grid.seeds == (3,)
    runs = list(grid.runs("ethane"))
    assert [set(r.settings.targets) for r in runs] == [{"mo_energy"}, {"mo_energy", "dipole"}]
    assert runs[0].settings.cutoff == 5.0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seeds = [1]", "names no dataset; write, for example"),
        ('dataset = "d"\nsead = 1', "the entry 'sead' of the grid is unknown; did you mean 'seeds'"),
        ('dataset = "d"\nseeds = ["a"]', "seeds of the grid must be whole numbers, got 'a'"),
        ('dataset = "d"\nseeds = []', "the grid has no seeds; name at least one"),
        ('dataset = "d"\ntargets = ["ε + mue"]', "the target 'ε' is unknown"),
        ('dataset = "d"\ntargets = ["dipol"]', "did you mean 'dipole'"),
        ('dataset = "d"\nmodels = ["netwrk"]', "'netwrk' is unknown; choose one of network"),
        ('dataset = "d"\n[settings]\nseed = 3', "seed is varied by the grid and cannot be fixed"),
        ('dataset = "d"\n[settings]\nepochs = -3', "Epochs must be a whole number"),
        ('dataset = "d"\n[settings]\nepoch = 3', "the setting 'epoch' is unknown"),
        ('dataset = "d"\nsettings = 3', "must be a table"),
        ("dataset =", "is not valid TOML"),
    ],
)
def test_a_wrong_grid_gets_a_sentence_that_names_the_file(tmp_path, text, sentence):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=sentence) as caught:
        Grid.read(path)
    assert "grid.toml" in str(caught.value)


def test_a_grid_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot be read .*; check the path"):
        Grid.read(tmp_path / "no.toml")


def test_a_committee_is_for_the_hamiltonians_of_a_grid_alone():
    grid = Grid(("ethane",), ("ε + μ",), models=("network", "surrogate"), settings={"committee": 4})
    found = {run.settings.model: run.settings for run in grid.runs("ethane")}
    assert {name: settings.committee for name, settings in found.items()} == {"network": 4, "surrogate": 1}
    assert not any(unpredicted(settings) for settings in found.values())
