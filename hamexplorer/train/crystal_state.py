"""One crystal's Hamiltonian at one k-point as a model, the small basis and the reference see it, and its orbitals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import TrainingError
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.crystal_orbital import CellGrid, wave
from hamexplorer.physics.integrals import hermitian_inverse_root
from hamexplorer.physics.interpolation import matrix_at, on_mesh
from hamexplorer.physics.orbital_grid import Surface, enclosing_value, surface_of
from hamexplorer.reference.properties import Reference
from hamexplorer.structures.structure import Structure
from hamexplorer.train.molecule_state import OrbitalSet, sets_beside
from hamexplorer.units import HARTREE_EV

#: Levels closer than this count as one, Ha: a millielectronvolt.
SAME_LEVEL = 3.7e-5
#: Share of the electron inside the surfaces.
SHARE = 0.7
#: What of a complex wave can be drawn.
PARTS = {"real": "Re ψ", "density": "|ψ|²"}


@dataclass(frozen=True, eq=False)
class CrystalState:
    """What is known of one crystal's H(k), between Löwdin orbitals of the small basis, at one k-point.

    Attributes:
        structure: the crystal.
        functions: its small basis.
        k: in fractions of the reciprocal vectors, shape (3,).
        n_occ: doubly occupied bands of an insulator.
        orthogonaliser: S(k)^-½, shape (n_ao, n_ao), complex.
        sets: "raw" (small-basis calculation), "learned" and "reference"; each only where its matrix is known. A data
            set with one calculation has no "raw": it is the reference.
        why_not: a sentence for each set whose bands may be known and whose orbitals are not.
        about: sentences on how the matrices came about.
    """

    structure: Structure
    functions: CellOrbitals
    k: np.ndarray
    n_occ: int
    orthogonaliser: np.ndarray
    sets: Mapping[str, OrbitalSet]
    why_not: Mapping[str, str] = field(default_factory=dict)
    about: tuple[str, ...] = ()

    @property
    def basis(self) -> str:
        """Name of the small basis."""
        return self.functions.basis

    @cached_property
    def layout(self) -> AOLayout:
        return self.functions.layout(self.structure)

    @property
    def n_bands(self) -> int:
        return len(self.orthogonaliser)

    @property
    def anchor(self) -> str:
        """The set that others are compared with: a calculation, so that it keeps still while a model learns."""
        return next(name for name in ("reference", "raw", "learned") if name in self.sets)

    def beside(self, others: Mapping[str, CrystalState]) -> CrystalState:
        """With what others have learned of the crystal in the same functions, under their names, after the raw set."""
        fitting = {name: other.sets for name, other in others.items() if other.functions == self.functions}
        return replace(self, sets=sets_beside(self.sets, fitting))

    def same_level(self, name: str, band: int) -> np.ndarray:
        """Places of the bands that share a level with this one, itself included."""
        energy = self.sets[name].energy
        return np.flatnonzero(np.abs(energy - energy[band]) < SAME_LEVEL)

    def likeness(self, name: str, band: int) -> np.ndarray:
        """|⟨ψ|ψ'⟩|² of the anchor's orbital with every band of a set, (n_bands,).

        Of bands that share a level each has the share of all of them together, since any mixture of them is as good.
        """
        share = np.abs(self.sets[name].coeff.conj().T @ self.vector(self.anchor, band)) ** 2
        return np.array([share[self.same_level(name, each)].sum() for each in range(self.n_bands)])

    def vector(self, name: str, band: int) -> np.ndarray:
        """One orbital between Löwdin orbitals, with a definite phase and, of a shared level, a definite mixture.

        In the anchor the largest coefficient is real and positive, and of a shared level it is as large as any mixture
        makes it. In other sets it is what is most like the anchor's orbital, its overlap with it real and positive.
        """
        bands = self.same_level(name, band)
        space = self.sets[name].coeff[:, bands]
        if name != self.anchor:
            wanted = self.vector(self.anchor, band)
            found = space @ (space.conj().T @ wanted)
            norm = float(np.linalg.norm(found))
            if norm > 0.1:
                return found / norm
        return _most_on_one(space, band - int(bands[0]))

    def orbital(self, name: str, band: int) -> np.ndarray:
        """The same in atomic orbitals, C† S(k) C = 1, shape (n_ao,)."""
        return self.orthogonaliser @ self.vector(name, band)


def _most_on_one(space: np.ndarray, place: int) -> np.ndarray:
    """The vector of a space that is largest on one orbital; of the rest the next, and so on."""
    while True:
        # Rounded, so that of equal ones the first is taken however the eigensolver turned them.
        largest = int(np.round((np.abs(space) ** 2).sum(1), 6).argmax())
        found = space @ space[largest].conj()
        found /= np.linalg.norm(found)
        if place == 0:
            return found
        place -= 1
        rest = space - np.outer(found, found.conj() @ space)
        space = np.linalg.svd(rest, full_matrices=False)[0][:, : space.shape[1] - 1]


@dataclass(frozen=True, eq=False)
class CrystalOrbital:
    """One band of a state, and where on the crystal's path it was chosen.

    Attributes:
        state: of the crystal at the k-point.
        place: of the k-point on the path.
        band: counted from 0.
    """

    state: CrystalState
    place: int
    band: int

    @cached_property
    def grid(self) -> CellGrid:
        return CellGrid.of(self.state.structure)

    def values(self, name: str, part: str) -> np.ndarray:
        """One set's orbital on the grid in all shown cells, real, bohr^-3/2; of "density" its square, bohr^-3."""
        state = self.state
        _, values = wave(state.structure, state.functions, state.k, state.orbital(name, self.band))
        whole = self.grid.repeated(values, state.k)
        return np.abs(whole) ** 2 if part == "density" else whole.real

    def surfaces(self, name: str, part: str) -> tuple[Surface, ...]:
        """Closed surfaces of one set's orbital in all shown cells: of "real" the positive and the negative one, of
        "density" one. Both are where |ψ|, or its real part, has the value that encloses :data:`SHARE` of the electron.
        """
        state = self.state
        x, y, z = (float(value) for value in state.k)
        coefficients = state.orbital(name, self.band).tobytes()
        return _surfaces(state.structure, state.functions, (x, y, z), coefficients, part)


