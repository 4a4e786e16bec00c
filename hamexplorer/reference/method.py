"""What a reference calculation is: functional, bases and accuracy."""

from __future__ import annotations

from dataclasses import dataclass

from hamexplorer.errors import SettingsError
from hamexplorer.params import Choice, Flag, Whole, param, validate
from hamexplorer.physics.molecule import LARGE_BASES, SMALL_BASES

#: Functionals offered by name; any other name that libxc knows may be typed.
FUNCTIONALS: dict[str, str] = {
    "b3lyp": "hybrid functional (PySCF >= 2.3 definition, VWN RPA); the paper's choice",
    "pbe0": "hybrid functional without empirical parameters",
    "pbe": "gradient-corrected functional; gaps come out too small",
    "hf": "Hartree-Fock: no correlation; gaps come out too large",
}


@dataclass(frozen=True)
class LevelOfTheory:
    """One functional in one basis: everything that decides the numbers of one SCF."""

    xc: str
    basis: str
    density_fit: bool
    grid_level: int


@dataclass(frozen=True)
class ReferenceMethod:
    """The pair of calculations behind a dataset: a small basis and a large one."""

    xc: str = param(
        "b3lyp",
        Choice(FUNCTIONALS, free=True),
        label="Functional",
        help="Density functional, or hf for Hartree-Fock. B3LYP is what the paper used.",
    )
    small_basis: str = param(
        "sto-3g",
        Choice(SMALL_BASES, free=True),
        label="Small basis",
        help="The basis in which the Hamiltonian is learned. Small means fast.",
    )
    large_basis: str = param(
        "def2-svp",
        Choice(LARGE_BASES, free=True),
        label="Large basis",
        help="The basis of the reference values that the model learns to reproduce.",
    )
    density_fit: bool = param(
        True,
        Flag(),
        label="Density fitting",
        help="Approximate the large basis' Coulomb integrals: several times faster. In the def2 bases "
        "occupied energies change by less than 1 meV, empty ones by a few.",
    )
    grid_level: int = param(
        2,
        Whole(0, 6),
        label="Grid level",
        help="Fineness of the grid on which the functional is integrated; 0 is coarse, 3 is PySCF's default.",
    )

    def __post_init__(self) -> None:
        for name in ("xc", "small_basis", "large_basis"):
            object.__setattr__(self, name, str(getattr(self, name)).strip().lower())
        validate(self)
        _check_functional(self.xc)

    @property
    def small(self) -> LevelOfTheory:
        # Exact integrals of a minimal basis fit in memory and are faster than fitting them. A basis that is its own
        # reference is computed once.
        fitted = self.density_fit and self.small_basis == self.large_basis
        return LevelOfTheory(self.xc, self.small_basis, fitted, self.grid_level)

    @property
    def large(self) -> LevelOfTheory:
        return LevelOfTheory(self.xc, self.large_basis, self.density_fit, self.grid_level)

    @property
    def label(self) -> str:
        return f"{self.xc.upper()} · {self.small_basis} ← {self.large_basis}"


def _check_functional(xc: str) -> None:
    if xc == "hf":
        return
    from pyscf.dft import libxc

    try:
        libxc.parse_xc(xc)
    except (KeyError, ValueError) as error:
        known = ", ".join(FUNCTIONALS)
        raise SettingsError(f"the functional {xc!r} is not known to libxc; try one of {known}") from error
