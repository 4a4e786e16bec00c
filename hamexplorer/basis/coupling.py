r"""Blocks ⇄ irreps: Clebsch-Gordan coupling of two shells.

A block $B_{m_1 m_2}$ between shells of $l_1$ and $l_2$ is a direct product; its coupled components

$$ c_{\lambda\mu} = \sum_{m_1 m_2} C^{\lambda\mu}_{l_1m_1l_2m_2} B_{m_1 m_2},\; |l_1-l_2| \le \lambda \le l_1+l_2, $$

rotate like real spherical harmonics of order λ and change sign under inversion by $(-1)^{l_1+l_2}$. A component is
called *natural* where that equals $(-1)^\lambda$, as for a polar tensor, and *unnatural* otherwise.

The coefficients are e3nn-jax's. Its real harmonics have y as polar axis, so its vector (x, y, z) is our
(y, z, x); with that cyclic renaming its order of m is the usual -l … l (:func:`to_e3nn_axes`).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import e3nn_jax as e3nn
import numpy as np

from hamexplorer.basis.layout import standard_m_order


class Irrep(NamedTuple):
    """One irreducible representation of O(3)."""

    l: int
    natural: bool

    @property
    def dim(self) -> int:
        return 2 * self.l + 1


def to_e3nn_axes(vectors: np.ndarray) -> np.ndarray:
    """(x, y, z) -> (y, z, x) in the last axis, so that e3nn's harmonics come out in the order m = -l … l."""
    return vectors[..., [1, 2, 0]]


@cache
def clebsch_gordan(l1: int, l2: int, l3: int) -> np.ndarray:
    """Real coefficients, shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1), orthonormal over (m1, m2)."""
    return np.asarray(e3nn.clebsch_gordan(l1, l2, l3), dtype=np.float64) * np.sqrt(2 * l3 + 1)


def coupled_irreps(l1: int, l2: int) -> tuple[Irrep, ...]:
    """The irreps that a block of two shells couples to."""
    return tuple(Irrep(l, (l1 + l2 + l) % 2 == 0) for l in range(abs(l1 - l2), l1 + l2 + 1))


@cache
def coupling_matrix(l1: int, l2: int) -> np.ndarray:
    """Orthogonal matrix from block entries in PySCF's order to coupled components.

    Returns:
        Shape ((2 l1 + 1)(2 l2 + 1), same): row m1·(2 l2 + 1) + m2, columns λ = |l1-l2| … l1+l2 with μ = -λ … λ.
    """
    columns = [clebsch_gordan(l1, l2, irrep.l) for irrep in coupled_irreps(l1, l2)]
    standard = np.concatenate(columns, axis=2)
    ours = np.empty_like(standard)
    ours[np.ix_(standard_m_order(l1), standard_m_order(l2))] = standard
    return ours.reshape((2 * l1 + 1) * (2 * l2 + 1), -1)
