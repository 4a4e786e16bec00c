"""A whole session in one file: structures, references, settings, runs with their models and curves.

A ZIP archive of JSON, HDF5 and the folders that :meth:`TrainedModel.save` writes; nothing in it is a pickle.
Predictions are not kept: the models, those of the best epochs, make them again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamexplorer import __version__
from hamexplorer._plain import load_json, take, take_list, take_whole
from hamexplorer.errors import HamExplorerError, SessionFileError, plain_text
from hamexplorer.reference.dataset import SHIPPED, ReferenceDataset, read_dataset, write_dataset
from hamexplorer.session.runs import Run
from hamexplorer.session.saved_values import (
    plain_run,
    plain_structure,
    run_from,
    selection_from,
    structure_from,
)
from hamexplorer.session.state import Selection
from hamexplorer.structures.checks import MAX_STRUCTURES, check_structures
from hamexplorer.structures.structure import Structure
from hamexplorer.train.rows import Row
from hamexplorer.train.settings import RunSettings

#: Raised when files of before cannot be read any more.
FORMAT = 1
ENDING = ".hxsession"
#: The archive's comment: this and the SHA-256 of all bytes before it, so that a changed one anywhere is noticed.
_SEAL, _DIGITS = b"hamexplorer session sha256 ", 64
#: Bytes that an archive may unpack to, and that its header may have, which is read whole.
_LARGEST, _LARGEST_HEADER = 500_000_000, 30_000_000
#: Runs, and files that belong to them.
_MOST_FILES = 1000
_HEADER = "session.json"
#: Names of what is read; an archive may hold anything else, which stays packed.
_OURS = re.compile(r"session\.json|dataset\.h5|run-\d{1,9}/model\.(json|npz)")


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
            "loaded": [plain_structure(structure) for structure in saved.loaded],
            "selection": dataclasses.asdict(saved.selection),
            "picked": saved.picked,
            "settings": saved.settings.to_dict(),
            "runs": [plain_run(run) for run in saved.runs],
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
        archive.writestr(_HEADER, json.dumps(header, ensure_ascii=False))
        archive.comment = _SEAL + b"0" * _DIGITS
    content = packed.getvalue()[:-_DIGITS]
    return content + hashlib.sha256(content).hexdigest().encode()


def read_session(content: bytes) -> Saved:
    """Unpack a session; the results of its runs are predicted anew.

    Raises:
        SessionFileError: if it is no session file, is damaged, or was written by a newer version.
        HamExplorerError: from what it holds.
    """
    place = content.rfind(_SEAL, max(len(content) - len(_SEAL) - _DIGITS, 0)) + len(_SEAL)
    # Files of before have no seal.
    if place >= len(_SEAL) and hashlib.sha256(content[:place]).hexdigest().encode() != content[place:]:
        raise _damaged("its checksum is that of another content")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, tempfile.TemporaryDirectory() as scratch:
            _unpack(archive, Path(scratch))
            header = load_json(Path(scratch, _HEADER).read_bytes())
            if take_whole(header, "format") > FORMAT:
                raise SessionFileError(
                    f"the session file was written by hamexplorer "
                    f"{plain_text(str(header.get('hamexplorer')), 20)}, and "
                    f"this is {__version__}, which cannot read it; update hamexplorer"
                )
            return _read(header, Path(scratch))
    except HamExplorerError:
        raise
    except Exception as error:  # a damaged ZIP archive of before raises whatever its bytes lead to
        raise _damaged(type(error).__name__) from error


def _damaged(how: str) -> SessionFileError:
    return SessionFileError(
        f"the file is no session of hamexplorer, or it is damaged ({how}); save the session again"
    )


def _unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write what is ours into a folder: no other name, nothing larger than it says."""
    members = [entry for entry in archive.infolist() if _OURS.fullmatch(entry.filename)]
    if len(members) > _MOST_FILES or sum(entry.file_size for entry in members) > _LARGEST:
        raise SessionFileError(
            f"the session file would unpack to more than {_LARGEST / 1e6:.0f} MB; it is not one of ours"
        )
    for entry in members:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
            raise _damaged("it is packed or encrypted in another way")
        if entry.filename == _HEADER and entry.file_size > _LARGEST_HEADER:
            raise _damaged("its header is too large")
        # A link in an archive becomes a file that holds its target's name.
        archive.extract(entry, folder)


def _read(header: dict[str, Any], folder: Path) -> Saved:
    dataset = None
    if header["dataset"] is not None:
        named = take(header, "dataset", dict)
        name = plain_text(take(named, "name", str))
        if take(named, "shipped", bool):
            if name not in SHIPPED:
                raise ValueError("the data set is not one of those that come along")
            dataset = read_dataset(name)
        else:
            dataset = dataclasses.replace(read_dataset(folder / "dataset.h5"), name=name)
    runs = tuple(
        run_from(values, folder, dataset) for values in take_list(header, "runs", dict, most=_MOST_FILES)
    )
    numbers = [run.number for run in runs]
    shown = None if header["shown_run"] is None else take_whole(header, "shown_run")
    if len(set(numbers)) < len(numbers) or (shown is not None and shown not in numbers):
        raise ValueError("its runs are numbered twice, or the shown one is missing")
    loaded = tuple(
        structure_from(values) for values in take_list(header, "loaded", dict, most=MAX_STRUCTURES)
    )
    return Saved(
        dataset=dataset,
        loaded=tuple(check_structures(loaded)),
        selection=selection_from(take(header, "selection", dict)),
        picked=take_whole(header, "picked", low=-1),
        settings=RunSettings.from_record(take(header, "settings", dict)),
        runs=runs,
        shown_run=shown,
        # Files of before studies were kept have none.
        study=tuple(
            (take(entry, "key", str), Row.from_dict(take(entry, "row", dict)))
            for entry in take_list(header, "study", dict, [])
        ),
    )
