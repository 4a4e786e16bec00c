"""What the figures hold; that they are good to look at is for eyes."""

from dataclasses import replace

import numpy as np
import pytest

from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.columns import side_by_side, window
from hamexplorer.plots.levels import _columns as columns_of
from hamexplorer.plots.plot import OtherRun, number

#: CODATA 2022, NIST: one hartree in electronvolt.
HARTREE = 27.211386245981
#: Plots that only crystals have.
OF_CRYSTALS = ("bands", "zone")


def trace(figure, name):
    return next(each for each in figure.data if each.name == name)


def texts(figure) -> str:
    return " ".join(note.text for note in figure.layout.annotations)


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("units", ["eV", "Ha"])
def test_every_plot_draws(name, dark, units, context, crystal_context):
    picked = 2 if name in OF_CRYSTALS else 3
    context = replace(crystal_context if name in OF_CRYSTALS else context, dark=dark, units=units)
    plot = PLOTS[name]
    assert plot.unavailable(context) == ""
    assert plot.label
    assert plot.help.endswith(".")
    figure = plot.figure(context)
    assert figure.layout.paper_bgcolor is None
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.title.text is None
    assert (
        figure.layout.uirevision
        == plot.figure(replace(context, picked=picked, part="test")).layout.uirevision
    )
    assert len(figure.to_json()) < 200_000


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_says_in_a_sentence_why_it_is_empty(name):
    assert PLOTS[name].unavailable(PlotContext()).endswith(".")


def test_unavailable_sentences_name_the_cure(context, fakes):
    nothing_to_test = replace(context, results=replace(context.results, split=_split(test=())), part="test")
    assert "test molecule" in PLOTS["parity"].unavailable(nothing_to_test)
    assert "test molecule" in PLOTS["errors"].unavailable(nothing_to_test)
    assert "choose it among the targets" in PLOTS["parity"].unavailable(
        replace(context, target="polarizability")
    )
    unknown = replace(context, state=None)
    assert "Pick another one" in PLOTS["levels"].unavailable(replace(unknown, picked=None))
    assert "not in the dataset" in PLOTS["levels"].unavailable(replace(unknown, picked=fakes.n_molecules))
    assert not PLOTS["levels"].unavailable(replace(context, picked=fakes.n_molecules)), "its state is known"
    assert "not predicted" in PLOTS["levels"].unavailable(replace(context, picked=fakes.n_molecules - 1))


def _split(**parts):
    from types import SimpleNamespace

    return SimpleNamespace(**({"train": (0,), "validation": (1,), "test": (2,)} | parts))


def test_loss_has_three_traces_a_target_in_the_chosen_units(context):
    figure = PLOTS["loss"].figure(context)
    assert [each.name for each in figure.data] == ["train", "validation", "raw STO-3G"] * 2
    in_hartree = PLOTS["loss"].figure(replace(context, units="Ha"))
    energy, dipole = 0, 3
    np.testing.assert_allclose(
        figure.data[energy].y, np.array(in_hartree.data[energy].y) * HARTREE, rtol=1e-9
    )
    np.testing.assert_allclose(figure.data[dipole].y, in_hartree.data[dipole].y)
    assert figure.layout.yaxis.type == figure.layout.yaxis2.type == "log"
    assert "eV/atom" in texts(figure)
    assert "e·bohr/atom" in texts(figure)
    assert "raw ÷" in texts(figure)
    raw = context.results.errors("validation", "eV")["mo_energy"].raw_rmse_per_atom
    np.testing.assert_allclose(figure.data[2].y, raw)


def test_loss_marks_where_weights_changed_and_where_it_paused(context):
    history = context.history.with_mark(7, "weights").with_mark(9, "paused").with_mark(9, "resumed")
    figure = PLOTS["loss"].figure(replace(context, history=history))
    assert [shape.x0 for shape in figure.layout.shapes] == [7, 9]


def test_loss_is_drawn_before_there_are_results(context):
    figure = PLOTS["loss"].figure(replace(context, results=None))
    assert np.isfinite(figure.data[0].y).all()
    assert np.isnan(figure.data[2].y).all()


def test_parity_shows_splits_apart_with_the_structure_behind_each_point(context):
    figure = PLOTS["parity"].figure(context)
    target = context.results.targets["mo_energy"]
    assert [each.name for each in figure.data] == [
        "perfect",
        "raw STO-3G",
        "train",
        "validation",
        "test",
        "picked",
    ]
    assert [len(each.x) for each in figure.data[1:]] == [72, 48, 12, 12, 6]
    test = trace(figure, "test")
    assert set(test.customdata) == {10, 11}
    assert test.text[0] == "molecule 10"
    np.testing.assert_allclose(test.y, target.predicted[target.structure >= 10] * HARTREE, rtol=1e-9)
    assert set(trace(figure, "picked").customdata) == {10}
    markers = {
        (trace(figure, part).marker.symbol, trace(figure, part).marker.color) for part in _split().__dict__
    }
    assert len(markers) == 3
    assert " eV" in test.hovertemplate
    assert "(eV)" in figure.layout.xaxis.title.text


