r"""Between real space and k: Bloch sums and their inverse.

$$ H(\mathbf k) = \sum_{\mathbf T} e^{i \mathbf k \cdot \mathbf T} H(\mathbf T), \qquad
H(\mathbf T) = \frac{1}{N} \sum_{\mathbf k} e^{-i \mathbf k \cdot \mathbf T} H(\mathbf k) $$

k is given in fractions of the reciprocal vectors and T in whole cells, so that k·T is 2π times their product.
"""

from __future__ import annotations

import numpy as np


def mesh_points(mesh: tuple[int, int, int]) -> np.ndarray:
    """Γ-centred Monkhorst-Pack points in fractions of the reciprocal vectors, shape (n_k, 3), last axis fastest."""
    axes = [np.arange(n) / n for n in mesh]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def mesh_translations(mesh: tuple[int, int, int]) -> np.ndarray:
    """The cells that a mesh can tell apart, nearest ones chosen, shape (n_k, 3); for even n the far one is -n/2."""
    axes = [(np.arange(n) + n // 2) % n - n // 2 for n in mesh]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def phases(kpoints: np.ndarray, translations: np.ndarray) -> np.ndarray:
    """exp(i k·T), shape (n_k, n_T)."""
    return np.exp(2j * np.pi * np.asarray(kpoints) @ np.asarray(translations).T)


def bloch_sum(matrices: np.ndarray, translations: np.ndarray, kpoints: np.ndarray) -> np.ndarray:
    """M(k) from M(T), shape (n_T, n, n) → (n_k, n, n), complex."""
    return np.einsum("kt,tab->kab", phases(kpoints, translations), matrices, optimize=True)


def real_space(matrices: np.ndarray, mesh: tuple[int, int, int]) -> np.ndarray:
    """M(T) on :func:`mesh_translations` from M(k) on :func:`mesh_points`; real for a crystal without magnetism.

    Args:
        matrices: shape (n_k, n, n), with M(-k) = M(k)*.
        mesh: of the k-points.
    """
    phase = phases(mesh_points(mesh), mesh_translations(mesh)).conj()
    found = np.einsum("kt,kab->tab", phase, matrices, optimize=True) / len(matrices)
    return np.ascontiguousarray(found.real)


def reduced_mesh(mesh: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """One of k and -k of a mesh: bands are equal there, so half of the points say everything.

    Returns:
        Places among :func:`mesh_points`, shape (n_k,), and shares of the whole mesh, sum 1, shape (n_k,).
    """
    places = np.stack(np.unravel_index(np.arange(np.prod(mesh)), mesh), -1)
    partner = np.ravel_multi_index(tuple((-places % np.array(mesh)).T), mesh)
    kept = np.flatnonzero(np.arange(len(places)) <= partner)
    return kept, np.where(partner[kept] == kept, 1.0, 2.0) / len(places)


def decay(matrices: np.ndarray, mesh: tuple[int, int, int]) -> float:
    """Largest element in the farthest cells of a mesh over the largest of all; NaN on a mesh of one point.

    Args:
        matrices: on :func:`mesh_translations`, shape (n_T, n, n).
        mesh: of the k-points.
    """
    far = ((np.array(mesh) > 1) & (np.abs(mesh_translations(mesh)) >= np.array(mesh) // 2)).any(1)
    return float(np.abs(matrices[far]).max() / np.abs(matrices).max()) if far.any() else float("nan")


def symmetric_translations(
    matrices: np.ndarray, translations: np.ndarray, mesh: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Share what belongs to the far cells of an even mesh between T and its images on the other side.

    On a mesh of even n the cells -n/2 and n/2 cannot be told apart; a sum at other k-points is Hermitian, and has the
    crystal's symmetry, only if each gets its part.

    Returns:
        Matrices (n_T', n, n) and translations (n_T', 3), n_T' ≥ n_T.
    """
    found, cells = [], []
    for matrix, cell in zip(matrices, translations, strict=True):
        images = [cell]
        for axis, n in enumerate(mesh):
            if n % 2 == 0 and cell[axis] == -n // 2:
                images += [image + n * np.eye(3, dtype=int)[axis] for image in images]
        found += [matrix / len(images)] * len(images)
        cells += images
    return np.array(found), np.array(cells)
