"""Error figures against sums written out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.selection import Split
from hamexplorer.train.results import Results, target_result
from hamexplorer.units import HARTREE_EV


@pytest.fixture(scope="module")
def results() -> Results:
    """Two levels of one molecule, one of another (its second does not count), nothing of the third."""
    dataset = read_dataset("small-molecules").subset([0, 40, 15])
    values = [
        (np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.array([1.5, 1.0]), np.array([2.0, 2.0])),
        (np.array([3.0, 9.0]), np.array([1.0, 0.0]), np.array([3.25, 0.0]), np.array([7.0, 0.0])),
        None,
    ]
    dipoles = [None, (np.zeros(3), np.ones(3), np.array([0.0, 3.0, 4.0]), None), None]
    targets = {"mo_energy": target_result("mo_energy", values), "dipole": target_result("dipole", dipoles)}
    return Results(4, targets, Split((0,), (1,), (2,)), dataset, (None, None, None))


def test_flattening_leaves_out_what_does_not_count(results):
    found = results.targets["mo_energy"]
    assert found.structure.tolist() == [0, 0, 1]
    assert found.reference.tolist() == [1.0, 2.0, 3.0] and found.predicted.tolist() == [1.5, 1.0, 3.25]
    assert found.raw.tolist() == [2.0, 2.0, 7.0]
    assert np.isnan(results.targets["dipole"].raw).all()


@pytest.mark.parametrize(("units", "factor"), [("Ha", 1.0), ("eV", HARTREE_EV)])
def test_errors_by_hand(results, units, factor):
    row = results.errors("all", units)["mo_energy"]
    n = [s.n_atoms for s in results.dataset.structures]
    assert row.n == 3 and row.unit == units
    assert row.mae == pytest.approx(factor * (0.5 + 1.0 + 0.25) / 3)
    assert row.rmse == pytest.approx(factor * math.sqrt((0.25 + 1.0 + 0.0625) / 3))
    by_hand = math.sqrt(((0.25 + 1.0) / n[0] ** 2 + 0.0625 / n[1] ** 2) / 2)
    assert row.rmse_per_atom == pytest.approx(factor * by_hand)
    assert row.raw_mae == pytest.approx(factor * (1.0 + 0.0 + 4.0) / 3)
    assert row.raw_rmse == pytest.approx(factor * math.sqrt(17.0 / 3))
    assert row.raw_rmse_per_atom == pytest.approx(
        factor * math.sqrt((1.0 / n[0] ** 2 + 16.0 / n[1] ** 2) / 2)
    )


def test_only_energies_change_unit(results):
    in_ha, in_ev = (results.errors("all", units)["dipole"] for units in ("Ha", "eV"))
    assert in_ha.mae == in_ev.mae == pytest.approx(7.0 / 3) and in_ev.unit == "e·bohr"
    assert math.isnan(in_ev.raw_mae) and math.isnan(in_ev.raw_rmse_per_atom)


def test_parts_hold_their_own_molecules(results):
    assert results.errors("train")["mo_energy"].n == 2 and "dipole" not in results.errors("train")
    assert results.errors("validation")["mo_energy"].mae == pytest.approx(0.25)
    assert results.errors("test") == {}
    assert results.indices("all").tolist() == [0, 1, 2]


def test_errors_apart_for_what_structures_differ_in(results):
    apart = results.errors_by("formula", "all")
    structures = results.dataset.structures
    assert list(apart) == [
        s.formula for s in sorted(structures[:2], key=lambda s: s.n_heavy)
    ]  # the third has no value
    assert apart[structures[0].formula]["mo_energy"].mae == pytest.approx(0.75)
    assert apart[structures[1].formula]["mo_energy"].mae == pytest.approx(0.25)
    assert apart[structures[1].formula]["dipole"].n == 3 and "dipole" not in apart[structures[0].formula]
    assert sum(row["mo_energy"].n for row in results.errors_by("size", "all").values()) == 3
    with pytest.raises(SettingsError, match="errors by 'colour' are unknown; choose one of formula, size"):
        results.errors_by("colour")
