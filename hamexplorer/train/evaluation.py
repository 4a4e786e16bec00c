"""Predictions set beside reference values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.structures.selection import Split
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.crystal_state import CrystalState
from hamexplorer.train.molecule_state import MoleculeState
from hamexplorer.train.predictor import Predicted
from hamexplorer.train.results import Results, target_result


class Views(NamedTuple):
    """What a model's Hamiltonians look like, each worked out when it is asked for; numbers are places in the data set.

    Attributes:
        bands: of a crystal.
        states: Hamiltonian and orbitals of a molecule.
        gradients: of a target's error with respect to a molecule's Hamiltonian, which is given.
        crystals: Hamiltonian and orbitals of a crystal at a point of its path.
    """

    bands: Callable[[int], BandStructure]
    states: Callable[[int], MoleculeState]
    gradients: Callable[[int, str, np.ndarray], np.ndarray]
    crystals: Callable[[int, int], CrystalState]


def make_results(
    epoch: int,
    dataset: ReferenceDataset,
    split: Split,
    names: Sequence[str],
    frames: dict[int, Any],
    predicted: Predicted,
    raw: Sequence[dict[str, np.ndarray]],
    views: Views | None = None,
) -> Results:
    """Set predictions beside references; structures without a frame or a prediction are left out.

    A surrogate has no views.
    """

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
    seen = {} if views is None else views._asdict()
    return Results(epoch, targets, split, dataset, tuple(predicted.mo_energy), **seen)
