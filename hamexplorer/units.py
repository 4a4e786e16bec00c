"""Units: atomic units inside, conversion only where numbers enter or leave.

Values are those of CODATA 2022 (NIST, physics.nist.gov/cuu/Constants), through SciPy.
"""

from __future__ import annotations

from scipy import constants

BOHR_ANGSTROM: float = constants.physical_constants["Bohr radius"][0] * 1e10
"""One bohr in ångström."""

HARTREE_EV: float = constants.physical_constants["Hartree energy in eV"][0]
"""One hartree in electronvolt."""

DIPOLE_DEBYE: float = (
    constants.physical_constants["atomic unit of electric dipole mom."][0] * constants.c * 1e21
)
"""One e·bohr in debye (1 D = 1e-21 C·m²/s / c)."""


HARTREE_KJ: float = constants.physical_constants["Hartree energy"][0] * constants.N_A / 1000
"""One hartree in kJ/mol."""

#: Units of energies that can be chosen: factor from hartree, and digits behind the point of one in a sentence.
ENERGY_UNITS: dict[str, tuple[float, int]] = {
    "eV": (HARTREE_EV, 2),
    "Ha": (1.0, 4),
    "kJ/mol": (HARTREE_KJ, 1),
    "kcal/mol": (HARTREE_KJ / constants.calorie, 2),
}
#: Atomic units that laboratories call otherwise: their name, and the factor to it.
LABORATORY_UNITS: dict[str, tuple[str, float]] = {
    "e·bohr": ("D", DIPOLE_DEBYE),
    "bohr³": ("Å³", BOHR_ANGSTROM**3),
}


def energy_factor(unit: str) -> float:
    """Factor from hartree to a unit of :data:`ENERGY_UNITS`.

    Raises:
        KeyError: for any other unit; callers offer only these.
    """
    return ENERGY_UNITS[unit][0]


def energy_digits(unit: str) -> int:
    """Digits behind the point that an energy deserves in a sentence."""
    return ENERGY_UNITS[unit][1]


def property_unit(unit: str, laboratory: bool) -> tuple[str, float]:
    """Name and factor of a property's unit, in atomic units or as laboratories write it."""
    return LABORATORY_UNITS.get(unit, (unit, 1.0)) if laboratory else (unit, 1.0)
