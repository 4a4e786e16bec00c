"""Standard paths through the Brillouin zone: seekpath's for bulk, ASE's for layers, Γ-X for chains.

Small distortions change the Bravais lattice and with it the path, so that no two distorted cells could be compared. The
lattice is therefore recognised within a generous tolerance first, and the path is then laid through the cell as given.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import seekpath
from ase.cell import Cell
from ase.dft.kpoints import parse_path_string

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Å (bulk) and relative (layers) within which a distorted crystal counts as its ideal parent, loosest first.
_TOLERANCES = (0.5, 0.3, 0.1, 1e-2, 1e-4)
_LAYER_TOLERANCES = (0.12, 0.02, 2e-4)
#: k-points that a path gets unless more are asked for.
N_POINTS = 60


@dataclass(frozen=True, eq=False)
class KPath:
    """Points on straight lines between points of high symmetry.

    Attributes:
        points: in fractions of the reciprocal vectors of the structure's own cell, shape (n_points, 3).
        corners: (place in ``points``, label) of every end of a line; two at the same distance where the path jumps.
        convention: whose labels these are, for the axis of a plot.
    """

    points: np.ndarray
    corners: tuple[tuple[int, str], ...]
    convention: str

    @property
    def starts(self) -> tuple[int, ...]:
        """Places where an unbroken stretch begins; the first is 0."""
        places = [place for place, _ in self.corners]
        return (0, *(b for a, b in pairwise(places) if b == a + 1 and self._jumps(a)))

    def _jumps(self, place: int) -> bool:
        labels = dict(self.corners)
        return place in labels and place + 1 in labels

    def name(self, place: int) -> str:
        """Which point this is: ``K``, or ``between Γ and K``."""
        corners = dict(self.corners)
        if place in corners:
            return corners[place]
        before = max(at for at in corners if at < place)
        after = min(at for at in corners if at > place)
        return f"between {corners[before]} and {corners[after]}"

    def distance(self, cell: np.ndarray) -> np.ndarray:
        """Length of the path up to each point, jumps not counted; 1/bohr, shape (n_points,)."""
        steps = np.linalg.norm(np.diff(self.points, axis=0) @ reciprocal(cell), axis=1)
        for start in self.starts[1:]:
            steps[start - 1] = 0.0
        return np.concatenate([[0.0], np.cumsum(steps)])

    def ticks(self, cell: np.ndarray) -> list[tuple[float, str]]:
        """(distance, label) of the corners; the two sides of a jump share one, for example ``U|K``."""
        found: list[tuple[float, str]] = []
        along = self.distance(cell)
        for place, label in self.corners:
            if found and place in self.starts[1:]:
                label = f"{found.pop()[1]}|{label}"
            found.append((float(along[place]), label))
        return found


def reciprocal(cell: np.ndarray) -> np.ndarray:
    """Rows b_i with a_i · b_j = 2π δ_ij, 1/bohr."""
    return 2 * np.pi * np.linalg.inv(np.asarray(cell)).T


def standard_path(structure: Structure, n_points: int = N_POINTS) -> KPath:
    """The standard path of a crystal, in its own cell.

    Args:
        structure: repeats along one, two or three directions.
        n_points: about how many in all; every line gets at least two.

    Raises:
        StructureError: for a molecule, or if no lattice is recognised.
    """
    if structure.cell is None or not structure.is_crystal:
        raise StructureError(f"{structure.label} does not repeat, so it has no bands; give a crystal")
    lines, corners, convention = _PATHS[sum(structure.pbc)](structure)
    # Lines that do not meet are apart; every stretch is sampled evenly, its corners included.
    b = reciprocal(structure.cell)
    lengths = [np.linalg.norm((corners[q] - corners[p]) @ b) for p, q in lines]
    total = sum(lengths)
    points: list[np.ndarray] = []
    marks: list[tuple[int, str]] = []
    previous = None
    for (p, q), length in zip(lines, lengths, strict=True):
        if p != previous:
            marks.append((len(points), _pretty(p)))
            points.append(corners[p])
        n = max(1, round((n_points - 1) * length / total))
        points += [corners[p] + (corners[q] - corners[p]) * step / n for step in range(1, n + 1)]
        marks.append((len(points) - 1, _pretty(q)))
        previous = q
    return KPath(np.array(points), tuple(marks), convention)


_Lines = tuple[list[tuple[str, str]], dict[str, np.ndarray], str]


def _chain(structure: Structure) -> _Lines:
    edge = np.where(structure.pbc, 0.5, 0.0)
    return [("Γ", "X")], {"Γ": np.zeros(3), "X": edge}, "Γ to the zone boundary of a chain"


def _layer(structure: Structure) -> _Lines:
    # ASE wants the direction that does not repeat last.
    order = [*np.flatnonzero(structure.pbc), *np.flatnonzero(~np.array(structure.pbc))]
    assert structure.cell is not None
    cell = Cell(structure.cell[order] * BOHR_ANGSTROM)
    for tolerance in _LAYER_TOLERANCES:
        try:
            band = cell.bandpath(pbc=(True, True, False), npoints=0, eps=tolerance)
        except (RuntimeError, ValueError, AssertionError, np.linalg.LinAlgError):
            continue
        stretches = parse_path_string(band.path)
        lines = [line for names in stretches for line in pairwise(names)]
        corners = {name: np.asarray(k)[np.argsort(order)] for name, k in band.special_points.items()}
        kind = band.cell.get_bravais_lattice(pbc=(True, True, False), eps=tolerance).longname
        return lines, corners, f"two-dimensional {kind}, labels of ASE"
    raise StructureError(
        f"the lattice of {structure.label} is not recognised; check its two repeating vectors"
    )


def _bulk(structure: Structure) -> _Lines:
    assert structure.cell is not None
    places = structure.positions @ np.linalg.inv(structure.cell)
    cell = (structure.cell * BOHR_ANGSTROM, places, structure.numbers)
    cause: Exception | None = None
    for tolerance in _TOLERANCES:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of supercells, whose path is that of their primitive cell
                found = seekpath.get_path_orig_cell(cell, symprec=tolerance)
        except Exception as error:  # spglib and seekpath raise all kinds when a tolerance does not suit
            cause = error
            continue
        corners = {name: np.asarray(k) for name, k in found["point_coords"].items()}
        kind = found["bravais_lattice_extended"]
        return found["path"], corners, f"{kind}, labels of seekpath (HPKOT)"
    raise StructureError(
        f"the lattice of {structure.label} is not recognised ({cause}); check its cell and atoms"
    ) from cause


_PATHS = {1: _chain, 2: _layer, 3: _bulk}


def _pretty(label: str) -> str:
    return {"GAMMA": "Γ", "G": "Γ"}.get(
        label, label.replace("_", "").replace("SIGMA", "Σ").replace("DELTA", "Δ").replace("LAMBDA", "Λ")
    )
