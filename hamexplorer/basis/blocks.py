"""Matrices as coupled blocks, and back: one template of shells that every element of a data set fits into.

Each element's shells are slots of the template (hydrogen fills only the first s slot of an STO-3G template).
A pair of atoms then always has the same list of coupled components, whatever its elements, and absent orbitals
are simply never read: one array shape, one compilation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hamexplorer.basis.coupling import Irrep, coupled_irreps, coupling_matrix
from hamexplorer.basis.layout import AOLayout


@dataclass(frozen=True)
class BlockTemplate:
    """The union of all elements' shells.

    Attributes:
        ls: l of each slot, rising.
        shells: l of each element's shells in orbital order, as in :class:`AOLayout`.
    """

    ls: tuple[int, ...]
    shells: Mapping[int, tuple[int, ...]]

    def __hash__(self) -> int:
        # Static in compiled functions, where a dictionary alone could not be hashed.
        return hash((self.ls, tuple(sorted(self.shells.items()))))

    @classmethod
    def of(cls, shells: Mapping[int, tuple[int, ...]]) -> BlockTemplate:
        highest = max((l for ls in shells.values() for l in ls), default=0)
        most = {l: max(ls.count(l) for ls in shells.values()) for l in range(highest + 1)}
        return cls(tuple(l for l, n in most.items() for _ in range(n)), dict(shells))

    @cached_property
    def size(self) -> int:
        """Orbitals of an atom that fills every slot."""
        return sum(2 * l + 1 for l in self.ls)

    @cached_property
    def components(self) -> tuple[tuple[Irrep, int, int], ...]:
        """(irrep, slot a, slot b) of every coupled tensor of a pair of atoms, in storage order."""
        return tuple(
            (irrep, a, b)
            for a, la in enumerate(self.ls)
            for b, lb in enumerate(self.ls)
            for irrep in coupled_irreps(la, lb)
        )

    @cached_property
    def irreps(self) -> tuple[Irrep, ...]:
        """The distinct irreps, lowest l first, natural before unnatural."""
        return tuple(sorted({irrep for irrep, _, _ in self.components}, key=lambda i: (i.l, not i.natural)))

    @cached_property
    def columns(self) -> dict[Irrep, np.ndarray]:
        """For each irrep, the columns of its tensors, shape (n_tensors, 2 l + 1)."""
        found: dict[Irrep, list[np.ndarray]] = {irrep: [] for irrep in self.irreps}
        start = 0
        for irrep, _, _ in self.components:
            found[irrep].append(np.arange(start, start + irrep.dim))
            start += irrep.dim
        return {irrep: np.array(rows) for irrep, rows in found.items()}

    @cached_property
    def scalars(self) -> np.ndarray:
        """1 at the coupled components that no rotation changes, 0 at the others, shape (size²,)."""
        mask = np.zeros(self.size**2)
        for irrep, columns in self.columns.items():
            if irrep.l == 0:
                mask[columns.ravel()] = 1.0
        return mask

    @cached_property
    def to_block(self) -> np.ndarray:
        """Orthogonal matrix (size², size²): coupled components (columns) -> block entries (rows, C order)."""
        first = np.concatenate([[0], np.cumsum([2 * l + 1 for l in self.ls])])
        matrix = np.zeros((self.size, self.size, self.size**2))
        start = 0
        for a, la in enumerate(self.ls):
            for b, lb in enumerate(self.ls):
                u = coupling_matrix(la, lb)
                n = u.shape[1]
                matrix[first[a] : first[a + 1], first[b] : first[b + 1], start : start + n] = u.reshape(
                    2 * la + 1, 2 * lb + 1, n
                )
                start += n
        return matrix.reshape(self.size**2, self.size**2)

    def slots(self, number: int) -> np.ndarray:
        """Template orbital of each of an element's orbitals, shape (orbitals of the element,)."""
        first = np.concatenate([[0], np.cumsum([2 * l + 1 for l in self.ls])])
        seen: dict[int, int] = {}
        found: list[np.ndarray] = []
        for l in self.shells[number]:
            slot = self.ls.index(l) + seen.get(l, 0)
            seen[l] = seen.get(l, 0) + 1
            found.append(np.arange(first[slot], first[slot + 1]))
        return np.concatenate(found)

    def layout(self, numbers: Iterable[int]) -> AOLayout:
        return AOLayout(tuple(int(z) for z in numbers), self.shells)

    def gather_index(self, numbers: np.ndarray, block_of_pair: np.ndarray) -> np.ndarray:
        """Where each matrix element stands among flattened blocks.

        Args:
            numbers: atomic numbers, shape (n_atoms,).
            block_of_pair: number of the block of atoms (i, j), or -1 for none; shape (…, n_atoms, n_atoms).

        Returns:
            Indices into ``blocks.ravel()`` of shape (…, n_ao, n_ao); -1 where there is no block.
        """
        layout = self.layout(numbers)
        atom = layout.atom_of_ao
        slot = np.concatenate([self.slots(int(z)) for z in numbers])
        block = block_of_pair[..., atom[:, None], atom[None, :]]
        index = (block * self.size + slot[:, None]) * self.size + slot[None, :]
        return np.where(block < 0, -1, index)

    def to_irreps(self, matrix: np.ndarray, numbers: np.ndarray, block_of_pair: np.ndarray) -> np.ndarray:
        """Coupled components of the listed blocks of a matrix, or of one a cell T: (…, n_ao, n_ao) → (n_blocks, size²).

        Absent orbitals count as zero. The inverse is :meth:`from_irreps`.
        """
        index = self.gather_index(numbers, block_of_pair)
        blocks = np.zeros((int(block_of_pair.max()) + 1) * self.size**2)
        blocks[index[index >= 0]] = matrix[index >= 0]
        return blocks.reshape(-1, self.size**2) @ self.to_block

    def from_irreps(
        self, coefficients: np.ndarray, numbers: np.ndarray, block_of_pair: np.ndarray
    ) -> np.ndarray:
        """The matrices (…, n_ao, n_ao) whose listed blocks have these coupled components; zero elsewhere."""
        index = self.gather_index(numbers, block_of_pair)
        flat = (coefficients @ self.to_block.T).ravel()
        return np.where(index >= 0, flat[index], 0.0)
