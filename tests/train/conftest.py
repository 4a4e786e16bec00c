"""Eight ethanes and runs of a few epochs, each made once; all batches share one shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from hamexplorer.model import MODELS, SURROGATES, NetworkSettings
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.train.events import EpochReport
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel

#: 4 + 2 + 2 molecules two at a time: what is compiled for one part and run serves all of them.
BASE = {
    "targets": {"mo_energy": 1e4, "dipole": 1e3},
    "model": "network",
    "baseline": "sap",
    # What atoms add has tests of its own; here a model is what learns the matrix, and nothing around it.
    "response": "matrix",
    "epochs": 3,
    "batch_size": 2,
    "train_fraction": 0.5,
    "validation_fraction": 0.25,
    "seed": 7,
}


class Run(NamedTuple):
    model: TrainedModel
    events: list[Any]
    folder: Path

    @property
    def epochs(self) -> list[EpochReport]:
        return [e for e in self.events if isinstance(e, EpochReport)]


@pytest.fixture(scope="session", autouse=True)
def _small_networks():
    """Networks of a few hundred weights: the same code, compiled in a fraction of the time."""
    small = NetworkSettings(channels=4, hidden=8)
    with pytest.MonkeyPatch.context() as patch:
        for kind in (MODELS["network"], SURROGATES["surrogate"]):
            patch.setattr(type(kind), "settings", small)
        yield


@pytest.fixture(scope="session")
def ethanes() -> ReferenceDataset:
    return read_dataset("ethane").subset(range(8))


@pytest.fixture(scope="session")
def molecules() -> ReferenceDataset:
    """Two dozen different ones, with every property."""
    return read_dataset("small-molecules").subset(range(24, 72, 2))


@pytest.fixture(scope="session")
def settings() -> Callable[..., RunSettings]:
    """Changes -> settings of a tiny run."""
    return lambda **changes: RunSettings(**{**BASE, **changes})


@pytest.fixture(scope="session")
def run(ethanes, settings, tmp_path_factory) -> Callable[..., Run]:
    """Train a tiny run and keep what it said: (controls, resume, dataset, on_event, folders, **changes of settings)."""

    def go(
        *, controls=None, resume=None, dataset=None, on_event=lambda event: None, folders=None, **changes
    ) -> Run:
        folder, heard = tmp_path_factory.mktemp("run"), []
        if folders is not None:  # for runs that raise
            folders.append(folder)

        def report(event: Any) -> None:
            heard.append(event)
            on_event(event)

        model = train(
            dataset or ethanes,
            settings(**changes),
            controls=controls,
            report=report,
            folder=folder,
            resume=resume,
        )
        return Run(model, heard, folder)

    return go


@pytest.fixture(scope="session")
def three_epochs(run) -> Run:
    return run()


def leaves_of(model: TrainedModel) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((model.fixed, model.model))]


@pytest.fixture(scope="session")
def same_weights() -> Callable[[TrainedModel, TrainedModel], bool]:
    """Whether two models are equal to the last bit."""

    def same(one: TrainedModel, other: TrainedModel) -> bool:
        pairs = zip(leaves_of(one), leaves_of(other), strict=True)
        return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)

    return same
