r"""Moves a baseline's levels onto the references' by one smooth function, and leaves its orbitals alone.

A baseline with good orbitals has levels that are off by electronvolts, mostly by a systematic function of the
level itself: Hartree-Fock's gap is too wide, a minimal basis' empty levels lie too high. Twelve coefficients,
fitted in closed form to the training molecules, take that away before a matrix is fitted:
$\tilde H_0 \to \tilde C\,(\varepsilon + \delta(\varepsilon))\,\tilde C^T$. The density, and with it dipole and
charges, stays as it is.

δ depends on a level's energy, on whether it is core, occupied or empty, and for empty levels on how many of them
lie below; that count is smoothed, so degenerate levels move alike and the matrix rotates with the molecule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import expit

#: Width over which the count of lower levels is smoothed, Ha.
_SMOOTHING = 0.05
#: Relative ridge: keeps coefficients that the data do not determine at zero.
_RIDGE = 1e-8
N_COEFFICIENTS = 12


class Sample(NamedTuple):
    """One training molecule: the baseline's ascending levels and what they should be, Ha."""

    energy: np.ndarray
    n_core: int
    n_occ: int
    reference: np.ndarray
    weights: np.ndarray


def fit(samples: Sequence[Sample]) -> np.ndarray:
    """Coefficients of δ, shape (12,), least squares over all matched levels."""
    chosen = [s.weights > 0 for s in samples]
    terms = np.concatenate(
        [_terms(s.energy, s.n_core, s.n_occ)[c] for s, c in zip(samples, chosen, strict=True)]
    )
    delta = np.concatenate([(s.reference - s.energy)[c] for s, c in zip(samples, chosen, strict=True)])
    normal = terms.T @ terms
    scale = np.sqrt(np.maximum(np.diag(normal), 1e-12))
    ridge = _RIDGE * np.eye(N_COEFFICIENTS)
    return np.linalg.solve(normal / np.outer(scale, scale) + ridge, terms.T @ delta / scale) / scale


def apply(coefficients: np.ndarray, matrix: np.ndarray, n_core: int, n_occ: int) -> np.ndarray:
    """The matrix with its levels moved, shape (n_ao, n_ao), Ha."""
    energy, coeff = np.linalg.eigh(matrix)
    moved = energy + _terms(energy, n_core, n_occ) @ coefficients
    return (coeff * moved) @ coeff.T


def _terms(energy: np.ndarray, n_core: int, n_occ: int) -> np.ndarray:
    """What δ is linear in, shape (n_ao, 12)."""
    found = np.zeros((len(energy), N_COEFFICIENTS))
    core, occupied, empty = energy[:n_core], energy[n_core:n_occ], energy[n_occ:]
    found[:n_core, :2] = np.stack([np.ones_like(core), core], 1)
    found[n_core:n_occ, 2:5] = np.stack([np.ones_like(occupied), occupied, occupied**2], 1)
    if len(empty):
        below = expit((empty[:, None] - empty[None, :]) / _SMOOTHING).mean(1)
        share = np.full_like(empty, 1.0 / len(empty))
        terms = [np.ones_like(empty), empty, empty**2, below, below**2, share, below * share]
        found[n_occ:, 5:] = np.stack(terms, 1)
    return found
