"""A trained model: save, load, evaluate, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from hamexplorer.errors import DatasetError, SettingsError, TrainingError
from hamexplorer.model import BlockModel, LinearModel, Surrogate
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import Reference, ReferenceDataset
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.paths import standard_path
from hamexplorer.structures.selection import PARTS, Split
from hamexplorer.structures.structure import Structure
from hamexplorer.train.band_maker import BandMaker
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.batches import Shape, batch_shape, make_batch, roomy_shape
from hamexplorer.train.card import ModelCard
from hamexplorer.train.card import markdown as card_markdown
from hamexplorer.train.crystal_state import CrystalState, crystal_state
from hamexplorer.train.evaluation import Views, make_results
from hamexplorer.train.frames import Frame, KPoints
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.model_file import read_model, write_model
from hamexplorer.train.molecule_state import MoleculeState, error_gradient, molecule_state
from hamexplorer.train.prediction import PREDICTED, Prediction
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.results import Results
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.spread import spread_of_prediction
from hamexplorer.train.start import FLAT_BATCH, with_model
from hamexplorer.train.step import band_energies, hamiltonians
from hamexplorer.train.values import k_points_of, reduce_reference, target_values


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model with everything needed to use it on any structure of its elements.

    Attributes:
        settings: of the run.
        method: of the references that it learned from.
        geometry: how a structure becomes a frame.
        fixed: the untrained start, or None.
        model: the trained part.
        epoch: after which these weights stood.
        split_keys: structure keys of the training, validation and test molecules, and of those left unused.
        card: what else is known of the run; None in files of before there were cards.
    """

    settings: RunSettings
    method: Method
    geometry: Geometry
    fixed: LinearModel | None
    model: BlockModel | Surrogate
    epoch: int
    split_keys: dict[str, tuple[str, ...]]
    card: ModelCard | None = None

    def _repr_markdown_(self) -> str:
        return card_markdown(self)

    def save(self, folder: Path | str) -> None:
        """Write ``model.json`` and ``model.npz`` into a folder.

        Raises:
            DatasetError: if the folder cannot be written.
        """
        write_model(Path(folder), self)

    @classmethod
    def load(cls, folder: Path | str) -> TrainedModel:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: if it is missing, damaged, or written by a newer version.
        """
        return cls(**read_model(Path(folder)))

    def _frames(
        self,
        structures: Sequence[Structure],
        targets: Sequence[dict] | None = None,
        k: Sequence[KPoints | None] | None = None,
    ) -> list[Frame]:
        frames = self.geometry.frames(structures, targets, k)
        return with_model(self.fixed, frames, self.geometry.template)

    def _mesh(self, structure: Structure) -> KPoints | None:
        if isinstance(self.method, ReferenceMethod) or not structure.is_crystal:
            return None
        return KPoints.of_mesh(self.method.mesh(structure))

    @property
    def _bases(self) -> tuple[str, str]:
        """Names of the small basis and of the one whose values were learned."""
        small, large = self.method.small_basis, self.method.large_basis
        return small, large if self.settings.target_basis == "large" else small

    @property
    def has_hamiltonian(self) -> bool:
        """False of a surrogate, which predicts the targets of its run and nothing else."""
        return not isinstance(self.model, Surrogate)

    def _predicts(self, name: str) -> bool:
        return self.has_hamiltonian or name in self.settings.targets

    def bands(self, structure: Structure, k_points: np.ndarray) -> np.ndarray:
        """Bands of a crystal anywhere in its zone.

        Args:
            structure: the crystal.
            k_points: fractions of the reciprocal vectors, shape (n_k, 3).

        Returns:
            Ascending, shape (n_k, n_ao), Ha.

        Raises:
            StructureError, BasisError: for a structure that the model cannot take.
        """
        (frame,) = self._frames([structure], k=[KPoints.of_path(np.asarray(k_points, dtype=float))])
        batch = make_batch([frame], batch_shape([frame], 1), self.geometry.template, ())
        return np.asarray(band_energies(self.model, batch))[0]

    def band_structure(self, structure: Structure, reference: Reference | None = None) -> BandStructure:
        """Bands of a crystal on its standard path and its k-mesh, beside a reference if there is one.

        Raises:
            StructureError, BasisError: for a structure that the model cannot take.
        """
        mesh = self._mesh(structure) if reference is None else k_points_of(reference)
        crystal = structure if reference is None else reference
        smearing = getattr(self.method, "smearing", 0.0)
        maker = BandMaker.of(self.geometry, self.fixed, crystal, mesh, smearing=smearing)
        return maker.band_structure(self.model)

    def crystal_state(
        self, structure: Structure, k: np.ndarray, reference: Reference | None = None
    ) -> CrystalState:
        """Hamiltonian and orbitals of a crystal at any k-point, beside a reference if there is one.

        Args:
            structure: the crystal.
            k: in fractions of the reciprocal vectors, shape (3,).
            reference: its reference values.

        Raises:
            StructureError, BasisError: for a structure that the model cannot take.
        """
        (frame,) = self._frames([structure], k=[KPoints.of_path(np.asarray(k, dtype=float)[None])])
        batch = make_batch([frame], batch_shape([frame], 1), self.geometry.template, ())
        assert not isinstance(self.geometry.basis, str)
        return crystal_state(
            self.geometry.basis,
            structure,
            np.asarray(k, dtype=float),
            learned=np.asarray(hamiltonians(self.model, batch))[0, 0],
            reference=reference,
            small_and_large=self._bases,
        )

    def molecule_state(self, structure: Structure, reference: Reference | None = None) -> MoleculeState:
        """Hamiltonian and orbitals of a molecule, beside a reference if there is one.

        Raises:
            StructureError, BasisError: for a structure that the model cannot take.
            TrainingError: of a surrogate.
        """
        if not self.has_hamiltonian:
            raise TrainingError(
                "a surrogate has no Hamiltonian to show; train another kind of model for that"
            )
        (frame,) = self._frames([structure])
        return molecule_state(self.geometry, frame, self.model, reference, getattr(self.method, "xc", "hf"))

    def predict(self, structures: Sequence[Structure]) -> list[Prediction]:
        """Properties of structures; no reference calculation is made.

        Raises:
            StructureError, BasisError: for a structure with an element that the model has not learned.
        """
        if not structures:
            return []
        frames = self._frames(structures, k=[self._mesh(s) for s in structures])
        return self.predict_frames(frames, PREDICTED, roomy_shape(batch_shape(frames, FLAT_BATCH)))

    def predict_frames(self, frames: Sequence[Frame], names: Sequence[str], shape: Shape) -> list[Prediction]:
        """Levels and the named properties, as far as the model predicts them.

        Args:
            frames: at least one, with the model's fixed start in their base.
            names: among :data:`PREDICTED`.
            shape: of batches of :data:`hamexplorer.train.start.FLAT_BATCH` of them; what is compiled serves all of it.
        """
        predicted = Predicted(len(frames))
        known = tuple(
            name
            for name in names
            if self._predicts(name) and (frames[0].k is None or TARGETS[name].band_axes is not None)
        )
        evaluator = Evaluator(frames, range(len(frames)), known, self.geometry.template, FLAT_BATCH, shape)
        evaluator.run(self.model, predicted)
        found = zip(frames, predicted.mo_energy, predicted.values, predicted.spread, strict=True)
        return [Prediction.of(*each) for each in found]

    def spread(self, structures: Sequence[Structure]) -> dict[str, np.ndarray]:
        """How far the members of a committee stand apart, a number a structure and property.

        Returns:
            By property, ``mo_energy`` and those of :class:`Prediction`: root mean square over its values of the
            members' standard deviation, shape (n_structures,), atomic units. Of the levels those count that the model
            was to match.

        Raises:
            SettingsError: if the model is no committee.
            StructureError, BasisError: for a structure that the model cannot take.
        """
        if self.settings.committee == 1:
            raise SettingsError(
                "the model has no members that could disagree; train with a committee of 4, say, and ask that one"
            )
        each = [spread_of_prediction(found, self.settings) for found in self.predict(structures)]
        return {name: np.array([found[name] for found in each]) for name in (each[0] if each else ())}

    def split_of(self, dataset: ReferenceDataset) -> Split:
        """The run's own parts, recognised by structure; molecules that are in none of them count as test."""
        part = {key: name for name, keys in self.split_keys.items() for key in keys}
        found: dict[str, list[int]] = {"train": [], "validation": [], "test": [], "unused": []}
        for k, structure in enumerate(dataset.structures):
            found[part.get(structure.key, "test")].append(k)
        return Split(**{name: tuple(indices) for name, indices in found.items()})

    def evaluate(self, dataset: ReferenceDataset, part: str = "all") -> Results:
        """Predict a data set and set it beside its references, those of the basis whose values the run learned.

        Raises:
            SettingsError: if the part is none of train, validation, test and all.
            DatasetError: if the part holds no molecule, or the data set's small basis is another one.
        """
        if dataset.method.small_basis != self.method.small_basis:
            raise DatasetError(
                f"the dataset's small basis is {dataset.method.small_basis}, the model's {self.method.small_basis}; "
                f"evaluate on references made with {self.method.small_basis}"
            )
        if part not in (*PARTS, "all"):
            raise SettingsError(f"the part {part!r} is unknown; choose one of {', '.join((*PARTS, 'all'))}")
        dataset = dataset.with_targets_of(self.settings.target_basis)
        split = self.split_of(dataset)
        chosen = list(range(len(dataset))) if part == "all" else list(getattr(split, part))
        if not chosen:
            raise DatasetError(
                f"no structure of {dataset.name!r} belongs to the {part} part of this run; choose --split all"
            )
        values, raw = [], []
        for k in chosen:
            ref = dataset.references[k]
            value, small = target_values(ref, *reduce_reference(ref, self.settings))
            values.append(value)
            raw.append(small)
        references = [dataset.references[k] for k in chosen]
        frames = self._frames(
            [ref.structure for ref in references], values, [k_points_of(ref) for ref in references]
        )
        names = tuple(n for n in TARGETS if self._predicts(n) and any(n in v for v in values))
        predicted = Predicted(len(dataset))
        Evaluator(frames, chosen, names, self.geometry.template, 16).run(self.model, predicted)
        raws: list[dict[str, np.ndarray]] = [{} for _ in range(len(dataset))]
        for k, small in zip(chosen, raw, strict=True):
            raws[k] = small
        by_index = dict(zip(chosen, frames, strict=True))
        views = Views(
            lambda k: self.band_structure(dataset.structures[k], dataset.references[k]),
            lambda k: self.molecule_state(dataset.structures[k], dataset.references[k]),
            lambda k, target, matrix: error_gradient(
                self.geometry, by_index[k], matrix, target, model=self.model
            ),
            lambda k, place: self._on_path(dataset.references[k], place),
        )
        seen = views if self.has_hamiltonian else None
        return make_results(self.epoch, dataset, split, names, by_index, predicted, raws, seen)

    def _on_path(self, reference: Reference, place: int) -> CrystalState:
        path = reference.path or standard_path(reference.structure)
        return self.crystal_state(reference.structure, path.points[place], reference)


def as_trained(
    prepared: Any,
    trainable: Any,
    frozen: Any,
    epoch: int,
    dataset: ReferenceDataset,
    settings: RunSettings,
    validation: Mapping[str, float],
) -> TrainedModel:
    """Bundle the weights of a run, with the validation errors that they had."""
    keys = {
        part: tuple(dataset.structures[k].key for k in getattr(prepared.split, part))
        for part in (*PARTS, "unused")
    }
    model = eqx.combine(trainable, frozen)
    card = ModelCard.of(dataset, prepared.split, validation)
    return TrainedModel(settings, dataset.method, prepared.geometry, prepared.fixed, model, epoch, keys, card)
