"""The runs of a grid one after the other: resumable, within a budget of time, and none that fails ends the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.train import events
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import Grid, PlannedRun
from hamexplorer.train.rows import KeptRows, Row
from hamexplorer.train.run import train


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
    grid: Grid,
    *,
    folder: Path | str | None = None,
    datasets: Mapping[str, ReferenceDataset] | None = None,
    kept: KeptRows | None = None,
    budget: float | None = None,
    controls: Controls | None = None,
    report: Callable[[StudyEvent], None] = lambda event: None,
) -> list[Row]:
    """Train and test every model of a grid.

    Args:
        grid: what is varied.
        folder: where finished rows, models and checkpoints are kept. Runs found finished there are not repeated, and
            one that was interrupted goes on where its last checkpoint stands.
        datasets: sets that are open already, by the names that the grid uses; others are read.
        kept: finished rows, in place of a folder.
        budget: seconds after which the study stops.
        controls: stops or pauses it from any thread.
        report: called with events, from this thread.

    Returns:
        A row for every run that ended, in the order of the grid; those that failed say why.

    Raises:
        DatasetError: if a data set cannot be read, or the folder cannot be written.
        SettingsError: if the grid makes no run on one of its data sets.
    """
    opened = dict(datasets or {})
    for name in (*grid.datasets, *grid.test_on):
        if name not in opened:
            opened[name] = read_dataset(name)
    plan = planned(grid, opened)
    kept = kept or KeptRows(Path(folder) if folder is not None else None)
    study = _Study(grid, opened, len(plan), kept, budget, controls or Controls(), report)
    rows = []
    for run in plan:
        row = study.run(run)
        if row is None:
            break
        rows.append(row)
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
    return [
        run
        for name in grid.datasets
        for run in grid.runs(name, crystals=datasets[name].structures[0].is_crystal)
    ]


class _Study:
    """What the runs of a study share."""

    def __init__(
        self,
        grid: Grid,
        datasets: Mapping[str, ReferenceDataset],
        total: int,
        kept: KeptRows,
        budget: float | None,
        controls: Controls,
        report: Callable[[StudyEvent], None],
    ) -> None:
        self.grid, self.datasets, self.total, self.kept = grid, datasets, total, kept
        self.controls, self.report = controls, report
        self.end = float("inf") if budget is None else time.monotonic() + budget
        self.number = 0
        self.spent: list[float] = []

    def run(self, run: PlannedRun) -> Row | None:
        """The row of one run; None if the study was stopped before it was finished."""
        self.number += 1
        dataset = self.datasets[run.dataset]
        further = {name: self.datasets[name] for name in self.grid.test_on if name != run.dataset}
        key = self.kept.key(run, dataset, list(further.values()))
        known = self.kept.get(key)
        if known is not None:
            # Found by what decided it: what the grid calls its targets may have changed.
            recalled = replace(known, run=run)
            self.report(RowReady(recalled, True))
            return recalled
        if self._is_over():
            return None
        began = time.monotonic()
        row: Row | None
        try:
            row = self._trained(run, dataset, further, self.kept.run_folder(key))
        except HamExplorerError as error:
            row = Row(run, sentence=str(error))
        except MemoryError:
            row = Row(run, sentence="the memory was full; choose fewer molecules or a smaller batch size")
        except Exception as error:  # one broken run must not cost the others
            row = Row(run, sentence=f"something unexpected went wrong ({type(error).__name__}: {error})")
        if row is None:
            return None
        row = replace(row, seconds=time.monotonic() - began)
        if not row.failed:
            self.kept.put(key, row)
            self.spent.append(row.seconds)
        self.report(RowReady(row, False))
        return row

    def _is_over(self) -> bool:
        if time.monotonic() > self.end:
            self.controls.stop()
        return self.controls.stopped

    def _trained(
        self,
        run: PlannedRun,
        dataset: ReferenceDataset,
        further: Mapping[str, ReferenceDataset],
        folder: Path | None,
    ) -> Row | None:
        began, epochs = time.monotonic(), 0

        def heard(event: events.Event) -> None:
            nonlocal epochs
            self._is_over()
            match event:
                case events.Stage():
                    self._progress(run, event.text, 0.0, None)
                case events.EpochReport():
                    here = time.monotonic() - began + event.seconds_left
                    text, share = f"epoch {event.epoch} of {event.n_epochs}", event.epoch / event.n_epochs
                    self._progress(run, text, share, here, event)
                case events.Finished():
                    epochs = event.epoch

        resume = folder if folder is not None and (folder / "run.json").exists() else None
        model = train(
            dataset,
            run.settings,
            controls=self.controls,
            report=heard,
            folder=folder,
            resume=resume,
            snapshots=False,
        )
        if self.controls.stopped:
            return None
        self._progress(run, "testing", 1.0, None)
        errors, sentences = {own_test(run.dataset): model.evaluate(dataset, "test").errors("test")}, []
        for name, other in further.items():
            try:
                errors[name] = model.evaluate(other, "test").errors("test")
            except HamExplorerError as error:
                sentences.append(f"not tested on {name}: {error}")
        return Row(
            run,
            epochs=epochs,
            best_epoch=model.epoch,
            errors=errors,
            sentence="; ".join(sentences),
        )

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


def own_test(dataset: str) -> str:
    """What the test part of a run's own set is called in tables and figures."""
    return f"{dataset}, test part"
