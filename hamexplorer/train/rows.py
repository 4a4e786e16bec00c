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

from hamexplorer._plain import take, take_number, take_whole
from hamexplorer.errors import plain_text
from hamexplorer.reference.aside import write_aside, write_whole
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.reference.sealed import json_digest
from hamexplorer.train.grid import PlannedRun, target_set
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
        n_train: structures that the model learned from; 0 where an older version did not keep it.
        sentence: why it failed, or on which set it could not be tested; empty if all went well.
    """

    run: PlannedRun
    seconds: float = 0.0
    epochs: int = 0
    best_epoch: int = 0
    errors: Mapping[str, Mapping[str, ErrorRow]] = field(default_factory=dict)
    sentence: str = ""
    n_train: int = 0

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
            "n_train": self.n_train,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Row:
        """From what :meth:`to_dict` gave; raises ValueError if an entry is missing or of another kind."""
        settings = RunSettings.from_record(take(values, "settings", dict))
        run = PlannedRun(plain_text(take(values, "dataset", str)), take(values, "target_set", str), settings)
        target_set(run.target_set)  # raises if it is none
        tested = take(values, "errors", dict)
        errors = {
            name: {t: _error_row(take(tested[name], t, dict)) for t in take(tested, name, dict)}
            for name in tested
        }
        return cls(
            run,
            take_number(values, "seconds"),
            take_whole(values, "epochs"),
            take_whole(values, "best_epoch"),
            errors,
            take(values, "sentence", str),
            take_whole(values, "n_train", 0),
        )


def _plain(row: ErrorRow) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}


def _error_row(values: Mapping[str, Any]) -> ErrorRow:
    known: dict[str, Any] = {name: take(values, name, str) for name in ("target", "label", "unit")}
    if any(set(word) & set("<>&{") for word in known.values()):
        raise ValueError("a label with markup")
    for name in MEASURES:
        known[name] = math.nan if values.get(name) is None else take_number(values, name)
    return ErrorRow(n=take_whole(values, "n"), **known)


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

    def spent(self, key: str) -> float:
        """Seconds that an interrupted run took so far."""
        if self.folder is None:
            return 0.0
        try:
            return float(self._spent(self.folder, key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0.0

    def interrupted(self, key: str, seconds: float) -> None:
        """Keep how long an interrupted run took, this time added.

        Raises:
            DatasetError: if the folder cannot be written.
        """
        if self.folder is not None:
            with write_aside(self._spent(self.folder, key)) as aside:
                aside.write_text(f"{self.spent(key) + seconds:.1f}\n", encoding="utf-8")

    @staticmethod
    def _spent(folder: Path, key: str) -> Path:
        return folder / "runs" / key / "seconds.txt"

    def items(self) -> list[tuple[str, Row]]:
        """Rows that were put here, by key."""
        return list(self._rows.items())

    def get(self, key: str) -> Row | None:
        """The finished row; None if there is none, or it cannot be read."""
        if key in self._rows or self.folder is None:
            return self._rows.get(key)
        try:
            text = (self.folder / "runs" / key / "row.json").read_text(encoding="utf-8")
            values = json.loads(text)
            # Rows of before have no checksum.
            digest = values.pop("sha256", None)
            if digest is not None and digest != json_digest(values):
                return None
            return Row.from_dict(values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def put(self, key: str, row: Row) -> None:
        """Keep a finished row.

        Raises:
            DatasetError: if the folder cannot be written.
        """
        self._rows[key] = row
        if self.folder is not None:
            values = row.to_dict()
            values["sha256"] = json_digest(values)
            text = json.dumps(values, indent=1, ensure_ascii=False)
            write_whole(self.folder / "runs" / key / "row.json", text.encode())


def table_csv(rows: Sequence[Row], units: str = "eV") -> str:
    """One line a run, tested set and target; a run that failed has one line with its sentence."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    varied = ["dataset", "target_set", "targets", "target_basis", "reduction", "model", "seed"]
    writer.writerow(
        [
            *varied,
            "tested_on",
            "target",
            "unit",
            *MEASURES,
            "n",
            "n_train",
            "seconds",
            "epochs",
            "best_epoch",
            "sentence",
        ]
    )
    for row in rows:
        s = row.run.settings
        first = [row.run.dataset, row.run.target_set, "+".join(s.targets), s.target_basis]
        first += [s.reduction, s.model, str(s.seed)]
        last = [row.n_train or "", f"{row.seconds:.1f}", row.epochs, row.best_epoch, row.sentence]
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
