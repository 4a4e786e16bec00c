"""How the closed form's regularisation is chosen."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.train import start


@pytest.fixture
def judged(monkeypatch):
    """errors (structures, 2, strengths) of on-site and off-site -> the strengths chosen."""

    def choose(errors) -> tuple[int, int]:
        errors = np.asarray(errors, float)
        frames = [SimpleNamespace(structure=SimpleNamespace(n_atoms=1)) for _ in errors]
        # One atom and one pair each, whose components miss the truth, zero, by the errors.
        found = [e[:, :, None] for e in errors]
        monkeypatch.setattr(start, "_components", lambda matrix, frame, template: np.zeros((2, 1)))
        return start._best_strengths(found, frames, {k: np.zeros(0) for k in range(len(errors))}, None)

    return choose


def test_on_site_and_off_site_are_chosen_apart(judged):
    assert judged([[[3, 1, 2], [2, 3, 1]], [[3, 1, 2], [2, 3, 1]]]) == (1, 2)


def test_one_strange_structure_does_not_decide(judged):
    ordinary = [[[1, 2], [1, 2]]] * 4
    assert judged([*ordinary, [[300, 200], [300, 200]]]) == (0, 0)


def test_without_unseen_structures_there_is_one_strength():
    frames = [SimpleNamespace(structure=SimpleNamespace(n_atoms=1))]
    assert start._best_strengths([np.zeros((2, 1, 1))], frames, {}, None) == (0, 0)
