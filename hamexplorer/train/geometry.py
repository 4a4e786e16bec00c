"""How any structure becomes a frame, with or without references."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.reductions import n_core_orbitals
from hamexplorer.errors import StructureError
from hamexplorer.model import GraphSettings
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.parallel import each_on_one_thread
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.structure import Structure
from hamexplorer.train import level_map, orbital_features
from hamexplorer.train.frames import Basis, Frame, KPoints, TargetValue, make_frame
from hamexplorer.train.start import hermitian_matrix


@dataclass(frozen=True)
class Geometry:
    """What a model must know to take any structure: basis, elements, cutoff, baseline."""

    basis: Basis
    baseline: str
    template: BlockTemplate
    graph: GraphSettings
    #: Mean on-site components of the training set, (n_elements, template.size²), for the baseline that uses it.
    mean: np.ndarray | None = None
    #: Coefficients of :mod:`level_map`, for a baseline whose levels are moved.
    level_map: np.ndarray | None = None
    #: Of a baseline of crystals whose zero is moved onto that of the references, Ha; shape ().
    zero: np.ndarray | None = None
    #: Units of :mod:`orbital_features`, if the model sees the baseline's orbitals.
    orbital_units: np.ndarray | None = None

    def bare_frame(
        self,
        structure: Structure,
        targets: dict[str, TargetValue] | None = None,
        k: KPoints | None = None,
    ) -> Frame:
        """A frame whose base is zero; raises StructureError or BasisError.

        Args:
            structure: a molecule, or a crystal if the basis is one of crystals.
            targets: reference values.
            k: where a crystal's bands are wanted.
        """
        if structure.is_crystal == isinstance(self.basis, str):
            kinds = ("crystal", "molecules") if structure.is_crystal else ("molecule", "crystals")
            raise StructureError(
                f"{structure.label} is a {kinds[0]} and the model has learned from {kinds[1]}; train on a dataset of "
                f"{kinds[0]}s first"
            )
        return make_frame(structure, self.basis, self.template, self.graph, targets, k)

    def baseline_matrix(self, frame: Frame) -> np.ndarray:
        """H0 of the baseline at the frame's k-points, shape (n_k, n_ao, n_ao), Ha."""
        baseline = BASELINES[self.baseline]
        if isinstance(self.basis, str):
            return baseline.matrix(frame.structure, self.basis)[None]
        assert frame.k is not None
        return baseline.matrix_at_k(frame.structure, self.basis, frame.k.points)

    def on(self, frame: Frame, base: np.ndarray) -> Frame:
        """The frame on the baseline's matrix, with what was fitted to the training set."""
        if self.level_map is not None:
            base = level_map.apply(self.level_map, base[0], *occupation(frame.structure))[None]
        if self.zero is not None:
            base = base + self.zero * frame.overlap
        if self.mean is not None:
            on_site = np.zeros((frame.structure.n_atoms + len(frame.graph.i), self.template.size**2))
            on_site[: frame.structure.n_atoms] = self.mean[frame.graph.species]
            base = base + hermitian_matrix(on_site, frame, self.template)
        return self.seeing_orbitals(dataclasses.replace(frame, base=base))

    def seeing_orbitals(self, frame: Frame) -> Frame:
        """The frame whose graph tells of its base's orbitals, if the model sees them."""
        if self.orbital_units is None:
            return frame
        return orbital_features.seen(frame, self.orbital_units, self.template, self.graph)

    def frames(
        self,
        structures: Sequence[Structure],
        targets: Sequence[dict[str, TargetValue]] | None = None,
        k: Sequence[KPoints | None] | None = None,
    ) -> list[Frame]:
        """Frames with their baseline; raises StructureError or BasisError for one that the model cannot take."""
        values = targets or [{}] * len(structures)
        points = k or [None] * len(structures)

        def both(n: int) -> Frame:
            frame = self.bare_frame(structures[n], values[n], points[n])
            return self.on(frame, self.baseline_matrix(frame))

        return list(each_on_one_thread(both, range(len(structures))))


def occupation(structure: Structure) -> tuple[int, int]:
    """Core and occupied orbitals of a molecule."""
    return n_core_orbitals(structure.numbers), structure.n_electrons // 2


def basis_of(method: Method) -> Basis:
    """The small basis of a method, as frames take it."""
    if isinstance(method, ReferenceMethod):
        return method.small_basis
    return CellOrbitals(method.small_basis, getattr(method, "pseudo", ""))
