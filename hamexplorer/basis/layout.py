"""Where each atomic orbital stands: shells, offsets, labels and the order of m.

Orbitals are numbered as PySCF does: atom by atom, shells of rising l, and within a shell p as (x, y, z) but
d and f as m = -l … l (real spherical harmonics). Equivariant code wants m = -l … l throughout; the
permutation between the two lives here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols

from hamexplorer.errors import LayoutError

_LETTERS = "spdfgh"
_COMPONENTS = {
    0: ("",),
    1: ("x", "y", "z"),
    2: ("xy", "yz", "z²", "xz", "x²-y²"),
    3: ("y(3x²-y²)", "xyz", "yz²", "z³", "xz²", "z(x²-y²)", "x(x²-3y²)"),
}


def standard_m_order(l: int) -> np.ndarray:
    """Positions of m = -l … l among PySCF's components: only p differs, (y, z, x) of (x, y, z)."""
    return np.array([1, 2, 0]) if l == 1 else np.arange(2 * l + 1)


@dataclass(frozen=True)
class AOLayout:
    """The orbitals of one structure in one basis.

    Attributes:
        numbers: atomic numbers, one an atom.
        shells: for each element, the l of its shells in orbital order, contractions counted singly:
            ``{6: (0, 0, 1), 1: (0,)}`` is STO-3G.
    """

    numbers: tuple[int, ...]
    shells: Mapping[int, tuple[int, ...]]

    def __post_init__(self) -> None:
        missing = sorted(set(self.numbers) - set(self.shells))
        if missing:
            names = ", ".join(chemical_symbols[z] for z in missing)
            raise LayoutError(f"the layout has no shells for {names}; give the shells of every element")

    @cached_property
    def n_ao(self) -> int:
        return int(sum(2 * l + 1 for z in self.numbers for l in self.shells[z]))

    @cached_property
    def atom_of_ao(self) -> np.ndarray:
        """Index of the atom that each orbital sits on, shape (n_ao,)."""
        sizes = [sum(2 * l + 1 for l in self.shells[z]) for z in self.numbers]
        return np.repeat(np.arange(len(self.numbers)), sizes)

    @cached_property
    def offsets(self) -> np.ndarray:
        """First orbital of each atom and, last, n_ao; shape (n_atoms + 1,)."""
        counts = np.bincount(self.atom_of_ao, minlength=len(self.numbers)) if self.n_ao else np.zeros(0, int)
        return np.concatenate([[0], np.cumsum(counts)])

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """One text an orbital, for example ``0 C 2px``; shells of one l are counted from l + 1."""
        found = []
        for atom, z in enumerate(self.numbers):
            seen: dict[int, int] = {}
            for l in self.shells[z]:
                seen[l] = seen.get(l, l) + 1
                found += [f"{atom} {chemical_symbols[z]} {seen[l]}{_LETTERS[l]}{m}" for m in _names_of_m(l)]
        return tuple(found)


def _names_of_m(l: int) -> tuple[str, ...]:
    return _COMPONENTS.get(l) or tuple(f"[{m:+d}]" for m in range(-l, l + 1))
