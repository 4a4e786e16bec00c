"""What a reference calculation of a crystal is, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hamexplorer.params import Choice, Real, param, validate
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Functionals offered for crystals.
CRYSTAL_FUNCTIONALS: dict[str, str] = {
    "pbe": "gradient-corrected functional; gaps come out too small",
    "lda,vwn": "local density approximation",
    "hf": "Hartree-Fock: exact exchange, slow, and gaps far too large",
}
#: Bases for pseudopotentials: name -> sentence shown beside it.
SMALL_CELL_BASES: dict[str, str] = {
    "gth-szv": "minimal: one function a valence orbital",
    "sto-3g": "minimal, for calculations of all electrons",
}
LARGE_CELL_BASES: dict[str, str] = {
    "gth-dzvp": "double zeta with polarization; the default",
    "gth-dzvp-molopt-sr": "the same, contracted for molecules and solids",
    "gth-tzvp": "triple zeta; several times slower",
    "gth-szv": "minimal: learn the small basis itself",
}
#: What stands for the core electrons: name -> sentence.
PSEUDOPOTENTIALS: dict[str, str] = {
    "gth-pbe": "made for PBE",
    "gth-pade": "made for LDA",
    "none": "all electrons, with a basis such as sto-3g: slow, for small cells",
}


@dataclass(frozen=True)
class CrystalLevel:
    """One functional in one basis on one mesh: everything that decides the numbers of one calculation.

    Attributes:
        xc, basis, pseudo: names that PySCF knows.
        mesh: k-points along each reciprocal vector, Γ included.
        smearing: width of the Fermi function, Ha; 0 for none. Graphene does not converge without.
        cutoff: of the plane waves, Ha; 0 follows the basis.
    """

    xc: str = "pbe"
    basis: str = "gth-szv"
    pseudo: str = "gth-pbe"
    mesh: tuple[int, int, int] = (8, 8, 1)
    smearing: float = 0.005
    cutoff: float = 0.0


@dataclass(frozen=True)
class CrystalMethod:
    """The pair of calculations behind a dataset of crystals: a small basis and a large one."""

    xc: str = param(
        "pbe",
        Choice(CRYSTAL_FUNCTIONALS),
        label="Functional",
        help="Density functional without exact exchange, which would take hours with k-points.",
    )
    small_basis: str = param(
        "gth-szv",
        Choice(SMALL_CELL_BASES, free=True),
        label="Small basis",
        help="The basis in which the Hamiltonian is learned. Small means fast.",
    )
    large_basis: str = param(
        "gth-dzvp",
        Choice(LARGE_CELL_BASES, free=True),
        label="Large basis",
        help="The basis of the reference values that the model learns to reproduce.",
    )
    pseudo: str = param(
        "gth-pbe",
        Choice(PSEUDOPOTENTIALS, free=True),
        label="Pseudopotential",
        help="Stands for the core electrons; made for one functional.",
    )
    k_length: float = param(
        20.0,
        Real(1.0, 200.0),
        label="k-point density",
        help="Å: a cell of length a gets this length divided by a, rounded, as k-points along it.",
    )
    smearing: float = param(
        0.005,
        Real(0.0, 0.1),
        label="Smearing",
        help="Ha: width of the Fermi function; 0 for none. Metals and graphene do not converge without.",
    )
    cutoff: float = param(
        0.0,
        Real(0.0, 1000.0),
        label="Plane-wave cutoff",
        help="Ha: fineness of the grid that carries the density; 0 follows the sharpest function of the basis.",
    )

    def __post_init__(self) -> None:
        validate(self)

    def mesh(self, structure: Structure) -> tuple[int, int, int]:
        """k-points along each reciprocal vector; 1 where the structure does not repeat."""
        if structure.cell is None:
            return (1, 1, 1)
        lengths = np.linalg.norm(structure.cell, axis=1) * BOHR_ANGSTROM
        n = np.where(structure.pbc, np.maximum(1, np.rint(self.k_length / lengths)), 1).astype(int)
        return int(n[0]), int(n[1]), int(n[2])

    def levels(self, structure: Structure) -> tuple[CrystalLevel, CrystalLevel]:
        """The small and the large calculation of a structure."""
        mesh = self.mesh(structure)
        small, large = (
            CrystalLevel(self.xc, basis, self.pseudo, mesh, self.smearing, self.cutoff)
            for basis in (self.small_basis, self.large_basis)
        )
        return small, large

    @property
    def label(self) -> str:
        return f"{self.xc.upper()} · {self.small_basis} ← {self.large_basis}"


@dataclass(frozen=True, eq=False)
class CrystalPoint:
    """A converged calculation with k-points, in atomic units; its zero of energy is the mean potential of the cell.

    Attributes:
        mo_energy: ascending at every k-point of the mesh, shape (n_k, n_bands), Ha.
        mo_occ: of each, 0 … 2, shape (n_k, n_bands).
        translations: cells T, shape (n_T, 3).
        fock, overlap: F(T) and S(T), shape (n_T, n_ao, n_ao).
        fermi: Fermi level, Ha.
        vacuum: potential far from a layer, Ha; NaN where there is no such place or it was not worked out.
        n_electrons: a cell, without those of the pseudopotentials.
        e_tot: total energy a cell, Ha.
        decay: largest element of F(T) in the farthest cells over the largest of all: small if the mesh suffices; NaN on
            a mesh of one point, which cannot tell.
        path_points: the standard path, fractions of the reciprocal vectors, shape (n_points, 3).
        path_energy: bands on it, ascending, shape (n_points, n_bands), Ha.
    """

    mo_energy: np.ndarray
    mo_occ: np.ndarray
    translations: np.ndarray
    fock: np.ndarray
    overlap: np.ndarray
    fermi: float
    vacuum: float
    n_electrons: int
    e_tot: float
    decay: float
    path_points: np.ndarray
    path_energy: np.ndarray

    @classmethod
    def from_stored(cls, values: dict[str, Any]) -> CrystalPoint:
        """From what the store holds."""
        plain: dict[str, Any] = dict.fromkeys(("fermi", "vacuum", "e_tot", "decay"), float)
        plain["n_electrons"] = int
        return cls(**{name: plain.get(name, np.asarray)(value) for name, value in values.items()})
