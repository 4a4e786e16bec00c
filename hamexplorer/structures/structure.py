"""One molecule: which atoms, where, and which charge."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula

from hamexplorer.units import BOHR_ANGSTROM


@dataclass(frozen=True, eq=False)
class Structure:
    """An immutable closed-shell molecule.

    Attributes:
        numbers: atomic numbers, shape (n_atoms,).
        positions: Cartesian coordinates in bohr, shape (n_atoms, 3).
        charge: total charge in e.
        name: what people call it; need not be unique.
        source: where it came from, for error sentences and tables.
    """

    numbers: np.ndarray
    positions: np.ndarray
    charge: int = 0
    name: str = ""
    source: str = ""
    _key: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        numbers = np.array(self.numbers, dtype=np.int64)
        positions = np.array(self.positions, dtype=np.float64).reshape(-1, 3)
        numbers.flags.writeable = positions.flags.writeable = False
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "charge", int(self.charge))
        object.__setattr__(self, "_key", self._content_hash())

    def _content_hash(self) -> str:
        # 1e-7 Å: far below any physical meaning, far above the loss in a text file's last digit.
        rounded = np.round(self.positions_angstrom * 1e7).astype(np.int64)
        digest = hashlib.sha256()
        for part in (self.numbers, rounded, np.int64(self.charge)):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """SHA-256 of atoms, rounded positions and charge: equal for equal molecules."""
        return self._key

    @property
    def n_atoms(self) -> int:
        return len(self.numbers)

    @property
    def n_electrons(self) -> int:
        return int(self.numbers.sum()) - self.charge

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(chemical_symbols[z] for z in self.numbers)

    @property
    def elements(self) -> tuple[str, ...]:
        """The distinct elements, lightest first."""
        return tuple(chemical_symbols[z] for z in sorted(set(self.numbers.tolist())))

    @property
    def formula(self) -> str:
        """Hill formula, for example ``C2H6O``."""
        return Formula.from_list(list(self.symbols)).format("hill") if self.n_atoms else ""

    @property
    def n_heavy(self) -> int:
        """Number of atoms other than hydrogen."""
        return int((self.numbers > 1).sum())

    @property
    def positions_angstrom(self) -> np.ndarray:
        return self.positions * BOHR_ANGSTROM

    @property
    def label(self) -> str:
        """A short text for tables and plots: the name, else the formula."""
        return self.name or self.formula

    def to_ase(self) -> Atoms:
        """The same molecule as ASE Atoms (Å), with ``charge`` and ``name`` in ``info``."""
        atoms = Atoms(self.numbers, positions=self.positions_angstrom)
        atoms.info.update(name=self.name, charge=self.charge)
        return atoms

    @classmethod
    def from_ase(cls, atoms: Atoms, *, charge: int = 0, name: str = "", source: str = "") -> Structure:
        """Take numbers and positions of ASE Atoms (Å); cell and everything else is left behind."""
        return cls(
            numbers=atoms.numbers,
            positions=atoms.positions / BOHR_ANGSTROM,
            charge=charge,
            name=name,
            source=source,
        )

    def renamed(self, name: str) -> Structure:
        return replace(self, name=name)

    def moved(self, positions: np.ndarray) -> Structure:
        """The same atoms at other positions (bohr)."""
        return replace(self, positions=positions)
