"""A grid of runs: target sets × reductions × models × seeds, as a person writes it down."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hamexplorer._plain import read_toml
from hamexplorer.errors import SettingsError, quoted
from hamexplorer.model import SURROGATES
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import PRESETS, defaults_for

#: Settings that the grid itself runs over.
VARIED = ("targets", "reduction", "model", "seed")
#: Most runs of a grid on one data set: weeks of training.
MAX_RUNS = 1000


@dataclass(frozen=True)
class PlannedRun:
    """One run of a grid.

    Attributes:
        dataset: name of the set to learn from.
        target_set: as written in the grid; a surrogate learns those of its targets that it can.
        settings: of the run.
        test_on: further sets that its model is tested on.
    """

    dataset: str
    target_set: str
    settings: RunSettings
    test_on: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        s = self.settings
        parts = [self.target_set, s.model]
        parts += [] if s.model in SURROGATES else [s.reduction]
        parts += [] if s.target_basis == "large" else [f"{s.target_basis} basis"]
        parts += [f"{s.train_at_most} structures"] if s.train_at_most else []
        return ", ".join([*parts, f"seed {s.seed}"])


@dataclass(frozen=True)
class Grid:
    """Everything that is varied, and what stays the same.

    Attributes:
        datasets: names or files to learn from, each in turn.
        targets: target sets: a name of :data:`PRESETS`, or target names joined by ``+``.
        reductions: none stands for the usual one.
        models, seeds: of the runs.
        test_on: further data sets that every model is tested on; of the same small basis.
        settings: fixed settings of all runs, for example ``{"epochs": 100}``.
    """

    datasets: tuple[str, ...]
    targets: tuple[str, ...] = ("ε", "ε + μ", "ε + μ + α")
    reductions: tuple[str, ...] = ()
    models: tuple[str, ...] = ("network", "surrogate")
    seeds: tuple[int, ...] = (42,)
    test_on: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("datasets", "targets", "models", "seeds"):
            if not getattr(self, name):
                raise SettingsError(f"the grid has no {name}; name at least one")
        if (n := self._most_runs()) > MAX_RUNS:
            raise SettingsError(
                f"the grid has {n} runs on each set, {MAX_RUNS} is the most; vary less at a time"
            )
        twice = [name for name in VARIED if name in self.settings]
        if twice:
            raise SettingsError(
                f"{twice[0]} is varied by the grid and cannot be fixed in its settings; leave it out there"
            )
        for _ in self.runs(self.datasets[0]):
            pass  # every run's settings are checked now rather than after hours

    def _most_runs(self) -> int:
        """Runs on one data set, those that coincide counted apart."""
        sets = (self.targets, self.reductions or ("",), self.models, self.seeds)
        return max(math.prod(map(len, sets)), len(self.datasets), len(self.test_on))

    def runs(self, dataset: str, *, kind: str = "molecules") -> Iterator[PlannedRun]:
        """The runs on one data set, each once: what a surrogate has no use for does not multiply it.

        Args:
            dataset: name.
            kind: what it holds, of :data:`hamexplorer.train.suited.SUITED`: each wants other defaults.

        Raises:
            SettingsError: naming the setting that is unknown or out of bounds.
        """
        base = {**defaults_for(kind), **self.settings}
        reductions = self.reductions or (base.get("reduction", RunSettings().reduction),)
        seen = set()
        for text, reduction, model, seed in itertools.product(
            self.targets, reductions, self.models, self.seeds
        ):
            targets = target_set(text)
            if model in SURROGATES:
                known = SURROGATES[model].predicts
                targets = {name: weight for name, weight in targets.items() if name in known}
                reduction = reductions[0]
            if not targets or (text, reduction, model, seed) in seen:
                continue
            seen.add((text, reduction, model, seed))
            values = {**base, "targets": targets, "reduction": reduction, "model": model, "seed": seed}
            if model in SURROGATES:
                values["committee"] = 1  # it has none; the Hamiltonians of the same grid may
            further = tuple(name for name in self.test_on if name != dataset)
            yield PlannedRun(dataset, text, RunSettings.from_dict(values), further)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Grid:
        """A grid from plain values, as TOML gives them; single names may stand for lists of one.

        Raises:
            SettingsError: naming the entry that is unknown or of the wrong kind.
        """
        values = {("datasets" if name == "dataset" else name): value for name, value in values.items()}
        known = [entry.name for entry in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                near = difflib.get_close_matches(name[:80], known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"choose among {', '.join(known)}"
                raise SettingsError(f"the entry {quoted(name)} of the grid is unknown; {hint}")
        if "datasets" not in values:
            raise SettingsError('the grid names no dataset; write, for example, dataset = "small-molecules"')
        settings = values.get("settings", {})
        if not isinstance(settings, Mapping):
            raise SettingsError("[settings] of the grid must be a table, for example with epochs = 100")
        lists = {
            name: _listed(name, value, int if name == "seeds" else str)
            for name, value in values.items()
            if name != "settings"
        }
        return cls(**lists, settings=dict(settings))

    @classmethod
    def read(cls, path: Path | str) -> Grid:
        """A grid from a TOML file.

        Raises:
            SettingsError: if the file cannot be read, naming what is wrong in it.
        """
        path = Path(path)
        try:
            values = read_toml(path)
        except OSError as error:
            raise SettingsError(
                f"the grid file {str(path)!r} cannot be read ({error.strerror}); check the path"
            ) from error
        try:
            return cls.from_dict(values)
        except SettingsError as error:
            raise SettingsError(f"{path}: {error}") from error


def target_set(text: str) -> dict[str, float]:
    """Targets with their usual weights: a name of :data:`PRESETS`, spaces aside, or target names joined by ``+``.

    Raises:
        SettingsError: if a name is unknown.
    """
    by_name = {name.replace(" ", ""): names for name, names in PRESETS.items()}
    names: Sequence[str] = by_name.get(text.replace(" ", ""), ())
    names = names or [part.strip() for part in text.split("+") if part.strip()]
    if not names:
        raise SettingsError(
            f"the target set {quoted(text)} names nothing; write for example 'ε + μ', or mo_energy + dipole"
        )
    return {name: float(TARGETS[name].default_weight) for name in names}


def _listed(name: str, value: Any, kind: type) -> tuple[Any, ...]:
    """A list, or a single value as a list of one; a list of target names is one target set."""
    entries = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    if name == "targets":
        entries = [" + ".join(map(str, e)) if isinstance(e, list) else e for e in entries]
    for entry in entries:
        if not isinstance(entry, kind) or isinstance(entry, bool):
            what = "whole numbers" if kind is int else "names"
            raise SettingsError(f"{name} of the grid must be {what}, got {quoted(entry)}")
    return tuple(dict.fromkeys(entries))
