"""How any structure becomes a frame, with or without references."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.reductions import n_core_orbitals
from hamexplorer.model import GraphSettings
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.parallel import each_on_one_thread
from hamexplorer.structures.structure import Structure
from hamexplorer.train import level_map
from hamexplorer.train.frames import Frame, TargetValue, make_frame
from hamexplorer.train.start import symmetric_matrix


@dataclass(frozen=True)
class Geometry:
    """What a model must know to take any structure: basis, elements, cutoff, baseline."""

    basis: str
    baseline: str
    template: BlockTemplate
    graph: GraphSettings
    #: Mean on-site components of the training set, (n_elements, template.size²), for the baseline that uses it.
    mean: np.ndarray | None = None
    #: Coefficients of :mod:`level_map`, for a baseline whose levels are moved.
    level_map: np.ndarray | None = None

    def bare_frame(self, structure: Structure, targets: dict[str, TargetValue] | None = None) -> Frame:
        """A frame whose base is zero; raises StructureError or BasisError."""
        return make_frame(structure, self.basis, self.template, self.graph, targets)

    def with_baseline(self, frame: Frame) -> Frame:
        """The frame with the baseline as its base."""
        return self.on(frame, BASELINES[self.baseline].matrix(frame.structure, self.basis))

    def on(self, frame: Frame, base: np.ndarray) -> Frame:
        """The frame on the baseline's matrix, with what was fitted to the training set."""
        if self.level_map is not None:
            base = level_map.apply(self.level_map, base, *occupation(frame.structure))
        if self.mean is not None:
            on_site = np.zeros((frame.structure.n_atoms + len(frame.graph.i), self.template.size**2))
            on_site[: frame.structure.n_atoms] = self.mean[frame.graph.species]
            base = base + symmetric_matrix(on_site, frame, self.template)
        return dataclasses.replace(frame, base=base)

    def frames(
        self, structures: Sequence[Structure], targets: Sequence[dict[str, TargetValue]] | None = None
    ) -> list[Frame]:
        """Frames with their baseline; raises StructureError or BasisError for one that the model cannot take."""
        values = targets or [{}] * len(structures)

        def both(k: int) -> Frame:
            return self.with_baseline(self.bare_frame(structures[k], values[k]))

        return list(each_on_one_thread(both, range(len(structures))))


def occupation(structure: Structure) -> tuple[int, int]:
    """Core and occupied orbitals of a molecule."""
    return n_core_orbitals(structure.numbers), structure.n_electrons // 2
