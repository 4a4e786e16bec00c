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


def energy_factor(unit: str) -> float:
    """Factor from hartree to ``unit`` ("Ha" or "eV").

    Raises:
        KeyError: for any other unit; callers offer only these two.
    """
    return {"Ha": 1.0, "eV": HARTREE_EV}[unit]
