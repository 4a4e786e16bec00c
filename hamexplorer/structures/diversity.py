"""Few molecules that stand for many: farthest-point sampling over Coulomb matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

#: Coulomb matrices that are diagonalised together: 29 atoms make 27 MB of them.
_BATCH = 4096


def coulomb_spectra(molecules: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    r"""Eigenvalues of the Coulomb matrix, largest magnitude first: alike for any place, turn and order of atoms.

    $C_{ii} = Z_i^{2.4} / 2$ and $C_{ij} = Z_i Z_j / |R_i - R_j|$.

    Args:
        molecules: of each the atomic numbers, shape (n_atoms,), and positions in bohr, shape (n_atoms, 3).

    Returns:
        Shape (n_molecules, most atoms of one), Ha; rows of smaller molecules end in zeros.

    Source: Rupp, Tkatchenko, Müller, von Lilienfeld, Phys. Rev. Lett. 108, 058301 (2012).
    """
    size = max((len(numbers) for numbers, _ in molecules), default=0)
    spectra = np.zeros((len(molecules), size))
    for first in range(0, len(molecules), _BATCH):
        batch = molecules[first : first + _BATCH]
        matrices = np.zeros((len(batch), size, size))
        for matrix, (numbers, positions) in zip(matrices, batch, strict=True):
            z, n = np.asarray(numbers, dtype=float), len(numbers)
            distances = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
            matrix[:n, :n] = np.outer(z, z) / (distances + np.eye(n))
            np.fill_diagonal(matrix[:n, :n], z**2.4 / 2)
        values = np.linalg.eigvalsh(matrices)
        order = np.argsort(-np.abs(values), axis=1)
        spectra[first : first + len(batch)] = np.take_along_axis(values, order, axis=1)
    return spectra


def farthest_points(features: np.ndarray, n: int, *, seed: int) -> list[int]:
    """Rows, each the one farthest from all before it; the first is drawn by chance.

    Args:
        features: shape (n_rows, n_features); the distance is Euclidean.
        n: how many, at most n_rows.
        seed: equal seeds give equal rows in the same order.

    Source: Eldar, Lindenbaum, Porat, Zeevi, IEEE Trans. Image Process. 6, 1305 (1997).
    """
    chosen = [int(np.random.default_rng(seed).integers(len(features)))]
    nearest = np.full(len(features), np.inf)
    squares = (features**2).sum(1)
    while len(chosen) < n:
        last = chosen[-1]
        # |a - b|² by one product of matrix and vector; rounding may leave a little less than 0 of it.
        distances = squares + squares[last] - 2 * (features @ features[last])
        np.minimum(nearest, np.maximum(distances, 0.0), out=nearest)
        # Twins of what is chosen have distance 0, as the chosen ones have: mark these, or one could come twice.
        nearest[chosen[-1]] = -1.0
        chosen.append(int(np.argmax(nearest)))
    return chosen
