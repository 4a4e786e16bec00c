r"""The Kohn-Sham matrix of atoms laid side by side, for crystals with pseudopotentials: one potential, no iteration.

The density is the sum of the neutral atoms' spherical valence densities, taken from their own functions in the small
basis. Its Coulomb and exchange-correlation potentials stand on a plane-wave grid, kinetic energy and the projectors of
the pseudopotential are integrals between Gaussians. Harris, Phys. Rev. B 31, 1770 (1985), for the energy; here only the
matrix is wanted.
"""

from __future__ import annotations

import numpy as np
from pyscf import gto as molecular
from pyscf.dft import libxc
from pyscf.pbc import gto, tools
from pyscf.pbc.dft.multigrid import multigrid
from pyscf.pbc.gto import pseudo
from pyscf.pbc.gto.pseudo.pp_int import get_pp_nl
from scipy.special import eval_genlaguerre, gamma

from hamexplorer.errors import BasisError

#: Functional of the atoms' exchange and correlation: that of the pseudopotentials offered.
FUNCTIONAL = "pbe"


def superposed_matrix(cell: gto.Cell, k_points: np.ndarray) -> np.ndarray:
    """H(k) of superposed neutral atoms, shape (n_k, n_ao, n_ao), complex, Ha.

    Args:
        cell: with pseudopotentials.
        k_points: fractions of the reciprocal vectors, shape (n_k, 3).

    Raises:
        BasisError: if an element has no pseudopotential, or no function for some of its valence electrons.
    """
    kpts = cell.get_abs_kpts(k_points)
    density = _density(cell)
    local = (
        _exchange_correlation(cell, density)
        + density * tools.get_coulG(cell, mesh=cell.mesh)
        - np.einsum("ag,ag->g", cell.get_SI(mesh=cell.mesh), pseudo.get_vlocG(cell, cell.get_Gv(cell.mesh)))
    )
    grid = multigrid.MultiGridNumInt(cell)
    matrix = multigrid._get_j_pass2(grid, local, kpts=kpts)[0].astype(complex)
    matrix += np.asarray(cell.pbc_intor("int1e_kin", hermi=1, kpts=kpts))
    return matrix + np.asarray(get_pp_nl(cell, kpts))


def _density(cell: gto.Cell) -> np.ndarray:
    """Fourier components ∫ n e^(-iGr) over the cell on its own grid, shape (n_g,)."""
    squared = (cell.get_Gv(cell.mesh) ** 2).sum(1)
    of_element = {symbol: _atom_density(cell, symbol, squared) for symbol in set(cell.elements)}
    phases = cell.get_SI(mesh=cell.mesh)
    return sum(of_element[symbol] * phase for symbol, phase in zip(cell.elements, phases, strict=True))


def _atom_density(cell: gto.Cell, symbol: str, squared: np.ndarray) -> np.ndarray:
    r"""Fourier transform of a neutral atom's spherical density at G², real, shape of ``squared``.

    A product of two Gaussians of order l is :math:`r^{2l} e^{-pr^2}`, whose transform is
    :math:`e^{-x} L_l^{(1/2)}(x)` with :math:`x = G^2 / 4p`, up to its value at zero.
    """
    if symbol not in cell._pseudo:
        raise BasisError(
            f"{symbol} has no pseudopotential here, and superposed atoms are built for those; choose the baseline "
            f"'gfn1' or 'none'"
        )
    found = np.zeros_like(squared)
    for l, electrons in enumerate(cell._pseudo[symbol][0]):
        if not electrons:
            continue
        shell = next((shell for shell in cell._basis[symbol] if shell[0] == l), None)
        if shell is None:
            raise BasisError(
                f"the small basis has no function for the {electrons} {'spdf'[l]} electrons of {symbol}; choose the "
                f"baseline 'gfn1' or 'none'"
            )
        exponents, coefficients = np.array([row[:2] for row in shell[1:]], dtype=float).T
        coefficients = coefficients * molecular.gto_norm(l, exponents)
        p = exponents[:, None] + exponents
        shares = np.outer(coefficients, coefficients) * gamma(l + 1.5) / p ** (l + 1.5)
        shares *= electrons / shares.sum() / eval_genlaguerre(l, 0.5, 0.0)
        for share, sum_of_two in zip(shares.ravel(), p.ravel(), strict=True):
            x = squared / (4 * sum_of_two)
            found += share * np.exp(-x) * eval_genlaguerre(l, 0.5, x)
    return found


def _exchange_correlation(cell: gto.Cell, density: np.ndarray) -> np.ndarray:
    """Fourier components of the potential, in the units of :func:`_density`."""
    waves, mesh, point = cell.get_Gv(cell.mesh).T, cell.mesh, cell.vol / np.prod(cell.mesh)
    # Density and gradient; the divergence below is its mirror image.
    rho = tools.ifft(np.concatenate([density[None], 1j * waves * density]), mesh).real / point
    n, gradient = rho[0], rho[1:]
    by_density, by_square = libxc.eval_xc(FUNCTIONAL, rho, deriv=1)[1][:2]
    by_gradient = tools.fft(2 * by_square * gradient, mesh) * point
    return tools.fft(by_density * np.ones_like(n), mesh) * point - (1j * waves * by_gradient).sum(0)
