"""One molecule's orbitals as a model, the small basis and the reference see them, in one set of functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import jax
import numpy as np

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import TrainingError
from hamexplorer.model import Response
from hamexplorer.physics.molecule import element_shells, make_mole
from hamexplorer.physics.populations import (
    inverse_square_root,
    lowdin_charge,
    mayer_bond_order,
    mulliken_charge,
)
from hamexplorer.physics.spectra import Transitions, tamm_dancoff
from hamexplorer.reference.properties import Reference
from hamexplorer.structures.structure import Structure
from hamexplorer.train.batches import Batch, batch_shape, make_batch, roomy_shape
from hamexplorer.train.frames import Frame
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.step import hamiltonians, properties_of, responses, squared_errors


@dataclass(frozen=True, eq=False)
class OrbitalSet:
    """A Hamiltonian between Löwdin orbitals of the small basis, and its eigenvectors.

    Attributes:
        matrix: shape (n_ao, n_ao), Ha.
    """

    matrix: np.ndarray

    @cached_property
    def _solved(self) -> tuple[np.ndarray, np.ndarray]:
        energy, coeff = np.linalg.eigh(self.matrix)
        return energy, coeff

    @property
    def energy(self) -> np.ndarray:
        """Levels, ascending, shape (n_ao,), Ha."""
        return self._solved[0]

    @property
    def coeff(self) -> np.ndarray:
        """Orbitals in columns between Löwdin orbitals, orthonormal, shape (n_ao, n_ao)."""
        return self._solved[1]


@dataclass(frozen=True, eq=False)
class MoleculeState:
    """What is known of one molecule's Hamiltonian.

    Attributes:
        structure: the molecule.
        basis: name of the small basis.
        n_occ: doubly occupied orbitals.
        sets: "raw" (small-basis SCF), "learned", and "reference": the large basis' Fock matrix between intrinsic
            atomic orbitals, whose occupied levels are the large basis' own; each only where it is known.
        large_energy: all levels of the large basis, ascending, Ha; None where not known.
        xc: functional of the calculations; "hf" if not known.
    """

    structure: Structure
    basis: str
    n_occ: int
    sets: Mapping[str, OrbitalSet]
    large_energy: np.ndarray | None = None
    xc: str = "hf"

    @cached_property
    def layout(self) -> AOLayout:
        numbers = tuple(int(z) for z in self.structure.numbers)
        return AOLayout(numbers, {z: element_shells(self.basis, z) for z in set(numbers)})

    @cached_property
    def orthogonaliser(self) -> np.ndarray:
        """S^-½ of the small basis, shape (n_ao, n_ao)."""
        return inverse_square_root(make_mole(self.structure, self.basis).intor_symmetric("int1e_ovlp"))

    def orbital(self, name: str, index: int) -> np.ndarray:
        """One orbital of a set in atomic orbitals, shape (n_ao,)."""
        return self.orthogonaliser @ self.sets[name].coeff[:, index]

    def properties(self, name: str) -> dict[str, np.ndarray]:
        """What a set's electrons make of the molecule, by target name: dipole (e·bohr), charges (e), bond orders."""
        mole = make_mole(self.structure, self.basis)
        occupied = self.orthogonaliser @ self.sets[name].coeff[:, : self.n_occ]
        density, overlap = 2 * occupied @ occupied.T, mole.intor_symmetric("int1e_ovlp")
        owner, nuclei = self.layout.atom_of_ao, mole.atom_charges()
        return {
            "dipole": nuclei @ mole.atom_coords() - np.einsum("xij,ji->x", mole.intor("int1e_r"), density),
            "mulliken_charge": mulliken_charge(density, overlap, owner, nuclei),
            "lowdin_charge": lowdin_charge(density, overlap, owner, nuclei),
            "mayer_bond_order": mayer_bond_order(density, overlap, owner, len(nuclei)),
        }

    def beside(self, others: Mapping[str, MoleculeState]) -> MoleculeState:
        """With what others have learned of the molecule in the same basis, under their names, after the raw set."""
        fitting = {name: other.sets for name, other in others.items() if other.basis == self.basis}
        return replace(self, sets=sets_beside(self.sets, fitting))

    def overlap(self, one: str, other: str) -> np.ndarray:
        """⟨i|j⟩ between the orbitals of two sets, shape (n_ao, n_ao)."""
        return self.sets[one].coeff.T @ self.sets[other].coeff


def sets_beside(
    sets: Mapping[str, OrbitalSet], others: Mapping[str, Mapping[str, OrbitalSet]]
) -> Mapping[str, OrbitalSet]:
    """Sets in drawing order: raw, what others have learned under their names, and the rest."""
    learned = {name: each["learned"] for name, each in others.items() if "learned" in each}
    raw = {name: each for name, each in sets.items() if name == "raw"}
    return raw | learned | dict(sets)


