"""Runs of a session: what each was, so that they can be compared, shown again and repeated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hamexplorer.params import params_of
from hamexplorer.plots import History
from hamexplorer.train.results import Results
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel


@dataclass(frozen=True, eq=False)
class Run:
    """One training run.

    Attributes:
        number: counted from 1 in a session.
        dataset: name of the data set.
        rows: places of the structures used, in the data set; None for all.
        n_structures: used.
        settings: as they were at the start.
        weights: (epoch, targets and weights in force from then on), where they were changed on the way.
        history, results, model: what came out; results and model None where the run gave none.
        timeline: results of earlier epochs.
        seconds: from Train to the end.
    """

    number: int
    dataset: str
    rows: tuple[int, ...] | None
    n_structures: int
    settings: RunSettings
    weights: tuple[tuple[int, dict[str, float]], ...] = ()
    history: History = field(default_factory=History)
    results: Results | None = None
    model: TrainedModel | None = None
    timeline: Any = None
    seconds: float = 0.0

    @property
    def label(self) -> str:
        return f"run {self.number}"

    @property
    def epochs(self) -> int:
        """Finished ones."""
        return self.history.last.epoch if self.history.last is not None else 0

    def with_weights(self, epoch: int, weights: dict[str, float]) -> Run:
        """With other weights from an epoch on."""
        return replace(self, weights=(*self.weights, (epoch, dict(weights))))


def differences(one: Run, other: Run) -> list[tuple[str, str, str]]:
    """What was chosen differently: its name, and what it was in each of two runs."""
    found = []
    for what, a, b in (
        ("Dataset", one.dataset, other.dataset),
        ("Structures", one.n_structures, other.n_structures),
        ("Targets", _targets(one), _targets(other)),
        *(
            (
                entry.label or entry.name,
                getattr(one.settings, entry.name),
                getattr(other.settings, entry.name),
            )
            for entry in params_of(RunSettings)
        ),
        ("Epochs done", one.epochs, other.epochs),
    ):
        if a != b:
            found.append((str(what), str(a), str(b)))
    return found


def _targets(run: Run) -> str:
    begun = ", ".join(f"{name}={weight:g}" for name, weight in run.settings.targets.items())
    return begun + "".join(
        f"; from epoch {epoch} {', '.join(f'{n}={w:g}' for n, w in weights.items())}"
        for epoch, weights in run.weights
    )
