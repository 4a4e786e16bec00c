r"""The large-basis Fock matrix seen from intrinsic atomic orbitals (IAOs).

IAOs are atom-centred like the small basis, but polarized so that they span the occupied orbitals of the
large calculation exactly. With $O = C_o C_o^T S$ the projector on those and $\tilde O$ the one on their
image in the small basis,

$$ A = \left(1 - O - \tilde O + 2\, O \tilde O\right) S^{-1} S_{12}, \qquad X = A\,(A^T S A)^{-1/2}, \qquad
   F^{IAO} = X^T S C \varepsilon C^T S X. $$

The lowest eigenvalues of $F^{IAO}$ are therefore the occupied energies of the large basis, to the last digit.

Source: Knizia, J. Chem. Theory Comput. 9, 4834 (2013), appendix C. Checked against `pyscf.lo.iao` in
`tests/reference/test_projection.py`.
"""

from __future__ import annotations

import numpy as np
from pyscf import gto

from hamexplorer.physics.molecule import make_mole
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.reference.single_point import SinglePoint
from hamexplorer.structures.structure import Structure

#: Smallest eigenvalue of the IAO overlap that still counts as independent.
_INDEPENDENT = 1e-7


def project_on_iaos(
    structure: Structure, small_basis: str, large_basis: str, large: SinglePoint
) -> np.ndarray | None:
    """F^IAO on Löwdin-orthogonalised IAOs in the order of the small AO basis, shape (n_ao, n_ao), Ha.

    Returns:
        The matrix, or None when the large basis cannot hold as many independent functions as the small one.
    """
    small_mol = make_mole(structure, small_basis)
    cross = gto.intor_cross("int1e_ovlp", make_mole(structure, large_basis), small_mol)
    coefficients = iao_coefficients(
        cross, small_mol.intor_symmetric("int1e_ovlp"), large.overlap, large.mo_coeff[:, : large.n_occ]
    )
    metric = coefficients.T @ large.overlap @ coefficients
    if np.linalg.eigvalsh(metric)[0] < _INDEPENDENT:
        return None
    orthogonal = coefficients @ inverse_square_root(metric)
    half = orthogonal.T @ large.overlap @ large.mo_coeff
    return (half * large.mo_energy) @ half.T


def iao_coefficients(
    cross: np.ndarray, small_overlap: np.ndarray, overlap: np.ndarray, occupied: np.ndarray
) -> np.ndarray:
    """Coefficients of the (not yet orthogonal) IAOs in the large basis, shape (n_large, n_small).

    Args:
        cross: overlap between the large and the small basis, shape (n_large, n_small).
        small_overlap, overlap: of the small and of the large basis.
        occupied: occupied orbitals in the large basis, shape (n_large, n_occ).
    """
    free_atom = np.linalg.solve(overlap, cross)
    depolarized = free_atom @ np.linalg.solve(small_overlap, cross.T @ occupied)
    depolarized = depolarized @ inverse_square_root(depolarized.T @ overlap @ depolarized)
    inside = occupied @ (occupied.T @ overlap)
    image = depolarized @ (depolarized.T @ overlap)
    return free_atom + 2 * inside @ (image @ free_atom) - inside @ free_atom - image @ free_atom
