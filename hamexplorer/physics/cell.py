"""Crystals as PySCF cells: the one place where a `pyscf.pbc.gto.Cell` is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from pyscf.pbc import gto

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import BasisError, StructureError
from hamexplorer.physics.bloch import bloch_sum
from hamexplorer.physics.molecule import element_basis, element_shells
from hamexplorer.physics.xtb import overlap_in_real_space
from hamexplorer.physics.xtb_parameters import XTB_BASIS, gfn1_gaussians, gfn1_shells, shells_of
from hamexplorer.structures.structure import Structure

#: Plane-wave cutoff over the largest exponent of the basis, Ha·bohr². A product of two such Gaussians has the Fourier
#: transform exp(-E/4a): at E = 35 a it has fallen to 2e-4. Carbon's gth bases get 150 Ha by it, oxygen's 290 Ha.
_CUTOFF_OF_EXPONENT = 35.0
#: What stands for "no pseudopotential": all electrons are treated.
ALL_ELECTRONS = "none"


def make_cell(structure: Structure, basis: str, *, pseudo: str, cutoff: float = 0.0) -> gto.Cell:
    """Build the PySCF cell of a closed-shell crystal, three-dimensional with vacuum where it does not repeat.

    Args:
        structure: with a cell.
        basis, pseudo: names that PySCF knows; ``pseudo`` may be :data:`ALL_ELECTRONS`.
        cutoff: of the plane waves that carry the density, Ha; 0 chooses it from the sharpest function of the basis, and
            leaves it to PySCF where all electrons are treated.

    Raises:
        StructureError: if there is no cell, or the valence electrons are odd in number.
        BasisError: if an element has no functions or no pseudopotential under these names.
    """
    if structure.cell is None:
        raise StructureError(f"{structure.label} has no cell; a crystal calculation needs its three vectors")
    if not basis or not pseudo:
        raise BasisError(
            f"{structure.label} needs the name of a basis and of a pseudopotential, got {basis!r} and {pseudo!r}; "
            f"gth-szv and gth-pbe are a pair, and {ALL_ELECTRONS!r} stands for no pseudopotential"
        )
    options: dict[str, Any] = {"unit": "Bohr", "verbose": 0, "precision": 1e-7}
    if cutoff:
        options["ke_cutoff"] = cutoff
    atoms = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
    try:
        cell = gto.M(
            atom=atoms,
            a=structure.cell,
            basis=basis,
            pseudo=None if pseudo == ALL_ELECTRONS else pseudo,
            charge=structure.charge,
            spin=None,
            **options,
        )
    except (KeyError, RuntimeError, OSError) as error:
        raise BasisError(
            f"{structure.label} cannot be set up with the basis {basis!r} and the pseudopotential {pseudo!r}: "
            f"{str(error).splitlines()[0][:100] or type(error).__name__}; choose another pair"
        ) from error
    if cell.nelectron % 2:
        raise StructureError(
            f"{structure.label} has {cell.nelectron} valence electrons a cell; this model is closed-shell and needs an "
            f"even number: double the cell or change the charge"
        )
    if not cutoff and pseudo != ALL_ELECTRONS:
        sharpest = max(float(cell.bas_exp(shell).max()) for shell in range(cell.nbas))
        cell.build(ke_cutoff=float(np.ceil(_CUTOFF_OF_EXPONENT * sharpest)))
    return cell


@dataclass(frozen=True)
class CellOrbitals:
    """The small basis of crystals, and what stands for their core electrons.

    Attributes:
        basis, pseudo: as in :func:`make_cell`; the basis may be :data:`XTB_BASIS`, whose cores need no name.
    """

    basis: str
    pseudo: str = ""

    @property
    def is_tight_binding(self) -> bool:
        """Whether these are the orbitals of GFN1-xTB."""
        return self.basis == XTB_BASIS

    def cell(self, structure: Structure) -> gto.Cell:
        """For integrals only; raises StructureError or BasisError."""
        return make_cell(structure, self.basis, pseudo=self.pseudo)

    def shells(self, number: int) -> tuple[int, ...]:
        """l of each shell of an element, in orbital order; raises BasisError."""
        if self.is_tight_binding:
            return tuple(l for _, l in gfn1_shells(number))
        return element_shells(self.basis, number)

    def layout(self, structure: Structure) -> AOLayout:
        """The orbitals of a structure."""
        numbers = tuple(int(z) for z in structure.numbers)
        return AOLayout(numbers, {z: self.shells(z) for z in set(numbers)})

    def overlap(self, structure: Structure, k_points: np.ndarray) -> np.ndarray:
        """S(k) at fractions of the reciprocal vectors, shape (n_k, n_ao, n_ao), complex."""
        if self.is_tight_binding:
            cells, overlap = self.overlap_in_real_space(structure)
            return bloch_sum(overlap, cells, k_points)
        cell = self.cell(structure)
        return np.asarray(cell.pbc_intor("int1e_ovlp", hermi=1, kpts=cell.get_abs_kpts(k_points)), complex)

    def gaussians(self, number: int) -> tuple[Any, ...]:
        """Shells of an element in PySCF's internal format; raises BasisError."""
        return gfn1_gaussians(number) if self.is_tight_binding else element_basis(self.basis, number)

    def overlap_in_real_space(self, structure: Structure) -> tuple[np.ndarray, np.ndarray]:
        """Cells T that overlap with the home cell, (n_T, 3), and S(T), (n_T, n_ao, n_ao)."""
        elements = set(structure.numbers.tolist())
        return overlap_in_real_space(structure, {z: self.gaussians(z) for z in elements})

    def functions(self, structure: Structure) -> gto.Cell:
        """A cell that carries the basis functions and nothing else, to evaluate them; raises BasisError.

        Its lattice sums stop where a function has fallen to 1e-5: enough for pictures, a third of the time.
        """
        shells = {chemical_symbols[z]: list(self.gaussians(z)) for z in set(structure.numbers.tolist())}
        atoms = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
        return gto.M(
            atom=atoms, a=structure.cell, basis=shells, unit="Bohr", spin=None, verbose=0, precision=1e-5
        )

    def valence(self, structure: Structure) -> np.ndarray:
        """Electrons that each atom brings when neutral, shape (n_atoms,)."""
        if self.is_tight_binding:
            shells, atom_of_shell, _ = shells_of(structure)
            return np.bincount(atom_of_shell, shells.occupation, structure.n_atoms)
        return np.asarray(self.cell(structure).atom_charges(), dtype=float)

    def n_occ(self, structure: Structure) -> int:
        """Doubly occupied bands of an insulator: half of the valence electrons a cell."""
        return int(self.valence(structure).sum() - structure.charge) // 2
