from dataclasses import dataclass

import numpy as np
import pytest

from hamexplorer.plots import History
from hamexplorer.plots.history import LIMIT


@dataclass(frozen=True)
class Report:
    epoch: int
    train: dict[str, float]
    validation: dict[str, float]


def grown(n_epochs: int) -> History:
    history = History()
    for epoch in range(1, n_epochs + 1):
        history = history.with_epoch(Report(epoch, {"dipole": 1 / epoch}, {"dipole": 2 / epoch}))
    return history


def test_a_history_is_never_changed_by_growing():
    short = grown(3)
    longer = short.with_epoch(Report(4, {"dipole": 0.2}, {"dipole": 0.3})).with_mark(4, "weights")
    assert (len(short), len(longer)) == (3, 4)
    assert short.marks == ()
    assert longer.marks[0].epoch == 4


@pytest.mark.parametrize("n_epochs", [1, 2, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT + 1, 5001])
def test_long_runs_are_thinned_and_keep_both_ends(n_epochs: int):
    epochs, values = grown(n_epochs).curve("dipole", "validation")
    assert len(epochs) <= LIMIT
    assert epochs[0] == 1
    assert epochs[-1] == n_epochs
    assert len(epochs) > min(n_epochs, LIMIT) * 0.45
    np.testing.assert_allclose(values, 2 / epochs)


def test_thinned_epochs_are_evenly_spaced():
    epochs, _ = grown(3210).curve("dipole", "train")
    assert len(set(np.diff(epochs[1:-1]))) == 1


def test_a_target_that_joins_later_leaves_a_gap_before():
    history = grown(2).with_epoch(Report(3, {"mo_energy": 0.1}, {"mo_energy": 0.2}))
    assert history.targets == ("mo_energy", "dipole")
    np.testing.assert_array_equal(np.isnan(history.curve("mo_energy", "train")[1]), [True, True, False])


def test_the_training_curve_goes_on_within_an_epoch(fakes):
    history = fakes.history(3, "dipole").with_running(3.5, {"dipole": 0.25})
    epochs, errors = history.curve("dipole", "train")
    assert (epochs[-1], errors[-1]) == (3.5, 0.25)
    assert list(history.curve("dipole", "validation")[0]) == [1, 2, 3]
    assert list(history.with_running(3.0, {}).curve("dipole", "train")[0]) == [1, 2, 3]
