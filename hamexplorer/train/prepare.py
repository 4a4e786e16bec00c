"""From a data set and settings to frames: arranged, on a baseline, with a closed-form start."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.errors import TrainingError
from hamexplorer.model import MODELS, SURROGATES, BlockModel, GraphSettings, LinearModel, Scales, Surrogate
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.molecule import element_shells
from hamexplorer.physics.parallel import each_on_one_thread
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.selection import PARTS, Split
from hamexplorer.train import level_map, orbital_features
from hamexplorer.train.batches import Shape, batch_shape, common_shape
from hamexplorer.train.committee import assemble
from hamexplorer.train.frames import Frame
from hamexplorer.train.geometry import Geometry, basis_of, occupation
from hamexplorer.train.kept import baseline_matrices
from hamexplorer.train.response import atoms_respond, with_response
from hamexplorer.train.settings import RunSettings, sees_orbitals, unpredicted
from hamexplorer.train.start import closed_form, missing_scales, with_levels
from hamexplorer.train.surrogates import surrogate_start
from hamexplorer.train.values import Reduced, k_points_of, reduce_reference, target_values, variance

_Report = Callable[[str, float | None], None]


@dataclass(frozen=True, eq=False)
class Arranged:
    """A data set as frames, before anything was fitted: all that decides the shapes of what will be compiled.

    Attributes:
        frames: one a molecule of the data set, their base zero.
        reduced: the reduced reference of each, and its small-basis Fock matrix if known.
        raw: raw small-basis values by target, one dictionary a molecule.
        names: targets for which the data set has values.
        split: of the data set.
        geometry: how any structure becomes a frame; nothing fitted in it yet.
    """

    frames: list[Frame]
    reduced: list[Reduced]
    raw: list[dict[str, np.ndarray]]
    names: tuple[str, ...]
    split: Split
    geometry: Geometry

    def part(self, name: str) -> list[Frame]:
        """Frames of ``train``, ``validation`` or ``test``."""
        return [self.frames[k] for k in getattr(self.split, name)]

    def batch_shape(self, batch_size: int) -> Shape:
        """One shape for the batches of all parts: prediction and training each compile once."""
        parts = [self.part(name) for name in PARTS]
        return common_shape([batch_shape(members, batch_size) for members in parts if members])


@dataclass(frozen=True, eq=False)
class Prepared(Arranged):
    """Everything that a run needs before its first step; the base of its frames holds the fixed start.

    Attributes:
        fixed: the start that is not trained, or None.
        model: the part that is.
        variances: of each target over the training molecules.
    """

    fixed: LinearModel | None
    model: BlockModel | Surrogate
    variances: dict[str, float]


def arrange(
    dataset: ReferenceDataset, settings: RunSettings, report: _Report = lambda text, fraction: None
) -> Arranged:
    """Split a data set and lay it out.

    Raises:
        TrainingError: if there are too few molecules, or a chosen target is missing from the data set.
        SettingsError: if the reduction cannot be applied.
    """
    _check_kind(dataset, settings)
    geometry = _geometry(dataset, settings)
    split = settings.split(dataset.structures)
    stage = "Integrals and neighbours"
    report(stage, 0.0)
    reduced = [reduce_reference(ref, settings) for ref in dataset.references]
    values = [target_values(ref, *each) for ref, each in zip(dataset.references, reduced, strict=True)]
    for name in settings.targets:
        if not any(name in values[k][0] for k in split.train):
            raise TrainingError(
                f"the dataset {dataset.name!r} holds no {TARGETS[name].label.lower()} for the training structures; "
                f"untick that target, or compute references that include it"
            )

    def frame(k: int) -> Frame:
        ref = dataset.references[k]
        return geometry.bare_frame(ref.structure, values[k][0], k_points_of(ref))

    frames: list[Frame] = []
    for each in each_on_one_thread(frame, range(len(dataset))):
        frames.append(each)
        report(stage, len(frames) / len(dataset))
    names = tuple(name for name in TARGETS if any(name in f.targets for f in frames))
    if settings.model in SURROGATES:
        names = tuple(name for name in names if name in SURROGATES[settings.model].predicts)
    return Arranged(frames, reduced, [raw for _, raw in values], names, split, geometry)


def prepare(
    arranged: Arranged, settings: RunSettings, report: _Report = lambda text, fraction: None
) -> Prepared:
    """Compute baselines and fit the starting model."""
    arranged = _on_baseline(arranged, settings, report)
    if settings.model in SURROGATES:
        return _prepare_surrogate(arranged, settings, report)
    frames, geometry, split = arranged.frames, arranged.geometry, arranged.split
    report("Closed-form start", 0.0)
    started, fixed, model = _start(geometry, frames, arranged.reduced, split, settings, report)
    if atoms_respond(settings, geometry):
        model = with_response(model, geometry, started, split, settings)
    frames = frames if fixed is None else started
    return _prepared(dataclasses.replace(arranged, frames=frames), fixed, model)


def _prepared(arranged: Arranged, fixed: LinearModel | None, model: BlockModel | Surrogate) -> Prepared:
    training = arranged.part("train")
    variances = {name: variance(training, name) for name in arranged.names}
    shared = {field.name: getattr(arranged, field.name) for field in dataclasses.fields(Arranged)}
    return Prepared(**shared, fixed=fixed, model=model, variances=variances)


def _on_baseline(arranged: Arranged, settings: RunSettings, report: _Report) -> Arranged:
    """Frames on their baseline, with all that is fitted to it; as they are where none is wanted."""
    geometry, reduced, split = arranged.geometry, arranged.reduced, arranged.split
    if geometry.baseline == "none":
        return arranged
    stage = "Baseline"
    baseline = BASELINES[settings.baseline]

    def compute() -> Iterator[np.ndarray]:
        return each_on_one_thread(geometry.baseline_matrix, arranged.frames)

    matrices = []
    for matrix in baseline_matrices(settings.baseline, geometry.basis, arranged.frames, compute):
        matrices.append(matrix)
        report(stage, len(matrices) / len(arranged.frames))

    def frames_on() -> list[Frame]:
        return [geometry.on(f, matrix) for f, matrix in zip(arranged.frames, matrices, strict=True)]

    frames = frames_on()
    if baseline.fits_zero:
        geometry = dataclasses.replace(geometry, zero=_fit_zero(frames, reduced, split))
        frames = frames_on()
    if baseline.uses_training_mean:
        geometry = dataclasses.replace(geometry, mean=_training_mean(geometry, frames, reduced, split))
        frames = frames_on()
    if baseline.maps_levels:
        geometry = dataclasses.replace(geometry, level_map=_fit_level_map(frames, reduced, split))
        frames = frames_on()
    if geometry.graph.orbital_ls:
        training = [frames[k] for k in split.train]
        units = orbital_features.fit_units(training, geometry.template, len(geometry.graph.elements))
        geometry = dataclasses.replace(geometry, orbital_units=units)
        frames = [geometry.seeing_orbitals(frame) for frame in frames]
    return dataclasses.replace(arranged, frames=frames, geometry=geometry)


def _prepare_surrogate(arranged: Arranged, settings: RunSettings, report: _Report) -> Prepared:
    """Without a Hamiltonian the start is one of properties."""
    frames, split = arranged.frames, arranged.split
    stage = "Closed-form start"
    report(stage, 0.0)
    graph = arranged.geometry.graph
    model = surrogate_start(
        settings.model, frames, split, graph, settings.seed, lambda done: report(stage, done)
    )
    return _prepared(arranged, None, model)


def _geometry(dataset: ReferenceDataset, settings: RunSettings) -> Geometry:
    if len(dataset) < 3:
        raise TrainingError(
            f"the dataset {dataset.name!r} holds {len(dataset)} structures; training needs at least 3, one each "
            f"for training, validation and test"
        )
    method = dataset.method
    elements = tuple(sorted({int(z) for s in dataset.structures for z in s.numbers}))
    basis = basis_of(method)
    shells = {z: element_shells(basis, z) if isinstance(basis, str) else basis.shells(z) for z in elements}
    template = BlockTemplate.of(shells)
    finer = {} if isinstance(method, ReferenceMethod) else CRYSTAL_GRAPH
    if sees_orbitals(settings, basis):
        finer = {**finer, "orbital_ls": template.ls}
    graph = GraphSettings(elements, cutoff_angstrom=settings.cutoff, **finer)
    return Geometry(basis, baseline_of(settings, graph), template, graph)


def baseline_of(settings: RunSettings, graph: GraphSettings) -> str:
    """The baseline of a run; a surrogate has no Hamiltonian that could stand on one, but may see its orbitals."""
    needless = settings.model in SURROGATES and not graph.orbital_ls
    return "none" if needless else settings.baseline


#: Finer descriptors for crystals. An atom of graphene has three equal neighbours, and which way they point shows only
#: from l = 3 on: with l_max = 2, 3 and 4 a ridge fit of distorted cells erred by 596, 196 and 126 meV. Finer products
#: took that to 8.1 (n_density 4) and 3.6 meV (6), radial functions that stand densely where atoms are near to 2.6 meV.
CRYSTAL_GRAPH: dict[str, Any] = {
    "l_max": 4,
    "n_radial": 16,
    "n_density": 6,
    "n_bond": 12,
    "radial_scale": 1.0,
}


def _check_kind(dataset: ReferenceDataset, settings: RunSettings) -> None:
    """Raises TrainingError for what crystals cannot be asked."""
    refused = unpredicted(settings)
    if refused:
        raise TrainingError(refused)
    crystals = {s.is_crystal for s in dataset.structures}
    if len(crystals) > 1:
        raise TrainingError(
            f"the dataset {dataset.name!r} holds molecules and crystals together; make a dataset of each"
        )
    if crystals != {True}:
        _check_molecules(dataset, settings)
        return
    if not BASELINES[settings.baseline].for_crystals:
        known = ", ".join(name for name, baseline in BASELINES.items() if baseline.for_crystals)
        raise TrainingError(
            f"the baseline {settings.baseline!r} is one of molecules, and {dataset.name!r} holds crystals; choose one "
            f"of {known}"
        )
    for name in settings.targets:
        if TARGETS[name].band_axes is None:
            known = ", ".join(t.label.lower() for t in TARGETS.values() if t.band_axes is not None)
            raise TrainingError(f"a crystal has no {TARGETS[name].label.lower()} here; choose among {known}")


def _check_molecules(dataset: ReferenceDataset, settings: RunSettings) -> None:
    if not isinstance(dataset.method, ReferenceMethod):
        raise TrainingError(
            f"the dataset {dataset.name!r} holds molecules computed with {dataset.method.label}, which models learn of "
            f"crystals only; compute the molecules with Hartree-Fock or a functional"
        )
    if not BASELINES[settings.baseline].for_molecules:
        known = ", ".join(name for name, baseline in BASELINES.items() if baseline.for_molecules)
        raise TrainingError(
            f"the baseline {settings.baseline!r} is one of crystals, and {dataset.name!r} holds molecules; choose one "
            f"of {known}"
        )


def _training_mean(
    geometry: Geometry,
    frames: Sequence[Frame],
    reduced: Sequence[Reduced],
    split: Split,
) -> np.ndarray:
    """Mean of the rotation-invariant on-site components, an element at a time."""
    template = geometry.template
    total = np.zeros((len(geometry.graph.elements), template.size**2))
    count = np.zeros(len(total))
    for k in split.train:
        frame, matrix = frames[k], start_matrix(reduced[k], frames[k])
        here = frame.in_real_space(matrix)
        components = template.to_irreps(here, frame.structure.numbers, frame.block_of_pair)
        np.add.at(total, frame.graph.species, components[: frame.structure.n_atoms] * template.scalars)
        np.add.at(count, frame.graph.species, 1.0)
    return total / np.maximum(count, 1.0)[:, None]


def _fit_zero(frames: Sequence[Frame], reduced: Sequence[Reduced], split: Split) -> np.ndarray:
    """The multiple of S that brings the baseline nearest to the training matrices, Ha; shape ()."""
    above, below = 0.0, 0.0
    for k in split.train:
        frame = frames[k]
        if frame.k is None:
            continue
        overlap, weights = frame.overlap, frame.k.weights[:, None, None]
        missing = start_matrix(reduced[k], frame) - frame.base
        above += float((weights * (missing * overlap.conj()).real).sum())
        below += float((weights * np.abs(overlap) ** 2).sum())
    return np.array(above / below if below else 0.0)


def _fit_level_map(frames: Sequence[Frame], reduced: Sequence[Reduced], split: Split) -> np.ndarray:
    samples = [
        level_map.Sample(
            np.linalg.eigvalsh(frames[k].base[0]),
            *occupation(frames[k].structure),
            reduced[k][0].levels,
            reduced[k][0].weights,
        )
        for k in split.train
    ]
    return level_map.fit(samples)


def start_matrix(reduced: Reduced, frame: Frame, *, maps_levels: bool = False) -> np.ndarray:
    """The best matrix known to begin from: the reduction's, the small-basis Fock matrix, else the baseline.

    Of shape (n_k, n_ao, n_ao), n_k = 1 for a molecule.
    """
    red, fock = reduced
    if maps_levels:
        return frame.base
    found = next((m for m in (red.start, red.matrix, fock) if m is not None), frame.base)
    return found.reshape(frame.base.shape)


def _start(
    geometry: Geometry,
    frames: Sequence[Frame],
    reduced: Sequence[Reduced],
    split: Split,
    settings: RunSettings,
    report: _Report,
) -> tuple[list[Frame], LinearModel | None, BlockModel]:
    """Frames with the start in their base; the start, if it stays fixed; and the part to be trained."""
    direct = set(settings.targets) == {"hamiltonian"}

    def matrix(k: int) -> np.ndarray:
        red = reduced[k][0]
        if direct and red.matrix is not None:
            return red.matrix.reshape(frames[k].base.shape)
        start = start_matrix(reduced[k], frames[k], maps_levels=geometry.level_map is not None)
        shape = frames[k].base.shape[:2]
        levels, weights = red.levels.reshape(shape), red.weights.reshape(shape)
        return with_levels(start, levels, weights, frames[k].integrals.orthogonaliser)

    aims = {k: matrix(k) for k in split.train}
    start = closed_form(
        frames,
        aims,
        {k: matrix(k) for k in split.validation},
        geometry.template,
        geometry.graph,
        lambda: report("Closed-form start", 0.5),
    )
    kind = MODELS[settings.model]
    missing = missing_scales(
        [start.frames[k] for k in aims], list(aims.values()), geometry.template, len(geometry.graph.elements)
    )
    scales = Scales.of(*missing, [frames[k].graph.density for k in aims])
    model = assemble(lambda rng: kind.build(start.model, scales, rng=rng), settings)
    return start.frames, start.model if kind.keeps_start else None, model
