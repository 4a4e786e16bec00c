"""How unlike its training set a structure is, by the surroundings of its atoms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from hamexplorer.model import GraphSettings
from hamexplorer.model.graph import make_graph
from hamexplorer.structures.structure import Structure

#: Novelty above which a prediction extrapolates.
NOVEL = 3.0


class Novelty:
    """Distances between atoms' surroundings, in units of what is usual among the training structures.

    Surroundings are the norms of an atom's neighbour densities, each in units of its spread over the training atoms of
    the element. The unit is the median distance from a training atom to the nearest in *another* training structure: 1
    is a structure like those learned from, and far above means that a prediction extrapolates.

    Args:
        structures: that a model learned from; at least two.
        cutoff: radius of the surroundings, Å.
    """

    def __init__(self, structures: Sequence[Structure], cutoff: float = 5.0) -> None:
        elements = tuple(sorted({int(z) for s in structures for z in s.numbers}))
        self._settings = GraphSettings(elements, cutoff_angstrom=cutoff)
        rows = [self._surroundings(s) for s in structures]
        species = np.concatenate([species for species, _ in rows])
        owner = np.repeat(np.arange(len(rows)), [len(species) for species, _ in rows])
        features = np.concatenate([found for _, found in rows])
        self._scale, self._unit, self._trees = {}, {}, {}
        for k in range(len(elements)):
            mine = features[species == k]
            self._scale[k] = np.maximum(mine.std(0), 0.05 * max(float(mine.std(0).max()), 1e-9))
            self._trees[k] = cKDTree(mine / self._scale[k])
            self._unit[k] = self._usual(k, mine / self._scale[k], owner[species == k])

    def _usual(self, k: int, features: np.ndarray, owner: np.ndarray) -> float:
        """Median distance to the nearest atom of another structure."""
        largest = int(np.bincount(owner).max())
        distance, index = self._trees[k].query(features, k=min(largest + 1, len(features)))
        distance, index = np.atleast_2d(distance), np.atleast_2d(index)
        others = np.where(owner[index] != owner[:, None], distance, np.inf).min(1)
        usual = np.median(others[np.isfinite(others)]) if np.isfinite(others).any() else 1.0
        return max(float(usual), 1e-9)

    def _surroundings(self, structure: Structure) -> tuple[np.ndarray, np.ndarray]:
        """Species and features of every atom."""
        graph = make_graph(structure, self._settings)
        norms = [
            np.linalg.norm(graph.density[:, :, l * l : (l + 1) ** 2], axis=2)
            for l in range(self._settings.l_max + 1)
        ]
        return graph.species, np.concatenate(norms, axis=1)

    def of(self, structure: Structure) -> float:
        """Of the atom that is least like any in training; infinite with an element that was not there."""
        if not set(structure.numbers.tolist()) <= set(self._settings.elements):
            return float("inf")
        species, features = self._surroundings(structure)
        found = [
            self._trees[int(k)].query(row / self._scale[int(k)])[0] / self._unit[int(k)]
            for k, row in zip(species, features, strict=True)
        ]
        return float(max(found))
