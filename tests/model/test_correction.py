"""The network's units: fixed, taken from the training structures, and harmless to its symmetry."""

from __future__ import annotations

import equinox as eqx
import numpy as np

from hamexplorer.model import Scales
from hamexplorer.model.graph import make_graph


def test_densities_come_in_units_of_their_spread(formamide, build):
    model = build("network")
    graph = make_graph(formamide, model.network.graph_settings)
    scales = Scales.of(model.scales.own, model.scales.pair, [graph.density])
    seen = (graph.density - scales.density_mean) / scales.density_spread
    invariants = seen[:, :, 0]
    np.testing.assert_allclose(invariants.mean(0), 0, atol=1e-5)
    rms = np.sqrt((invariants**2).mean(0))
    assert rms.max() <= 1 + 1e-5
    # Unit spread, but for what hardly varies in any atom, which stays small.
    varies = graph.density[:, :, 0].std(0) > 0.05 * graph.density[:, :, 0].std(0).max()
    np.testing.assert_allclose(rms[varies], 1, atol=1e-4)


def test_only_invariants_have_a_mean(formamide, build):
    model = build("network")
    graph = make_graph(formamide, model.network.graph_settings)
    scales = Scales.of(model.scales.own, model.scales.pair, [graph.density])
    assert np.any(scales.density_mean[:, 0])
    assert not np.any(scales.density_mean[:, 1:])
    spread = np.asarray(scales.density_spread)
    assert np.ptp(spread[:, 1:4], axis=1).max() == 0  # one number for all m, else rotations would show


def test_scales_are_not_trained(build):
    model = build("network")
    trained, fixed = eqx.partition(model, model.trainable())
    assert all(leaf is None for leaf in trained.scales)
    assert all(leaf is not None for leaf in fixed.scales)
