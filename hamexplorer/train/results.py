"""What a model predicts for a data set, beside the reference and the raw small basis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hamexplorer.errors import SettingsError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.structures.qualities import QUALITIES
from hamexplorer.structures.selection import Split
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.crystal_state import CrystalState
from hamexplorer.train.molecule_state import MoleculeState
from hamexplorer.units import energy_factor

#: Spread below which members differ by rounding only: their blocks are float32.
_ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class TargetResult:
    """All scalars of one target, flattened over the molecules; atomic units.

    Attributes:
        name, label, unit, is_energy: of the target.
        structure: index of the molecule that each scalar belongs to, shape (n,).
        reference, predicted, raw: shape (n,); raw is the small basis itself, NaN where it has no such value.
        weight: how much each scalar counts, shape (n,): 1, or its k-point's share of the mesh.
        spread: how far a committee's members stand apart, shape (n,); None without a committee.
    """

    name: str
    label: str
    unit: str
    is_energy: bool
    structure: np.ndarray
    reference: np.ndarray
    predicted: np.ndarray
    raw: np.ndarray
    weight: np.ndarray
    spread: np.ndarray | None = None

    def of_structures(self, values: np.ndarray, n_structures: int) -> np.ndarray:
        """Root mean square of one number a scalar over each structure, shape (n_structures,); NaN where it has none."""
        total, weight = (
            np.bincount(self.structure, each, minlength=n_structures)
            for each in (self.weight * values**2, self.weight)
        )
        return np.sqrt(np.divide(total, weight, out=np.full(n_structures, np.nan), where=weight > 0))


@dataclass(frozen=True)
class ErrorRow:
    """Errors of one target over a part of the data, learned and raw small basis.

    ``mae`` and ``rmse`` are over single values; ``rmse_per_atom`` is the paper's √(mean_n ‖Δ_n‖²/N_n²); ``n`` counts
    single values. Raw figures are NaN where the small basis has no such value.
    """

    target: str
    label: str
    unit: str
    mae: float
    rmse: float
    rmse_per_atom: float
    raw_mae: float
    raw_rmse: float
    raw_rmse_per_atom: float
    n: int


@dataclass(frozen=True, eq=False)
class Results:
    """Predictions for a whole data set at one epoch.

    Attributes:
        epoch: after which they were made.
        targets: by target name.
        split: which molecule is in which part.
        dataset: the molecules and their references.
        mo_energy: predicted levels of every structure, ascending, of a crystal (n_k, n_bands), Ha; None where not
            predicted.
        bands, states: work out the bands of a crystal, the Hamiltonian of a molecule, by its place in the data set;
            None where there is no model.
        gradients: works out how a target's error changes with a molecule's Hamiltonian (place, target, matrix).
        crystals: works out the Hamiltonian of a crystal by its place in the data set and that of a k-point on its path.
    """

    epoch: int
    targets: dict[str, TargetResult]
    split: Split
    dataset: ReferenceDataset
    mo_energy: tuple[np.ndarray | None, ...]
    bands: Callable[[int], BandStructure] | None = None
    states: Callable[[int], MoleculeState] | None = None
    gradients: Callable[[int, str, np.ndarray], np.ndarray] | None = None
    crystals: Callable[[int, int], CrystalState] | None = None
    _band_structures: dict[int, BandStructure] = field(default_factory=dict, repr=False)
    _molecule_states: dict[int, MoleculeState] = field(default_factory=dict, repr=False)

    def band_structure(self, k: int) -> BandStructure | None:
        """Bands of a crystal on its standard path; None for a molecule. Worked out when first asked for."""
        if self.bands is None or not self.dataset.structures[k].is_crystal:
            return None
        if k not in self._band_structures:
            self._band_structures[k] = self.bands(k)
        return self._band_structures[k]

    def molecule_state(self, k: int) -> MoleculeState | None:
        """Hamiltonian and orbitals of a molecule; None for a crystal. Worked out when first asked for."""
        if self.states is None or self.dataset.structures[k].is_crystal:
            return None
        if k not in self._molecule_states:
            self._molecule_states[k] = self.states(k)
        return self._molecule_states[k]

    def known_molecule_state(self, k: int) -> MoleculeState | None:
        """The same if it has been worked out already."""
        return self._molecule_states.get(k)

    def crystal_state(self, k: int, place: int) -> CrystalState | None:
        """Hamiltonian and orbitals of a crystal at a point of its path; None for a molecule."""
        if self.crystals is None or not self.dataset.structures[k].is_crystal:
            return None
        return self.crystals(k, place)

    @cached_property
    def n_atoms(self) -> np.ndarray:
        """Atoms of every molecule, shape (n_structures,)."""
        return np.array([s.n_atoms for s in self.dataset.structures])

    def indices(self, part: str) -> np.ndarray:
        """Molecules of a part: train, validation, test or all."""
        if part == "all":
            return np.arange(len(self.dataset))
        return np.array(getattr(self.split, part), dtype=int)

    def calibration(self, name: str) -> tuple[float, float] | None:
        """What a committee's spread means: its root mean square over the validation structures' values of a target,
        and that of the error there, atomic units; None if these say nothing."""
        target = self.targets[name]
        inside = np.isin(target.structure, self.indices("validation"))
        if target.spread is None or not inside.any():
            return None
        delta = target.predicted - target.reference
        spread, error = (
            math.sqrt(np.average(values[inside] ** 2, weights=target.weight[inside]))
            for values in (target.spread, delta)
        )
        # A committee that has learned nothing yet agrees up to rounding.
        return (spread, error) if spread > _ROUNDING and math.isfinite(error) else None

    def errors(self, part: str = "test", units: str = "Ha") -> dict[str, ErrorRow]:
        """Error figures by target; a target without a value in the part is left out.

        Args:
            part: train, validation, test or all.
            units: "Ha" or "eV", for energies.
        """
        return self._errors(self.indices(part), units)

    def errors_by(
        self, quality: str, part: str = "test", units: str = "Ha"
    ) -> dict[str, dict[str, ErrorRow]]:
        """The same apart for structures that differ in something, small ones first.

        Args:
            quality: one of :data:`QUALITIES`.
            part, units: as of :meth:`errors`.

        Raises:
            SettingsError: if there is no such quality.
        """
        if quality not in QUALITIES:
            raise SettingsError(f"errors by {quality!r} are unknown; choose one of {', '.join(QUALITIES)}")
        groups: dict[str, list[int]] = {}
        structures = self.dataset.structures
        for k in sorted(self.indices(part), key=lambda k: (structures[k].n_heavy, structures[k].n_atoms)):
            groups.setdefault(QUALITIES[quality](structures[k]), []).append(k)
        return {name: rows for name, chosen in groups.items() if (rows := self._errors(chosen, units))}

    def _errors(self, chosen: Sequence[int] | np.ndarray, units: str) -> dict[str, ErrorRow]:
        rows = {}
        for name, result in self.targets.items():
            inside = np.isin(result.structure, chosen)
            if not inside.any():
                continue
            factor = energy_factor(units) if result.is_energy else 1.0
            learned = self._figures(result, result.predicted, inside, factor)
            raw = self._figures(result, result.raw, inside, factor)
            unit = units if result.is_energy else result.unit
            rows[name] = ErrorRow(name, result.label, unit, *learned, *raw, int(inside.sum()))
        return rows

    def _figures(
        self, result: TargetResult, values: np.ndarray, inside: np.ndarray, factor: float
    ) -> tuple[float, float, float]:
        delta = factor * (values[inside] - result.reference[inside])
        owner = result.structure[inside]
        weight = result.weight[inside]
        squared = np.bincount(owner, weight * delta**2, minlength=len(self.n_atoms))
        structures = np.unique(owner)
        per_atom = np.sqrt(np.mean(squared[structures] / self.n_atoms[structures] ** 2))
        mae, mse = (float(weight @ values / weight.sum()) for values in (np.abs(delta), delta**2))
        return mae, math.sqrt(mse), float(per_atom)


def target_result(
    name: str,
    values: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None] | None],
    spread: Sequence[np.ndarray | None] = (),
) -> TargetResult:
    """Flatten (reference, weight, predicted, raw) of every molecule; None where a molecule has no value.

    ``spread`` is that of each molecule's values, if a committee predicted them.
    """
    target = TARGETS[name]
    structure, reference, predicted, raw, weights = [], [], [], [], []
    apart: list[np.ndarray] = []
    for k, entry in enumerate(values):
        if entry is None:
            continue
        value, weight, guess, small = entry
        counts = np.atleast_1d(weight) > 0
        n = int(counts.sum())
        structure.append(np.full(n, k))
        weights.append(np.atleast_1d(weight)[counts])
        reference.append(np.atleast_1d(value)[counts])
        predicted.append(np.atleast_1d(guess)[counts])
        raw.append(np.atleast_1d(small)[counts] if small is not None else np.full(n, np.nan))
        if spread and (found := spread[k]) is not None:
            apart.append(np.atleast_1d(found)[counts])

    def joined(parts: list[np.ndarray], kind: type) -> np.ndarray:
        return np.concatenate(parts).astype(kind) if parts else np.zeros(0, kind)

    return TargetResult(
        name,
        target.label,
        target.unit,
        target.is_energy,
        joined(structure, int),
        joined(reference, float),
        joined(predicted, float),
        joined(raw, float),
        joined(weights, float),
        # Of all or of none: which model predicted does not change within one set of results.
        joined(apart, float) if apart and len(apart) == len(structure) else None,
    )
