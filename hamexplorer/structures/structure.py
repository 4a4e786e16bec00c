"""One molecule or crystal: which atoms, where, which charge, and how they repeat."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from ase.formula import Formula

from hamexplorer.errors import StructureError
from hamexplorer.units import BOHR_ANGSTROM


@dataclass(frozen=True, eq=False)
class Structure:
    """An immutable closed-shell molecule, or the unit cell of a crystal: a molecule repeats nowhere.

    Attributes:
        numbers: atomic numbers, shape (n_atoms,).
        positions: Cartesian coordinates in bohr, shape (n_atoms, 3).
        charge: total charge in e, of the cell if there is one.
        cell: rows are the cell's vectors in bohr, shape (3, 3); None for a molecule. Along a direction that does not
            repeat, the vector only says how much vacuum a calculation leaves.
        pbc: along which of them it repeats.
        name: what people call it; need not be unique.
        source: where it came from, for error sentences and tables.
    """

    numbers: np.ndarray
    positions: np.ndarray
    charge: int = 0
    name: str = ""
    source: str = ""
    cell: np.ndarray | None = None
    pbc: tuple[bool, bool, bool] = (False, False, False)
    _key: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        numbers = np.array(self.numbers, dtype=np.int64)
        positions = np.array(self.positions, dtype=np.float64).reshape(-1, 3)
        numbers.flags.writeable = positions.flags.writeable = False
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "charge", int(self.charge))
        object.__setattr__(self, "pbc", tuple(bool(repeats) for repeats in self.pbc))
        if self.cell is not None:
            cell = np.array(self.cell, dtype=np.float64).reshape(3, 3)
            cell.flags.writeable = False
            object.__setattr__(self, "cell", cell)
        elif any(self.pbc):
            raise StructureError(f"{self.label} repeats but has no cell; give its three cell vectors")
        object.__setattr__(self, "_key", self._content_hash())

    def _content_hash(self) -> str:
        # 1e-7 Å: far below any physical meaning, far above the loss in a text file's last digit.
        digest = hashlib.sha256()
        # A structure that was read is made before it is checked: its numbers may not fit yet.
        with np.errstate(invalid="ignore", over="ignore"):
            rounded = np.round(self.positions_angstrom * 1e7).astype(np.int64)
            for part in (self.numbers, rounded, np.int64(self.charge)):
                digest.update(np.ascontiguousarray(part).tobytes())
            if self.cell is not None:
                digest.update(np.round(self.cell * BOHR_ANGSTROM * 1e7).astype(np.int64).tobytes())
                digest.update(bytes(self.pbc))
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """SHA-256 of atoms, rounded positions, charge and cell: equal for equal structures."""
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
    def is_crystal(self) -> bool:
        """Whether it repeats along any direction."""
        return any(self.pbc)

    @property
    def label(self) -> str:
        """A short text for tables and plots: the name, else the formula."""
        return self.name or self.formula

    def to_ase(self) -> Atoms:
        """The same structure as ASE Atoms (Å), with ``charge`` and ``name`` in ``info``."""
        atoms = Atoms(self.numbers, positions=self.positions_angstrom, pbc=self.pbc)
        if self.cell is not None:
            atoms.cell[:] = self.cell * BOHR_ANGSTROM
        atoms.info.update(name=self.name, charge=self.charge)
        return atoms

    @classmethod
    def from_ase(
        cls, atoms: Atoms, *, charge: int = 0, name: str = "", source: str = "", periodic: bool = False
    ) -> Structure:
        """Take numbers and positions of ASE Atoms (Å), and cell and periodicity if ``periodic``."""
        return cls(
            numbers=atoms.numbers,
            positions=atoms.positions / BOHR_ANGSTROM,
            charge=charge,
            name=name,
            source=source,
            cell=atoms.cell.array / BOHR_ANGSTROM if periodic else None,
            pbc=tuple(atoms.pbc) if periodic else (False, False, False),
        )

    def renamed(self, name: str) -> Structure:
        return replace(self, name=name)

    def moved(self, positions: np.ndarray) -> Structure:
        """The same atoms at other positions (bohr)."""
        return replace(self, positions=positions)
