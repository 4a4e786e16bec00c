"""Estimates of time: sizes exact, growth sensible, and corrected by experience."""

from __future__ import annotations

import pytest

from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.costs import (
    estimate_seconds,
    level_seconds,
    machine_factor,
    n_ao,
    remember_factor,
)
from hamexplorer.reference.method import LevelOfTheory, ReferenceMethod


@pytest.mark.parametrize("basis", ["sto-3g", "6-31g*", "def2-tzvp", "cc-pvtz", "minao"])
def test_number_of_orbitals_is_pyscfs(molecule, basis):
    assert n_ao(molecule("water"), basis) == make_mole(molecule("water"), basis).nao


def test_more_work_costs_more(molecule):
    water, helium = molecule("water"), molecule("He")

    def seconds(structure, basis="def2-tzvp", fitted=True, grid=2):
        return level_seconds(structure, LevelOfTheory("b3lyp", basis, fitted, grid))

    assert seconds(water) > seconds(helium)
    assert seconds(water) > seconds(water, basis="sto-3g")
    assert seconds(water, fitted=False) > seconds(water)
    assert seconds(water, grid=4) > seconds(water)


def test_estimate_for_a_batch(hydrogens, store):
    method = ReferenceMethod()
    one, ten = (estimate_seconds(hydrogens(n), method, jobs=1, store=store) for n in (1, 10))
    assert ten == pytest.approx(10 * one)
    assert estimate_seconds(hydrogens(10), method, jobs=2, store=store) == pytest.approx(ten / 2)
    assert estimate_seconds(hydrogens(1), method, jobs=8, store=store) == pytest.approx(one)
    assert estimate_seconds([], method, jobs=2, store=store) == 0.0


@pytest.mark.parametrize("name", ["UH2", "OH"])
def test_what_cannot_be_computed_takes_no_time(molecule, store, name):
    assert estimate_seconds([molecule(name)], ReferenceMethod(), jobs=1, store=store) == 0.0


def test_the_machine_is_remembered(hydrogens, store):
    assert machine_factor(store) == 1.0
    slow = estimate_seconds(hydrogens(2), ReferenceMethod(), jobs=1, store=store)
    remember_factor(store, 0.25)
    assert machine_factor(store) == 0.25
    assert estimate_seconds(hydrogens(2), ReferenceMethod(), jobs=1, store=store) == pytest.approx(slow / 4)
    (store.folder / "speed.json").write_text("{}")
    assert machine_factor(store) == 1.0
