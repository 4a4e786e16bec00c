"""Reference calculations of crystals: Kohn-Sham with k-points and pseudopotentials.

The density is carried by PySCF's multigrid. Measured on graphene (gth-szv, 4×4×1, PBE, one thread): plain FFTDF 147 s,
multigrid with the same mesh 16 s and the same energies to the last digit; with 150 Ha of cutoff 6 s and bands within
20 µHa of that. Gaussian density fitting takes 9 s there and moves empty bands by 2 mHa.
"""

from __future__ import annotations

import math

import numpy as np
from pyscf.pbc import dft, gto, scf

from hamexplorer.errors import ReferenceCalculationError, SettingsError
from hamexplorer.physics.bloch import bloch_sum, mesh_points, mesh_translations, real_space
from hamexplorer.physics.cell import make_cell
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalPoint
from hamexplorer.structures.structure import Structure

#: Total-energy convergence a cell, Ha.
CONVERGENCE = 1e-9
#: Largest difference, Ha, that matrices may have after going to real space and back: half a millielectronvolt. It falls
#: exponentially with the plane-wave cutoff, and more means that the grid is too coarse for an element's functions.
_ROUND_TRIP = 2e-5


def check_crystal(structure: Structure, level: CrystalLevel) -> gto.Cell:
    """The cell of a calculation that can be set up.

    Raises:
        SettingsError: if the mesh has points along a direction that does not repeat.
        BasisError, StructureError: if the cell cannot be built.
    """
    for n, repeats, axis in zip(level.mesh, structure.pbc, "abc", strict=True):
        if n < 1 or (n > 1 and not repeats):
            raise SettingsError(
                f"{structure.label} does not repeat along {axis}, and the mesh has {n} points there; use 1"
            )
    return make_cell(structure, level.basis, pseudo=level.pseudo, cutoff=level.cutoff)


def crystal_seconds(structure: Structure, level: CrystalLevel) -> float:
    """Estimated seconds of one calculation on one core; fitted to graphene at 8 and 26 orbitals, 16 and 64 k-points.

    Raises:
        SettingsError, BasisError, StructureError: as :func:`check_crystal`.
    """
    return 3.5 + 0.0148 * math.prod(level.mesh) * check_crystal(structure, level).nao


def calculate_crystal(structure: Structure, level: CrystalLevel) -> CrystalPoint:
    """Run the calculation of one crystal.

    Raises:
        ReferenceCalculationError: if it does not converge, or real space does not give the k-space matrices back.
        SettingsError, BasisError, StructureError: as :func:`check_crystal`.
    """
    cell = check_crystal(structure, level)
    points = mesh_points(level.mesh)
    mf = dft.KRKS(cell, cell.get_abs_kpts(points), xc=level.xc).multigrid_numint()
    if level.smearing:
        mf = scf.addons.smearing_(mf, sigma=level.smearing, method="fermi")
    mf.conv_tol, mf.max_cycle = CONVERGENCE, 80
    mf.kernel()
    if not mf.converged:
        raise ReferenceCalculationError(
            f"the SCF of {structure.label} in {level.basis} did not converge in {mf.max_cycle} cycles; check the "
            f"geometry, or use a wider smearing than {level.smearing:g} Ha"
        )
    fock, overlap = np.asarray(mf.get_fock()), np.asarray(mf.get_ovlp())
    cells = mesh_translations(level.mesh)
    in_real_space = [real_space(matrix, level.mesh) for matrix in (fock, overlap)]
    for name, there, here in zip("FS", in_real_space, (fock, overlap), strict=True):
        error = np.abs(bloch_sum(there, cells, points) - here).max()
        if error > _ROUND_TRIP:
            raise ReferenceCalculationError(
                f"{name} of {structure.label} changes by {error:.1e} on its way through real space: with a plane-wave "
                f"cutoff of {level.cutoff:g} Ha, k and -k are not alike; raise the cutoff"
            )
    return CrystalPoint(
        mo_energy=np.asarray(mf.mo_energy),
        mo_occ=np.asarray(mf.mo_occ),
        translations=cells,
        fock=in_real_space[0],
        overlap=in_real_space[1],
        fermi=float(_fermi_level(mf)),
        n_electrons=int(cell.nelectron),
        e_tot=float(mf.e_tot),
        decay=_decay(in_real_space[0], cells, level.mesh),
    )


def _fermi_level(mf: dft.krks.KRKS) -> float:
    """Half-way between the highest occupied and the lowest empty level, where occupations pass one."""
    energy, occ = np.concatenate(mf.mo_energy), np.concatenate(mf.mo_occ)
    highest = energy[occ >= 1.0].max()
    # A noble gas in a minimal basis has no empty level.
    return (highest + energy[occ < 1.0].min()) / 2 if (occ < 1.0).any() else highest


def _decay(fock: np.ndarray, cells: np.ndarray, mesh: tuple[int, int, int]) -> float:
    far = (np.abs(cells) >= np.where(np.array(mesh) > 1, np.array(mesh) // 2, np.inf)).any(1)
    return float(np.abs(fock[far]).max() / np.abs(fock).max()) if far.any() else 0.0
