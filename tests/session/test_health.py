"""What the health card says, and when."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.plots import History
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.session.health import signs
from hamexplorer.structures.selection import Split
from hamexplorer.structures.structure import Structure
from hamexplorer.train.events import EpochReport
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet
from hamexplorer.train.novelty import Novelty
from hamexplorer.train.results import Results, TargetResult


def history(train, validation) -> History:
    found = History()
    for k, (t, v) in enumerate(zip(train, validation, strict=True), 1):
        found = found.with_epoch(EpochReport(k, 99, t, v, {}, {}, 1e-3, 1.0, 1.0))
    return found


def said(*args, **kwargs) -> str:
    return " ".join(sign.text for sign in signs(*args, **kwargs))


def test_curves_that_part_are_over_fitting():
    found = signs(history(np.linspace(9, 1, 20), [*np.linspace(9, 4, 10), *np.linspace(4, 9, 10)]), None)
    assert found[0].level == "watch" and found[0].text.startswith("Over-fitting: since epoch 10")
    assert "1.5-fold" in found[0].text


def test_curves_that_stand_still_are_a_plateau():
    assert "Plateau: no better validation error for 39 epochs" in said(history([1.0] * 40, [1.0] * 40), None)


def test_curves_that_fall_are_well():
    (sign,) = signs(history(np.linspace(9, 3, 20), np.linspace(9, 4, 20)), None)
    assert sign.level == "good" and "epoch 20" in sign.text


def test_curves_that_have_nearly_stopped_falling_are_not_still_learning():
    assert "lowest at epoch 15 of 20: little is to come" in said(
        history(np.linspace(9, 3, 20), [*np.linspace(9, 4, 15), *[4.1] * 5]), None
    )


def test_knowing_by_heart_is_told():
    assert "Unseen structures come out 10 times worse" in said(
        history([0.01] * 9, np.linspace(2, 1, 9)), None
    )


def test_nothing_is_said_too_early():
    assert signs(history([1, 1], [1, 9]), None) == ()


@pytest.fixture(scope="module")
def ethanes():
    return read_dataset("ethane").subset(range(12))


@pytest.fixture
def results(ethanes):
    """Errors of 1 mHa for every molecule, a raw error of 2."""
    owner = np.arange(12)
    values = np.linspace(0, 1, 12)
    target = TargetResult(
        "dipole", "Dipole moment", "e·bohr", False, owner, values, values + 1e-3, values + 2e-3, np.ones(12)
    )
    split = Split(tuple(range(6)), (6, 7), (8, 9, 10, 11))
    levels = tuple(reference.large.mo_energy for reference in ethanes.references)
    return Results(3, {"dipole": target}, split, ethanes, levels)


def test_good_results_need_no_words(results):
    assert signs(History(), results) == ()


def test_a_target_worse_than_raw_is_bad(results):
    target = dataclasses.replace(results.targets["dipole"], raw=results.targets["dipole"].reference + 1e-4)
    found = signs(History(), dataclasses.replace(results, targets={"dipole": target}))
    assert found[0].level == "bad" and found[0].text.startswith(
        "Dipole moment: 10.0 times worse than the raw"
    )


def test_a_test_structure_that_sticks_out_is_named(results):
    target = results.targets["dipole"]
    predicted = target.predicted.copy()
    predicted[10] += 0.5
    changed = dataclasses.replace(
        results, targets={"dipole": dataclasses.replace(target, predicted=predicted)}
    )
    assert "ethane 10 sticks out of the test set: its error in dipole moment is 501 times" in said(
        History(), changed
    )


def test_a_gap_that_closes_is_told(results):
    levels = list(results.mo_energy)
    closed = np.array(levels[4])
    closed[9] = closed[8] + 1e-3
    levels[4] = closed
    text = said(History(), dataclasses.replace(results, mo_energy=tuple(levels)))
    assert "The gap closes where the reference has one: ethane 04." in text


def test_levels_that_nearly_coincide_and_functions_that_nearly_depend():
    near = Structure(np.array([1, 1]), np.array([[0.0, 0, 0], [0.0, 0, 0.004]]), name="squeezed")
    sets = {"learned": OrbitalSet(np.diag([-0.5, 0.2]))}
    assert "nearly depend on each other" in said(History(), None, MoleculeState(near, "sto-3g", 1, sets))
    water = Structure(np.array([8, 1, 1]), np.array([[0, 0, 0], [0, 1.4, 1.1], [0, -1.4, 1.1]]), name="water")
    sets = {"learned": OrbitalSet(np.diag([-20, -1, -0.7, -0.4, -0.3995, 0.3, 0.5]))}
    text = said(History(), None, MoleculeState(water, "sto-3g", 5, sets))
    assert "HOMO−1 and HOMO of water lie 14 meV apart" in text


def test_what_resembles_the_training_set_and_what_does_not(ethanes):
    known = Novelty(ethanes.structures)
    assert known.of(ethanes.structures[3]) == pytest.approx(0, abs=1e-9)
    other = read_dataset("ethane").structures[60]
    assert 0.1 < known.of(other) < 3
    stretched = other.moved(other.positions * 1.25)
    assert known.of(stretched) > 3
    water = Structure(np.array([8, 1, 1]), np.array([[0, 0, 0], [0, 1.4, 1.1], [0, -1.4, 1.1]]))
    assert known.of(water) == float("inf")
    # It does not matter how a structure lies.
    turned = other.moved(other.positions @ np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]]).T + 3.0)
    assert known.of(turned) == pytest.approx(known.of(other), rel=1e-4)


@pytest.mark.parametrize(
    ("novelty", "level", "words"),
    [
        (0.5, "good", "resembles"),
        (5.0, "watch", "5 times as far"),
        (50.0, "bad", "extrapolates"),
        (np.inf, "bad", "element"),
    ],
)
def test_novelty_in_words(novelty, level, words):
    (sign,) = signs(History(), None, None, novelty)
    assert sign.level == level and words in sign.text


def test_the_session_judges_what_is_picked(session, script, until):
    session.start()
    script.snapshot(session, 1)
    until(lambda: session.novelty is not None)
    inside = SimpleNamespace(split=session.results.split).split.train
    session.pick(inside[1])
    until(lambda: session.novelty == pytest.approx(0, abs=1e-9))
    script.finish(1)
    session.wait()


def steps(losses, norms=None, rate=1e-2) -> History:
    """A run by its training losses and gradient norms; the validation loss is the training loss."""
    found = History()
    norms = [1.0] * len(losses) if norms is None else norms
    for k, (loss, norm) in enumerate(zip(losses, norms, strict=True), 1):
        found = found.with_epoch(EpochReport(k, 99, loss, loss, {}, {}, rate, 1.0, 1.0, norm))
    return found


def test_a_training_error_that_grows_is_exploding():
    found = signs(steps([9, 5, 3, 2, 1, 4, 9, 16], [1] * 6 + [50, 60]), None)
    assert found[0].level == "bad"
    assert found[0].text.startswith(
        "Exploding steps: the training error has grown 3.0-fold since epoch 5, its gradient 50-fold."
    )
    assert "lower the learning rate from 0.01 to 0.001" in found[0].text


def test_a_gradient_that_grows_by_orders_of_magnitude_is_told_before_the_error_does():
    text = said(steps([9, 8, 7, 6, 5, 4, 3, 3], [3, 2, 1, 1, 1, 1, 400, 900]), None)
    assert "The gradient has grown 400-fold within 8 epochs" in text and "lower the learning rate" in text


@pytest.mark.parametrize(
    "losses",
    [
        [9, 5, 3, 2, 1, 1, 8, 1],  # one bad batch
        [9, 5, 3, 2, 1, 1.5, 2, 2.5],  # over-fitting's slow rise is no explosion
        [1, 9],  # too early to tell
    ],
)
def test_steps_that_do_not_explode(losses):
    assert "xplod" not in said(steps(losses), None)


def test_what_was_long_ago_or_before_a_change_of_weights_is_no_explosion():
    assert "xplod" not in said(steps([1, *[9] * 25]), None)
    assert "xplod" not in said(steps([1, 1, 1, 9, 9, 9, 9]).with_mark(4, "weights"), None)


def test_reports_of_old_session_files_know_no_gradient():
    old = [float("nan")] * 8
    assert "gradient" not in said(steps([9, 5, 3, 2, 1, 4, 9, 16], old), None)
    assert "xplod" not in said(steps([9, 8, 7, 6, 5, 4, 3, 3], old), None)
