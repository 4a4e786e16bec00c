r"""Static polarizability of a converged SCF: coupled (CPHF/CPKS) and uncoupled.

The coupled one solves, for each field direction x,

$$ (\varepsilon_a-\varepsilon_i) U_{ai} + \sum_{bj} K_{ai,bj} U_{bj} = -\langle a|r_x|i\rangle, \qquad
   \alpha_{xy} = -4 \sum_{ai} \langle a|r_x|i\rangle U^y_{ai}, $$

with $K = 4(ai|bj) - c_x[(ab|ij)+(aj|ib)] + 4 f^{xc}_{ai,bj}$ for a real perturbation.

PySCF's stock response forms exchange from full density matrices, which with density fitting costs
n_aux·n_ao³ a direction and iteration. Here the fitted integrals are transformed once to occupied and
virtual orbitals, and exchange is contracted over occupied orbitals: n_aux·n_ao·n_occ·n_vir.

Source: McWeeny, *Methods of Molecular Quantum Mechanics*, ch. 12; density fitting after Weigend,
Phys. Chem. Chem. Phys. 4, 4285 (2002). Checked against finite-field dipoles in
`test_coupled_polarizability_matches_finite_field`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pyscf import dft
from pyscf.ao2mo import _ao2mo
from pyscf.scf import cphf

from hamexplorer.errors import ReferenceCalculationError

#: Largest residual of the linear equations, Ha·bohr; leaves α accurate to about 1e-5 bohr³.
RESIDUAL = 1e-5
#: When a Krylov solution ends, and how often one is refined.
TOLERANCE, MAX_ITERATIONS, ROUNDS = 1e-6, 40, 4
#: How many levels the grid of the response is coarser than that of the SCF. The second derivative of the
#: functional needs less: from level 2 to 0 α of C4H8N2O in def2-TZVP changes by 0.03 % (2 to 1: 0.002 %).
COARSER = 2
#: Below this a component counts as zero: H2 in a minimal basis cannot respond across its axis. bohr³.
_ZERO = 1e-4


def dipole_integrals(mf: Any) -> np.ndarray:
    """⟨μ|r|ν⟩ in bohr about the centre of nuclear charge, shape (3, n_ao, n_ao)."""
    charges = mf.mol.atom_charges()
    centre = charges @ mf.mol.atom_coords() / charges.sum()
    with mf.mol.with_common_origin(centre):
        return mf.mol.intor_symmetric("int1e_r", comp=3)


def uncoupled_polarizability(mf: Any) -> np.ndarray:
    """Sum over states 4 Σ_ia ⟨i|r|a⟩⟨a|r|i⟩/(ε_a-ε_i), bohr³, shape (3, 3)."""
    r_ai, gaps = _perturbation(mf)
    return 4 * np.einsum("xai,yai->xy", r_ai, r_ai / gaps)


def coupled_polarizability(mf: Any) -> np.ndarray:
    """Polarizability with the response of the mean field, bohr³, shape (3, 3).

    Raises:
        ReferenceCalculationError: if the equations do not converge or the result is not a
            positive semidefinite tensor, which means that the SCF state is not a minimum.
    """
    r_ai, gaps = _perturbation(mf)
    if not r_ai.size:  # a full shell in a minimal basis has nothing to respond with
        return np.zeros((3, 3))
    u, residual = _solve(mf, _induced_potential(mf), r_ai, gaps)
    alpha = -4 * np.einsum("xai,yai->xy", r_ai, u)
    alpha = (alpha + alpha.T) / 2
    if residual > 10 * RESIDUAL or np.linalg.eigvalsh(alpha)[0] < -_ZERO:
        raise ReferenceCalculationError(
            f"the coupled polarizability did not converge (residual {residual:.1e}); the SCF "
            f"state may not be a minimum: check the geometry or leave the molecule out"
        )
    return alpha


def _solve(
    mf: Any, induced: Callable[[np.ndarray], np.ndarray], r_ai: np.ndarray, gaps: np.ndarray
) -> tuple[np.ndarray, float]:
    """First-order orbitals U and the largest residual of their equations."""
    u, residual = np.zeros_like(r_ai), r_ai
    for _ in range(ROUNDS):
        # PySCF's Krylov vectors lose their independence in small molecules; what is left is solved again.
        du = cphf.solve(induced, mf.mo_energy, mf.mo_occ, residual, max_cycle=MAX_ITERATIONS, tol=TOLERANCE)[
            0
        ]
        u = u + du.reshape(u.shape)
        residual = gaps * u + induced(u).reshape(u.shape) + r_ai
        if np.abs(residual).max() < RESIDUAL:
            break
    return u, float(np.abs(residual).max())


def _perturbation(mf: Any) -> tuple[np.ndarray, np.ndarray]:
    occupied = mf.mo_occ > 0
    c_occ, c_vir = mf.mo_coeff[:, occupied], mf.mo_coeff[:, ~occupied]
    r_ai = np.einsum("pa,xpq,qi->xai", c_vir, dipole_integrals(mf), c_occ, optimize=True)
    gaps = mf.mo_energy[~occupied][:, None] - mf.mo_energy[occupied]
    return r_ai, gaps


def _induced_potential(mf: Any) -> Callable[[np.ndarray], np.ndarray]:
    """U (n_fields, n_vir, n_occ) -> matrix elements of the induced potential, same shape."""
    occupied = mf.mo_occ > 0
    c_occ, c_vir = mf.mo_coeff[:, occupied], mf.mo_coeff[:, ~occupied]
    numint = getattr(mf, "_numint", None)
    omega, _, hyb = numint.rsh_and_hybrid_coeff(mf.xc) if numint else (0.0, 0.0, 1.0)
    fitted = getattr(mf, "with_df", None) is not None and omega == 0.0
    nonlocal_or_meta = numint is not None and (numint._xc_type(mf.xc) == "MGGA" or mf.do_nlc())
    if not fitted or nonlocal_or_meta:
        return _stock_potential(mf, c_occ, c_vir)
    return _fitted_potential(mf, c_occ, c_vir, hyb)


def _stock_potential(mf: Any, c_occ: np.ndarray, c_vir: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """PySCF's own response, from density matrices: slower, and good for every functional."""
    stock = mf.gen_response(hermi=1)
    shape = (c_vir.shape[1], c_occ.shape[1])

    def induced(u: np.ndarray) -> np.ndarray:
        half = 2 * np.einsum("pa,xai,qi->xpq", c_vir, u.reshape(-1, *shape), c_occ, optimize=True)
        v = stock(half + half.transpose(0, 2, 1))
        return np.einsum("pa,xpq,qi->xai", c_vir, v, c_occ, optimize=True).reshape(u.shape)

    return induced


