"""Bands of one crystal: reference, raw small basis and learned, on the standard path and on the mesh, with one zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hamexplorer.structures.paths import KPath
from hamexplorer.structures.structure import Structure


@dataclass(frozen=True, eq=False)
class BandSet:
    """Bands of one calculation or of the model.

    Attributes:
        path_energy: ascending at every point of the path, shape (n_points, n_bands), Ha.
        mesh_energy: the same on the k-mesh, shape (n_k, n_bands), Ha.
        mesh_weights: share of each k-point of the mesh, sum 1, shape (n_k,).
        n_occ: bands filled at every k of an insulator: half of the electrons a cell.
        fermi: Fermi level, Ha.
        vacuum: potential far from a layer, Ha; NaN where not defined.
        path_character: Mulliken share of each orbital in each band, (n_points, n_bands, n_ao), which add up to 1; None
            where orbitals are not known.
        mesh_character: the same on the mesh, shape (n_k, n_bands, n_ao).
    """

    path_energy: np.ndarray
    mesh_energy: np.ndarray
    mesh_weights: np.ndarray
    n_occ: int
    fermi: float
    vacuum: float = float("nan")
    path_character: np.ndarray | None = None
    mesh_character: np.ndarray | None = None

    @property
    def highest_occupied(self) -> float:
        """The valence band's maximum over path and mesh, Ha; of a metal, the top of band n_occ."""
        both = [energy[:, : self.n_occ] for energy in (self.path_energy, self.mesh_energy)]
        return float(max(energy.max() for energy in both))

    @property
    def lowest_empty(self) -> float:
        """The conduction band's minimum over path and mesh, Ha; NaN without empty bands."""
        both = [energy[:, self.n_occ :] for energy in (self.path_energy, self.mesh_energy)]
        return float(min(energy.min() for energy in both)) if both[0].shape[1] else float("nan")

    def zero(self, kind: str) -> float:
        """The energy that counts as zero, Ha.

        Args:
            kind: ``fermi``, ``vbm`` (valence band maximum) or ``vacuum``; NaN where the vacuum is not defined.
        """
        return {"fermi": self.fermi, "vbm": self.highest_occupied, "vacuum": self.vacuum}[kind]


@dataclass(frozen=True, eq=False)
class BandStructure:
    """Everything that band, DOS and zone plots of one crystal show.

    Attributes:
        structure: the crystal.
        path: its standard path.
        sets: by name, in drawing order: ``raw`` (the small basis itself), ``reference`` (large basis), ``learned``; one
            may be absent.
        orbitals: (element symbol, letter s, p, d or f) of each orbital of the small basis, shape (n_ao,); what
            ``path_character`` of ``raw`` and ``learned`` refers to.
    """

    structure: Structure
    path: KPath
    sets: dict[str, BandSet]
    orbitals: tuple[tuple[str, str], ...]

    def beside(self, others: Mapping[str, BandStructure]) -> BandStructure:
        """With what others have learned of the crystal on the same path, under their names, drawn first."""
        fitting = {
            name: other.sets["learned"]
            for name, other in others.items()
            if "learned" in other.sets and np.array_equal(other.path.points, self.path.points)
        }
        return replace(self, sets=fitting | self.sets)
