"""The paper's study in figures: mean and spread over seeds of every experiment, beside what its authors give."""

from __future__ import annotations

import csv
import io
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import NamedTuple

import numpy as np

from hamexplorer import __version__
from hamexplorer.errors import HamExplorerError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.paper import RAW, AuthorsFigures, Experiment, authors_figures
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row, in_units
from hamexplorer.train.values import reduce_reference, target_values

#: The paper's figure first, then those of single values.
MEASURES = ("rmse_per_atom", "mae", "rmse")
#: Libraries that decide the numbers.
_PACKAGES = ("pyscf", "pyscfad", "jax", "equinox", "optax", "numpy")


class Figure(NamedTuple):
    """Mean over seeds and their standard deviation, NaN of a single seed."""

    mean: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else math.nan)


@dataclass(frozen=True)
class Line:
    """One property of one experiment on one tested set; energies in eV, the others in atomic units.

    Attributes:
        experiment: what was learned.
        n_train: structures that were learned from; 0 of the raw small basis.
        tested_on: as in :attr:`hamexplorer.train.rows.Row.errors`.
        target, label, unit: of the property.
        seeds: that the figures are of.
        figures: by measure, :data:`MEASURES`.
        given: the authors' figures of the same experiment; None if they give none.
    """

    experiment: Experiment
    n_train: int
    tested_on: str
    target: str
    label: str
    unit: str
    seeds: tuple[int, ...]
    figures: Mapping[str, Figure]
    given: AuthorsFigures | None = None

    @property
    def authors(self) -> float | None:
        """The authors' per-atom figure."""
        return None if self.given is None else self.given.errors[self.target]


class _Found(NamedTuple):
    """One error of one seed, before means are taken."""

    experiment: Experiment
    tested_on: str
    seed: int
    n_train: int
    entry: ErrorRow


def summarise(
    rows: Sequence[Row], dataset: str, raw: Mapping[int, Mapping[str, Mapping[str, ErrorRow]]]
) -> list[Line]:
    """Lines of the raw small basis first, then of every experiment in the order of its first run.

    Args:
        rows: of the study; those that failed are left out.
        dataset: name of the set that was learned from.
        raw: of :func:`hamexplorer.train.raw_errors.raw_of_seeds`.
    """
    found = [
        _Found(RAW, tested_on, seed, 0, entry)
        for seed, sets in raw.items()
        for tested_on, errors in sets.items()
        for entry in errors.values()
    ]
    found += [
        _Found(Experiment.of(row.run.settings), tested_on, row.run.settings.seed, row.n_train, entry)
        for row in rows
        for tested_on, errors in row.errors.items()
        for entry in errors.values()
    ]
    groups: dict[tuple[Experiment, str, str], list[_Found]] = {}
    for each in found:
        groups.setdefault((each.experiment, each.tested_on, each.entry.target), []).append(each)
    order = {experiment: place for place, experiment in enumerate(dict.fromkeys(e for e, _, _ in groups))}
    keys = sorted(groups, key=lambda key: order[key[0]])
    return [_line(groups[key], dataset) for key in keys]


def _line(found: Sequence[_Found], dataset: str) -> Line:
    experiment, tested_on, _, n_train, entry = found[0]
    in_eV = [in_units({each.entry.target: each.entry}, "eV")[each.entry.target] for each in found]
    return Line(
        experiment,
        n_train,
        tested_on,
        entry.target,
        entry.label,
        in_eV[0].unit,
        tuple(each.seed for each in found),
        {measure: Figure.of([getattr(row, measure) for row in in_eV]) for measure in MEASURES},
        authors_figures(experiment, dataset, tested_on, entry.target),
    )


def why_not_run(run: PlannedRun, dataset: ReferenceDataset) -> str:
    """Why a run cannot be made on a data set that lacks a target, as a sentence; empty if it can."""
    learned = dataset.with_targets_of(run.settings.target_basis).references[0]
    try:
        known = target_values(learned, *reduce_reference(learned, run.settings))[0]
    except HamExplorerError as error:
        return f"not run: {error}"
    missing = [TARGETS[name].label.lower() for name in run.settings.targets if name not in known]
    basis = getattr(dataset.method, f"{run.settings.target_basis}_basis")
    return f"not run: the data set has no {' and no '.join(missing)} in {basis}" if missing else ""


def circumstances() -> dict[str, str]:
    """When and with what a study was made."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return {
        "date": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        "packages": f"hamexplorer {__version__}, {packages}, Python {platform.python_version()}",
        "machine": f"{cores} core{'s' if cores != 1 else ''}, {platform.machine()}, {platform.system()}",
    }


def about_csv(about: Mapping[str, str]) -> str:
    """Circumstances and settings of a study, a line each."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("name", "text"), *about.items()])
    return text.getvalue()


def summary_csv(lines: Sequence[Line]) -> str:
    """One line a property, experiment and tested set, the raw small basis first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measures = [f"{measure}{tail}" for measure in MEASURES for tail in ("", "_spread")]
    head = ["experiment", "target_basis", "targets", "n_train", "tested_on", "target", "unit"]
    writer.writerow([*head, *measures, "authors_rmse_per_atom", "authors_n_train", "seeds"])
    for line in lines:
        e = line.experiment
        numbers = [_number(value) for measure in MEASURES for value in line.figures[measure]]
        told = [e.kind, e.basis, "+".join(e.targets), line.n_train or "", line.tested_on, line.target]
        given = ["", ""] if line.given is None else [line.authors, line.given.n_train or ""]
        writer.writerow([*told, line.unit, *numbers, *given, " ".join(map(str, line.seeds))])
    return text.getvalue()


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
