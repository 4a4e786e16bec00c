"""A run on disk: its state, its settings and its history, beside the best model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hamexplorer._plain import take, take_list, take_number, take_whole
from hamexplorer.errors import CheckpointError, plain_text
from hamexplorer.reference.aside import write_aside
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.schedule import Schedule
from hamexplorer.train.settings import RunSettings


@dataclass
class RunState:
    """All of a run that is neither data nor weights.

    Attributes:
        settings: targets and weights as now in force.
        first_targets: those that the closed-form start was made with: a resumed run makes the same one again.
        epoch: the last one finished.
        schedule: of the learning rate.
        history: epoch reports and changes of weights, as dictionaries.
    """

    settings: RunSettings
    first_targets: dict[str, float]
    epoch: int = 0
    schedule: Schedule = field(default_factory=Schedule)
    history: list[dict[str, Any]] = field(default_factory=list)


def write_run(folder: Path, state: RunState, dataset: ReferenceDataset, weights: Any) -> None:
    """Write state and weights (any tree of arrays)."""
    header = {
        "kind": "run",
        "epoch": state.epoch,
        "settings": state.settings.to_dict(),
        "first_targets": state.first_targets,
        "dataset": dataset_key(dataset),
        "schedule": dataclasses.asdict(state.schedule),
        "history": state.history,
    }
    write_checkpoint(folder, "run", header, jax.tree.leaves(weights))
    with write_aside(folder / "settings.json") as aside:
        aside.write_text(json.dumps(state.settings.to_dict(), indent=1), encoding="utf-8")


def read_run(folder: Path, dataset: ReferenceDataset) -> tuple[RunState, list[np.ndarray]]:
    """What :func:`write_run` wrote.

    Raises:
        CheckpointError: if it is missing, damaged, or belongs to another data set.
    """
    header, arrays = read_checkpoint(folder, "run")
    if header.get("dataset") != dataset_key(dataset):
        raise CheckpointError(
            f"{folder} was trained on another data set than {dataset.name!r}; resume with the same molecules, or "
            f"start a new run"
        )
    try:
        state = RunState(
            RunSettings.from_record(take(header, "settings", dict)),
            {
                name: take_number(header["first_targets"], name)
                for name in take(header, "first_targets", dict)
            },
            take_whole(header, "epoch"),
            Schedule(**take(header, "schedule", dict)),
            list(take_list(header, "history", dict)),
        )
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            f"{folder} holds a damaged run ({plain_text(str(error))}); start a new run"
        ) from error
    return state, arrays


def fill(weights: Any, arrays: list[np.ndarray]) -> Any:
    """The tree with its leaves replaced; raises CheckpointError if it has another shape."""
    leaves, tree = jax.tree.flatten(weights)
    if [np.shape(leaf) for leaf in leaves] != [a.shape for a in arrays]:
        raise CheckpointError("the checkpoint belongs to another kind of model; start a new run")
    return jax.tree.unflatten(
        tree, [jnp.asarray(a, dtype=leaf.dtype) for a, leaf in zip(arrays, leaves, strict=True)]
    )


def dataset_key(dataset: ReferenceDataset) -> str:
    """Recognises a data set by its molecules and method."""
    text = "".join(s.key for s in dataset.structures) + repr(dataset.method)
    return hashlib.sha256(text.encode()).hexdigest()
