r"""Crystal orbitals in space: waves whose phase turns from cell to cell.

$$ \psi_{n\mathbf k}(\mathbf r) = \sum_\mu C_{\mu n} \sum_{\mathbf T} e^{i \mathbf k \cdot \mathbf T}
\phi_\mu(\mathbf r - \mathbf T), \qquad \psi(\mathbf r + \mathbf T) = e^{i \mathbf k \cdot \mathbf T} \psi(\mathbf r) $$

One cell holds one electron, $C^\dagger S(\mathbf k) C = 1$.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io.cube import write_cube
from pyscf import lib

from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: How far the picture reaches along a repeating vector, bohr, by the number of vectors that repeat; and the most cells
#: along one vector, and atoms, shown.
_REACH = {1: 24.0, 2: 18.0, 3: 11.0}
_MOST_COPIES, _MOST_ATOMS = 5, 64
#: Room beside the atoms where nothing repeats, bohr.
_MARGIN = 5.0
#: Points of all cells together; finest spacing, bohr.
_MOST_POINTS, _FINEST = 24_000, 0.45


@dataclass(frozen=True, eq=False)
class CellGrid:
    """Points of one cell, and which of its copies are shown.

    A direction that repeats is cut where there is most room between atoms; along another the grid ends beside them.

    Attributes:
        structure: the crystal.
        origin: first point of the home cell, bohr, shape (3,).
        steps: from point to point, rows, bohr, shape (3, 3).
        shape: points of one cell along each vector.
        copies: cells shown along each vector; 1 where it does not repeat.
    """

    structure: Structure
    origin: np.ndarray
    steps: np.ndarray
    shape: tuple[int, int, int]
    copies: tuple[int, int, int]

    @classmethod
    def of(cls, structure: Structure) -> CellGrid:
        """A grid that shows a crystal's orbitals: several cells, so that the wave from cell to cell is seen."""
        cell = structure.cell
        assert cell is not None, "a molecule has no crystal orbitals"
        fractions = structure.positions @ np.linalg.inv(cell)
        height = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)  # between opposite faces
        first, last = np.zeros(3), np.ones(3)
        for axis, repeats in enumerate(structure.pbc):
            seen, room = fractions[:, axis], _MARGIN / height[axis]
            first[axis] = _widest_gap(seen) if repeats else seen.min() - room
            last[axis] = first[axis] + 1 if repeats else seen.max() + room
        copies = _copies(structure)
        edges = (last - first)[:, None] * cell
        volume = abs(np.linalg.det(edges)) * np.prod(copies)
        spacing = max(_FINEST, float(volume / _MOST_POINTS) ** (1 / 3))
        shape = np.maximum(np.ceil(np.linalg.norm(edges, axis=1) / spacing).astype(int), 4)
        steps = edges / shape[:, None]
        n = int(shape[0]), int(shape[1]), int(shape[2])
        # A point in the middle of each little box, so that the sum over points is the integral over the cell.
        return cls(structure, first @ cell + steps.sum(0) / 2, steps, n, copies)

    @property
    def points(self) -> np.ndarray:
        """Of the home cell, the last axis fastest, bohr, shape (n_points, 3)."""
        places = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1).reshape(-1, 3)
        return self.origin + places @ self.steps

    @property
    def volume(self) -> float:
        """Of one point, bohr³."""
        return float(abs(np.linalg.det(self.steps)))

    @cached_property
    def cells(self) -> np.ndarray:
        """T of the cells that are shown, the last axis fastest, shape (n, 3); the home cell is in the middle."""
        axes = [np.arange(n) - (n - 1) // 2 for n in self.copies]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)

    @property
    def corner(self) -> np.ndarray:
        """First point of all cells together, bohr, shape (3,)."""
        assert self.structure.cell is not None
        return self.origin + self.cells[0] @ self.structure.cell

    def repeated(self, values: np.ndarray, k: np.ndarray) -> np.ndarray:
        """A wave in all shown cells from its values in the home cell, by Bloch's theorem.

        Args:
            values: shape ``self.shape``, complex.
            k: in fractions of the reciprocal vectors, shape (3,).

        Returns:
            Shape (copies · shape).
        """
        phase = np.exp(2j * np.pi * self.cells @ k).reshape(self.copies)
        whole = phase[:, None, :, None, :, None] * values[None, :, None, :, None, :]
        return whole.reshape([n * m for n, m in zip(self.copies, self.shape, strict=True)])

    def atoms(self) -> tuple[np.ndarray, np.ndarray]:
        """Index in the home cell of every atom that is shown, (n,), and where it is, bohr, (n, 3)."""
        cell = self.structure.cell
        assert cell is not None
        start = (self.origin - self.steps.sum(0) / 2) @ np.linalg.inv(cell)
        fractions = self.structure.positions @ np.linalg.inv(cell)
        inside = np.where(self.structure.pbc, (fractions - start) % 1 + start, fractions)
        n = self.structure.n_atoms
        positions = (inside[None] + self.cells[:, None]).reshape(-1, 3) @ cell
        return np.tile(np.arange(n), len(self.cells)), positions


def _widest_gap(fractions: np.ndarray) -> float:
    """Middle of the widest gap between atoms along one vector that repeats."""
    places = np.sort(fractions % 1)
    gaps = np.diff(places, append=places[0] + 1)
    widest = int(gaps.argmax())
    return float(places[widest] + gaps[widest] / 2) % 1


def _copies(structure: Structure) -> tuple[int, int, int]:
    assert structure.cell is not None
    reach = _REACH[sum(structure.pbc)]
    lengths = np.linalg.norm(structure.cell, axis=1)
    wanted = np.clip(np.round(reach / lengths), 2, _MOST_COPIES).astype(int)
    wanted[~np.array(structure.pbc)] = 1
    while structure.n_atoms * np.prod(wanted) > _MOST_ATOMS and wanted.max() > 1:
        wanted[wanted.argmax()] -= 1
    return int(wanted[0]), int(wanted[1]), int(wanted[2])


@lru_cache(maxsize=8)
def _function_values(
    structure: Structure, orbitals: CellOrbitals, k: tuple[float, float, float]
) -> tuple[CellGrid, np.ndarray]:
    """Bloch sums of the basis functions on the grid of a crystal, shape (n_points, n_ao), complex, bohr^-3/2."""
    grid = CellGrid.of(structure)
    return grid, function_values(structure, orbitals, np.array(k), grid.points)


def function_values(
    structure: Structure, orbitals: CellOrbitals, k: np.ndarray, points: np.ndarray
) -> np.ndarray:
    r"""$\sum_T e^{ik \cdot T} \phi_\mu(r - T)$ of every basis function, through PySCF.

    Args:
        structure: the crystal.
        orbitals: its basis.
        k: in fractions of the reciprocal vectors, shape (3,).
        points: bohr, shape (n, 3).

    Returns:
        Shape (n, n_ao), complex, bohr^-3/2; in PySCF's phase, which is that of :mod:`hamexplorer.physics.bloch`.

    Raises:
        BasisError: if an element has no functions.
    """
    assert structure.cell is not None
    # PySCF's sums reach around atoms and points of the home cell; farther away they end too early. So both are brought
    # there, and the phase of the cell that they came from is put back.
    inverse = np.linalg.inv(structure.cell)
    of_atoms, of_points = (np.floor(places @ inverse + 1e-9) for places in (structure.positions, points))
    cell = orbitals.functions(structure.moved(structure.positions - of_atoms @ structure.cell))
    with lib.with_omp_threads(1):
        (found,) = cell.pbc_eval_gto(
            "GTOval_sph", points - of_points @ structure.cell, kpts=cell.get_abs_kpts(np.asarray(k)[None])
        )
    atom_phase = np.exp(-2j * np.pi * of_atoms @ k)[orbitals.layout(structure).atom_of_ao]
    return np.exp(2j * np.pi * of_points @ k)[:, None] * np.asarray(found) * atom_phase


def wave(
    structure: Structure, orbitals: CellOrbitals, k: np.ndarray, coefficients: np.ndarray
) -> tuple[CellGrid, np.ndarray]:
    """One crystal orbital on the grid of its crystal.

    Args:
        structure, orbitals: the crystal and its basis.
        k: in fractions of the reciprocal vectors, shape (3,).
        coefficients: between atomic orbitals, shape (n_ao,).

    Returns:
        The grid, and ψ in the home cell, shape ``grid.shape``, complex, bohr^-3/2.

    Raises:
        BasisError: if an element has no functions.
    """
    x, y, z = (float(value) for value in k)
    grid, functions = _function_values(structure, orbitals, (x, y, z))
    return grid, (functions @ coefficients).reshape(grid.shape)


def wave_cube(grid: CellGrid, values: np.ndarray, comment: str) -> str:
    """A picture of a wave as Gaussian cube, through ASE; its box is as skew as the crystal's cell.

    Args:
        grid: of the picture.
        values: real, in all shown cells, bohr^-3/2 or its square.
        comment: the first line.
    """
    index, positions = grid.atoms()
    box = grid.steps * np.array(values.shape)[:, None]
    atoms = Atoms(grid.structure.numbers[index], positions * BOHR_ANGSTROM, cell=box * BOHR_ANGSTROM)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wave.cube"
        with path.open("w") as file:
            write_cube(file, atoms, values, origin=grid.corner * BOHR_ANGSTROM, comment=comment)
        return path.read_text()
