"""Small immutable values that the session's traits hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from hamexplorer.structures.selection import select
from hamexplorer.structures.structure import Structure

#: What the training is doing. Only "idle" and the three ends allow a new start.
STATES = ("idle", "preparing", "training", "paused", "stopped", "finished", "failed")


@dataclass(frozen=True)
class Message:
    """A sentence for the person, and the panel in which it belongs.

    Attributes:
        text: one sentence; empty means that there is nothing to say.
        level: "info", "warning" or "error".
        where: "structures", "references", "targets", "training", "study" or "share".
    """

    text: str = ""
    level: str = "info"
    where: str = "structures"


@dataclass(frozen=True)
class Progress:
    """How far the training has come; None where it is not known yet."""

    text: str = ""
    fraction: float | None = None
    epoch: int = 0
    n_epochs: int = 0
    molecules_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class ReferenceState:
    """Reference calculations under way; ``total`` 0 means that there are none."""

    done: int = 0
    total: int = 0
    label: str = ""
    seconds_left: float | None = None
    cancelling: bool = False

    @property
    def running(self) -> bool:
        return self.total > 0


@dataclass(frozen=True)
class Selection:
    """Which of the loaded structures are used: by kind, element, heavy atoms and index range."""

    elements: str = ""
    min_heavy: int | None = None
    max_heavy: int | None = None
    index_range: str = ""
    kind: str = ""

    def indices(self, structures: tuple[Structure, ...]) -> tuple[int, ...]:
        """Indices of the structures that pass.

        Raises:
            StructureError: if the kind, the elements or the range cannot be understood.
        """
        if not structures:
            return ()
        chosen = select(
            list(structures),
            elements=self.elements.strip() or None,
            min_atoms=self.min_heavy,
            max_atoms=self.max_heavy,
            index_range=self.index_range.strip() or None,
            kind=self.kind or None,
        )
        return tuple(chosen)


@dataclass(frozen=True)
class Download:
    """A file for the person: name and content."""

    filename: str
    content: bytes = field(repr=False)
