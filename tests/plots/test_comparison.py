"""The comparison figure: every error of every run is where it belongs, and nothing is told by colour alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hamexplorer.plots.comparison import MEASURES, comparison_figure
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.settings import RunSettings
from hamexplorer.units import HARTREE_EV


def entry(name, unit, value):
    raw = 10 * value if name != "mayer_bond_order" else math.nan
    return ErrorRow(name, name, unit, value / 2, value / 1.5, value, raw, raw, raw, 9)


def row(targets, model, seed, size, sets=("own, test part", "larger")):
    settings = RunSettings(targets=dict.fromkeys(targets, 1.0), model=model, seed=seed)
    units = {"mo_energy": "Ha", "dipole": "e·bohr", "homo_lumo_gap": "Ha"}
    names = [name for name in units if model != "surrogate" or name == "dipole"]
    errors = {
        where: {name: entry(name, units[name], size * (k + 1)) for name in names}
        for k, where in enumerate(sets)
    }
    return Row(PlannedRun("own", " + ".join(targets), settings), 1.0, 2, 2, errors)


ROWS = [
    row(["mo_energy"], "network", 1, 0.01),
    row(["mo_energy"], "network", 2, 0.03),
    row(["mo_energy", "dipole"], "network", 1, 0.02),
    row(["mo_energy", "dipole"], "surrogate", 1, 0.05),
]


def drawn(figure, name, axis, large=True):
    """Values and symbols of a kind's large or small marks in a panel."""
    size = 11 if large else 5
    (trace,) = (t for t in figure.data if t.name == name and t.xaxis == axis and t.marker.size == size)
    return np.asarray(trace.y, dtype=float), trace


def test_means_and_seeds_stand_in_their_panels():
    figure = comparison_figure(ROWS)
    values, _ = drawn(figure, "Hamiltonian, network", "x")
    np.testing.assert_allclose(values, HARTREE_EV * np.array([0.02, 0.02]))
    seeds, _ = drawn(figure, "Hamiltonian, network", "x", large=False)
    np.testing.assert_allclose(np.sort(seeds), HARTREE_EV * np.array([0.01, 0.02, 0.03]))
    # The second column is the other set, the second row the dipole moment.
    np.testing.assert_allclose(
        drawn(figure, "Hamiltonian, network", "x2")[0], HARTREE_EV * np.array([0.04, 0.04])
    )
    np.testing.assert_allclose(drawn(figure, "surrogate", "x3")[0], [0.05])
    assert len(drawn(figure, "surrogate", "x")[0]) == 0  # it has no levels
    assert [trace.xaxis for trace in figure.data].count("x5") == 0  # the gap was learned by none


def test_filled_is_learned_and_hollow_is_not_and_kinds_have_their_own_marks():
    figure = comparison_figure(ROWS)
    _, hybrid = drawn(figure, "Hamiltonian, network", "x3")
    assert list(hybrid.marker.symbol) == ["circle-open", "circle"]
    _, surrogate = drawn(figure, "surrogate", "x3")
    assert list(surrogate.marker.symbol) == ["square"]
    (raw,) = (t for t in figure.data if t.name == "raw small basis" and t.xaxis == "x")
    assert raw.line.dash == "dash"
    np.testing.assert_allclose(raw.y[0], HARTREE_EV * 0.2)


def test_axes_are_logarithmic_and_sets_and_properties_are_named():
    figure = comparison_figure(ROWS)
    assert {figure.layout[axis].type for axis in figure.layout if axis.startswith("yaxis")} == {"log"}
    said = " ".join(note.text for note in figure.layout.annotations)
    assert "own, test part" in said and "larger" in said and "(eV/atom)" in said
    assert list(figure.layout.xaxis3.ticktext) == ["mo_energy", "mo_energy + dipole"]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("dark", [False, True])
def test_other_measures_and_units(measure, dark):
    figure = comparison_figure(ROWS, units="Ha", measure=measure, dark=dark)
    expected = {"rmse_per_atom": 0.05, "mae": 0.025, "rmse": 0.05 / 1.5}[measure]
    np.testing.assert_allclose(drawn(figure, "surrogate", "x3")[0], [expected])


def test_without_a_finished_run_a_sentence():
    failed = Row(ROWS[0].run, sentence="it broke")
    assert "No run of the study is finished" in comparison_figure([failed]).layout.annotations[0].text


def test_reductions_are_told_apart_where_there_are_several():
    other = RunSettings(targets={"mo_energy": 1.0}, reduction="valence")
    rows = [ROWS[0], Row(PlannedRun("own", "mo_energy", other), errors=ROWS[0].errors)]
    names = {trace.name for trace in comparison_figure(rows).data}
    assert {"Hamiltonian, network, lowest_n", "Hamiltonian, network, valence"} <= names
