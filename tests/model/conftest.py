"""A molecule without symmetry, small models of every kind with random weights, and rotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import MODELS, BlockModel, GraphSettings, NetworkSettings, Scales
from hamexplorer.model.linear import empty_linear
from hamexplorer.physics.integrals import element_shells
from hamexplorer.structures.structure import Structure

ELEMENTS = (1, 6, 7, 8)
GRAPH = GraphSettings(ELEMENTS, cutoff_angstrom=4.0, n_radial=4)


@pytest.fixture(scope="session")
def formamide() -> Structure:
    """H, C, N and O, a little off its plane (bohr)."""
    positions = [
        [-0.30, 0.79, 0.05],
        [-2.27, 0.51, -0.09],
        [1.15, -1.34, 0.11],
        [0.42, 2.73, -0.20],
        [0.48, -3.13, -0.05],
        [3.04, -1.11, 0.16],
    ]
    return Structure(np.array([6, 8, 7, 1, 1, 1]), np.array(positions), name="formamide")


@pytest.fixture(scope="session")
def rotation() -> np.ndarray:
    """A proper rotation about no axis in particular."""
    return Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()


def template_of(basis: str) -> BlockTemplate:
    return BlockTemplate.of({z: element_shells(basis, z) for z in ELEMENTS})


def randomised(model: Any, seed: int = 0) -> Any:
    """The same model with every weight that starts at zero drawn anew, each array from a key of its own.

    A symmetry test of a model whose outputs are zero would pass whatever it computes.
    """
    leaves, tree = jax.tree.flatten(model)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    drawn = [
        leaf if np.any(np.asarray(leaf)) else 0.3 * jax.random.normal(key, leaf.shape, leaf.dtype)
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(tree, drawn)


@pytest.fixture(scope="session")
def build() -> Callable[..., BlockModel]:
    """(name, basis="sto-3g", graph=GRAPH, fresh=False) -> a small model; random weights unless fresh."""

    def make(
        name: str, basis: str = "sto-3g", graph: GraphSettings = GRAPH, fresh: bool = False
    ) -> BlockModel:
        kind, template = MODELS[name], template_of(basis)
        n, size = len(graph.elements), template.size**2
        density = np.random.default_rng(4).uniform(size=(5, n * graph.n_radial, (graph.l_max + 1) ** 2))
        scales = Scales.of(np.full((n, size), 0.1), np.full((n, n, size), 0.1), [density])
        with pytest.MonkeyPatch.context() as patch:
            if hasattr(kind, "settings"):
                patch.setattr(type(kind), "settings", NetworkSettings(channels=4, hidden=8))
            model = kind.build(empty_linear(template, graph), scales, rng=np.random.default_rng(3))
        return model if fresh else randomised(model)

    return make


@pytest.fixture(scope="session")
def forward() -> Callable[..., np.ndarray]:
    """model, graph -> coupled components; compiled once a shape."""
    compiled = eqx.filter_jit(lambda model, graph: model(graph))
    return lambda model, graph: np.asarray(compiled(model, graph), dtype=float)
