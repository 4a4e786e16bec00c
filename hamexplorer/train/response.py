"""The start of a model in which atoms add to what the Hamiltonian answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from hamexplorer.model import ADDED_TO, MODELS, SURROGATES, BlockModel, WithResponse
from hamexplorer.structures.selection import Split
from hamexplorer.train.frames import Frame
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.predictor import Evaluator, Predicted
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.surrogates import surrogate_start

#: The kind of surrogate that reads what atoms add.
_ATOMS = "surrogate"


def atoms_respond(settings: RunSettings, geometry: Geometry) -> bool:
    """Whether the model has a part that adds to what the Hamiltonian answers."""
    return settings.response == "atoms" and settings.model in MODELS and isinstance(geometry.basis, str)


def empty_response(model: Any, geometry: Geometry) -> WithResponse:
    """A model of blocks with such a part of the right shape, its weights meaningless."""
    return WithResponse(model, SURROGATES[_ATOMS].empty(geometry.template, geometry.graph, pools=False))


def with_response(
    model: BlockModel, geometry: Geometry, frames: Sequence[Frame], split: Split, settings: RunSettings
) -> WithResponse:
    """The model with a part for what atoms add, fitted to what the model leaves of these properties now.

    Args:
        model: as it starts.
        geometry: of the model.
        frames: all molecules, with their targets.
        split: which of them it may learn from, and which choose the regularisation.
        settings: of the run.
    """
    predicted = Predicted(len(frames))
    known = [k for k, frame in enumerate(frames) if any(name in frame.targets for name in ADDED_TO)]
    if known:
        members = [frames[k] for k in known]
        Evaluator(members, known, ADDED_TO, geometry.template, settings.batch_size).run(model, predicted)
    left = [
        dataclasses.replace(
            frame,
            targets={
                name: target._replace(value=target.value - predicted.values[k][name])
                for name, target in frame.targets.items()
                if name in ADDED_TO
            },
        )
        for k, frame in enumerate(frames)
    ]
    return WithResponse(
        model, surrogate_start(_ATOMS, left, split, geometry.graph, settings.seed, pools=False)
    )
