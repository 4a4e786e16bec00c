"""A content-addressed store of finished reference calculations: nothing is computed twice.

One HDF5 file an entry, named by the SHA-256 of what decides the numbers: geometry, charge, functional,
basis, density fitting, grid and the version of PySCF. A file appears whole or not at all: it is
written aside, flushed to disk and renamed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import platformdirs
import pyscf

from hamexplorer.errors import DatasetError
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalPoint
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.single_point import SinglePoint
from hamexplorer.reference.xtb_method import XTBLevel
from hamexplorer.structures.structure import Structure

#: What is calculated, and what comes of it.
Level = LevelOfTheory | CrystalLevel | XTBLevel
Point = SinglePoint | CrystalPoint
_POINTS: dict[type, Any] = {
    LevelOfTheory: SinglePoint,
    CrystalLevel: CrystalPoint,
    XTBLevel: CrystalPoint,
}
#: Raised whenever the meaning of a stored number changes.
STORE_FORMAT = 1
#: A file written aside that is older than this belongs to a process that was killed.
_LEFTOVER_SECONDS = 3600


def default_store_folder() -> Path:
    """``$HAMEXPLORER_STORE``, else the user's data folder."""
    named = os.environ.get("HAMEXPLORER_STORE")
    return Path(named) if named else Path(platformdirs.user_data_dir("hamexplorer")) / "references"


def entry_key(structure: Structure, level: Level) -> str:
    """Name of an entry: equal exactly when the same numbers would come out."""
    described = {
        "format": STORE_FORMAT,
        "structure": structure.key,
        "level": asdict(level),
        "pyscf": pyscf.__version__,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


class ReferenceStore:
    """A folder of finished calculations."""

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else default_store_folder()

    def path(self, structure: Structure, level: Level) -> Path:
        key = entry_key(structure, level)
        return self.folder / key[:2] / f"{key}.h5"

    def has(self, structure: Structure, level: Level) -> bool:
        return self.path(structure, level).exists()

    def get(self, structure: Structure, level: Level) -> Any:
        """The finished calculation, or None; a damaged entry is removed and counts as absent.

        Raises:
            DatasetError: if the entry is there and may not be read.
        """
        path = self.path(structure, level)
        if not path.exists():
            return None
        try:
            with h5py.File(path, "r") as file:
                values = {field.name: file[field.name][()] for field in fields(_POINTS[type(level)])}
        except (OSError, KeyError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno:
                # The system refused; HDF5's own complaints about the content carry no number.
                raise DatasetError(
                    f"{path} cannot be read ({error.strerror}); check the permissions of the store"
                ) from error
            path.unlink(missing_ok=True)
            return None
        return _POINTS[type(level)].from_stored(values)

    def put(self, structure: Structure, level: Level, result: Point) -> Path:
        """Save a finished calculation; what was there under the same key is replaced whole.

        Raises:
            DatasetError: if the folder cannot be written.
        """
        path = self.path(structure, level)
        with write_aside(path) as aside, h5py.File(aside, "w") as file:
            for name in (field.name for field in fields(result)):
                value = getattr(result, name)
                if isinstance(value, np.ndarray):
                    file.create_dataset(name, data=value, fletcher32=value.size > 0)
                else:
                    file[name] = value
            file.attrs["structure"] = structure.label
            file.attrs["level"] = json.dumps(asdict(level))
        return path

    def sweep(self) -> None:
        """Remove what killed processes left half written, once it is an hour old."""
        for aside in self.folder.glob("*/.*.h5.*"):
            with contextlib.suppress(OSError):
                if time.time() - aside.stat().st_mtime > _LEFTOVER_SECONDS:
                    aside.unlink()


@contextlib.contextmanager
def write_aside(path: Path):
    """A temporary path beside ``path`` that replaces it when the block ends without an error.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
    except OSError as error:
        raise DatasetError(
            f"{path.parent} cannot be written ({error.strerror}); choose another folder or free some space"
        ) from error
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; a finished file follows the user's umask like any other.
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        aside.replace(path)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be written ({error.strerror or error}); choose another folder or free some space"
        ) from error
    finally:
        aside.unlink(missing_ok=True)
