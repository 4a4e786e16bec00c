"""What a training run says while it works; frozen values, safe to hand to another thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hamexplorer.train.results import Results

if TYPE_CHECKING:
    from hamexplorer.train.trained import TrainedModel


@dataclass(frozen=True)
class Stage:
    """Something is being prepared; ``fraction`` is done, or None where that is unknown."""

    text: str
    fraction: float | None = None


@dataclass(frozen=True)
class EpochReport:
    """One pass over the training molecules.

    Attributes:
        epoch, n_epochs: counted from 1.
        loss_train, loss_validation: weighted, with the weights of this epoch.
        train, validation: √(mean ‖Δ‖²/N²) by target, atomic units.
        learning_rate: of this epoch.
        molecules_per_second: trained on, since the epoch began.
        seconds_left: until the last epoch at the present rate.
        gradient_norm: of the loss by all weights together, median over the epoch's steps; NaN in reports of old.
    """

    epoch: int
    n_epochs: int
    loss_train: float
    loss_validation: float
    train: Mapping[str, float]
    validation: Mapping[str, float]
    learning_rate: float
    molecules_per_second: float
    seconds_left: float
    gradient_norm: float = float("nan")


@dataclass(frozen=True)
class Snapshot:
    """What the model predicts at present for every molecule of the data set.

    Attributes:
        epoch: the last one that was finished.
        model: as it is now, for structures that are not in the data set.
    """

    epoch: int
    results: Results
    model: TrainedModel | None = None


@dataclass(frozen=True)
class Underway:
    """How far an epoch has come.

    Attributes:
        epoch: how many are finished; as fraction the share of the training molecules that the present one has seen.
        train: √(mean ‖Δ‖²/N²) by target over all training molecules, each as seen last; atomic units.
    """

    epoch: float
    train: Mapping[str, float]


@dataclass(frozen=True)
class WeightsChanged:
    """From this epoch on, these weights are in force."""

    epoch: int
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Refused:
    """A change that the run cannot take; it goes on as before."""

    sentence: str


@dataclass(frozen=True)
class Paused:
    epoch: int


@dataclass(frozen=True)
class Resumed:
    epoch: int


@dataclass(frozen=True)
class Finished:
    """The run is over; ``reason`` is a sentence."""

    epoch: int
    best_epoch: int
    reason: str


@dataclass(frozen=True)
class Failed:
    """The run cannot go on; the last good state is kept."""

    sentence: str


Event = (
    Stage
    | EpochReport
    | Underway
    | Snapshot
    | WeightsChanged
    | Refused
    | Paused
    | Resumed
    | Finished
    | Failed
)
