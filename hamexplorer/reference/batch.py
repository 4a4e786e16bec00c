"""One batch of reference calculations: what is finished, waiting or set aside, and the time that is left."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata

import numpy as np
import pyscf

from hamexplorer.cluster import Answer, TaskPool
from hamexplorer.errors import HamExplorerError, ReferenceCalculationError
from hamexplorer.reference.costs import machine_factor, missing_seconds, remember_factor
from hamexplorer.reference.kinds import Kind, Method, kind_of
from hamexplorer.reference.properties import Reference, ReferenceDataset
from hamexplorer.reference.store import Level, ReferenceStore
from hamexplorer.reference.worker import encode_task
from hamexplorer.structures.structure import Structure

#: How often a run looks whether it was cancelled, and how often it reports while nothing finishes, s.
_TICK, _REPORT_EVERY = 0.1, 1.0
#: A molecule whose worker dies is tried this often before it is set aside.
_ATTEMPTS = 2


@dataclass(frozen=True)
class ReferenceProgress:
    """Where a run stands.

    Attributes:
        done: molecules that are finished or set aside.
        total: molecules asked for.
        seconds_left: an estimate, weighted by the cost of what is left; None before it can be made.
        label: the molecule that finished last, or the one being computed.
        set_aside: (label, reason) of each molecule that could not be computed.
    """

    done: int
    total: int
    seconds_left: float | None
    label: str
    set_aside: tuple[tuple[str, str], ...]


@dataclass
class Batch:
    """The molecules of one run, sorted by what has become of them; keys are those of the structures."""

    structures: list[Structure]
    method: Method
    store: ReferenceStore
    report: Callable[[ReferenceProgress], None]
    references: dict[str, Reference] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    waiting: deque[Structure] = field(default_factory=deque)
    costs: dict[str, float] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    spent: float = 0.0
    expected: float = 0.0
    factor: float = 1.0

    @property
    def kind(self) -> Kind:
        """What the method calculates."""
        return kind_of(self.method)

    def take_from_store(self, cancel: threading.Event) -> None:
        """Sort molecules into finished, impossible and waiting."""
        self.factor = machine_factor(self.store)
        reported = time.monotonic()
        for structure in {s.key: s for s in self.structures}.values():
            if cancel.is_set():
                return
            if not self._impossible(structure) and not self._assemble(structure):
                self.costs[structure.key] = missing_seconds(structure, self.method, self.store)
                self.waiting.append(structure)
            if time.monotonic() - reported > _REPORT_EVERY:
                reported = time.monotonic()
                self.tell(structure.label, None)

    def _impossible(self, structure: Structure) -> bool:
        try:
            for level in self.kind.levels(structure, self.method):
                self.kind.check(structure, level)
        except HamExplorerError as error:
            self.reasons[structure.key] = str(error)
            return True
        return False

    def _assemble(self, structure: Structure) -> bool:
        """Take a finished molecule from the store; False if something of it is missing or damaged."""
        small, large = (
            self.store.get(structure, level) for level in self.kind.levels(structure, self.method)
        )
        if small is None or large is None:
            return False
        try:
            self.references[structure.key] = self.kind.assemble(structure, self.method, small, large)
        except np.linalg.LinAlgError as error:
            self.reasons[structure.key] = (
                f"the large basis of {structure.label} is linearly dependent ({error}); choose a smaller one"
            )
        return True

    def _missing(self, structure: Structure) -> dict[int, Level]:
        """Levels that the store lacks, by their place among the method's; one that serves twice is computed once."""
        levels = self.kind.levels(structure, self.method)
        places = {level: index for index, level in reversed(list(enumerate(levels)))}
        # Not `has`: an entry that is damaged is computed again.
        return {index: level for level, index in places.items() if self.store.get(structure, level) is None}

    def work(self, pool: TaskPool, cancel: threading.Event) -> None:
        """Keep the workers busy until nothing is left or the run is cancelled."""
        self.tell(self.waiting[0].label, self._seconds_left(pool))
        reported = time.monotonic()
        while (self.waiting or pool.n_busy) and not cancel.is_set():
            while self.waiting and pool.has_room:
                structure = self.waiting.popleft()
                pool.submit(structure, encode_task(structure, self.method, sorted(self._missing(structure))))
            answer = pool.next_answer(_TICK)
            if answer is not None:
                self._take(answer)
            if answer is not None or time.monotonic() - reported > _REPORT_EVERY:
                reported = time.monotonic()
                self.tell(self._now(pool, answer), self._seconds_left(pool))
        if self.expected > 0:
            remember_factor(self.store, self.spent / self.expected)

    def _now(self, pool: TaskPool, answer: Answer | None) -> str:
        """What is happening, in words."""
        if answer is not None:
            return str(answer.task.label)
        if not pool.workers.at_once:
            return f"waiting for {pool.workers.where}"
        running = pool.running()
        return running[0][0].label if running else ""

    def _take(self, answer: Answer) -> None:
        """Keep what came of one molecule, and book it."""
        structure, message = answer.task, answer.value
        if message is None:
            self._lost(structure)
            return
        if "fatal" in message:
            raise ReferenceCalculationError(message["fatal"])
        if "reason" in message:
            self.reasons[structure.key] = message["reason"]
            return
        levels = self.kind.levels(structure, self.method)
        for index, point in message["points"].items():
            self.store.put(structure, levels[index], point)
        if self._assemble(structure):
            self.spent += message["seconds"]
            self.expected += self.costs[structure.key]
        else:
            self._lost(structure)

    def _lost(self, structure: Structure) -> None:
        """Try again what ended without a result, but not for ever."""
        attempts = self.attempts[structure.key] = self.attempts.get(structure.key, 0) + 1
        if attempts < _ATTEMPTS:
            self.waiting.append(structure)
            return
        self.reasons[structure.key] = (
            f"the calculation of {structure.label} was ended from outside {attempts} times, often for want "
            f"of memory; use fewer jobs or a smaller basis, and run again: what is finished is kept"
        )

    def tell(self, label: str, seconds_left: float | None) -> None:
        """Report where the run stands."""
        self.report(
            ReferenceProgress(
                done=len(self.references) + len(self.reasons),
                total=len({s.key for s in self.structures}),
                seconds_left=seconds_left,
                label=label,
                set_aside=self._set_aside(),
            )
        )

    def _seconds_left(self, pool: TaskPool) -> float:
        """Cost of what is left, at the speed measured so far; the first minute trusts earlier runs more."""
        prior = 60.0
        factor = (prior * self.factor + self.spent) / (prior + self.expected)
        running = [(factor * self.costs[s.key], seconds) for s, seconds in pool.running()]
        left = [max(cost - seconds, 0.1 * cost) for cost, seconds in running]
        left += [factor * self.costs[s.key] for s in self.waiting]
        return max(sum(left) / max(pool.workers.at_once, 1), max(left, default=0.0))

    def _set_aside(self) -> tuple[tuple[str, str], ...]:
        unique = {s.key: s for s in self.structures}
        return tuple((unique[key].label, reason) for key, reason in self.reasons.items())

    def dataset(self, name: str) -> ReferenceDataset:
        """What is finished, in the order in which it was asked for."""
        finished = []
        for structure in self.structures:
            if structure.key in self.references:
                # An equal structure may have been asked for under several names.
                finished.append(replace(self.references[structure.key], structure=structure))
        return ReferenceDataset(name, self.method, tuple(finished), self._set_aside(), _provenance())


def _provenance() -> dict[str, str]:
    try:
        own = metadata.version("hamexplorer")
    except metadata.PackageNotFoundError:  # used from a checkout that was never installed
        own = "from source"
    return {"hamexplorer": own, "pyscf": pyscf.__version__}
