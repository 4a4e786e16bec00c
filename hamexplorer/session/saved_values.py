"""Structures, selections and runs as plain values of a session file, and back: checked, anybody may have written it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer._plain import as_number, take, take_list, take_number, take_whole
from hamexplorer.errors import plain_text
from hamexplorer.plots import History
from hamexplorer.plots.history import Mark
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.session.runs import Run
from hamexplorer.session.state import Selection
from hamexplorer.session.timeline import Timeline
from hamexplorer.structures.structure import Structure
from hamexplorer.train.events import EpochReport
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel

#: Numbers of an :class:`EpochReport` beside the epoch; those of old lack the last.
_OF_EPOCH = ("loss_train", "loss_validation", "learning_rate", "molecules_per_second", "seconds_left")


def plain_structure(structure: Structure) -> dict[str, Any]:
    """Plain values of a structure."""
    return {
        "numbers": structure.numbers.tolist(),
        "positions": structure.positions.tolist(),
        "charge": structure.charge,
        "name": structure.name,
        "cell": None if structure.cell is None else structure.cell.tolist(),
        "pbc": list(map(bool, structure.pbc)),
    }


def structure_from(values: dict[str, Any]) -> Structure:
    """The structure; raises ValueError. Whether its atoms can be is another question."""
    numbers = np.array(take_list(values, "numbers", int, most=10_000), dtype=object)
    if not all(0 < z < 200 for z in numbers):
        raise ValueError("numbers are no atomic numbers")
    a, b, c = take_list(values, "pbc", bool)
    return Structure(
        numbers.astype(int),
        _table(take(values, "positions", list)),
        charge=take_whole(values, "charge", low=-1000, high=1000),
        name=plain_text(take(values, "name", str)),
        source="session",
        cell=None if values["cell"] is None else _table(take(values, "cell", list)),
        pbc=(a, b, c),
    )


def _table(rows: list[Any]) -> np.ndarray:
    """Lines of three numbers each; what is none becomes NaN, which no structure may have."""
    found = [[as_number(x, "a coordinate") for x in row] for row in rows]
    return np.array(found, dtype=float).reshape(len(found), 3)


def selection_from(values: dict[str, Any]) -> Selection:
    """The selection; raises ValueError."""

    def whole(name: str) -> int | None:
        return None if values[name] is None else take_whole(values, name)

    words = {name: take(values, name, str) for name in ("elements", "index_range", "kind")}
    return Selection(min_heavy=whole("min_heavy"), max_heavy=whole("max_heavy"), **words)


def plain_run(run: Run) -> dict[str, Any]:
    """Plain values of a run, without its model."""
    return {
        "number": run.number,
        "dataset": run.dataset,
        "rows": run.rows,
        "n_structures": run.n_structures,
        "settings": run.settings.to_dict(),
        "weights": run.weights,
        "reports": [dataclasses.asdict(report) for report in run.history.reports],
        "marks": [dataclasses.asdict(mark) for mark in run.history.marks],
        "stride": run.history.stride,
        "seconds": run.seconds,
    }


def run_from(values: dict[str, Any], folder: Path, dataset: ReferenceDataset | None) -> Run:
    """The run, with its model from its folder in ``folder`` and the model's results for ``dataset``.

    Raises:
        ValueError: if an entry is missing or of another kind; HamExplorerError among them, from the model.
    """
    number = take_whole(values, "number", low=1)
    name = plain_text(take(values, "dataset", str))
    rows = None if values["rows"] is None else take_list(values, "rows", int)
    history = History(
        tuple(_report(report) for report in take_list(values, "reports", dict)),
        tuple(
            Mark(take_whole(mark, "epoch"), take(mark, "kind", str), take(mark, "text", str))
            for mark in take_list(values, "marks", dict)
        ),
        take_whole(values, "stride", low=1),
    )
    weights = []
    for entry in take_list(values, "weights", list):
        epoch, targets = entry
        weights.append((take_whole({"epoch": epoch}, "epoch"), _numbers({"weights": targets}, "weights")))
    place = folder / f"run-{number}"
    model = TrainedModel.load(place) if place.is_dir() else None
    results = None
    if model is not None and dataset is not None and name == dataset.name:
        results = model.evaluate(dataset if rows is None else dataset.subset(rows))
    return Run(
        number,
        name,
        rows,
        take_whole(values, "n_structures"),
        RunSettings.from_record(take(values, "settings", dict)),
        tuple(weights),
        history,
        results,
        model,
        Timeline() if results is None else Timeline((results,)),
        take_number(values, "seconds"),
    )


def _report(values: dict[str, Any]) -> EpochReport:
    figures = {name: take_number(values, name) for name in _OF_EPOCH}
    return EpochReport(
        take_whole(values, "epoch"),
        take_whole(values, "n_epochs"),
        train=_numbers(values, "train"),
        validation=_numbers(values, "validation"),
        gradient_norm=take_number(values, "gradient_norm", float("nan")),
        **figures,
    )


def _numbers(values: dict[str, Any], name: str) -> dict[str, float]:
    found = take(values, name, dict)
    return {key: take_number(found, key) for key in found}
