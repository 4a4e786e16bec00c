"""GFN1-xTB as a reference method: semi-empirical tight binding, a fraction of a second a crystal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hamexplorer.params import Real, param, validate
from hamexplorer.physics.xtb_parameters import XTB_BASIS
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.structures.structure import Structure


@dataclass(frozen=True)
class XTBLevel:
    """GFN1-xTB on one mesh: everything that decides the numbers of one calculation.

    Attributes:
        basis: the basis that belongs to the method.
        mesh: k-points along each reciprocal vector, Γ included.
        smearing: width of the Fermi function, Ha; 0 for none.
    """

    basis: str = XTB_BASIS
    mesh: tuple[int, int, int] = (8, 8, 1)
    smearing: float = 0.005


@dataclass(frozen=True)
class XTBMethod:
    """One calculation behind both sides of a dataset: the small and the large basis are the same.

    Attributes:
        small_basis, large_basis: what the two sides are called.
    """

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
        help="Ha: width of the Fermi function; 0 for none. Metals do not converge without.",
    )
    small_basis: ClassVar[str] = XTB_BASIS
    large_basis: ClassVar[str] = XTB_BASIS

    def __post_init__(self) -> None:
        validate(self)

    def mesh(self, structure: Structure) -> tuple[int, int, int]:
        """k-points along each reciprocal vector, those of :class:`CrystalMethod` for the same density."""
        return CrystalMethod(k_length=self.k_length).mesh(structure)

    def levels(self, structure: Structure) -> tuple[XTBLevel, XTBLevel]:
        """The one calculation of a structure, as the small and as the large one."""
        level = XTBLevel(mesh=self.mesh(structure), smearing=self.smearing)
        return level, level

    @property
    def label(self) -> str:
        return "GFN1-xTB"