def _fitted_potential(
    mf: Any, c_occ: np.ndarray, c_vir: np.ndarray, hyb: float
) -> Callable[[np.ndarray], np.ndarray]:
    n_occ, n_vir = c_occ.shape[1], c_vir.shape[1]
    l_ai, l_ab, l_ij = _transformed(mf, c_occ, c_vir, exchange=abs(hyb) > 1e-10)
    xc_response = _xc_response(mf, c_occ, c_vir)

    def induced(u: np.ndarray) -> np.ndarray:
        fields = u.reshape(-1, n_vir, n_occ)
        flat = l_ai.reshape(len(l_ai), -1)
        v = 4 * ((fields.reshape(len(fields), -1) @ flat.T) @ flat).reshape(fields.shape)
        if abs(hyb) > 1e-10:
            for v_x, u_x in zip(v, fields, strict=True):
                # (ab|ij) U_bj and (aj|ib) U_bj, both over the occupied index first.
                half = np.matmul(u_x, l_ij).reshape(-1, n_occ)  # (P b), i
                v_x -= hyb * (half.T @ l_ab.reshape(-1, n_vir)).T  # (ab|P) = (ba|P)
                swap = np.matmul(l_ai.transpose(0, 2, 1), u_x)  # P i j : sum_b (ib|P) U_bj
                v_x -= hyb * np.einsum("Paj,Pij->ai", l_ai, swap, optimize=True)
        v += xc_response(fields)
        return v.reshape(u.shape)

    return induced


def _transformed(
    mf: Any, c_occ: np.ndarray, c_vir: np.ndarray, *, exchange: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fitted three-centre integrals (P|ai), (P|ab), (P|ij)."""
    n_occ, n_vir = c_occ.shape[1], c_vir.shape[1]
    mo = np.asarray(np.hstack([c_occ, c_vir]), order="F")
    n_mo = n_occ + n_vir
    ai, ab, ij = [], [], []
    for packed in mf.with_df.loop():
        full = _ao2mo.nr_e2(packed, mo, (0, n_mo, 0, n_mo), aosym="s2", mosym="s1")
        full = full.reshape(-1, n_mo, n_mo)
        ai.append(full[:, n_occ:, :n_occ].copy())
        if exchange:
            ab.append(full[:, n_occ:, n_occ:].copy())
            ij.append(full[:, :n_occ, :n_occ].copy())
    empty = np.zeros((0, 0, 0))
    return np.vstack(ai), (np.vstack(ab) if ab else empty), (np.vstack(ij) if ij else empty)


def _xc_response(mf: Any, c_occ: np.ndarray, c_vir: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Second derivative of the functional, contracted with orbitals instead of density matrices."""
    numint = getattr(mf, "_numint", None)
    if numint is None:
        return lambda fields: np.zeros_like(fields)
    grids = dft.gen_grid.Grids(mf.mol)
    grids.level = max(mf.grids.level - COARSER, 0)
    grids.build(with_non0tab=True)
    fxc = numint.cache_xc_kernel(mf.mol, grids, mf.xc, mf.mo_coeff, mf.mo_occ, 0)[2]
    gradient = numint._xc_type(mf.xc) == "GGA"
    n_ao, n_occ = c_occ.shape

    def response(fields: np.ndarray) -> np.ndarray:
        n_fields = len(fields)
        shape = (n_fields, -1, n_occ)
        first_order = np.einsum("pa,xai->pxi", c_vir, fields).reshape(n_ao, -1)
        v = np.zeros((n_ao, n_fields * n_occ))
        start = 0
        for ao, _, weight, _ in numint.block_loop(mf.mol, grids, n_ao, int(gradient)):
            ao = ao if gradient else ao[None]
            stop = start + len(weight)
            phi = np.stack([a @ c_occ for a in ao])[:, :, None, :]  # value and gradient, point, 1, occupied
            psi = np.stack([a @ first_order for a in ao]).reshape(len(ao), -1, n_fields, n_occ)
            rho1 = np.einsum("dgoi,gxi->dgx", phi, psi[0])
            rho1[1:] += np.einsum("goi,dgxi->dgx", phi[0], psi[1:])
            w = 4 * weight[:, None] * np.einsum("cdg,dgx->cgx", fxc[..., start:stop], rho1)
            v += ao[0].T @ np.einsum("dgx,dgoi->gxi", w, phi).reshape(len(weight), -1)
            for a, w_d in zip(ao[1:], w[1:], strict=True):
                v += a.T @ (w_d[:, :, None] * phi[0]).reshape(len(weight), -1)
            start = stop
        return np.einsum("pa,pxi->xai", c_vir, v.reshape(n_ao, n_fields, n_occ)).reshape(shape[0], -1, n_occ)

    return response
