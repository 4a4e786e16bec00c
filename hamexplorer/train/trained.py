"""A trained model: save, load, evaluate, predict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from hamexplorer._plain import take, take_list, take_whole
from hamexplorer.errors import CheckpointError, DatasetError, SettingsError, TrainingError, plain_text
from hamexplorer.model import MODELS, BlockModel, GraphSettings, LinearModel, Surrogate
from hamexplorer.model.linear import empty_linear
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import Reference, ReferenceDataset
from hamexplorer.reference.kinds import Method, method_from
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.paths import standard_path
from hamexplorer.structures.selection import PARTS, Split
from hamexplorer.structures.structure import Structure
from hamexplorer.train.band_maker import BandMaker
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.batches import Shape, batch_shape, make_batch, roomy_shape
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.committee import empty_model_of
from hamexplorer.train.crystal_state import CrystalState, crystal_state
from hamexplorer.train.frames import Frame, KPoints
from hamexplorer.train.geometry import Geometry, basis_of
from hamexplorer.train.model_shape import shape_of
from hamexplorer.train.molecule_state import MoleculeState, error_gradient, molecule_state
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.prepare import baseline_of
from hamexplorer.train.results import Results, target_result
from hamexplorer.train.runfile import fill
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.spread import spread_of_prediction
from hamexplorer.train.start import FLAT_BATCH, with_model
from hamexplorer.train.step import band_energies, hamiltonians
from hamexplorer.train.values import k_points_of, reduce_reference, target_values

#: Properties that need no reference and are no long tables.
PREDICTED = tuple(name for name in TARGETS if name not in ("mo_energy", "hamiltonian", "dos"))


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one structure; atomic units, shapes as in `reference.Properties`.

    A crystal has levels at the k-points of its mesh (one of k and -k each, in fractions of the reciprocal vectors, with
    their shares), (n_k, n_bands), and their gap; nothing else. A surrogate predicts the targets of its run alone: its
    levels are empty and the gap is NaN.

    ``spread`` is of a committee: how far its members stand apart in each value, by the value's name.
    """

    structure: Structure
    n_occ: int
    mo_energy: np.ndarray
    homo_lumo_gap: float = math.nan
    dipole: np.ndarray | None = None
    polarizability: np.ndarray | None = None
    mulliken_charge: np.ndarray | None = None
    lowdin_charge: np.ndarray | None = None
    mayer_bond_order: np.ndarray | None = None
    spread: Mapping[str, np.ndarray] | None = None
    k_points: np.ndarray | None = None
    k_weights: np.ndarray | None = None


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
    """

    settings: RunSettings
    method: Method
    geometry: Geometry
    fixed: LinearModel | None
    model: BlockModel | Surrogate
    epoch: int
    split_keys: dict[str, tuple[str, ...]]

    def save(self, folder: Path | str) -> None:
        """Write ``model.json`` and ``model.npz`` into a folder; nothing in it is a pickle."""
        extra = {
            name: getattr(self.geometry, name) for name in ("mean", "level_map", "zero", "orbital_units")
        }
        extra = {name: value for name, value in extra.items() if value is not None}
        header = {
            "kind": "model",
            "epoch": self.epoch,
            "settings": self.settings.to_dict(),
            "kind_of_method": type(self.method).__name__,
            "method": vars(self.method),
            "basis": self.method.small_basis,
            "elements": list(self.geometry.graph.elements),
            "shells": {str(z): list(ls) for z, ls in self.geometry.template.shells.items()},
            "graph": {
                field.name: getattr(self.geometry.graph, field.name)
                for field in fields(GraphSettings)
                if field.name not in ("elements", "cutoff_angstrom")
            },
            "split": {part: list(keys) for part, keys in self.split_keys.items()},
            "extra": list(extra),
            # Whether a surrogate knows gaps; files of before do not say so, and theirs do not.
            "pools": isinstance(self.model, Surrogate) and self.model.start.gap is not None,
        }
        arrays = jax.tree.leaves((self.fixed, self.model))
        write_checkpoint(Path(folder), "model", header, [*arrays, *extra.values()])

    @classmethod
    def load(cls, folder: Path | str) -> TrainedModel:
        """Read what :meth:`save` wrote.

        Raises:
            CheckpointError: if it is missing, damaged, or written by a newer version.
        """
        header, arrays = read_checkpoint(Path(folder), "model")
        try:
            return cls._from(header, arrays)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            said = plain_text(f"{kind}{error}", 300)
            version = plain_text(str(header.get("hamexplorer", "unknown")), 20)
            raise CheckpointError(
                f"{folder} does not hold a model as this version writes it ({said}); train again, or open it with the "
                f"version that wrote it ({version})"
            ) from error

    @classmethod
    def _from(cls, header: dict[str, Any], arrays: list[np.ndarray]) -> TrainedModel:
        settings = RunSettings.from_record(take(header, "settings", dict))
        graph, template = shape_of(header, settings.cutoff)
        extra = {name: arrays.pop() for name in reversed(take_list(header, "extra", str))}
        # Models from before there were crystals name no kind: they are of molecules.
        method = method_from(
            take(header, "kind_of_method", str, "ReferenceMethod"), take(header, "method", dict)
        )
        geometry = Geometry(basis_of(method), baseline_of(settings, graph), template, graph, **extra)
        fixed, model = fill(empty_model(settings, geometry, pools=take(header, "pools", bool, False)), arrays)
        parts = take(header, "split", dict)
        split = {part: take_list(parts, part, str) for part in parts}
        return cls(settings, method, geometry, fixed, model, take_whole(header, "epoch"), split)

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
        return [
            Prediction(
                frame.structure,
                int(frame.integrals.n_occ),
                np.zeros(0) if energy is None else np.asarray(energy),
                **_plain(values),
                **_points_of(frame),
                spread=spread or None,
            )
            for frame, energy, values, spread in zip(
                frames, predicted.mo_energy, predicted.values, predicted.spread, strict=True
            )
        ]

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
        hamiltonians: tuple[Any, ...] = ()
        if self.has_hamiltonian:
            hamiltonians = (
                lambda k: self.band_structure(dataset.structures[k], dataset.references[k]),
                lambda k: self.molecule_state(dataset.structures[k], dataset.references[k]),
                lambda k, target, matrix: error_gradient(
                    self.geometry, by_index[k], matrix, target, model=self.model
                ),
                lambda k, place: self._on_path(dataset.references[k], place),
            )
        return make_results(
            self.epoch,
            dataset,
            split,
            names,
            by_index,
            predicted,
            raws,
            *hamiltonians,
        )

    def _on_path(self, reference: Reference, place: int) -> CrystalState:
        path = reference.path or standard_path(reference.structure)
        return self.crystal_state(reference.structure, path.points[place], reference)


def make_results(
    epoch: int,
    dataset: ReferenceDataset,
    split: Split,
    names: Sequence[str],
    frames: dict[int, Any],
    predicted: Predicted,
    raw: Sequence[dict[str, np.ndarray]],
    bands: Callable[[int], BandStructure] | None = None,
    states: Callable[[int], MoleculeState] | None = None,
    gradients: Callable[[int, str, np.ndarray], np.ndarray] | None = None,
    crystals: Callable[[int, int], CrystalState] | None = None,
) -> Results:
    """Set predictions beside references; structures without a frame or a prediction are left out."""

    def entry(k: int, name: str):
        frame = frames.get(k)
        if frame is None or name not in frame.targets or name not in predicted.values[k]:
            return None
        value, weight = frame.targets[name]
        return value, weight, predicted.values[k][name], raw[k].get(name)

    targets = {
        name: target_result(
            name, [entry(k, name) for k in range(len(dataset))], [each.get(name) for each in predicted.spread]
        )
        for name in names
    }
    return Results(
        epoch, targets, split, dataset, tuple(predicted.mo_energy), bands, states, gradients, crystals
    )


def _points_of(frame: Frame) -> dict[str, Any]:
    return {} if frame.k is None else {"k_points": frame.k.points, "k_weights": frame.k.weights}


def _plain(values: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: float(v) if np.ndim(v) == 0 else v for name, v in values.items()}


def empty_model(
    settings: RunSettings, geometry: Geometry, *, pools: bool
) -> tuple[LinearModel | None, BlockModel | Surrogate]:
    """A model of the right shape with meaningless weights, to be filled from a file; ``pools`` as there."""
    keeps_start = settings.model in MODELS and MODELS[settings.model].keeps_start
    start = empty_linear(geometry.template, geometry.graph) if keeps_start else None
    return start, empty_model_of(settings, geometry, pools=pools)


def as_trained(
    prepared: Any, trainable: Any, frozen: Any, epoch: int, dataset: ReferenceDataset, settings: RunSettings
):
    """Bundle the weights of a run."""
    keys = {
        part: tuple(dataset.structures[k].key for k in getattr(prepared.split, part))
        for part in (*PARTS, "unused")
    }
    model = eqx.combine(trainable, frozen)
    return TrainedModel(settings, dataset.method, prepared.geometry, prepared.fixed, model, epoch, keys)
