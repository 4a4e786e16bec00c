"""A content-addressed store of finished reference calculations: nothing is computed twice.

One HDF5 file an entry, named by the SHA-256 of what decides the numbers: geometry, charge, functional,
basis, density fitting, grid and the version of PySCF. A file appears whole or not at all (`aside`), and carries a
checksum of all its bytes (`sealed`), which is verified before anything is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import platformdirs
import pyscf

from hamexplorer.errors import DatasetError
from hamexplorer.reference.aside import remove_leftovers, write_whole
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalPoint
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.sealed import sealed_format, sealed_hdf5
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
        """Whether there is an entry, quickly: only :meth:`get` knows whether it is whole."""
        return self.path(structure, level).exists()

    def get(self, structure: Structure, level: Level) -> Any:
        """The finished calculation, or None; a damaged entry is removed and counts as absent.

        Raises:
            DatasetError: if the entry is there and may not be read, or a newer version wrote it.
        """
        path = self.path(structure, level)
        try:
            with path.open("rb") as file:
                opened, content = os.fstat(file.fileno()), file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DatasetError(
                f"{path} cannot be read ({error.strerror}); check the permissions of the store"
            ) from error
        try:
            format = sealed_format(content)
            if format is not None and format > STORE_FORMAT:
                raise DatasetError(
                    f"{path} has format {format}, written by a newer hamexplorer, and this one reads up to "
                    f"{STORE_FORMAT}; update hamexplorer, or name another folder in HAMEXPLORER_STORE"
                )
            kind = _POINTS[type(level)]
            with h5py.File(io.BytesIO(content), "r") as file:
                return kind.from_stored({field.name: file[field.name][()] for field in fields(kind)})
        except _UNREADABLE as error:
            if isinstance(error, DatasetError):
                raise
            _remove(path, opened)
            return None

    def put(self, structure: Structure, level: Level, result: Point) -> Path:
        """Save a finished calculation; what was there under the same key is replaced whole.

        Raises:
            DatasetError: if the folder cannot be written.
        """

        def fill(file: h5py.File) -> None:
            for name in (field.name for field in fields(result)):
                value = getattr(result, name)
                if isinstance(value, np.ndarray):
                    file.create_dataset(name, data=value, fletcher32=value.size > 0)
                else:
                    file[name] = value
            file.attrs["structure"] = structure.label
            file.attrs["level"] = json.dumps(asdict(level))

        path = self.path(structure, level)
        write_whole(path, sealed_hdf5(fill, format=STORE_FORMAT))
        return path

    def sweep(self) -> None:
        """Remove what killed processes left half written, once it is an hour old."""
        remove_leftovers(self.folder.glob("*/.*.h5.*"))


#: Raised by a broken seal (a ValueError), and by HDF5 over damaged entries of before there were seals.
_UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError)


def _remove(path: Path, damaged: os.stat_result) -> None:
    """Remove a damaged entry, but not what another process has put in its place meanwhile."""
    with contextlib.suppress(
        OSError
    ):  # in a store that is read-only it stays, and counts as absent all the same
        if os.path.samestat(path.stat(), damaged):
            path.unlink()
