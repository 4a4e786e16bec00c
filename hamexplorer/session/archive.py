"""A whole session in one file: structures, references, settings, runs with their models and curves.

A ZIP archive of JSON, HDF5 and the folders that :meth:`TrainedModel.save` writes; nothing in it is a pickle.
Predictions are not kept: the models, those of the best epochs, make them again.
"""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer import __version__
from hamexplorer.errors import HamExplorerError, SessionFileError
from hamexplorer.plots import History
from hamexplorer.plots.history import Mark
from hamexplorer.reference.dataset import SHIPPED, ReferenceDataset, read_dataset, write_dataset
from hamexplorer.session.runs import Run
from hamexplorer.session.state import Selection
from hamexplorer.session.timeline import Timeline
from hamexplorer.structures.structure import Structure
from hamexplorer.train.events import EpochReport
from hamexplorer.train.rows import Row
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel

#: Raised when files of before cannot be read any more.
FORMAT = 1
ENDING = ".hxsession"
#: Bytes that an archive may unpack to.
_LARGEST = 2_000_000_000


@dataclass(frozen=True, eq=False)
class Saved:
    """What a session file holds; fields as in the session.

    ``study`` holds the rows of the last study, each with the key under which it is kept.
    """

    dataset: ReferenceDataset | None
    loaded: tuple[Structure, ...]
    selection: Selection
    picked: int
    settings: RunSettings
    runs: tuple[Run, ...]
    shown_run: int | None
    study: tuple[tuple[str, Row], ...] = ()


def write_session(saved: Saved) -> bytes:
    """Pack a session."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
        tempfile.TemporaryDirectory() as scratch,
    ):
        header: dict[str, Any] = {
            "format": FORMAT,
            "hamexplorer": __version__,
            "dataset": None,
            "loaded": [_plain_structure(structure) for structure in saved.loaded],
            "selection": dataclasses.asdict(saved.selection),
            "picked": saved.picked,
            "settings": saved.settings.to_dict(),
            "runs": [_plain_run(run) for run in saved.runs],
            "shown_run": saved.shown_run,
            "study": [{"key": key, "row": row.to_dict()} for key, row in saved.study],
        }
        if saved.dataset is not None:
            shipped = saved.dataset.name in SHIPPED
            header["dataset"] = {"name": saved.dataset.name, "shipped": shipped}
            if not shipped:
                path = Path(scratch) / "dataset.h5"
                write_dataset(path, saved.dataset)
                archive.write(path, "dataset.h5")
        for run in saved.runs:
            if run.model is not None:
                folder = Path(scratch) / f"run-{run.number}"
                run.model.save(folder)
                for path in sorted(folder.iterdir()):
                    archive.write(path, f"run-{run.number}/{path.name}")
        archive.writestr("session.json", json.dumps(header, ensure_ascii=False))
    return packed.getvalue()


def read_session(content: bytes) -> Saved:
    """Unpack a session; the results of its runs are predicted anew.

    Raises:
        SessionFileError: if it is no session file, is damaged, or was written by a newer version.
        HamExplorerError: from what it holds.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, tempfile.TemporaryDirectory() as scratch:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise SessionFileError(
                    "the session file would unpack to more than 2 GB; it is not one of ours"
                )
            header = json.loads(archive.read("session.json"))
            if header["format"] > FORMAT:
                raise SessionFileError(
                    f"the session file was written by hamexplorer {header['hamexplorer']}, and this is {__version__}, "
                    f"which cannot read it; update hamexplorer"
                )
            archive.extractall(scratch)
            return _read(header, Path(scratch))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, IndexError, OSError) as error:
        if isinstance(error, HamExplorerError):
            raise
        raise SessionFileError(
            f"the file is no session of hamexplorer, or it is damaged ({type(error).__name__}); save the session again"
        ) from error


def _read(header: dict[str, Any], folder: Path) -> Saved:
    dataset = None
    if header["dataset"] is not None:
        named = header["dataset"]
        dataset = read_dataset(named["name"] if named["shipped"] else folder / "dataset.h5")
        if not named["shipped"]:
            dataset = dataclasses.replace(dataset, name=named["name"])
    return Saved(
        dataset=dataset,
        loaded=tuple(_structure(values) for values in header["loaded"]),
        selection=Selection(**header["selection"]),
        picked=int(header["picked"]),
        settings=RunSettings.from_dict(header["settings"]),
        runs=tuple(_run(values, folder, dataset) for values in header["runs"]),
        shown_run=header["shown_run"],
        # Files of before studies were kept have none.
        study=tuple((entry["key"], Row.from_dict(entry["row"])) for entry in header.get("study", ())),
    )


def _plain_structure(structure: Structure) -> dict[str, Any]:
    return {
        "numbers": structure.numbers.tolist(),
        "positions": structure.positions.tolist(),
        "charge": structure.charge,
        "name": structure.name,
        "cell": None if structure.cell is None else structure.cell.tolist(),
        "pbc": list(map(bool, structure.pbc)),
    }


def _structure(values: dict[str, Any]) -> Structure:
    cell = None if values["cell"] is None else np.array(values["cell"])
    return Structure(
        np.array(values["numbers"]),
        np.array(values["positions"]),
        charge=int(values["charge"]),
        name=values["name"],
        source="session",
        cell=cell,
        pbc=tuple(values["pbc"]),
    )


def _plain_run(run: Run) -> dict[str, Any]:
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


def _run(values: dict[str, Any], folder: Path, dataset: ReferenceDataset | None) -> Run:
    reports = tuple(EpochReport(**report) for report in values["reports"])
    history = History(reports, tuple(Mark(**mark) for mark in values["marks"]), values["stride"])
    place = folder / f"run-{values['number']}"
    model = TrainedModel.load(place) if place.is_dir() else None
    rows = None if values["rows"] is None else tuple(values["rows"])
    results = None
    if model is not None and dataset is not None and values["dataset"] == dataset.name:
        results = model.evaluate(dataset if rows is None else dataset.subset(rows))
    timeline = Timeline() if results is None else Timeline((results,))
    return Run(
        values["number"],
        values["dataset"],
        rows,
        values["n_structures"],
        RunSettings.from_dict(values["settings"]),
        tuple((int(epoch), dict(weights)) for epoch, weights in values["weights"]),
        history,
        results,
        model,
        timeline,
        values["seconds"],
    )
