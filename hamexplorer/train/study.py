"""The runs of a grid: resumable, within a budget of time, and none that fails ends the others.

On this machine they come one after the other, on a cluster side by side.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hamexplorer.cluster import TaskPool, Workers
from hamexplorer.reference.aside import write_whole
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.train import events
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import Grid, PlannedRun
from hamexplorer.train.planned import answer, attempt, encode_task, trained_row
from hamexplorer.train.rows import KeptRows, Row
from hamexplorer.train.suited import kind_of

#: How often a study on a cluster looks whether it was stopped, s.
_TICK = 0.2


@dataclass(frozen=True)
class StudyProgress:
    """How far a study is.

    Attributes:
        number, total: of the run under way, counted from 1, and of all.
        label: of that run.
        text: what it is doing.
        fraction: of the whole study that is done.
        seconds_left: of the whole study; None before that can be told.
    """

    number: int
    total: int
    label: str
    text: str
    fraction: float
    seconds_left: float | None = None


@dataclass(frozen=True)
class RowReady:
    """A run has ended, or was found finished (``known``)."""

    row: Row
    known: bool


@dataclass(frozen=True)
class StudyEnded:
    """The study is over; ``reason`` is a sentence."""

    reason: str
    complete: bool


StudyEvent = StudyProgress | RowReady | StudyEnded


def run_study(
    grid: Grid | Sequence[Grid],
    *,
    folder: Path | str | None = None,
    datasets: Mapping[str, ReferenceDataset] | None = None,
    kept: KeptRows | None = None,
    budget: float | None = None,
    controls: Controls | None = None,
    workers: Workers | None = None,
    report: Callable[[StudyEvent], None] = lambda event: None,
) -> list[Row]:
    """Train and test every model of a grid, or of several.

    Args:
        grid: what is varied; of several grids one after the other.
        folder: where finished rows, models and checkpoints are kept. Runs found finished there are not repeated, and
            one that was interrupted goes on where its last checkpoint stands.
        datasets: sets that are open already, by the names that the grid uses; others are read.
        kept: finished rows, in place of a folder.
        budget: seconds after which the study stops.
        controls: stops or pauses it from any thread.
        workers: who trains instead of this process, a run each; one that is stopped there begins anew the next time.
        report: called with events, from this thread.

    Returns:
        A row for every run that ended, in the order of the grid; those that failed say why.

    Raises:
        DatasetError: if a data set cannot be read, or the folder cannot be written.
        SettingsError: if the grid makes no run on one of its data sets.
        ClusterError: if the workers cannot be reached.
    """
    opened = dict(datasets or {})
    grids = [grid] if isinstance(grid, Grid) else list(grid)
    for name in dict.fromkeys(name for each in grids for name in (*each.datasets, *each.test_on)):
        if name not in opened:
            opened[name] = read_dataset(name)
    plan = [run for each in grids for run in planned(each, opened)]
    kept = kept or KeptRows(Path(folder) if folder is not None else None)
    study = _Study(opened, len(plan), kept, budget, controls or Controls(), report)
    rows = study.here(plan) if workers is None else study.there(plan, workers)
    failed = sum(row.failed for row in rows)
    also = f", {failed} of them failed" if failed else ""
    complete = len(rows) == len(plan)
    done = f"{len(rows)} of {len(plan)} runs are finished{also}"
    report(StudyEnded(f"{done}." if complete else f"Stopped: {done}; start it again to go on.", complete))
    return rows


def planned(grid: Grid, datasets: Mapping[str, ReferenceDataset]) -> list[PlannedRun]:
    """All runs of a grid, with the defaults that suit each data set.

    Raises:
        SettingsError: if a setting does not suit.
    """
    return [run for name in grid.datasets for run in grid.runs(name, kind=kind_of(datasets[name].structures))]


class _Study:
    """What the runs of a study share."""

    def __init__(
        self,
        datasets: Mapping[str, ReferenceDataset],
        total: int,
        kept: KeptRows,
        budget: float | None,
        controls: Controls,
        report: Callable[[StudyEvent], None],
    ) -> None:
        self.datasets, self.total, self.kept = datasets, total, kept
        self.controls, self.report = controls, report
        self.end = float("inf") if budget is None else time.monotonic() + budget
        self.number = 0
        self.spent: list[float] = []

    def here(self, plan: Sequence[PlannedRun]) -> list[Row]:
        """One run after the other in this process, up to the one that was stopped."""
        rows = []
        for run in plan:
            row = self._run(run)
            if row is None:
                break
            rows.append(row)
        return rows

    def there(self, plan: Sequence[PlannedRun], workers: Workers) -> list[Row]:
        """As many runs at once as there are workers; those that ended when it was stopped, in the plan's order."""
        rows: dict[int, Row] = {}
        waiting: deque[tuple[int, PlannedRun]] = deque()
        for place, run in enumerate(plan):
            known = self._known(run, self._key(run))
            if known is None:
                waiting.append((place, run))
            else:
                rows[place] = known
        self.number = len(rows)
        if waiting and not self._is_over():
            with TaskPool(workers, answer) as pool:
                while (waiting or pool.n_busy) and not self._is_over():
                    while waiting and pool.has_room:
                        place, run = waiting.popleft()
                        pool.submit((place, run), *encode_task(run, self.datasets))
                    got = pool.next_answer(_TICK)
                    if got is not None:
                        place, run = got.task
                        rows[place] = self._received(run, got.value)
                        self.number += 1
                        text = f"{pool.n_busy} at once on {workers.where}"
                        self.report(
                            StudyProgress(self.number, self.total, run.label, text, self.number / self.total)
                        )
        return [rows[place] for place in sorted(rows)]

    def _received(self, run: PlannedRun, value: Any) -> Row:
        """Keep what a worker gave."""
        if value is None:
            row = Row(
                run,
                sentence="its worker was ended from outside, often for want of memory; start the study again",
            )
        elif "sentence" in value:
            row = Row(run, sentence=value["sentence"])
        else:
            key = self._key(run)
            row = replace(Row.from_dict(value["row"]), run=run)
            folder = self.kept.run_folder(key)
            if folder is not None:
                for name, content in value["files"].items():
                    write_whole(folder / name, content)
            self.kept.put(key, row)
        self.report(RowReady(row, False))
        return row

    def _key(self, run: PlannedRun) -> str:
        return self.kept.key(run, self.datasets[run.dataset], [self.datasets[name] for name in run.test_on])

    def _known(self, run: PlannedRun, key: str) -> Row | None:
        known = self.kept.get(key)
        if known is None:
            return None
        # Found by what decided it: what the grid calls its targets may have changed.
        recalled = replace(known, run=run)
        self.report(RowReady(recalled, True))
        return recalled

    def _run(self, run: PlannedRun) -> Row | None:
        """The row of one run; None if the study was stopped before it was finished."""
        self.number += 1
        key = self._key(run)
        known = self._known(run, key)
        if known is not None:
            return known
        if self._is_over():
            return None
        began = time.monotonic()
        row = attempt(run, lambda: self._trained(run, self.kept.run_folder(key)))
        seconds = time.monotonic() - began
        if row is None:
            self.kept.interrupted(key, seconds)
            return None
        row = replace(row, seconds=self.kept.spent(key) + seconds)
        if not row.failed:
            self.kept.put(key, row)
            self.spent.append(row.seconds)
        self.report(RowReady(row, False))
        return row

    def _is_over(self) -> bool:
        if time.monotonic() > self.end:
            self.controls.stop()
        return self.controls.stopped

    def _trained(self, run: PlannedRun, folder: Path | None) -> Row | None:
        began = time.monotonic()

        def heard(event: events.Event) -> None:
            self._is_over()
            match event:
                case events.Stage():
                    self._progress(run, event.text, 0.0, None)
                case events.EpochReport():
                    here = time.monotonic() - began + event.seconds_left
                    text, share = f"epoch {event.epoch} of {event.n_epochs}", event.epoch / event.n_epochs
                    self._progress(run, text, share, here, event)
                case events.Finished():
                    self._progress(run, "testing", 1.0, None)

        return trained_row(run, self.datasets, folder, self.controls, heard)

    def _progress(
        self,
        run: PlannedRun,
        text: str,
        fraction: float,
        seconds: float | None,
        event: events.EpochReport | None = None,
    ) -> None:
        """Report; ``seconds`` is how long this run will have taken."""
        known = self.spent + ([seconds] if seconds is not None else [])
        left = None
        if known:
            mean = sum(known) / len(known)
            here = event.seconds_left if event is not None else mean * (1 - fraction)
            left = here + mean * (self.total - self.number)
        done = (self.number - 1 + fraction) / self.total
        self.report(StudyProgress(self.number, self.total, run.label, text, done, left))