def test_parity_of_one_part_keeps_its_traces_but_hides_the_others(context):
    figure = PLOTS["parity"].figure(replace(context, part="test", target="dipole"))
    assert [len(each.x) for each in figure.data[1:]] == [6, 0, 0, 6, 3]


def test_parity_with_many_points_uses_webgl_and_never_drops_the_picked_molecule(fakes):
    results = fakes.results(fakes.target("hamiltonian", "Hamiltonian", "Ha", 3000))
    figure = PLOTS["parity"].figure(PlotContext(results=results, picked=5))
    assert {each.type for each in figure.data[1:]} == {"scattergl"}
    assert len(trace(figure, "picked").x) == 3000
    assert sum(len(trace(figure, part).x) for part in ("train", "validation", "test")) < 24_000
    assert "of 36000 values drawn" in texts(figure)


def test_parity_without_raw_values_leaves_them_out(context, fakes):
    target = replace(context.results.targets["dipole"], raw=np.full(36, np.nan))
    results = fakes.results(target)
    figure = PLOTS["parity"].figure(PlotContext(results=results))
    assert len(trace(figure, "raw STO-3G").x) == 0
    assert "raw" not in texts(figure)


def test_core_levels_do_not_squash_parity_and_levels(context, fakes):
    target = context.results.targets["mo_energy"]
    reference = target.reference.copy()
    reference[::6] = -10.0
    results = fakes.results(replace(target, reference=reference, predicted=reference, raw=reference))
    figure = PLOTS["parity"].figure(PlotContext(results=results))
    assert figure.layout.xaxis.range[0] > -3 * HARTREE
    assert "12 core levels" in texts(figure)
    low, high = window(columns_of(context))
    assert -1.5 < low < high < 2.0


def test_levels_have_three_columns_and_the_gap_with_its_unit(context):
    figure = PLOTS["levels"].figure(context)
    names = [
        f"{column} {kind}" for column in ("STO-3G", "learned", "def2-TZVP") for kind in ("occupied", "empty")
    ]
    assert [each.name for each in figure.data[1:]] == [*names, "chosen orbital"]
    entry = context.results.dataset.references[10].large.mo_energy
    gap = (entry[3] - entry[2]) * HARTREE
    assert f"<b>{gap:.2f}</b> eV" in texts(figure)
    occupied = trace(figure, "def2-TZVP occupied")
    assert occupied.text[0] == "HOMO−2, level 1"
    assert occupied.line.dash != trace(figure, "learned empty").line.dash


def test_degenerate_levels_lie_side_by_side(context):
    assert side_by_side(np.array([-1.0, -0.5, -0.4999, -0.4, 0.2])) == [[0], [1, 2], [3], [4]]
    occupied = trace(PLOTS["levels"].figure(context), "def2-TZVP occupied")
    x = np.array(occupied.x).reshape(-1, 4)[:, :3]
    assert x[1].max() < x[2].min()
    assert x[0].max() - x[0].min() > 2 * (x[1].max() - x[1].min())


def test_levels_without_an_empty_level_have_no_gap(context):
    context.results.mo_energy[10] = context.results.mo_energy[10][:3]
    assert texts(PLOTS["levels"].figure(context)).count("gap") == 2


def test_errors_are_factors_below_the_raw_small_basis(context):
    figure = PLOTS["errors"].figure(replace(context, part="test"))
    rows = context.results.errors("test", "eV")
    assert [each.name for each in figure.data] == ["MAE", "RMSE per atom"]
    gains = [row.raw_mae / row.mae for row in rows.values()]
    np.testing.assert_allclose(np.array(figure.data[0].x) + 1, gains)
    assert "eV" in figure.data[0].customdata[0][0]


def test_errors_without_a_raw_value_say_so(context, fakes):
    target = replace(context.results.targets["dipole"], raw=np.full(36, np.nan))
    figure = PLOTS["errors"].figure(PlotContext(results=fakes.results(target)))
    assert "no raw value" in texts(figure)


def test_one_epoch_is_enough_to_draw(context, fakes):
    figure = PLOTS["loss"].figure(replace(context, history=fakes.history(1, "mo_energy")))
    assert figure.data[0].mode == "lines+markers"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0283, "0.0283"), (-12.3456, "−12.3"), (0.0, "0"), (np.nan, "–"), (2.5e-7, "2.50e−07")],
)
def test_numbers_for_labels(value, text):
    assert number(value) == text


