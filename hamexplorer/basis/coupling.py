r"""Blocks ⇄ irreps: Clebsch-Gordan coupling of two shells.

A block $B_{m_1 m_2}$ between shells of $l_1$ and $l_2$ is a direct product; its coupled components

$$ c_{\lambda\mu} = \sum_{m_1 m_2} C^{\lambda\mu}_{l_1m_1l_2m_2} B_{m_1 m_2},\; |l_1-l_2| \le \lambda \le l_1+l_2, $$

rotate like real spherical harmonics of order λ and change sign under inversion by $(-1)^{l_1+l_2}$. A component is
called *natural* where that equals $(-1)^\lambda$, as for a polar tensor, and *unnatural* otherwise.

The coefficients are those of `wigners`, turned from complex into real harmonics; for l1 + l2 + λ odd that leaves them
imaginary, and the imaginary part is the real coupling.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from wigners import clebsch_gordan_array

from hamexplorer.basis.layout import standard_m_order


class Irrep(NamedTuple):
    """One irreducible representation of O(3)."""

    l: int
    natural: bool

    @property
    def dim(self) -> int:
        return 2 * self.l + 1


def _real_from_complex(l: int) -> np.ndarray:
    """Unitary matrix: rows real harmonics, columns complex ones with Condon-Shortley phase, m = -l … l."""
    u = np.zeros((2 * l + 1, 2 * l + 1), dtype=complex)
    u[l, l] = 1.0
    for m in range(1, l + 1):
        phase = (-1) ** m
        u[l + m, [l + m, l - m]] = phase, 1.0
        u[l - m, [l + m, l - m]] = -1j * phase, 1j
    u[np.arange(2 * l + 1) != l] /= np.sqrt(2)
    return u


@cache
def clebsch_gordan(l1: int, l2: int, l3: int) -> np.ndarray:
    """Real coefficients, shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1), orthonormal over (m1, m2)."""
    turned = np.einsum(
        "am,bn,ck,mnk->abc",
        _real_from_complex(l1),
        _real_from_complex(l2),
        _real_from_complex(l3).conj(),
        clebsch_gordan_array(l1, l2, l3),
    )
    return turned.real if (l1 + l2 + l3) % 2 == 0 else turned.imag


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
