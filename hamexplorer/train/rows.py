"""What the runs of a study gave: a row each, kept on disk as soon as it is known, and the table of all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.reference.store import write_aside
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.runfile import dataset_key
from hamexplorer.train.settings import RunSettings
from hamexplorer.units import energy_factor

#: Raised when the meaning of a kept row changes.
_FORMAT = 1
#: Figures of an :class:`ErrorRow`, the paper's first.
MEASURES = ("rmse_per_atom", "mae", "rmse", "raw_rmse_per_atom", "raw_mae", "raw_rmse")


@dataclass(frozen=True)
class Row:
    """One run and how well it did.

    Attributes:
        run: what was planned.
        seconds: that it took.
        epochs, best_epoch: done, and after which the kept weights stood.
        errors: by tested set, then by target; energies in Ha. Of the run's own set it is the test part.
        sentence: why it failed, or on which set it could not be tested; empty if all went well.
    """

    run: PlannedRun
    seconds: float = 0.0
    epochs: int = 0
    best_epoch: int = 0
    errors: Mapping[str, Mapping[str, ErrorRow]] = field(default_factory=dict)
    sentence: str = ""

    @property
    def failed(self) -> bool:
        return not self.errors

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON: what is no number becomes null."""
        errors = {
            name: {target: _plain(row) for target, row in rows.items()} for name, rows in self.errors.items()
        }
        return {
            "format": _FORMAT,
            "dataset": self.run.dataset,
            "target_set": self.run.target_set,
            "settings": self.run.settings.to_dict(),
            "seconds": self.seconds,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "errors": errors,
            "sentence": self.sentence,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Row:
        """From what :meth:`to_dict` gave."""
        run = PlannedRun(values["dataset"], values["target_set"], RunSettings.from_dict(values["settings"]))
        errors = {
            name: {target: _error_row(row) for target, row in rows.items()}
            for name, rows in values["errors"].items()
        }
        rest = {name: values[name] for name in ("seconds", "epochs", "best_epoch", "sentence")}
        return cls(run, errors=errors, **rest)


def _plain(row: ErrorRow) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}


def _error_row(values: Mapping[str, Any]) -> ErrorRow:
    known: dict[str, Any] = {k: math.nan if v is None else v for k, v in values.items()}
    return ErrorRow(**known)


class KeptRows:
    """Finished rows by what decided them: in a folder, where later studies find them, or in memory alone."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._rows: dict[str, Row] = {}

    @staticmethod
    def key(run: PlannedRun, dataset: ReferenceDataset, further: Sequence[ReferenceDataset]) -> str:
        """Changes with everything that the row depends on."""
        described = [_FORMAT, run.settings.to_dict(), *(dataset_key(d) for d in (dataset, *further))]
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:24]

    def run_folder(self, key: str) -> Path | None:
        """Where the run keeps its model and its checkpoints."""
        return None if self.folder is None else self.folder / "runs" / key

    def items(self) -> list[tuple[str, Row]]:
        """Rows that were put here, by key."""
        return list(self._rows.items())

    def get(self, key: str) -> Row | None:
        """The finished row; None if there is none, or it cannot be read."""
        if key in self._rows or self.folder is None:
            return self._rows.get(key)
        try:
            text = (self.folder / "runs" / key / "row.json").read_text(encoding="utf-8")
            return Row.from_dict(json.loads(text))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, row: Row) -> None:
        """Keep a finished row.

        Raises:
            DatasetError: if the folder cannot be written.
        """
        self._rows[key] = row
        if self.folder is not None:
            with write_aside(self.folder / "runs" / key / "row.json") as aside:
                aside.write_text(json.dumps(row.to_dict(), indent=1, ensure_ascii=False), encoding="utf-8")


def table_csv(rows: Sequence[Row], units: str = "eV") -> str:
    """One line a run, tested set and target; a run that failed has one line with its sentence."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    varied = ["dataset", "target_set", "targets", "reduction", "model", "seed"]
    writer.writerow(
        [
            *varied,
            "tested_on",
            "target",
            "unit",
            *MEASURES,
            "n",
            "seconds",
            "epochs",
            "best_epoch",
            "sentence",
        ]
    )
    for row in rows:
        s = row.run.settings
        first = [row.run.dataset, row.run.target_set, "+".join(s.targets), s.reduction, s.model, s.seed]
        last = [f"{row.seconds:.1f}", row.epochs, row.best_epoch, row.sentence]
        if row.failed:
            writer.writerow([*first, *[""] * (len(MEASURES) + 4), *last])
        for name, errors in row.errors.items():
            for target, entry in in_units(errors, units).items():
                numbers = [_number(getattr(entry, measure)) for measure in MEASURES]
                writer.writerow([*first, name, target, entry.unit, *numbers, entry.n, *last])
    return text.getvalue()


def table_json(rows: Sequence[Row]) -> str:
    """The rows as they are kept, energies in Ha."""
    return json.dumps([row.to_dict() for row in rows], indent=1, ensure_ascii=False) + "\n"


def in_units(errors: Mapping[str, ErrorRow], units: str) -> dict[str, ErrorRow]:
    """The same errors with energies in another unit, a key of :data:`hamexplorer.units.ENERGY_UNITS`."""
    found = {}
    for name, row in errors.items():
        if row.unit == "Ha":
            scaled = {measure: energy_factor(units) * getattr(row, measure) for measure in MEASURES}
            row = replace(row, unit=units, **scaled)  # type: ignore[arg-type]
        found[name] = row
    return found


def _number(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else ""
