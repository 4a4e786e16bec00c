"""The part of the session that runs a grid of trainings, one after the other, in the same kind of worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError, SettingsError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.session.editing import Editing
from hamexplorer.session.pump import sentence_of
from hamexplorer.session.state import Download
from hamexplorer.train.controls import Controls
from hamexplorer.train.grid import VARIED, Grid, target_set
from hamexplorer.train.rows import KeptRows, Row, table_csv, table_json
from hamexplorer.train.study import RowReady, StudyEnded, StudyEvent, StudyProgress, planned, run_study

#: Shipped sets in one small basis, each a test of what was learned from another.
_SHIPPED_MOLECULES = ("ethane", "small-molecules", "qm7", "qm7-unseen", "larger-molecules", "polyenes")


@dataclass(frozen=True)
class StudyState:
    """How far a study is; ``progress`` is None before its first sign of life."""

    running: bool = False
    stopping: bool = False
    progress: StudyProgress | None = None
    sentence: str = ""


class Studies(Editing):
    """Finished rows of a session are kept: a grid that is widened runs only what is new."""

    study = traitlets.Any(StudyState())
    study_rows = traitlets.Tuple(help="Rows of the last study, in the order of its grid")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._study_controls = Controls()
        self._kept_rows = KeptRows()

    def grid_of(
        self,
        *,
        targets: Sequence[str],
        models: Sequence[str],
        reductions: Sequence[str],
        seeds: Sequence[int],
        epochs: int,
        test_on: Sequence[str] = (),
    ) -> Grid:
        """A grid on the open dataset; whatever is not varied is as set for the next training.

        Raises:
            SettingsError: naming what is missing or out of bounds.
        """
        if self.dataset is None:
            raise SettingsError("no dataset is open; open one, or compute references")
        for text in targets:
            for name in target_set(text):
                reason = self.why_not_target(name)
                if reason:
                    raise SettingsError(f"{TARGETS[name].label.lower()}: {reason}; untick that target set")
        fixed = {name: value for name, value in self.settings.to_dict().items() if name not in VARIED}
        return Grid(
            (self.dataset.name,),
            tuple(targets),
            tuple(reductions),
            tuple(models),
            tuple(seeds),
            tuple(test_on),
            {**fixed, "epochs": epochs},
        )

    def further_sets(self) -> tuple[str, ...]:
        """Shipped data sets of molecules that the models can be tested on as well; for crystals there are none."""
        if self.dataset is None or not len(self.dataset) or self.dataset.structures[0].is_crystal:
            return ()
        return tuple(name for name in _SHIPPED_MOLECULES if name != self.dataset.name)

    def why_not_study(self) -> str:
        """Why no study can start now; empty if one can."""
        if self.study.running:
            return "a study is under way"
        return super()._why_not_start(with_model=False)

    def _why_not_start(self, *, with_model: bool = True) -> str:
        if self.study.running:
            return "a study is under way; stop it first"
        return super()._why_not_start(with_model=with_model)

    def start_study(self, grid: Grid) -> None:
        """Run a grid made by :meth:`grid_of` on the chosen structures."""
        reason = self.why_not_study()
        if reason:
            self.say(reason, "warning", "study")
            return
        rows, name = self.trainable, self.dataset.name
        dataset = self.dataset if len(rows) == len(self.dataset) else self.dataset.subset(rows)
        self._study_controls = controls = Controls()
        kept = self._kept_rows
        with self.hold_trait_notifications():
            self.study, self.study_rows = StudyState(running=True), ()
            self.say("", where="study")

        def work() -> list[Row]:
            return run_study(
                grid,
                datasets={name: dataset},
                kept=kept,
                controls=controls,
                report=lambda event: self.pump.put(self._study_reported, event),
            )

        self.pump.start(work, done=self._study_done, failed=self._study_failed, end=controls.stop)

    def count_runs(self, grid: Grid) -> int:
        """How many runs a grid makes on the open dataset."""
        return len(planned(grid, {self.dataset.name: self.dataset}))

    @property
    def kept_study(self) -> tuple[tuple[str, Row], ...]:
        """The rows of the last study, each with the key under which it is kept, so that no grid trains it again."""
        keys = {id(row): key for key, row in self._kept_rows.items()}
        return tuple((keys.get(id(row), ""), row) for row in self.study_rows)

    @kept_study.setter
    def kept_study(self, study: tuple[tuple[str, Row], ...]) -> None:
        for key, row in study:
            if key:
                self._kept_rows.put(key, row)
        self.study_rows = tuple(row for _, row in study)

    def stop_study(self) -> None:
        """End the study after the step under way; finished rows are kept, the run under way is not."""
        if self.study.running:
            self._study_controls.stop()
            self.study = dataclasses.replace(self.study, stopping=True)

    def _study_reported(self, events: list[StudyEvent]) -> None:
        state, rows = self.study, list(self.study_rows)
        for event in events:
            match event:
                case StudyProgress():
                    state = dataclasses.replace(state, progress=event)
                case RowReady(row=row):
                    rows.append(row)
                case StudyEnded():
                    state = dataclasses.replace(state, sentence=event.reason)
        with self.hold_trait_notifications():
            self.study, self.study_rows = state, tuple(rows)

    def _study_done(self, _: list[Any]) -> None:
        self.study = StudyState(sentence=self.study.sentence)

    def _study_failed(self, sentences: list[str]) -> None:
        self.study = StudyState(sentence="The study has failed.")
        self.say(sentences[-1], "error", "study")

    def export_study(self, kind: str) -> Download | None:
        """The table as "csv" or "json"; None if there is none."""
        if not self.study_rows:
            return None
        try:
            name = self.study_rows[0].run.dataset.replace(" ", "-")
            text = table_csv(self.study_rows) if kind == "csv" else table_json(self.study_rows)
            return Download(f"{name}-study.{kind}", text.encode())
        except HamExplorerError as error:
            self.say(sentence_of(error), "error", "study")
            return None
