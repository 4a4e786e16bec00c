"""The plateau schedule is a pure value: it never speeds up, remembers the best, and knows when to stop."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hamexplorer.train.schedule import WARM_UP, Schedule
from hamexplorer.train.settings import RunSettings

SETTINGS = RunSettings(plateau=3, patience=7, learning_rate=0.01)


def after(losses) -> list[Schedule]:
    states = [Schedule()]
    for epoch, loss in enumerate(losses, 1):
        states.append(states[-1].after(loss, epoch, SETTINGS))
    return states


losses = st.lists(st.floats(0, 1e6) | st.just(math.nan), max_size=40)


@given(losses)
def test_the_best_epoch_is_the_first_with_the_lowest_loss(losses):
    finite = [x for x in losses if not math.isnan(x)]
    last = after(losses)[-1]
    assert last.best == min(finite, default=math.inf)
    assert last.best_epoch == (losses.index(min(finite)) + 1 if finite else 0)
    assert last.since_best == len(losses) - last.best_epoch


@given(losses)
def test_the_rate_only_falls_after_warming_up(losses):
    states = after([1.0] * WARM_UP + losses)
    rates = [s.learning_rate(epoch, SETTINGS) for epoch, s in enumerate(states, 1)]
    assert all(0 < rate <= SETTINGS.learning_rate for rate in rates)
    assert rates[WARM_UP - 1 :] == sorted(rates[WARM_UP - 1 :], reverse=True)


def test_the_rate_rises_over_the_first_epochs():
    rates = [Schedule().learning_rate(epoch, SETTINGS) for epoch in range(1, WARM_UP + 3)]
    assert rates[0] == SETTINGS.learning_rate / WARM_UP
    assert rates[WARM_UP - 1 :] == [SETTINGS.learning_rate] * 3


def test_it_halves_once_a_plateau_and_then_ends():
    factors = [s.factor for s in after([1.0] * 8)]
    assert factors == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25]
    exhausted = [s.exhausted(SETTINGS) for s in after([1.0] * 8)]
    assert exhausted == [False] * 8 + [True]


def test_new_weights_start_the_comparison_anew_at_the_present_rate():
    state = after([1.0] * 5)[-1].restarted()
    assert state == Schedule(factor=0.5, best_epoch=1)
    assert state.after(100.0, 6, SETTINGS).best_epoch == 6


def test_a_very_long_plateau_leaves_a_rate():
    state = Schedule()
    for epoch in range(1, 200):
        state = state.after(1.0, epoch, SETTINGS)
    assert state.factor == 1e-3
