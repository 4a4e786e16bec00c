"""That a committee's spread means something: it is wide where the error is large, and where a structure is far out."""

from __future__ import annotations

import pytest

from hamexplorer.model import MODELS, NetworkSettings
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings

pytestmark = pytest.mark.slow
HALF = {"committee": 4, "train_fraction": 0.5, "validation_fraction": 0.2}


@pytest.fixture(scope="module", autouse=True)
def _whole_networks():
    """Not the tiny ones of the other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(MODELS["network"]), "settings", NetworkSettings())
        yield


@pytest.fixture(scope="module")
def ethanes():
    dataset = read_dataset("ethane")
    model = train(dataset, RunSettings(targets={"mo_energy": 1e4}, epochs=50, **HALF))
    return dataset, model, model.evaluate(dataset)


def held_out(results, name):
    """Spread and error of every structure that training did not see, root mean square over its values."""
    target, k = results.targets[name], results.indices("test")
    delta = target.predicted - target.reference
    return (target.of_structures(values, results.n_atoms.size)[k] for values in (target.spread, delta))
