"""Where the electrons of a crystal end: the Fermi level of bands on a mesh."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit


def fermi_level(
    mo_energy: np.ndarray, n_electrons: float, *, smearing: float = 0.0, weights: np.ndarray | None = None
) -> float:
    """The level up to which spin-paired electrons fill the bands.

    Args:
        mo_energy: bands at the k-points of a mesh, shape (n_k, n_bands), Ha.
        n_electrons: a cell.
        smearing: width of the Fermi function, Ha; 0 fills the lowest states of the whole mesh, and the level is then
            half-way between the highest filled and the lowest empty one.
        weights: share of each k-point, sum 1, shape (n_k,); equal ones if None.

    Returns:
        Ha. Of a crystal without empty bands, the highest filled level.

    Source: Ashcroft & Mermin, *Solid State Physics*, ch. 2.
    """
    energy = np.asarray(mo_energy, dtype=float)
    share = np.full(len(energy), 1 / len(energy)) if weights is None else np.asarray(weights)
    pairs = n_electrons / 2
    order = np.argsort(energy, axis=None)
    sorted_energy = energy.ravel()[order]
    filled = np.cumsum(np.broadcast_to(share[:, None], energy.shape).ravel()[order])
    highest = int(np.searchsorted(filled, pairs - 1e-9))
    if highest + 1 >= len(sorted_energy):
        return float(sorted_energy[-1])
    middle = float(sorted_energy[highest] + sorted_energy[highest + 1]) / 2
    if not smearing:
        return middle

    def surplus(level: float) -> float:
        return float((share[:, None] * expit((level - energy) / smearing)).sum() - pairs)

    reach = 40 * smearing
    low, high = sorted_energy[0] - reach, sorted_energy[-1] + reach
    # Wide gaps make the count flat to the last bit, and any level in the gap is a root: the middle then.
    return middle if abs(surplus(middle)) < 1e-12 else float(brentq(surplus, low, high, xtol=1e-12))
