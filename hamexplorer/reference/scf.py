"""A self-consistent field that is tried in several ways before it is given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pyscf import dft, scf

from hamexplorer.errors import ReferenceCalculationError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.structures.structure import Structure

#: Total-energy convergence in hartree. Orbital energies and response need more than PySCF's default.
CONVERGENCE = 1e-10
#: The first cycles need no fine grid: on level 0, until the orbital gradient falls below this (Ha). A 15-atom molecule
#: in def2-TZVP then takes 72 s instead of 97, for the same energy to 1e-12 Ha.
ROUGH_LEVEL, ROUGH_GRADIENT, ROUGH_CYCLES = 0, 1e-2, 20


def _fresh(structure: Structure, level: LevelOfTheory) -> Any:
    mol = make_mole(structure, level.basis)
    if level.xc == "hf":
        mf = scf.RHF(mol)
    else:
        mf = dft.RKS(mol, xc=level.xc)
        mf.grids.level = level.grid_level
    if level.density_fit:
        mf = mf.density_fit()
    mf.conv_tol, mf.conv_tol_grad = CONVERGENCE, 1e-6
    mf.max_cycle = 60
    mf.chkfile = None  # nobody reads it, and HDF5 crashes where the disk for scratch files is full
    return mf


def _rough_density(mf: Any) -> np.ndarray | None:
    """A density to begin with, from a coarse grid; None where that one is coarse itself, or it does not converge."""
    if getattr(mf, "grids", None) is None or mf.grids.level <= ROUGH_LEVEL:
        return None
    grids = dft.gen_grid.Grids(mf.mol)
    grids.level = ROUGH_LEVEL
    # Only the gradient decides.
    rough = {
        "grids": grids,
        "conv_tol": 1.0,
        "conv_tol_grad": ROUGH_GRADIENT,
        "conv_check": False,
        "max_cycle": ROUGH_CYCLES,
    }
    kept = {name: getattr(mf, name) for name in rough}
    for name, value in rough.items():
        setattr(mf, name, value)
    mf.kernel()
    for name, value in kept.items():
        setattr(mf, name, value)
    return mf.make_rdm1() if mf.converged else None


def _shifted(mf: Any) -> Any:
    mf.level_shift, mf.damp, mf.max_cycle = 0.3, 0.3, 200
    return mf


#: Ways to converge, easiest first. Each takes a fresh mean field and gives one to run.
STRATEGIES: dict[str, Callable[[Any], Any]] = {
    "diis": lambda mf: mf,
    "second-order": lambda mf: mf.newton(),
    "level-shift": _shifted,
}


def run_scf(structure: Structure, level: LevelOfTheory) -> tuple[Any, str]:
    """Converge a closed-shell SCF.

    Returns:
        The converged PySCF mean field and the name of the strategy that did it.

    Raises:
        ReferenceCalculationError: when no strategy converges, or when the lowest state found has
            no gap, so that closed-shell orbitals are not defined.
    """
    mf = _fresh(structure, level)
    guess = _rough_density(mf)
    for k, (name, prepare) in enumerate(STRATEGIES.items()):
        mf = prepare(_fresh(structure, level) if k else mf)  # the first keeps its integrals
        mf.kernel(dm0=guess)
        if name == "level-shift" and mf.converged:
            # A shifted Fock matrix has shifted virtual levels: finish without it.
            final = _fresh(structure, level)
            final.kernel(dm0=mf.make_rdm1())
            mf = final
        if mf.converged:
            _check_gap(structure, mf)
            return mf, name
        guess = mf.make_rdm1() if np.isfinite(mf.e_tot) else None
    raise ReferenceCalculationError(
        f"the SCF of {structure.label} in {level.basis} did not converge with "
        f"{', '.join(STRATEGIES)}; check the geometry and the charge, or try another functional"
    )


def _check_gap(structure: Structure, mf: Any) -> None:
    n_occ = int(np.count_nonzero(mf.mo_occ > 0))
    if n_occ < len(mf.mo_energy) and mf.mo_energy[n_occ] - mf.mo_energy[n_occ - 1] <= 1e-4:
        raise ReferenceCalculationError(
            f"{structure.label} has no gap between occupied and empty orbitals; "
            f"a closed-shell model does not describe it: leave it out"
        )