def test_units_change_numbers_and_names_together(context):
    atomic = PLOTS["parity"].figure(replace(context, target="dipole"))
    debye = PLOTS["parity"].figure(replace(context, target="dipole", laboratory=True))
    assert "e·bohr" in atomic.layout.xaxis.title.text and "(D)" in debye.layout.xaxis.title.text
    np.testing.assert_allclose(
        trace(debye, "train").x, np.asarray(trace(atomic, "train").x) * 2.541746, rtol=1e-6
    )
    kilojoule = PLOTS["levels"].figure(replace(context, units="kJ/mol"))
    hartree = PLOTS["levels"].figure(replace(context, units="Ha"))
    x, y = (np.asarray(trace(f, "learned occupied").y, float) for f in (kilojoule, hartree))
    np.testing.assert_allclose(x, y * 2625.4996, rtol=1e-6)
    assert "kJ/mol" in kilojoule.layout.yaxis.title.text


def test_the_trade_off_is_the_path_of_two_errors(context):
    figure = PLOTS["tradeoff"].figure(context)
    path = trace(figure, "this run")
    epochs, errors = context.history.curve("dipole", "validation")
    np.testing.assert_allclose(path.y, errors)
    assert list(path.customdata) == [f"{epoch:.0f}" for epoch in epochs]
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    marked = replace(context, history=context.history.with_mark(7, "weights"))
    assert len(trace(PLOTS["tradeoff"].figure(marked), "weights changed").x) == 1
    other = replace(context, others=(OtherRun("run 1", context.history, context.results),))
    end = trace(PLOTS["tradeoff"].figure(other), "run 1")
    assert end.y[0] == pytest.approx(errors[-1])


def test_one_target_trades_nothing(context, fakes):
    alone = replace(context, history=fakes.history(20, "mo_energy"))
    assert PLOTS["tradeoff"].unavailable(alone).startswith("Train on two targets")


@pytest.fixture
def beside(context):
    """The run beside itself, twice as wrong."""
    results = context.results
    levels = [e + 0.01 if e is not None else None for e in results.mo_energy]
    worse = {
        name: replace(t, predicted=t.reference + 2 * (t.predicted - t.reference))
        for name, t in results.targets.items()
    }
    before = replace(results, targets=worse, mo_energy=levels)
    return replace(
        context, others=(OtherRun("run 1", context.history, before), OtherRun("run 2", context.history))
    )


def test_another_run_has_half_the_gain(beside):
    figure = PLOTS["errors"].figure(beside)
    bars, other = figure.data[0], trace(figure, "run 1")
    assert list(other.y) == list(bars.y)
    np.testing.assert_allclose(np.array(other.x) * 2, np.array(bars.x) + 1)
    assert len(trace(figure, "run 2").x) == 0, "it has no results"


def test_levels_of_another_run_stand_beside_the_learned(beside):
    _, other, learned, _ = columns_of(beside)
    assert other.label == "run 1"
    np.testing.assert_allclose(other.mo_energy, learned.mo_energy + 0.01)
    assert PLOTS["levels"].figure(beside).layout.xaxis.range[1] == 3.5


def test_parity_of_a_committee_has_bars_as_long_as_the_errors_it_expects():
    from hamexplorer.reference.dataset import read_dataset
    from hamexplorer.structures.selection import Split
    from hamexplorer.train.results import Results, TargetResult

    dataset = read_dataset("ethane").subset(range(6))
    owner, reference = np.arange(6), np.linspace(0, 1, 6)
    # Validation errors are 0.3 where members stand 0.1 apart: bars are three times the spread.
    spread = np.array([0.1, 0.1, 0.1, 0.1, 0.2, 0.4])
    target = TargetResult(
        "dipole",
        "Dipole moment",
        "e·bohr",
        False,
        owner,
        reference,
        reference + 0.3,
        reference + 1,
        np.ones(6),
        spread,
    )
    results = Results(1, {"dipole": target}, Split((0, 1), (2, 3), (4, 5)), dataset, (None,) * 6)
    figure = PLOTS["parity"].figure(PlotContext(results=results))
    bars = {
        trace.name: trace.error_y.array
        for trace in figure.data
        if trace.name in ("train", "validation", "test")
    }
    assert bars["train"] is None
    np.testing.assert_allclose(bars["validation"], 0.3)
    np.testing.assert_allclose(bars["test"], [0.6, 1.2])
    in_debye = PLOTS["parity"].figure(PlotContext(results=results, laboratory=True))
    (test,) = (trace for trace in in_debye.data if trace.name == "test")
    np.testing.assert_allclose(test.error_y.array, np.array([0.6, 1.2]) * 2.541746, rtol=1e-5)
    alone = replace(results, targets={"dipole": replace(target, spread=None)})
    assert all(
        trace.error_y.array is None for trace in PLOTS["parity"].figure(PlotContext(results=alone)).data
    )


def test_another_run_is_in_the_parity_plot(beside):
    figure = PLOTS["parity"].figure(replace(beside, target="dipole", part="test"))
    mine, other = trace(figure, "test"), trace(figure, "run 1")
    np.testing.assert_allclose(other.x, mine.x)
    np.testing.assert_allclose(np.subtract(other.y, other.x), 2 * np.subtract(mine.y, mine.x), atol=1e-12)
    assert other.customdata is None, "a click on it picks nothing"
    assert len(trace(figure, "run 2").x) == 0
