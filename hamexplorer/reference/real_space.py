"""Hamiltonians and overlaps in real space that were made elsewhere, and the bands that come of them.

Conventions, whatever the source had: H(T)[a, b] = ⟨a in cell 0|H|b in cell T⟩ in hartree, T in whole cells, k in
fractions of the reciprocal vectors, H(k) as in :mod:`hamexplorer.physics.bloch`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh, eigvalsh

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import DatasetError, LayoutError, SettingsError
from hamexplorer.physics.bloch import bloch_sum, mesh_points, reduced_mesh
from hamexplorer.physics.filling import fermi_level
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.matrix_checks import (
    ASYMMETRY,
    OVERLAP_ASYMMETRY,
    POSITIVE,
    check_positive,
    check_size,
    complete,
    far_overlap,
    hermitian,
    not_positive,
)
from hamexplorer.reference.properties import freeze_arrays
from hamexplorer.structures.paths import N_POINTS, KPath, standard_path
from hamexplorer.structures.structure import Structure


class Orbital(NamedTuple):
    """One orbital: index of its atom, l, and its component as in :class:`hamexplorer.basis.layout.AOLayout`."""

    atom: int
    l: int
    component: str


@lru_cache
def components(l: int) -> tuple[str, ...]:
    """Names of the components of one shell in the order used here (PySCF's), for example x, y, z."""
    return tuple(label.split(" ", 2)[2][2:] for label in AOLayout((1,), {1: (l,)}).labels)


@dataclass(frozen=True, eq=False)
class ImportedBands:
    """Bands of imported matrices on the standard path and on a mesh; a band plot needs no more.

    Attributes:
        path: the standard path of the structure.
        path_energy: ascending at every point, shape (n_points, n), Ha.
        path_character: Mulliken share of each orbital in each band, sum over orbitals 1, shape (n_points, n, n).
        mesh: k-points along each reciprocal vector.
        mesh_energy, mesh_character: the same at one of k and -k of that mesh, shapes (n_k, n) and (n_k, n, n).
        mesh_weights: share of each of these points, sum 1, shape (n_k,).
        n_electrons: a cell.
        fermi: Fermi level, Ha.
    """

    path: KPath
    path_energy: np.ndarray
    path_character: np.ndarray
    mesh: tuple[int, int, int]
    mesh_energy: np.ndarray
    mesh_character: np.ndarray
    mesh_weights: np.ndarray
    n_electrons: int
    fermi: float


@dataclass(frozen=True, eq=False)
class RealSpaceMatrices:
    """H(T) and S(T) of one crystal. Make them with :meth:`checked`.

    Attributes:
        structure: atoms and cell; it repeats along the directions that have neighbours.
        translations: cells T, with every T its -T, shape (n_T, 3).
        hamiltonian: shape (n_T, n, n), Ha, H(-T) = H(T)ᵀ.
        overlap: shape (n_T, n, n); None for orthonormal orbitals.
        orbitals: what each row is; empty where the source does not say.
        assumed: sentences about the order, units and conventions that were taken for granted, and what was mended.
        source: the file or folder.
        fermi: Fermi level that the source gives, Ha; None if it gives none.
        n_electrons: a cell, if the source says so.
    """

    structure: Structure
    translations: np.ndarray
    hamiltonian: np.ndarray
    overlap: np.ndarray | None
    orbitals: tuple[Orbital, ...]
    assumed: str
    source: str
    fermi: float | None = None
    n_electrons: int | None = None

    def __post_init__(self) -> None:
        freeze_arrays(self)

    @classmethod
    def checked(
        cls,
        structure: Structure,
        translations: np.ndarray,
        hamiltonian: np.ndarray,
        overlap: np.ndarray | None,
        *,
        orbitals: Sequence[Orbital] = (),
        assumed: Sequence[str] = (),
        source: str,
        mesh: Sequence[int] | None = None,
        symmetrize: bool = False,
        fermi: float | None = None,
        n_electrons: int | None = None,
    ) -> RealSpaceMatrices:
        """Complete and check matrices of the right shapes.

        Args:
            structure: atoms and cell.
            translations: whole numbers, shape (n_T, 3).
            hamiltonian: shape (n_T, n, n), Ha.
            overlap: the same shape; None for orthonormal orbitals.
            orbitals: one a row, or none.
            assumed: sentences of the reader.
            source: how an error's sentence starts.
            mesh: of k-points, if the matrices come from one.
            symmetrize: take the mean of H(T) and H(-T)ᵀ however much they differ.
            fermi, n_electrons: Ha and electrons a cell, if the source gives them.

        Raises:
            DatasetError: as :func:`~hamexplorer.reference.matrix_checks.complete`, ``hermitian``, ``check_positive``.
        """
        check_size(len(translations), hamiltonian.shape[-1], source)
        translations = np.array(translations, dtype=int)
        sets = [hamiltonian] if overlap is None else [hamiltonian, overlap]
        for name, matrices in zip("HS", sets, strict=False):
            if not np.isfinite(matrices).all():
                t = np.argwhere(~np.isfinite(matrices))[0]
                raise DatasetError(
                    f"{source}: {name} is not finite at T = {tuple(translations[t[0]].tolist())}, row {t[1] + 1}, "
                    f"column {t[2] + 1}; compute it again"
                )
        cells, found, said = complete(translations, sets, source, mesh)
        limits = ((ASYMMETRY, "Ha"), (OVERLAP_ASYMMETRY, ""))
        for k, (limit, unit) in enumerate(limits[: len(found)]):
            found[k], more = hermitian(
                cells, found[k], "HS"[k], source, limit=limit, unit=unit, symmetrize=symmetrize
            )
            said += more
        if overlap is not None:
            check_positive(cells, found[1], source)
            said += far_overlap(cells, found[1])
        return cls(
            structure=structure,
            translations=cells,
            hamiltonian=found[0],
            overlap=None if overlap is None else found[1],
            orbitals=tuple(orbitals),
            assumed="; ".join([*assumed, *said]),
            source=source,
            fermi=fermi,
            n_electrons=n_electrons,
        )

    @property
    def n_orbitals(self) -> int:
        return self.hamiltonian.shape[-1]

    def bands(self, k_points: np.ndarray) -> np.ndarray:
        """ε of H(k) C = S(k) C ε, ascending.

        Args:
            k_points: in fractions of the reciprocal vectors, shape (n_k, 3).

        Returns:
            Shape (n_k, n), Ha.

        Raises:
            SettingsError: for k-points of another shape, or not finite.
            DatasetError: naming the k-point, if S(k) is not positive there.
        """
        points = _checked_points(k_points)
        return np.array([self._solve(k, vectors=False)[0] for k in points]).reshape(-1, self.n_orbitals)

    def characters(self, k_points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bands, and the Mulliken share of each orbital in each; raises as :meth:`bands`.

        Returns:
            ε of shape (n_k, n) in Ha, and shares of shape (n_k, n_bands, n), sum over orbitals 1.
        """
        found = [self._solve(k, vectors=True) for k in _checked_points(k_points)]
        return np.array([e for e, _ in found]), np.array([share for _, share in found])

    def _solve(self, k: np.ndarray, *, vectors: bool) -> tuple[np.ndarray, np.ndarray]:
        h = bloch_sum(self.hamiltonian, self.translations, k[None])[0]
        s = np.eye(self.n_orbitals)
        if self.overlap is not None:
            s = bloch_sum(self.overlap, self.translations, k[None])[0]
            lowest = float(eigvalsh(s, subset_by_index=[0, 0])[0])
            if lowest < POSITIVE:
                raise DatasetError(not_positive(k, lowest, self.source))
        if not vectors:
            return eigh(h, s, eigvals_only=True), np.zeros(0)
        energy, c = eigh(h, s)
        return energy, (c.conj() * (s @ c)).real.T

    def band_structure(
        self,
        n_electrons: int | None = None,
        *,
        mesh: tuple[int, int, int] | None = None,
        n_points: int = N_POINTS,
    ) -> ImportedBands:
        """Bands on the standard path and on a mesh, with the Fermi level.

        Args:
            n_electrons: a cell, without those of pseudopotentials; by default what the source says, or else what its
                Fermi level makes of the bands.
            mesh: k-points along each reciprocal vector; by default the density of
                :class:`~hamexplorer.reference.crystal_method.CrystalMethod`.
            n_points: of the path.

        Raises:
            StructureError: if the structure does not repeat or its lattice is not recognised.
            SettingsError: if electrons are unknown, or do not fit.
            DatasetError: as :meth:`bands`.
        """
        path = standard_path(self.structure, n_points)
        if n_electrons is not None or self.fermi is None:
            self._check_electrons(self.n_electrons if n_electrons is None else n_electrons)
        grid = mesh or CrystalMethod().mesh(self.structure)
        kept, weights = reduced_mesh(grid)
        mesh_energy, mesh_character = self.characters(mesh_points(grid)[kept])
        path_energy, path_character = self.characters(path.points)
        count = self.n_electrons if n_electrons is None else n_electrons
        if count is None:
            assert self.fermi is not None
            count = round(2 * float(weights @ (mesh_energy < self.fermi).sum(1)))
        given = self.fermi if n_electrons is None else None
        return ImportedBands(
            path=path,
            path_energy=path_energy,
            path_character=path_character,
            mesh=grid,
            mesh_energy=mesh_energy,
            mesh_character=mesh_character,
            mesh_weights=weights,
            n_electrons=count,
            fermi=fermi_level(mesh_energy, count, weights=weights) if given is None else given,
        )

    def _check_electrons(self, n_electrons: int | None) -> None:
        if n_electrons is None:
            raise SettingsError(
                f"{self.source} does not say how many electrons a cell has; give their number, without those of "
                f"pseudopotentials"
            )
        if not 0 < n_electrons <= 2 * self.n_orbitals:
            raise SettingsError(
                f"{self.n_orbitals} orbitals hold 1 to {2 * self.n_orbitals} electrons, got {n_electrons}; correct "
                f"the number"
            )

    def in_our_order(self) -> RealSpaceMatrices:
        """The same matrices with the orbitals as everywhere in this package.

        Atom by atom, shells of rising l (shells of one l keep their order), p as x, y, z and the others as m = -l … l.

        Raises:
            LayoutError: if the source does not say which orbital is which.
        """
        if not self.orbitals:
            raise LayoutError(
                f"{self.source} does not say which orbital is which, so they cannot be put in order; add `orbitals`"
            )
        seen: Counter[Orbital] = Counter()
        keys = []
        for orbital in self.orbitals:
            keys.append(
                (orbital.atom, orbital.l, seen[orbital], components(orbital.l).index(orbital.component))
            )
            seen[orbital] += 1
        order = sorted(range(len(keys)), key=lambda k: keys[k])
        rows = np.ix_(range(len(self.translations)), order, order)
        return replace(
            self,
            hamiltonian=self.hamiltonian[rows],
            overlap=None if self.overlap is None else self.overlap[rows],
            orbitals=tuple(self.orbitals[k] for k in order),
        )

    def layout(self) -> AOLayout:
        """Shells of each element, of matrices :meth:`in_our_order`.

        Raises:
            LayoutError: if orbitals are unknown, shells are incomplete, or atoms of one element differ.
        """
        ordered = self.in_our_order().orbitals
        numbers = tuple(int(z) for z in self.structure.numbers)
        shells: dict[int, tuple[int, ...]] = {}
        for atom, z in enumerate(numbers):
            first = tuple(o.l for o in ordered if o.atom == atom and o.component == components(o.l)[0])
            if shells.setdefault(z, first) != first:
                raise LayoutError(
                    f"{self.source}: atom {atom + 1} has other shells than the {self.structure.symbols[atom]} before "
                    f"it; a layout needs the same basis on all atoms of an element"
                )
        layout = AOLayout(numbers, shells)
        if layout.n_ao != len(ordered):
            raise LayoutError(f"{self.source}: some shells lack components; write all 2l + 1 of each shell")
        return layout


def _checked_points(k_points: np.ndarray) -> np.ndarray:
    points = np.asarray(k_points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise SettingsError(
            f"k-points must be finite numbers of shape (n_k, 3), got {points.shape}; give fractions of the reciprocal "
            f"vectors"
        )
    return points
