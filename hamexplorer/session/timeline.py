"""Predictions of earlier epochs, thinned out, so that every plot can be moved back in time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hamexplorer.train.results import Results

#: The most epochs that are kept, and the most that their numbers may fill, bytes.
MOST, FULL = 40, 200_000_000


@dataclass(frozen=True)
class Timeline:
    """Results in the order of their epochs; every change makes a new timeline.

    When they become too many, every second goes, but never the first and the last.
    """

    kept: tuple[Results, ...] = ()

    @property
    def epochs(self) -> tuple[int, ...]:
        return tuple(results.epoch for results in self.kept)

    def at(self, epoch: int) -> Results | None:
        """Results of an epoch that was kept."""
        return next((results for results in self.kept if results.epoch == epoch), None)

    def with_results(self, results: Results) -> Timeline:
        """With newer results; of one epoch the latest count."""
        kept = (*(each for each in self.kept if each.epoch != results.epoch), results)
        most = max(3, min(MOST, FULL // max(1, _bytes(results))))
        if len(kept) > most:
            kept = (kept[0], *kept[2:-1:2], kept[-1])
        return replace(self, kept=kept)


def _bytes(results: Results) -> int:
    values = [
        array for t in results.targets.values() for array in (t.predicted, t.reference, t.raw, t.weight)
    ]
    return sum(array.nbytes for array in [*values, *(e for e in results.mo_energy if e is not None)])
