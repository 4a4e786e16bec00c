"""The part of the session that computes references, in worker processes, watched by a thread."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import SHIPPED, ReferenceDataset
from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.methods import serves, structure_kind
from hamexplorer.session.crystals import Crystals
from hamexplorer.session.molecules import structures_noun
from hamexplorer.session.state import ReferenceState
from hamexplorer.structures.structure import Structure


class References(Crystals):
    """Reference calculations for the chosen structures that have none."""

    references = traitlets.Any(ReferenceState())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._cancel = threading.Event()

    @property
    def reference_kind(self) -> str:
        """What the methods for the chosen structures without references are for: "molecule" or "crystal".

        Where both are waiting it is that of the picked one, or of the first; where none is, that of the references.
        """
        waiting = self.without_references
        if self.picked in waiting:
            waiting = (self.picked,)
        if not waiting and self.dataset is not None and len(self.dataset):
            return structure_kind(self.dataset.structures[:1])
        return structure_kind([self.structures[i] for i in waiting[:1]])

    def why_not_references(self) -> str:
        """Why no reference can be computed now; empty if it can."""
        if self.references.running:
            return "reference calculations are under way"
        waiting = [self.structures[i] for i in self.without_references]
        if not waiting:
            return "every chosen structure has references"
        try:
            structure_kind(waiting)
        except HamExplorerError as error:
            return str(error)
        return ""

    def estimate_references(self, method: Method, *, jobs: int = 2) -> float:
        """Seconds that :meth:`compute_references` would take."""
        waiting = [self.structures[i] for i in self.without_references]
        return estimate_seconds(waiting, method, jobs=jobs, store=None) if waiting else 0.0

    def compute_references(self, method: Method, *, jobs: int = 2) -> None:
        """Compute the references of the selected structures that have none, in worker processes."""
        waiting = [self.structures[i] for i in self.without_references]
        reason = self.why_not_references() or _why_not_with(method, waiting)
        if reason:
            self.say(reason, "warning", "references")
            return
        self._cancel = cancel = threading.Event()
        self.references = ReferenceState(total=len(waiting), label="starting")

        def work() -> ReferenceDataset:
            return run_references(
                waiting,
                method,
                jobs=jobs,
                name="computed",
                report=lambda progress: self.pump.put(self._references_progressed, progress),
                cancel=cancel,
            )

        self.pump.start(work, done=self._references_done, failed=self._references_failed, end=cancel.set)

    def cancel_references(self) -> None:
        """Stop the reference calculations; finished ones are kept."""
        if self.references.running:
            self._cancel.set()
            self.references = replace(self.references, cancelling=True)

    def _references_progressed(self, events: list[ReferenceProgress]) -> None:
        last = events[-1]
        if self.references.running:
            self.references = replace(
                self.references,
                done=last.done,
                total=last.total,
                label=last.label,
                seconds_left=last.seconds_left,
            )

    def _references_done(self, datasets: list[ReferenceDataset]) -> None:
        computed, self.references = datasets[-1], ReferenceState()
        aside = "".join(f" {label} was set aside: {reason}." for label, reason in computed.set_aside[:3])
        level = "warning" if computed.set_aside else "info"
        if not len(computed):
            self.say(f"No reference was finished.{aside}", level, "references")
            return
        merged = _merged(self.dataset, computed)
        note = (
            "" if self.dataset is None or merged is not computed else " They replace those of another method."
        )
        self._set_dataset(merged)
        count = len(computed)
        self.say(
            f"References of {count} {structures_noun(count)} are ready.{note}{aside}", level, "references"
        )

    def _references_failed(self, sentences: list[str]) -> None:
        self.references = ReferenceState()
        self.say(sentences[-1], "error", "references")


def _why_not_with(method: Method, waiting: list[Structure]) -> str:
    kind = structure_kind(waiting)
    return "" if serves(method, kind) else f"{method.label} is no method for a {kind}"


def _merged(old: ReferenceDataset | None, new: ReferenceDataset) -> ReferenceDataset:
    """Old and new references together if one method made both, else the new ones alone."""
    if old is None or old.method != new.method:
        return new
    return replace(
        old,
        name=old.name if old.name not in SHIPPED else f"{old.name} and computed",
        references=(*old.references, *new.references),
        set_aside=(*old.set_aside, *new.set_aside),
    )
