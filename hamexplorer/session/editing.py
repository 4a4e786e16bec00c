"""The part of the session that changes atoms, measures, and checks a prediction by a reference calculation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError, TrainingError
from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.methods import serves, structure_kind
from hamexplorer.reference.properties import Reference
from hamexplorer.session.crystal_electrons import CrystalElectrons
from hamexplorer.session.findings import properties_of
from hamexplorer.session.state import ReferenceState
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.edits import Edit, measured
from hamexplorer.structures.structure import Structure
from hamexplorer.train.results import Results

#: Most atoms that a measurement takes: those of a dihedral angle.
_MOST_MEASURED = 4


@dataclass(frozen=True, eq=False)
class Draft:
    """A structure on its way through edits.

    Attributes:
        origin: key of the structure that it began as.
        structure: as it is now; maybe one that no calculation can use.
        past: what it was before each edit, with what that edit did.
        listed: key of its latest usable version, the one among the session's structures; empty for none yet.
        why_not: why the present structure cannot be used, as a sentence; empty if it can.
    """

    origin: str
    structure: Structure
    past: tuple[tuple[Structure, str], ...] = ()
    listed: str = ""
    why_not: str = ""

    @property
    def last_edit(self) -> str:
        return self.past[-1][1] if self.past else ""


@dataclass(frozen=True, eq=False)
class Check:
    """What a reference calculation said of one structure, beside what a model predicted, if there is one."""

    reference: Reference
    results: Results | None = None


class Editing(CrystalElectrons):
    """Edits make a copy of the picked structure; the copy is predicted like any other structure of one's own."""

    draft = traitlets.Any(None, allow_none=True, help="Draft of the picked structure, if it was edited")
    measuring = traitlets.Bool(False, help="whether a click on an atom measures instead of pointing it out")
    measured = traitlets.Tuple(help="atoms whose distance or angle is shown")
    checks = traitlets.Dict(help="structure key -> Check")
    checking = traitlets.Any(ReferenceState())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._drafts: dict[str, Draft] = {}
        self._cancel_check = threading.Event()
        self.observe(self._find_draft, ["picked", "structures"])

    @property
    def shown(self) -> Structure | None:
        """The picked structure as edited; None if none is picked."""
        if self.draft is not None:
            return self.draft.structure
        return self.structures[self.picked] if 0 <= self.picked < len(self.structures) else None

    @property
    def where_predicted(self) -> str:
        return "structures" if self.draft is None else "editing"

    # ---- editing -----------------------------------------------------------------------------------

    def edit(self, change: Callable[[Structure], Edit]) -> None:
        """Change the shown structure by a function of :mod:`hamexplorer.structures.edits`; undo takes it back."""
        structure = self.shown
        if structure is None:
            self.say("no structure is picked; load one, then edit it", "warning", "editing")
            return
        try:
            edit = change(structure)
        except HamExplorerError as error:
            self.say(str(error), "error", "editing")
            return
        draft = self.draft or Draft(structure.key, structure)
        name = draft.structure.label
        changed = edit.structure if draft.past else edit.structure.renamed(f"{name}, edited")
        past = (*draft.past, (draft.structure, edit.said))
        self._put(replace(draft, structure=changed, past=past))
        self.say(f"{edit.said}.", where="editing")

    def undo(self) -> None:
        """Take back the latest edit of the shown structure."""
        if self.draft is None or not self.draft.past:
            self.say("there is nothing to undo", "warning", "editing")
            return
        before, said = self.draft.past[-1]
        self._put(replace(self.draft, structure=before, past=self.draft.past[:-1]))
        self.say(f"Undone: {said}.", where="editing")

    def _put(self, draft: Draft) -> None:
        """Make a draft the shown one; the list of structures follows as soon as it is one that can be used."""
        structure, why_not = draft.structure, ""
        try:
            check_structures([structure])
        except HamExplorerError as error:
            why_not = str(error)
        draft = replace(draft, why_not=why_not)
        self._drafts.pop(draft.listed or draft.origin, None)
        with self.hold_trait_notifications():
            self.measured = tuple(a for a in self.measured if a < structure.n_atoms)
            self.marked = tuple(a for a in self.marked if a < structure.n_atoms)
            if why_not:
                self.draft = draft
                self._drafts[draft.listed or draft.origin] = draft
                return
            others = tuple(s for s in self.loaded if s.key != draft.listed or s.key == draft.origin)
            known = {s.key for s in others} | {
                s.key for s in (self.dataset.structures if self.dataset else ())
            }
            self.loaded = others if structure.key in known else (*others, structure)
            draft = replace(draft, listed=structure.key)
            if draft.past:
                self._drafts[structure.key] = draft
            self.draft = draft if draft.past else None
            self._rebuild()
            self.pick([s.key for s in self.structures].index(structure.key))

    def _find_draft(self, _: Any = None) -> None:
        """Another structure is picked: with its own edits, if it has any."""
        key = self.structures[self.picked].key if 0 <= self.picked < len(self.structures) else ""
        if self.draft is not None and key == (self.draft.listed or self.draft.origin):
            return
        self.draft = self._drafts.get(key)
        self.measured = ()

    # ---- measuring ---------------------------------------------------------------------------------

    def touch(self, atom: int) -> None:
        """An atom was clicked: it is pointed out, or measured."""
        if not self.measuring:
            self.mark((atom,))
            return
        taken = tuple(a for a in self.measured if a != atom)
        if len(taken) < len(self.measured):  # again: take it out
            self.measured = taken
        else:
            self.measured = (*taken, atom) if len(taken) < _MOST_MEASURED else (atom,)

    @property
    def measurement(self) -> str:
        """The distance, angle or dihedral angle of the measured atoms, as a sentence."""
        structure = self.shown
        return "" if structure is None else measured(structure, self.measured)

    # ---- checking ----------------------------------------------------------------------------------

    @property
    def check_method(self) -> Method | None:
        """What a check computes: the method that the model learned from, else that of the open dataset."""
        if self.predictor is not None:
            return self.predictor.method
        return self.dataset.method if self.dataset is not None else None

    def why_not_check(self) -> str:
        """Why the shown structure cannot be checked by a reference calculation; empty if it can."""
        if not 0 <= self.picked < len(self.structures):
            return "no structure is picked"
        structure, method = self.structures[self.picked], self.check_method
        if self.draft is not None and self.draft.why_not:
            return "the structure cannot be computed as it is"
        if self.checking.running:
            return "a check is under way"
        if self.has_reference(self.picked) or structure.key in self.checks:
            return "its reference values are there already"
        if method is None:
            return "a check uses the method of the references, and none are open; open a dataset"
        kind = structure_kind([structure])
        return "" if serves(method, kind) else f"{method.label} is no method for a {kind}"

    def estimate_check(self) -> float:
        """Seconds that the check would take, from calculations of this size; 0 if there is nothing to check."""
        if self.why_not_check() or self.check_method is None:
            return 0.0
        return estimate_seconds([self.structures[self.picked]], self.check_method, jobs=1)

    def check_with_reference(self) -> None:
        """Compute the reference values of the shown structure, in a worker process."""
        reason = self.why_not_check()
        method = self.check_method
        if reason or method is None:
            self.say(reason, "warning", "editing")
            return
        structure, model = self.structures[self.picked], self.predictor
        self._cancel_check = cancel = threading.Event()
        self.checking = ReferenceState(total=1, label=structure.label)

        def work() -> Check:
            found = run_references(
                [structure],
                method,
                jobs=1,
                name="check",
                report=lambda progress: self.pump.put(self._check_progressed, progress),
                cancel=cancel,
            )
            if cancel.is_set() and not len(found):
                raise TrainingError(f"the check of {structure.label} was cancelled")
            if not len(found):
                raise TrainingError(f"{structure.label} cannot be computed: {found.set_aside[0][1]}")
            if model is None:
                return Check(found.references[0])
            try:
                results = model.evaluate(found)
                if not structure.is_crystal:
                    results.molecule_state(0)  # worked out here, where nobody waits for it
            except HamExplorerError:  # nothing was predicted, either, and the person was told why
                return Check(found.references[0])
            return Check(found.references[0], results)

        def done(checks: list[Check]) -> None:
            self.checking = ReferenceState()
            results = checks[-1].results
            state = None if results is None or structure.is_crystal else results.molecule_state(0)
            if state is not None:
                self._states[structure.key] = state
            self.checks = {**self.checks, structure.key: checks[-1]}
            self._find_state()
            self.say(f"{structure.label} is checked.", where="editing")

        def failed(sentences: list[str]) -> None:
            self.checking = ReferenceState()
            self.say(sentences[-1], "warning" if cancel.is_set() else "error", "editing")

        self.pump.start(work, done=done, failed=failed, end=cancel.set)

    def cancel_check(self) -> None:
        """Stop the check under way."""
        if self.checking.running:
            self._cancel_check.set()
            self.checking = replace(self.checking, cancelling=True)

    def _check_progressed(self, events: list[ReferenceProgress]) -> None:
        if self.checking.running:
            self.checking = replace(self.checking, seconds_left=events[-1].seconds_left)

    def known(self, index: int) -> dict[str, dict[str, Any]]:
        """As in :meth:`Findings.known`, with the values of a check beside the prediction."""
        found = super().known(index)
        structure = self.structures[index] if 0 <= index < len(self.structures) else None
        check = self.checks.get(structure.key) if structure is not None else None
        if check is None or self.has_reference(index):
            return found
        entry = check.reference
        small, large = (properties_of(each, entry.n_occ) for each in (entry.small, entry.large))
        return {"small": small, **found, "large": large}
