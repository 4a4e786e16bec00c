"""The closed-form fit: it finds a model that is there, and stacked models predict as each does alone."""

from __future__ import annotations

import jax
import numpy as np

from hamexplorer.model import GraphSettings
from hamexplorer.model.graph import make_graph
from hamexplorer.model.linear import RidgeFit, RidgeRows, all_descriptors, combine_each

GRAPH = GraphSettings((1, 6, 7, 8), cutoff_angstrom=4.0, n_radial=4)


def rows_of(model, structures, forward):
    """What a fit sees of structures whose blocks a model has made."""
    for structure in structures:
        graph = make_graph(structure, GRAPH)
        made = forward(model, graph)
        n = structure.n_atoms
        descriptors = all_descriptors(graph, model.template.irreps, GRAPH)
        yield RidgeRows(graph, descriptors, np.arange(n), np.arange(len(graph.i)), made[:n], made[n:])


def distorted(formamide, n: int):
    rng = np.random.default_rng(0)
    return [formamide.moved(formamide.positions + 0.2 * rng.normal(size=(6, 3))) for _ in range(n)]


def test_a_linear_model_is_found_again(build, forward, formamide):
    """With hardly any regularisation the fit predicts what the linear model that made the data does."""
    true, structures = build("linear"), distorted(formamide, 12)
    fit = RidgeFit(rows_of(true, structures[:-1], forward), true.template, GRAPH).fit([1e-12, 1e3])
    graph = make_graph(structures[0], GRAPH)
    wanted = forward(true, graph)
    found = combine_each(fit, graph, all_descriptors(graph, true.template.irreps, GRAPH))
    size = np.abs(wanted).max()
    assert np.abs(found[:, 0] - wanted).max() < 1e-3 * size
    # And regularisation does what it is for: it shrinks.
    assert np.linalg.norm(found[:, 1]) < 0.2 * np.linalg.norm(wanted)


def test_stacked_models_predict_as_each_alone(build, forward, formamide):
    models = [build("linear"), jax.tree.map(lambda leaf: 2.0 * leaf, build("linear"))]
    scales = [getattr(models[0], name) for name in ("own_scale", "pair_scale")]
    models[1] = jax.tree.unflatten(
        jax.tree.structure(models[0]),
        jax.tree.leaves((models[1].own, models[1].pair)) + jax.tree.leaves(tuple(scales)),
    )
    graph = make_graph(formamide, GRAPH)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *models)
    found = combine_each(stacked, graph, all_descriptors(graph, models[0].template.irreps, GRAPH))
    for k, model in enumerate(models):
        np.testing.assert_allclose(found[:, k], forward(model, graph), rtol=1e-4, atol=1e-4)
