"""Properties drawn into the 3D view: dipoles as arrows, polarizabilities as ellipsoids, bond orders as thickness.

Each function gives shapes in NGL's own words, (kind, …, name); a name shows under the pointer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hamexplorer.structures.orientation import broadest_view
from hamexplorer.structures.structure import Structure

Shape = tuple[Any, ...]

#: Å of arrow an e·bohr; Å of half axis a cube root of bohr³.
DIPOLE_LENGTH, POLARIZABILITY_LENGTH = 2.0, 0.18
#: Å of radius for a bond order of one; what is weaker than the least is not drawn.
BOND_RADIUS, LEAST_ORDER = 0.13, 0.15
#: Å between two ellipsoids.
_GAP = 0.4
#: An arrow shorter than this is none.
_SHORTEST = 0.05
#: Colours of Okabe & Ito (2008), as NGL wants them.
COLORS: dict[str, list[float]] = {
    "large": [0.13, 0.13, 0.13],
    "learned": [0.0, 0.447, 0.698],
    "small": [0.65, 0.65, 0.65],
}
_DARK = {**COLORS, "large": [0.95, 0.95, 0.95]}
_ORDER: list[float] = [0.9, 0.62, 0.0]


def dipole_shapes(
    structure: Structure, dipoles: Mapping[str, np.ndarray], names: Mapping[str, str], *, dark: bool = False
) -> list[Shape]:
    """Arrows from the middle of the nuclear charges, from minus to plus, one for each origin.

    Args:
        structure: the molecule.
        dipoles: "small", "learned", "large" -> dipole, e·bohr, shape (3,).
        names: what each origin is called on the page.
        dark: whether the background is.
    """
    middle = np.average(structure.positions_angstrom, axis=0, weights=structure.numbers)
    colors = _DARK if dark else COLORS
    found: list[Shape] = []
    for turn, (origin, dipole) in enumerate(dipoles.items()):
        ends = DIPOLE_LENGTH * np.asarray(dipole)
        if np.linalg.norm(ends) < _SHORTEST:
            continue
        # Side by side, so that equal arrows do not hide each other.
        aside = _across(ends) * 0.12 * (turn - (len(dipoles) - 1) / 2)
        start = middle + aside
        said = f"{names[origin]}: {np.linalg.norm(dipole):.3f} e·bohr"
        found.append(("arrow", start.tolist(), (start + ends).tolist(), colors[origin], 0.09, said))
    return found


def polarizability_shapes(
    structure: Structure, tensors: Mapping[str, np.ndarray], names: Mapping[str, str], *, dark: bool = False
) -> list[Shape]:
    """Ellipsoids side by side below the molecule as it is first seen; half axes are cube roots of principal values.

    Arguments as for :func:`dipole_shapes`, tensors of shape (3, 3), bohr³.
    """
    across, up, _ = broadest_view(structure.positions)
    places = structure.positions_angstrom
    colors = _DARK if dark else COLORS
    shown = {origin: np.asarray(tensor) for origin, tensor in tensors.items()}
    sizes = {
        o: POLARIZABILITY_LENGTH * np.cbrt(np.abs(np.linalg.eigvalsh(t))).max() for o, t in shown.items()
    }
    total = 2 * sum(sizes.values()) + _GAP * (len(sizes) - 1)
    below = (places @ up).min() - (places.mean(0) @ up) - 0.9 - max(sizes.values(), default=0.0)
    x = -total / 2
    found: list[Shape] = []
    for origin, tensor in shown.items():
        values, axes = np.linalg.eigh((tensor + tensor.T) / 2)
        half = POLARIZABILITY_LENGTH * np.cbrt(np.abs(values))
        x += sizes[origin]
        centre = (places.mean(0) + x * across + below * up).tolist()
        said = f"{names[origin]}: mean {np.trace(tensor) / 3:.1f} bohr³, along its axes " + ", ".join(
            f"{v:.1f}" for v in values[::-1]
        )
        major, minor = (axes[:, 2] * half[2]).tolist(), (axes[:, 1] * half[1]).tolist()
        found.append(("ellipsoid", centre, colors[origin], float(half[0]), major, minor, said))
        x += sizes[origin] + _GAP
    return found


def bond_order_shapes(structure: Structure, orders: np.ndarray, name: str) -> list[Shape]:
    """Cylinders as thick as the bonds are strong.

    Args:
        structure: the molecule.
        orders: Mayer bond orders, shape (n_atoms, n_atoms).
        name: of what gave them.
    """
    places, found = structure.positions_angstrom, []
    for i, j in np.argwhere(np.triu(orders, 1) > LEAST_ORDER).tolist():
        atoms = " – ".join(f"{structure.symbols[k]}{k + 1}" for k in (i, j))
        radius = BOND_RADIUS * float(orders[i, j])
        said = f"{atoms}: bond order {orders[i, j]:.2f} ({name})"
        found.append(("cylinder", places[i].tolist(), places[j].tolist(), _ORDER, radius, said))
    return found


def measure_shapes(
    structure: Structure, atoms: Sequence[int], said: str, *, dark: bool = False
) -> list[Shape]:
    """Thin lines from one atom to the next, with the outcome beside the last of them.

    Args:
        structure: the molecule, or the cell.
        atoms: two to four, in the order in which they were measured.
        said: the outcome in words; the number in it is written into the picture, whose letters know no units.
        dark: whether the background is.
    """
    places = structure.positions_angstrom[list(atoms)]
    if len(places) < 2:
        return []
    color = (_DARK if dark else COLORS)["large"]
    lines: list[Shape] = [
        ("cylinder", start.tolist(), end.tolist(), _ORDER, 0.05, said) for start, end in pairwise(places)
    ]
    middle = places.mean(0) + 0.9 * _across(places[-1] - places[0])
    return [*lines, ("text", middle.tolist(), color, 1.1, said.rpartition(": ")[2].rstrip("° Å"))]


def _across(direction: np.ndarray) -> np.ndarray:
    """A unit vector at right angles."""
    other = np.eye(3)[np.abs(direction).argmin()]
    found = np.cross(direction, other)
    return found / max(float(np.linalg.norm(found)), 1e-12)
