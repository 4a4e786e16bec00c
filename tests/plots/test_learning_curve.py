"""The learning curve: means and spreads stand over the number of structures that was learned from."""

from __future__ import annotations

import math

import numpy as np

from hamexplorer.plots.learning_curve import learning_curve
from hamexplorer.train.paper import Experiment
from hamexplorer.train.paper_summary import MEASURES, Figure, Line


def line(n_train, mean, *, targets=("mo_energy",), at_most=0, tested_on="own", target="mo_energy"):
    experiment = Experiment("hybrid", "large", targets, at_most)
    figures = dict.fromkeys(MEASURES, Figure(mean, mean / 10 if n_train > 25 else math.nan))
    return Line(experiment, n_train, tested_on, target, "Orbital energies", "eV", (1, 2), figures)


LINES = [
    line(90, 0.2),
    line(90, 0.3, tested_on="larger"),
    line(90, 9.0, target="dipole"),  # predicted, not learned
    line(90, 8.0, targets=("mo_energy", "dipole")),  # another experiment
    line(50, 0.4, at_most=50),
    line(25, 0.8, at_most=25),
    line(25, 0.9, at_most=25, tested_on="larger"),
]


def test_a_curve_a_tested_set_with_all_structures_as_last_point():
    own, larger = learning_curve(LINES).data
    np.testing.assert_array_equal(own.x, [25, 50, 90])
    np.testing.assert_array_equal(own.y, [0.8, 0.4, 0.2])
    np.testing.assert_allclose(own.error_y.array, [0.0, 0.04, 0.02])
    np.testing.assert_array_equal(larger.y, [0.9, 0.3])
    assert (own.name, larger.name) == ("own", "larger") and own.marker.color != larger.marker.color


def test_without_fewer_structures_a_sentence_says_so():
    figure = learning_curve(LINES[:4])
    assert not figure.data and "No run with fewer structures" in figure.layout.annotations[0].text
