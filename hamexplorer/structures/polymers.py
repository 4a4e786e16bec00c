"""Chains that repeat along x, with vacuum around them."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure

#: Å of cell along a direction that does not repeat: neighbouring images then hardly see each other.
VACUUM = 12.0


def build_polyacetylene(alternation: float = 0.08, mean_bond: float = 1.40) -> Structure:
    """One C₂H₂ unit of all-trans polyacetylene along x.

    Args:
        alternation: difference of the two carbon bonds, Å; 0 is the metal that Peierls' theorem forbids.
        mean_bond: their mean, Å.

    Raises:
        StructureError: if a bond is too short to close the zigzag.
    """
    angle, ch = np.deg2rad(124.0), 1.09
    short, long = mean_bond - alternation / 2, mean_bond + alternation / 2
    height = (short + long) / 2 * np.cos(angle / 2) / 2
    if not min(short, long) > max(2 * height, 0.0):
        raise StructureError(
            f"carbon bonds of {short:g} and {long:g} Å cannot alternate; choose an alternation near 0.08 Å and a "
            f"mean near 1.4 Å"
        )
    up = np.array([0.0, 1.0, 0.0])
    first = height * up
    second = np.array([np.sqrt(short**2 - 4 * height**2), -height, 0.0])
    period = second[0] + np.sqrt(long**2 - 4 * height**2)
    atoms = Atoms(
        "C2H2",
        positions=[first, second, first + ch * up, second - ch * up],
        cell=[period, VACUUM, VACUUM],
        pbc=(True, False, False),
    )
    atoms.positions[:, 1:] += VACUUM / 2
    return Structure.from_ase(
        atoms, name=f"polyacetylene {alternation:.3f} Å", source="builder", periodic=True
    )


def build_polyethylene() -> Structure:
    """One C₂H₄ unit of all-trans polyethylene along x, with standard bonds and angles."""
    cc, ch, angle, hch = 1.53, 1.09, np.deg2rad(112.0), np.deg2rad(107.0)
    step, height = cc * np.sin(angle / 2), cc * np.cos(angle / 2) / 2
    up, side = ch * np.cos(hch / 2), ch * np.sin(hch / 2)
    carbon = np.array([[0.0, height, 0.0], [step, -height, 0.0]])
    offsets = np.array([[[0.0, sign * up, side], [0.0, sign * up, -side]] for sign in (1, -1)])
    hydrogen = (carbon[:, None] + offsets).reshape(-1, 3)
    atoms = Atoms(
        "C2H4",
        positions=np.vstack([carbon, hydrogen]),
        cell=[2 * step, VACUUM, VACUUM],
        pbc=(True, False, False),
    )
    atoms.positions[:, 1:] += VACUUM / 2
    return Structure.from_ase(atoms, name="polyethylene", source="builder", periodic=True)
