"""Reference calculations of crystals: Hartree-Fock and Kohn-Sham with k-points.

With pseudopotentials and a functional without exact exchange the density is carried by PySCF's multigrid. Measured on
graphene (gth-szv, 4×4×1, PBE, one thread): plain FFTDF 147 s, multigrid with the same mesh 16 s and the same energies
to the last digit; with 150 Ha of cutoff 6 s and bands within 20 µHa of that. Gaussian density fitting takes 9 s there
and moves empty bands by 2 mHa; it serves Hartree-Fock and calculations of all electrons, too much for plane waves.

Bands on the standard path come from the converged density, not from the mesh: sums over the mesh's cells are off by up
to 14 meV between its points (graphene, gth-szv, 8×8×1), and in larger bases the overlap so summed is not even positive.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pyscf.pbc import dft, gto, scf, tools
from pyscf.pbc.dft.multigrid import multigrid
from pyscf.pbc.gto import pseudo

from hamexplorer.errors import ReferenceCalculationError, SettingsError
from hamexplorer.physics.bloch import bloch_sum, decay, mesh_points, mesh_translations, real_space
from hamexplorer.physics.cell import ALL_ELECTRONS, make_cell
from hamexplorer.physics.filling import fermi_level
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalPoint
from hamexplorer.structures.paths import standard_path
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
    """Estimated seconds of one calculation on one core, bands on the path included.

    The density's grid, which follows the cutoff and the vacuum, and the matrices at the k-points. Fitted by eye to
    graphene (8 and 26 orbitals), polyacetylene, silicon and MgO; Gaussian fitting takes some ten times as long.

    Raises:
        SettingsError, BasisError, StructureError: as :func:`check_crystal`.
    """
    cell = check_crystal(structure, level)
    matrices = 0.0148 * math.prod(level.mesh) * cell.nao
    if not _on_multigrid(level):
        return 10 * (3.0 + matrices)
    return 2.0 + 1.3e-4 * math.prod(int(n) for n in cell.mesh) + matrices


def calculate_crystal(structure: Structure, level: CrystalLevel) -> CrystalPoint:
    """Run the calculation of one crystal.

    Raises:
        ReferenceCalculationError: if it does not converge, or real space does not give the k-space matrices back.
        SettingsError, BasisError, StructureError: as :func:`check_crystal`.
    """
    cell = check_crystal(structure, level)
    points = mesh_points(level.mesh)
    mf = _mean_field(cell, level, points)
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
                f"cutoff of {cell.ke_cutoff:g} Ha, k and -k are not alike; raise the cutoff"
            )
    path = standard_path(structure).points
    return CrystalPoint(
        mo_energy=np.asarray(mf.mo_energy),
        mo_occ=np.asarray(mf.mo_occ),
        translations=cells,
        fock=in_real_space[0],
        overlap=in_real_space[1],
        fermi=fermi_level(np.asarray(mf.mo_energy), cell.nelectron, smearing=level.smearing),
        vacuum=_vacuum_level(mf, structure) if _on_multigrid(level) else float("nan"),
        n_electrons=int(cell.nelectron),
        e_tot=float(mf.e_tot),
        decay=decay(in_real_space[0], level.mesh),
        path_points=path,
        path_energy=np.asarray(mf.get_bands(cell.get_abs_kpts(path))[0]),
    )


def _on_multigrid(level: CrystalLevel) -> bool:
    return level.xc != "hf" and level.pseudo != ALL_ELECTRONS


def _mean_field(cell: gto.Cell, level: CrystalLevel, points: np.ndarray) -> Any:
    """The mean field, not yet converged, with the density-fitting scheme that suits it."""
    kpts = cell.get_abs_kpts(points)
    mf = scf.KRHF(cell, kpts) if level.xc == "hf" else dft.KRKS(cell, kpts, xc=level.xc)
    mf.chkfile = None  # as for molecules
    mf = mf.multigrid_numint() if _on_multigrid(level) else mf.density_fit()
    return scf.addons.smearing_(mf, sigma=level.smearing, method="fermi") if level.smearing else mf


def _vacuum_level(mf: Any, structure: Structure) -> float:
    """Mean of the electrostatic potential over the plane farthest from a layer's atoms, Ha; NaN for anything else.

    Its zero is that of the levels: both leave out the cell's mean Coulomb potential.
    """
    if sum(structure.pbc) != 2:
        return float("nan")
    cell, axis = mf.cell, structure.pbc.index(False)
    density = multigrid._eval_rhoG(mf._numint, mf.make_rdm1(), 1, mf.kpts, deriv=0)[0, 0]
    local = -np.einsum(
        "ig,ig->g", cell.get_SI(mesh=cell.mesh), pseudo.get_vlocG(cell, cell.get_Gv(cell.mesh))
    )
    potential = density * tools.get_coulG(cell, mesh=cell.mesh) + local
    across = tools.ifft(potential, cell.mesh).real.reshape(cell.mesh)
    across = across.mean(tuple(a for a in range(3) if a != axis))
    places = (structure.positions @ np.linalg.inv(cell.lattice_vectors()))[:, axis]
    away = np.abs((np.arange(len(across))[:, None] / len(across) - places + 0.5) % 1 - 0.5).min(1)
    return float(across[away.argmax()]) * (np.prod(cell.mesh) / cell.vol)