def molecule_state(
    geometry: Geometry, frame: Frame, model: Any, reference: Reference | None = None, xc: str = "hf"
) -> MoleculeState:
    """The state of a molecule as a model sees it now.

    Args:
        geometry: of the model.
        frame: of the molecule, with the model's fixed start in its base.
        model: the trained part.
        reference: the molecule's reference values, if there are any.
        xc: functional of the calculations.
    """
    assert isinstance(geometry.basis, str)
    # Roomy, so that molecules of similar size share one compilation.
    batch = make_batch([frame], roomy_shape(batch_shape([frame], 1)), geometry.template, ())
    n_ao = frame.base.shape[-1]
    learned = np.asarray(jax.device_get(hamiltonians(model, batch)))[0, 0, :n_ao, :n_ao]
    calculated = {} if reference is None else dict(_calculated(reference))
    last = {name: calculated.pop(name) for name in ("reference",) if name in calculated}
    sets = {**calculated, "learned": OrbitalSet(learned), **last}
    large = None if reference is None else reference.large.mo_energy
    return MoleculeState(frame.structure, geometry.basis, int(frame.integrals.n_occ), sets, large, xc)


def error_gradient(
    geometry: Geometry, frame: Frame, matrix: np.ndarray, target: str, *, model: Any = None
) -> np.ndarray:
    """How the squared error of one target changes with every element of a molecule's Hamiltonian.

    ∂‖Δ‖²/∂H, symmetric: where it is large, a small change of H would mend most; zero for what does not matter.

    Args:
        geometry: of the model.
        frame: of the molecule, with its reference values.
        matrix: the Hamiltonian, shape (n_ao, n_ao), Ha.
        target: name of the target.
        model: of which the Hamiltonian is; what its atoms do to the target stays as it is.

    Returns:
        Shape (n_ao, n_ao), the target's unit squared over Ha.

    Raises:
        TrainingError: if the molecule has no value of the target.
    """
    if target not in frame.targets:
        raise TrainingError(
            f"{frame.structure.label} has no reference value of this target; choose another one"
        )
    batch = make_batch([frame], roomy_shape(batch_shape([frame], 1)), geometry.template, (target,))
    n_ao = len(matrix)
    padded = np.array(batch.base)
    padded[0, 0, :n_ao, :n_ao] = matrix
    of_atoms = responses(model, batch, (target,))
    found = np.asarray(_gradient(jax.numpy.asarray(padded), batch, of_atoms, target))[0, 0, :n_ao, :n_ao]
    return (found + found.T) / 2 * frame.structure.n_atoms**2


@partial(jax.jit, static_argnums=3)
def _gradient(matrices: jax.Array, batch: Batch, of_atoms: dict[str, Response], target: str) -> jax.Array:
    def error(h: jax.Array) -> jax.Array:
        predicted = properties_of(h, batch.integrals, (target,))[1]
        predicted |= {name: response.of(predicted[name]) for name, response in of_atoms.items()}
        return squared_errors(predicted, batch, (target,)).sum()

    return jax.grad(error)(matrices)


def calculated_state(reference: Reference, basis: str, xc: str = "hf") -> MoleculeState | None:
    """What the calculations alone say of a molecule, no model asked; None if they left no matrices."""
    sets = _calculated(reference)
    large = reference.large.mo_energy
    return MoleculeState(reference.structure, basis, reference.n_occ, sets, large, xc) if sets else None


def excitations_of(state: MoleculeState, name: str) -> Transitions:
    """Tamm-Dancoff transitions from the orbitals of one set; raises StructureError where that is too much."""
    return _excitations(state.structure, state.basis, state.xc, state.sets[name], state.n_occ)


@lru_cache(maxsize=8)
def _excitations(structure: Structure, basis: str, xc: str, orbitals: OrbitalSet, n_occ: int) -> Transitions:
    coeff = MoleculeState(structure, basis, n_occ, {}).orthogonaliser @ orbitals.coeff
    return tamm_dancoff(structure, basis, xc, orbitals.energy, coeff, n_occ)


@lru_cache(maxsize=8)
def _calculated(reference: Reference) -> Mapping[str, OrbitalSet]:
    """The sets that do not change while a model learns; the same objects each time."""
    found = {}
    if reference.fock is not None and reference.overlap is not None:
        x = inverse_square_root(reference.overlap)
        found["raw"] = OrbitalSet(x @ reference.fock @ x)
    if reference.iao_fock is not None:
        found["reference"] = OrbitalSet(reference.iao_fock)
    return found
