"""Orbitals on a grid: their norm, and the surface that holds a share of the electron."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from hamexplorer.physics.molecule import make_mole
from hamexplorer.physics.orbital_grid import OrbitalGrid, enclosing_value
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.structures.structure import Structure

HYDROGEN = Structure(np.array([1, 1]), np.array([[0.0, 0, -0.7], [0.0, 0, 0.7]]))


@pytest.mark.parametrize("turned", [False, True])
def test_orthonormal_orbitals_hold_one_electron_each(solved, rotation, turned):
    structure = solved("CH3OH").structure
    x = inverse_square_root(make_mole(structure, "sto-3g").intor_symmetric("int1e_ovlp"))
    grid = OrbitalGrid.around(structure, rotation if turned else None)
    valence = [
        n for n in range(len(x)) if n not in (0, 5)
    ]  # 1s of C and O is too sharp for any affordable grid
    values = grid.evaluate(structure, "sto-3g", x[:, valence])
    norms = (values**2).sum((1, 2, 3)) * grid.volume
    np.testing.assert_allclose(norms, 1, atol=0.04)


def test_points_and_values_are_those_of_pyscf():
    grid = OrbitalGrid.around(HYDROGEN)
    mol = make_mole(HYDROGEN, "sto-3g")
    orbital = np.array([[0.5], [-0.25]])
    place = (3, 5, 7)
    point = grid.origin + np.array(place) @ grid.axes
    expected = (mol.eval_gto("GTOval_sph", point[None]) @ orbital)[0, 0]
    assert grid.evaluate(HYDROGEN, "sto-3g", orbital)[0][place] == pytest.approx(expected)


def test_the_box_is_large_enough_and_not_too_fine():
    long = Structure(np.full(40, 6), np.column_stack([np.zeros((40, 2)), 2.6 * np.arange(40)]))
    for structure in (HYDROGEN, long):
        grid = OrbitalGrid.around(structure)
        assert np.prod(grid.shape) < 60_000
        steps = (structure.positions - grid.origin) @ np.linalg.inv(grid.axes)
        assert (steps > 2).all() and (steps < np.array(grid.shape) - 3).all()


def test_the_surface_encloses_the_share():
    # ψ = exp(-r): the share inside r is 1 - e^(-2r)(1 + 2r + 2r²).
    axis = np.linspace(-9, 9, 91)
    r = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis)), axis=0)
    radius = brentq(lambda x: 1 - np.exp(-2 * x) * (1 + 2 * x + 2 * x * x) - 0.8, 0.1, 9)
    assert enclosing_value(np.exp(-r), 0.8) == pytest.approx(np.exp(-radius), rel=0.03)
    with pytest.raises(ValueError, match=r"share 1\.5 is not between 0 and 1"):
        enclosing_value(r, 1.5)