@lru_cache(maxsize=24)
def _surfaces(
    structure: Structure, functions: CellOrbitals, k: tuple[float, ...], coefficients: bytes, part: str
) -> tuple[Surface, ...]:
    """Kept for a while: only the learned orbital changes from epoch to epoch."""
    grid, values = wave(structure, functions, np.array(k), np.frombuffer(coefficients, complex))
    level = enclosing_value(np.abs(values), SHARE)
    whole = grid.repeated(values, np.array(k))
    shown = (np.abs(whole),) if part == "density" else (whole.real, -whole.real)
    return tuple(surface_of(each, level, grid.corner, grid.steps, closed=True) for each in shown)


def crystal_state(
    functions: CellOrbitals,
    structure: Structure,
    k: np.ndarray,
    *,
    learned: np.ndarray | None = None,
    reference: Reference | None = None,
    small_and_large: tuple[str, str] = ("", ""),
) -> CrystalState:
    """What is known of a crystal at one k-point.

    Args:
        functions: the small basis.
        structure: the crystal.
        k: in fractions of the reciprocal vectors, shape (3,).
        learned: H(k) between atomic orbitals, shape (n_ao, n_ao), Ha.
        reference: the crystal's reference values, if there are any.
        small_and_large: names of the bases, for sentences.

    Raises:
        StructureError, BasisError: if the crystal cannot be set up in this basis.
        TrainingError: if no matrix is known.
    """
    overlap = functions.overlap(structure, np.asarray(k)[None])
    x = hermitian_inverse_root(overlap, structure.label)[0]
    sets: dict[str, OrbitalSet] = {}
    why_not: dict[str, str] = {}
    about: tuple[str, ...] = ()
    if reference is None:
        why_not["reference"] = "No reference calculation of this crystal is at hand: only the model knows it."
    else:
        one = reference.one_calculation
        small, large = small_and_large
        if not one:
            why_not["reference"] = (
                f"Of the reference in {large} the levels are kept, not the matrices: its orbitals are not known."
            )
        if reference.fock is None or reference.overlap is None or reference.mesh is None:
            why_not["reference" if one else "raw"] = (
                f"The calculation in {small} left no matrix: its orbitals are not known."
            )
        else:
            name = "reference" if one else "raw"
            sets[name], said = _calculated(
                reference, functions, x.tobytes(), overlap.tobytes(), *map(float, k)
            )
            about = (said,) if said else ()
    if learned is not None:
        sets["learned"] = OrbitalSet(hermitian(x @ learned @ x))
    if not sets:
        raise TrainingError(
            f"no matrix of {structure.label} is known; train a model, or use a data set that keeps matrices"
        )
    if "reference" in sets:
        sets["reference"] = sets.pop("reference")  # the last one drawn
    n_occ = reference.n_occ if reference is not None else functions.n_occ(structure)
    return CrystalState(structure, functions, np.asarray(k), n_occ, x, sets, why_not, about)


def hermitian(matrix: np.ndarray) -> np.ndarray:
    """Without what rounding adds."""
    return (matrix + matrix.conj().T) / 2


@lru_cache(maxsize=32)
def _calculated(
    reference: Reference, functions: CellOrbitals, root: bytes, overlap: bytes, *k: float
) -> tuple[OrbitalSet, str]:
    """The small-basis calculation at a k-point, and a sentence where that lies between those of its mesh."""
    assert reference.fock is not None and reference.overlap is not None and reference.mesh is not None
    mesh = reference.k_mesh
    n = reference.fock.shape[-1]
    x, s = (np.frombuffer(matrix, complex).reshape(n, n) for matrix in (root, overlap))
    structure, point = reference.structure, np.array(k)
    atoms = functions.layout(structure).atom_of_ao
    fock = matrix_at(reference.fock, reference.overlap, mesh, structure, atoms, point, s)
    found = OrbitalSet(hermitian(x @ fock @ x))
    if on_mesh(point, mesh):
        return found, ""
    said = f"The calculation's matrix is interpolated here, between points of its {'×'.join(map(str, mesh))} mesh"
    known = _levels_on_path(reference, point)
    if known is None:
        return found, f"{said}."
    off = 1000 * HARTREE_EV * float(np.abs(found.energy - known)[: reference.n_occ].max())
    how = "less than a meV" if off < 1 else f"{off:.2g} meV at most"
    return found, f"{said}; its occupied levels are off by {how}."


def _levels_on_path(reference: Reference, k: np.ndarray) -> np.ndarray | None:
    if reference.path is None or reference.small.path_energy is None:
        return None
    away = np.abs(reference.path.points - k).max(1)
    place = int(away.argmin())
    return reference.small.path_energy[place] if away[place] < 1e-9 else None
