"""Density of states: every state of the mesh as a Gaussian, summed on an even grid."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

#: Narrow bins in one broadening, and broadenings after which a Gaussian counts as zero.
_FINE, _REACH = 8, 6


def density_of_states(
    mesh_energy: np.ndarray,
    mesh_weights: np.ndarray,
    grid: np.ndarray,
    broadening: float,
    share: np.ndarray | None = None,
) -> np.ndarray:
    r"""$D(E) = 2 \sum_k w_k \sum_n c_{nk} G_\sigma(E - \varepsilon_{nk})$, two electrons a state.

    Each value is the mean over its cell of the grid, so that their sum times the spacing counts electrons however
    coarse the grid is. States are put into narrow bins first, which makes the cost independent of their number.

    Args:
        mesh_energy: ε, shape (n_k, n_bands).
        mesh_weights: w, sum 1, shape (n_k,).
        grid: evenly spaced energies E, ascending, shape (n,).
        broadening: σ, the Gaussian's standard deviation, in the unit of the energies.
        share: c, of each state's groups, shape (n_k, n_bands, n_groups); 1 if None.

    Returns:
        States a unit of energy and cell, shape (n,), or (n_groups, n) with shares.
    """
    spacing = (grid[-1] - grid[0]) / (len(grid) - 1)
    each = max(1, int(np.ceil(_FINE * spacing / broadening)))  # bins in one cell of the grid
    bin_width = spacing / each
    reach = int(np.ceil(_REACH * broadening / bin_width))
    n_bins = len(grid) * each + 2 * reach
    first = grid[0] - spacing / 2 + bin_width / 2 - reach * bin_width
    place = (np.asarray(mesh_energy).ravel() - first) / bin_width
    inside = (place >= 0) & (place < n_bins - 1)
    left = np.floor(place[inside]).astype(int)
    right_part = place[inside] - left  # between two bins, so that the mean energy is kept
    weight = np.broadcast_to(2 * np.asarray(mesh_weights)[:, None], np.shape(mesh_energy)).ravel()[inside]
    shares = [np.ones(len(left))] if share is None else list(share.reshape(-1, share.shape[-1])[inside].T)
    edges = (np.arange(-reach, reach + 2) - 0.5) * bin_width / broadening
    kernel = np.diff(ndtr(edges))
    kernel /= kernel.sum() * bin_width
    found = []
    for part in shares:
        bins = np.bincount(left, weight * part * (1 - right_part), n_bins)
        bins += np.bincount(left + 1, weight * part * right_part, n_bins)
        smooth = np.convolve(bins, kernel, "same")[reach : n_bins - reach]
        found.append(smooth.reshape(len(grid), each).mean(axis=1))
    return np.array(found) if share is not None else found[0]


def group_shares(character: np.ndarray, groups: dict[str, np.ndarray]) -> np.ndarray:
    """Sums over the orbitals of each group: (…, n_ao) → (…, n_groups)."""
    return np.stack([character[..., orbitals].sum(axis=-1) for orbitals in groups.values()], axis=-1)
