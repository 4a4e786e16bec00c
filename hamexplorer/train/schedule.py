"""When to slow down, what was best, and when to stop: a pure value that moves forward an epoch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hamexplorer.train.settings import RunSettings

#: Epochs over which the learning rate rises to its full value: Adam's first steps know no scale yet.
WARM_UP = 5
#: Below this share of the initial rate nothing moves any more.
_SMALLEST = 1e-3


@dataclass(frozen=True)
class Schedule:
    """State of the plateau schedule and of early stopping.

    Attributes:
        factor: of the settings' learning rate.
        best: lowest monitored loss so far.
        best_epoch: when it was.
        since_best, since_drop: epochs without a better loss; since the rate was last halved.
    """

    factor: float = 1.0
    best: float = math.inf
    best_epoch: int = 0
    since_best: int = 0
    since_drop: int = 0

    def after(self, loss: float, epoch: int, settings: RunSettings) -> Schedule:
        """The state after an epoch with this monitored loss."""
        if loss < self.best:
            return replace(self, best=loss, best_epoch=epoch, since_best=0, since_drop=0)
        waited = replace(self, since_best=self.since_best + 1, since_drop=self.since_drop + 1)
        if waited.since_drop < settings.plateau:
            return waited
        return replace(waited, factor=max(self.factor / 2, _SMALLEST), since_drop=0)

    def restarted(self) -> Schedule:
        """After the weights changed, losses before and after cannot be compared; the best model stays for now."""
        return Schedule(factor=self.factor, best_epoch=self.best_epoch)

    def learning_rate(self, epoch: int, settings: RunSettings) -> float:
        """Of an epoch counted from 1."""
        return settings.learning_rate * self.factor * min(1.0, epoch / WARM_UP)

    def exhausted(self, settings: RunSettings) -> bool:
        return self.since_best >= settings.patience
