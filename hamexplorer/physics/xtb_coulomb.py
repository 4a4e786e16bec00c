r"""How the charges of GFN1-xTB act on one another, in molecules and in crystals.

$$ \gamma_{ab}(R) = \big(R^2 + \eta_{ab}^{-2}\big)^{-1/2}, \qquad
\eta_{ab}^{-1} = \tfrac12 (\eta_a^{-1} + \eta_b^{-1}) $$

Ewald's method sums 1/R over a crystal. What is left falls as 1/R³, and its sum grows with the logarithm of the size;
beyond 10 bohr charges therefore count as points. That is a convention, tblite's up to version 0.6. Its version 0.8
continues 1/R³ analytically instead (Buccheri et al., J. Chem. Theory Comput. 21, 1615 (2025)): levels of diamond and
graphene shift by 2.2 and 0.4 eV, nearly in common.

A crystal's charges interact in three dimensions, also across the vacuum of a layer or chain, and the potential of its
point charges is zero in the mean.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erfc

from hamexplorer.physics.xtb import distances, lattice_cells
from hamexplorer.physics.xtb_parameters import shells_of
from hamexplorer.structures.structure import Structure

#: What Ewald's sums leave out.
_NEGLIGIBLE = 1e-12
#: Beyond this distance, bohr, charges are points; they become so over the last bohr.
_POINTS_BEYOND = 10.0
_EVERYWHERE = (True, True, True)


def gamma(structure: Structure) -> np.ndarray:
    """Interaction of unit charges in every two shells, images included, shape (n_shells, n_shells), Ha/e²."""
    shells, atom, _ = shells_of(structure)
    softness = (1 / shells.hardness[:, None] + 1 / shells.hardness) / 2
    positions, cell, pair = structure.positions, structure.cell, (atom[:, None], atom)
    if cell is None or not structure.is_crystal:
        return 1 / np.hypot(distances(positions, None, np.zeros((1, 3)))[0][pair], softness)
    r = distances(positions, cell, lattice_cells(positions, cell, _EVERYWHERE, _POINTS_BEYOND))
    extended = _extended(r)
    # Within an atom there is no point charge to be replaced.
    as_points = extended / np.where(r > 1e-6, r, np.inf)
    blunt = (extended[:, *pair] / np.hypot(r[:, *pair], softness)).sum(0)
    return blunt + (ewald(positions, cell) - as_points.sum(0))[pair]


def _extended(r: np.ndarray) -> np.ndarray:
    """1 where charges have an extent, 0 where they are points; two smooth derivatives between."""
    x = np.clip(r - (_POINTS_BEYOND - 1), 0.0, 1.0)
    return 1 - x**3 * (10 - 15 * x + 6 * x**2)


def ewald(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Interaction of unit point charges of a crystal, each in a background that neutralises it.

    Args:
        positions: bohr, shape (n_atoms, 3).
        cell: rows are vectors, bohr.

    Returns:
        Shape (n_atoms, n_atoms), Ha/e²; the diagonal is that of an atom with its images.

    Source: Allen & Tildesley, *Computer Simulation of Liquids*, 2nd ed., sec. 6.2.
    """
    volume = abs(np.linalg.det(cell))
    # Balances the two sums in a cell that is not too long.
    alpha = math.sqrt(math.pi) / volume ** (1 / 3)
    fall = math.sqrt(-math.log(_NEGLIGIBLE))
    r = distances(positions, cell, lattice_cells(positions, cell, _EVERYWHERE, fall / alpha))
    direct = (erfc(alpha * r) / np.where(r > 1e-6, r, np.inf)).sum(0)
    reciprocal = 2 * math.pi * np.linalg.inv(cell).T
    waves = lattice_cells(np.zeros((1, 3)), reciprocal, _EVERYWHERE, 2 * alpha * fall)
    waves = waves[(waves != 0).any(1)] @ reciprocal
    square = (waves**2).sum(1)
    weight = 4 * math.pi / volume * np.exp(-square / (4 * alpha**2)) / square
    phase = np.exp(1j * positions @ waves.T)
    smooth = ((phase * weight) @ phase.conj().T).real
    itself = 2 * alpha / math.sqrt(math.pi) * np.eye(len(positions))
    return direct + smooth - itself - math.pi / (alpha**2 * volume)


def vacuum_level(structure: Structure, charges: np.ndarray) -> float:
    """An electron's energy where no charge is near, Ha.

    Args:
        structure: with ``charges`` on its atoms, e, shape (n_atoms,).

    Returns:
        Of a layer, in the plane farthest from its atoms; 0 for a molecule, NaN for a chain or bulk.
    """
    if structure.cell is None or not structure.is_crystal:
        return 0.0
    if sum(structure.pbc) != 2:
        return float("nan")
    axis = structure.pbc.index(False)
    area = float(np.linalg.norm(np.cross(*structure.cell[list(structure.pbc)])))
    height = abs(np.linalg.det(structure.cell)) / area
    places = (structure.positions @ np.linalg.inv(structure.cell))[:, axis] % 1
    ordered = np.sort(places)
    gaps = np.diff(ordered, append=ordered[0] + 1)
    middle = ordered[gaps.argmax()] + gaps.max() / 2
    z = np.abs((places - middle + 0.5) % 1 - 0.5)
    # Charged planes, each in its background: mean zero over the cell, as in Ewald's sum.
    return float(2 * math.pi * height / area * (z - z**2 - 1 / 6) @ charges)
