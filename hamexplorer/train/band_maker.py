"""Bands of one crystal as a model sees them, again and again while it learns."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.model import LinearModel
from hamexplorer.physics.filling import fermi_level
from hamexplorer.physics.integrals import Integrals
from hamexplorer.physics.solve import solve_bands
from hamexplorer.reference.properties import Reference
from hamexplorer.structures.paths import KPath, standard_path
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandSet, BandStructure
from hamexplorer.train.batches import batch_shape, common_shape, make_batch, roomy_shape
from hamexplorer.train.calculated import calculated_sets, orbital_letters
from hamexplorer.train.crystal_state import CrystalState, crystal_state
from hamexplorer.train.frames import Frame, KPoints
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.start import with_model
from hamexplorer.train.step import hamiltonians
from hamexplorer.train.values import k_points_of


class BandMaker:
    """Frames of one crystal on its path and its mesh; what does not change while a model learns is made once.

    Args:
        geometry: of the model.
        structure: the crystal.
        path: its standard path.
        reference: its reference values, if there are any.
        on_path, on_mesh: frames with the model's fixed start in their base.
        smearing: of the references, so that learned and reference Fermi level mean the same, Ha.
    """

    def __init__(
        self,
        geometry: Geometry,
        structure: Structure,
        path: KPath,
        reference: Reference | None,
        on_path: Frame,
        on_mesh: Frame,
        smearing: float,
    ) -> None:
        self._structure, self._path, self._reference = structure, path, reference
        self._mesh = on_mesh.k
        frames = (on_path, on_mesh)
        # Room for both, so that crystals of similar size share one compilation.
        shape = common_shape([roomy_shape(batch_shape([f], 1)) for f in frames])
        self._n = [(len(f.phases), f.base.shape[-1]) for f in frames]
        batches = [make_batch([f], shape, geometry.template, ()) for f in frames]
        self._batches = jax.device_put(batches)
        self._n_occ, self._smearing = int(on_path.integrals.n_occ), smearing
        self._orbitals = orbital_letters(structure, geometry.template.shells)
        assert not isinstance(geometry.basis, str), "molecules have no bands"
        self._functions = geometry.basis

    @classmethod
    def of(
        cls,
        geometry: Geometry,
        fixed: LinearModel | None,
        crystal: Reference | Structure,
        mesh: KPoints | None = None,
        *,
        smearing: float = 0.0,
    ) -> BandMaker:
        """Lay a crystal out on its path and its mesh.

        Args:
            geometry: of the model.
            fixed: the model's untrained start, if it has one.
            crystal: with its reference values or without.
            mesh: of k-points; that of the reference if None.
            smearing: of the references, Ha.

        Raises:
            StructureError, BasisError: for a crystal that the model cannot take.
        """
        reference = crystal if isinstance(crystal, Reference) else None
        structure = crystal.structure if isinstance(crystal, Reference) else crystal
        path = reference.path if reference is not None and reference.path else standard_path(structure)
        if mesh is None and reference is not None:
            mesh = k_points_of(reference)
        frames = geometry.frames([structure] * 2, k=[KPoints.of_path(path.points), mesh])
        on_path, on_mesh = with_model(fixed, frames, geometry.template)
        return cls(geometry, structure, path, reference, on_path, on_mesh, smearing)

    def band_structure(self, model: Any) -> BandStructure:
        """Reference, raw small basis and what the model says now."""
        learned = []
        for batch, (n_k, n_ao) in zip(self._batches, self._n, strict=True):
            energy, character = jax.device_get(_solve(model, batch))
            learned.append((energy[:n_k, :n_ao], character[:n_k, :n_ao, :n_ao]))
        sets: dict[str, BandSet] = {}
        if self._reference is not None:
            sets = calculated_sets(self._reference)
        sets["learned"] = self._learned(*learned[0], *learned[1])
        return BandStructure(self._structure, self._path, sets, self._orbitals)

    def crystal_state(
        self, model: Any, place: int, small_and_large: tuple[str, str] = ("", "")
    ) -> CrystalState:
        """The Hamiltonian at a k-point of the path, with its orbitals.

        Args:
            model: as it is now.
            place: of the k-point on the path.
            small_and_large: names of the references' bases, for sentences.
        """
        matrices = np.asarray(hamiltonians(model, self._batches[0])[0, place])
        n_ao = self._n[0][1]
        return crystal_state(
            self._functions,
            self._structure,
            self._path.points[place],
            learned=matrices[:n_ao, :n_ao],
            reference=self._reference,
            small_and_large=small_and_large,
        )

    def _learned(
        self, path_energy: np.ndarray, path_character: Any, mesh_energy: np.ndarray, mesh_character: Any
    ) -> BandSet:
        assert self._mesh is not None
        weights = self._mesh.weights
        fermi = fermi_level(mesh_energy, 2 * self._n_occ, smearing=self._smearing, weights=weights)
        return BandSet(
            path_energy,
            mesh_energy,
            weights,
            self._n_occ,
            fermi,
            path_character=path_character,
            mesh_character=mesh_character,
        )


def _shares(coeff: Array, orthogonaliser: Array) -> Array:
    """Mulliken share of each orbital in each band, (n_k, n_ao, n_ao) → (n_k, n_bands, n_ao)."""
    ao = orthogonaliser @ coeff
    # S = X⁻² and C = X C̃, so that S C = X⁻¹ C̃.
    return jnp.real(ao.conj() * jnp.linalg.solve(orthogonaliser, coeff)).swapaxes(-1, -2)


def _solve(model: Any, batch: Any) -> tuple[Array, Array]:
    return _solved(hamiltonians(model, batch)[0], jax.tree.map(lambda leaf: leaf[0], batch.integrals))


@jax.jit
def _solved(matrices: Array, integrals: Integrals) -> tuple[Array, Array]:
    bands = solve_bands(matrices, integrals)
    return bands.energy, _shares(bands.coeff, integrals.orthogonaliser)
