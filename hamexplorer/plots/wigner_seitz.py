"""The cell of all points nearer to one lattice point than to any other, in one, two or three dimensions."""

from __future__ import annotations

import itertools

import numpy as np
from ase.geometry import minkowski_reduce
from scipy.spatial import Voronoi

#: Corners closer than this, relative to the longest lattice vector, are one; faces with sides below it are none.
SAME = 1e-6


def wigner_seitz(vectors: np.ndarray) -> tuple[np.ndarray, list[list[int]]]:
    """Corners and faces of the cell around the origin.

    Args:
        vectors: rows span the lattice, shape (d, 3) with d = 1, 2 or 3.

    Returns:
        Corners, shape (n, 3), and the corners of each face in order: of a body its faces, of a polygon itself, of a
        segment its two ends.

    Source: Ashcroft & Mermin, *Solid State Physics*, ch. 4; the Voronoi cell is SciPy's (Qhull).
    """
    d = len(vectors)
    # In a reduced basis all neighbours that bound the cell have coefficients -1, 0 and 1.
    full = np.vstack([vectors, _others(vectors)])
    reduced = minkowski_reduce(full, pbc=[True] * d + [False] * (3 - d))[0][:d]
    if d == 1:
        return np.array([-0.5, 0.5])[:, None] * reduced, [[0, 1]]
    frame = np.linalg.qr(reduced.T)[0]  # columns: an orthonormal basis of the lattice's space, shape (3, d)
    steps = np.array(sorted(itertools.product((-1, 0, 1), repeat=d), key=np.linalg.norm))
    cell = Voronoi(steps @ reduced @ frame)
    corners, merged = _merged(cell.vertices, SAME * np.linalg.norm(vectors, axis=1).max())
    if d == 2:
        ring = _ordered(corners, {merged[v] for v in cell.regions[cell.point_region[0]]})
        return corners[ring] @ frame.T, [list(range(len(ring)))]
    rings = []
    for pair, ridge in zip(cell.ridge_points, cell.ridge_vertices, strict=True):
        if 0 in pair:
            ring = _ordered(corners, {merged[v] for v in ridge})
            if len(ring) > 2:
                rings.append(ring)
    used = sorted({corner for ring in rings for corner in ring})
    return corners[used] @ frame.T, [[used.index(corner) for corner in ring] for ring in rings]


def _others(vectors: np.ndarray) -> np.ndarray:
    """Unit vectors at right angles to the given ones, so that there are three in all."""
    return np.linalg.svd(vectors)[2][len(vectors) :]


def _merged(points: np.ndarray, distance: float) -> tuple[np.ndarray, dict[int, int]]:
    """Points without those that coincide, and the new place of each; Qhull makes several of a corner of many faces."""
    kept: list[np.ndarray] = []
    place: dict[int, int] = {}
    for index, point in enumerate(points):
        near = next((k for k, other in enumerate(kept) if np.linalg.norm(point - other) < distance), None)
        place[index] = len(kept) if near is None else near
        if near is None:
            kept.append(point)
    return np.array(kept), place


def _ordered(corners: np.ndarray, chosen: set[int]) -> list[int]:
    """Corners of a flat, convex polygon, by angle around its middle."""
    places = sorted(chosen)
    arms = corners[places] - corners[places].mean(axis=0)
    flat = arms @ np.linalg.svd(arms)[2][:2].T if len(places) > 2 else arms
    return [places[k] for k in np.argsort(np.arctan2(flat[:, 1], flat[:, 0]))]
