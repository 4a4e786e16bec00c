"""Fermi levels: electrons are counted right, with smearing and without, and half of the k-points say everything."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.physics.bloch import decay, mesh_points, mesh_translations, reduced_mesh
from hamexplorer.physics.filling import fermi_level


def chain(k: np.ndarray) -> np.ndarray:
    """Dimerised chain, a textbook's two bands: E = ±√(t² + s² + 2 t s cos k)."""
    gap = np.sqrt(1 + 0.64 + 1.6 * np.cos(2 * np.pi * k))
    return np.stack([-gap, gap], 1) / 10


@pytest.mark.parametrize("smearing", [0.001, 0.01, 0.1])
def test_occupations_add_up_to_the_electrons(smearing):
    energy = chain(np.arange(7) / 7)
    for n_electrons in (1.0, 2.0, 3.3):
        level = fermi_level(energy, n_electrons, smearing=smearing)
        filled = (2 / (1 + np.exp((energy - level) / smearing))).sum() / len(energy)
        assert filled == pytest.approx(n_electrons, abs=1e-9)


def test_an_insulators_level_is_in_the_middle_of_its_gap():
    energy = chain(np.arange(8) / 8)
    for smearing in (0.0, 1e-4):
        assert fermi_level(energy, 2, smearing=smearing) == pytest.approx(0.0, abs=1e-9)
    assert fermi_level(energy, 4) == energy.max()


def test_weights_stand_for_the_points_left_out():
    mesh = (6, 1, 1)
    kept, weights = reduced_mesh(mesh)
    points = mesh_points(mesh)[:, 0]
    for n_electrons in (1.0, 2.0, 3.0):
        whole = fermi_level(chain(points), n_electrons, smearing=0.01)
        assert fermi_level(chain(points[kept]), n_electrons, smearing=0.01, weights=weights) == pytest.approx(
            whole
        )


@pytest.mark.parametrize("mesh", [(1, 1, 1), (2, 1, 1), (3, 4, 1), (4, 4, 4), (3, 3, 2)])
def test_one_of_k_and_minus_k_is_kept(mesh):
    kept, weights = reduced_mesh(mesh)
    points = np.rint(mesh_points(mesh) * mesh).astype(int)
    assert weights.sum() == pytest.approx(1.0)
    found = {tuple(p) for p in points[kept]} | {tuple(-p % np.array(mesh)) for p in points[kept]}
    assert found == {tuple(p) for p in points}
    # The mean of an even function over the mesh is the weighted mean over the points kept.
    even = np.cos(2 * np.pi * mesh_points(mesh) @ [1, 2, 3])
    assert weights @ even[kept] == pytest.approx(even.mean(), abs=1e-12)


def test_decay_compares_the_farthest_cells():
    mesh = (4, 3, 1)
    cells = mesh_translations(mesh)
    matrices = np.exp(-np.abs(cells).sum(1))[:, None, None] * np.ones((1, 2, 2))
    assert decay(matrices, mesh) == pytest.approx(np.exp(-1.0))  # three points reach to one cell, four to two
    assert np.isnan(decay(matrices[:1], (1, 1, 1)))
