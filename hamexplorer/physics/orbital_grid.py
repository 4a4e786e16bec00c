"""Orbitals on a regular grid of points around a molecule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from skimage.measure import marching_cubes

from hamexplorer.physics.molecule import make_mole
from hamexplorer.structures.structure import Structure

#: Room around the outermost atoms, bohr: an orbital's surface must close inside the box.
_MARGIN = 5.0
#: Points of the finest grid; a larger molecule gets a coarser one.
_MOST_POINTS = 36_000
#: Finest spacing worth having, bohr.
_FINEST = 0.3


@dataclass(frozen=True, eq=False)
class OrbitalGrid:
    """A box of points along three axes.

    Attributes:
        origin: first point, bohr, shape (3,).
        axes: steps from point to point, rows, bohr, shape (3, 3).
        shape: points along each axis.
    """

    origin: np.ndarray
    axes: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, structure: Structure, turn: np.ndarray | None = None) -> OrbitalGrid:
        """A box that holds a molecule's orbitals.

        Args:
            structure: the molecule.
            turn: directions of the box's axes, orthonormal rows, shape (3, 3); x, y and z if None.
        """
        turn = np.eye(3) if turn is None else turn
        seen = structure.positions @ turn.T
        low, high = seen.min(0) - _MARGIN, seen.max(0) + _MARGIN
        step = max(_FINEST, float(np.prod(high - low) / _MOST_POINTS) ** (1 / 3))
        shape = np.ceil((high - low) / step).astype(int) + 1
        return cls(low @ turn, step * turn, (int(shape[0]), int(shape[1]), int(shape[2])))

    @property
    def points(self) -> np.ndarray:
        """All points, the last axis fastest, bohr, shape (n_points, 3)."""
        steps = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1).reshape(-1, 3)
        return self.origin + steps @ self.axes

    @property
    def volume(self) -> float:
        """Of one point, bohr³."""
        return float(abs(np.linalg.det(self.axes)))

    def evaluate(self, structure: Structure, basis: str, orbitals: np.ndarray) -> np.ndarray:
        """Values of orbitals, bohr^-3/2.

        Args:
            structure, basis: of the functions.
            orbitals: in columns between atomic orbitals, shape (n_ao, n).

        Returns:
            Shape (n, *self.shape).
        """
        functions = make_mole(structure, basis).eval_gto("GTOval_sph", self.points)
        return np.moveaxis((functions @ orbitals).reshape(*self.shape, -1), -1, 0)


def enclosing_value(values: np.ndarray, share: float = 0.8) -> float:
    """|ψ| of the surface that encloses a share of the electron; ``values`` on a regular grid.

    Raises:
        ValueError: if the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share {share:g} is not between 0 and 1; 0.8 is usual")
    squared = np.sort(np.ravel(values) ** 2)[::-1]
    enclosed = np.cumsum(squared)
    return float(np.sqrt(squared[np.searchsorted(enclosed, share * enclosed[-1])]))


class Surface(NamedTuple):
    """Points, bohr, (n, 3), and the triangles between them, (m, 3)."""

    points: np.ndarray
    faces: np.ndarray


def surface_of(
    values: np.ndarray, level: float, origin: np.ndarray, axes: np.ndarray, *, closed: bool = False
) -> Surface:
    """Where values on a regular grid reach a level; no points if they do not.

    Args:
        values: shape (n1, n2, n3).
        level: in their unit.
        origin: the first point, bohr, shape (3,).
        axes: steps from point to point, rows, bohr, shape (3, 3).
        closed: whether the surface gets a lid where the grid ends.
    """
    if closed:
        values, origin = np.pad(values, 1), origin - axes.sum(0)
    if values.max() <= level:
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), int))
    points, faces, _, _ = marching_cubes(values, level)
    return Surface(origin + points @ axes, faces)
