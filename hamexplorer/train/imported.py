"""Bands of matrices that were made elsewhere, as band plots take them."""

from __future__ import annotations

from hamexplorer.reference.real_space import RealSpaceMatrices
from hamexplorer.structures.paths import N_POINTS
from hamexplorer.train.bands import BandSet, BandStructure


def imported_bands(
    matrices: RealSpaceMatrices,
    n_electrons: int | None = None,
    *,
    mesh: tuple[int, int, int] | None = None,
    n_points: int = N_POINTS,
) -> BandStructure:
    """The bands as a set named ``reference``; arguments and errors as ``RealSpaceMatrices.band_structure``."""
    bands = matrices.band_structure(n_electrons, mesh=mesh, n_points=n_points)
    found = BandSet(
        path_energy=bands.path_energy,
        mesh_energy=bands.mesh_energy,
        mesh_weights=bands.mesh_weights,
        n_occ=bands.n_electrons // 2,
        fermi=bands.fermi,
        path_character=bands.path_character if matrices.orbitals else None,
        mesh_character=bands.mesh_character if matrices.orbitals else None,
    )
    symbols = matrices.structure.symbols
    orbitals = tuple((symbols[orbital.atom], "spdfgh"[orbital.l]) for orbital in matrices.orbitals)
    return BandStructure(matrices.structure, bands.path, {"reference": found}, orbitals)
