"""What a training run reported, thinned out so that a long run draws as fast as a short one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hamexplorer.train.events import EpochReport

#: The most points that a curve keeps.
LIMIT = 1000


@dataclass(frozen=True)
class Mark:
    """Something that happened at an epoch: ``kind`` is "weights", "paused" or "resumed"."""

    epoch: int
    kind: str
    text: str = ""


@dataclass(frozen=True)
class History:
    """Epoch reports and marks; every change makes a new history.

    At most :data:`LIMIT` reports are kept: those whose epoch is a multiple of ``stride``, the first, and
    always the last. When they become too many, the stride doubles, so that all curves stay evenly thinned.
    """

    reports: tuple[EpochReport, ...] = ()
    marks: tuple[Mark, ...] = ()
    stride: int = 1
    #: How far an epoch under way is, as an epoch with a fraction, and the training errors by target so far.
    running: tuple[float, Mapping[str, float]] | None = None

    def __len__(self) -> int:
        return len(self.reports)

    @property
    def last(self) -> EpochReport | None:
        return self.reports[-1] if self.reports else None

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets of the latest report, then of those trained on earlier."""
        names = dict.fromkeys(name for name in (self.last.train if self.last else ()))
        names.update(dict.fromkeys(name for report in self.reports for name in report.train))
        return tuple(names)

    def with_epoch(self, report: EpochReport) -> History:
        """With the report of one more epoch."""
        kept = self.reports
        if len(kept) > 1 and kept[-1].epoch % self.stride:
            kept = kept[:-1]  # it was kept only for being the last
        kept = (*kept, report)
        stride = self.stride
        while len(kept) > LIMIT:
            stride *= 2
            inner = (r for r in kept[1:-1] if r.epoch % stride == 0)
            kept = (kept[0], *inner, kept[-1])
        return replace(self, reports=kept, stride=stride, running=None)

    def with_running(self, epoch: float, train: Mapping[str, float]) -> History:
        """With the training errors in the middle of an epoch, until its report comes; at its end, without any."""
        within = bool(self.reports) and epoch > self.reports[-1].epoch
        return replace(self, running=(epoch, train) if within else None)

    def with_mark(self, epoch: int, kind: str, text: str = "") -> History:
        """With a mark at an epoch: "weights", "paused" or "resumed"; ``text`` says more under the pointer."""
        return replace(self, marks=(*self.marks, Mark(epoch, kind, text)))

    def curve(self, target: str, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Epochs and per-atom RMSE (atomic units) of a target; ``part`` is "train" or "validation".

        Epochs in which the target was not trained are NaN, which a plot shows as a gap. The training curve ends in the
        middle of the epoch under way.
        """
        epochs = np.array([report.epoch for report in self.reports], dtype=float)
        values = [getattr(report, part).get(target, np.nan) for report in self.reports]
        if part == "train" and self.running is not None:
            epochs = np.append(epochs, self.running[0])
            values.append(self.running[1].get(target, np.nan))
        return epochs, np.array(values, dtype=float)
