"""Datasets as HDF5 files: compressed, checksummed (`sealed`), versioned, and free of pickles.

Layout, formats 1 and 2 (crystals). Root attributes: ``format``, ``version``, and JSON texts ``name``, ``kind``
(of method), ``method``, ``set_aside``, ``provenance``. One group a quantity, holding the values of all molecules one
after another (``values``, flat) and the shape that each had (``shapes``, -1 where a molecule lacks it): a thousand
small arrays would each cost more in headers than in numbers. Everything is in atomic units.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hamexplorer.errors import DatasetError, plain_text, quoted
from hamexplorer.params import to_dict
from hamexplorer.reference.aside import write_whole
from hamexplorer.reference.kinds import KINDS, method_from
from hamexplorer.reference.plain_hdf5 import check_room, plain_array, split_by_shape
from hamexplorer.reference.plausible import check_reference
from hamexplorer.reference.properties import (
    MATRIX_FIELDS,
    PROPERTY_FIELDS,
    Properties,
    Reference,
    ReferenceDataset,
)
from hamexplorer.reference.sealed import is_hdf5, sealed_format, sealed_hdf5
from hamexplorer.structures.paths import KPath
from hamexplorer.structures.structure import Structure

FORMAT = "hamexplorer reference dataset"
#: Newest version that is read; written as 1 where no crystal asks for more, so that older versions read it too.
VERSION = 2
_MOLECULES = 1
#: What a file of molecules may lack and one of crystals may not.
_OF_CRYSTALS = ("structure.cell", "structure.pbc", "mesh", "small.fermi", "large.fermi")
#: What no structure lacks.
_OF_ALL = (
    "structure.numbers",
    "structure.positions",
    "structure.charge",
    "structure.name",
    "structure.source",
    "n_occ",
    "small.mo_energy",
    "large.mo_energy",
)
_NAMES = tuple(
    dict.fromkeys(
        (
            *_OF_ALL,
            *_OF_CRYSTALS,
            "path.points",
            "path.text",
            *MATRIX_FIELDS,
            *(f"{side}.{name}" for side in ("small", "large") for name in PROPERTY_FIELDS),
        )
    )
)
#: Most structures of a dataset; what their numbers may take is checked apart.
_MOST_STRUCTURES = 1_000_000
#: Texts of the header -> what they describe.
_HEADER = {"name": str, "method": dict, "set_aside": list, "provenance": dict}
#: Properties that older files of molecules lack.
_NEWER = ("fermi", "vacuum", "path_energy")


def write_hdf5(path: Path, dataset: ReferenceDataset) -> None:
    """Write a dataset aside and rename it into place.

    Raises:
        DatasetError: if there is nothing to write or the folder cannot be written.
    """
    if not dataset.references:
        raise DatasetError(
            f"the dataset {dataset.name!r} has no finished molecule, so {path.name} was not written; "
            f"{len(dataset.set_aside)} were set aside, look at their reasons"
        )
    version = VERSION if any(r.mesh is not None for r in dataset.references) else _MOLECULES

    def fill(file: h5py.File) -> None:
        file.attrs["format"], file.attrs["version"] = FORMAT, version
        file.attrs["units"] = "atomic units: hartree, bohr, e"
        for name, value in _header(dataset).items():
            file.attrs[name] = json.dumps(value, ensure_ascii=False)
        for name, column in _columns(dataset.references).items():
            _write_column(file.create_group(name), column)

    write_whole(path, sealed_hdf5(fill, format=version))


def read_hdf5(path: Path) -> ReferenceDataset:
    """Read a dataset whole.

    Raises:
        DatasetError: if the file is no dataset of this package, newer than it, or damaged.
    """
    try:
        content = _content_of(path)
        with h5py.File(io.BytesIO(content), "r") as file:
            _check_format(path, file)
            header: dict[str, Any] = {name: _attribute(file, name, kind) for name, kind in _HEADER.items()}
            header["kind"] = _kind(path, file, header["method"])
            columns = _read_columns(file)
        return _dataset(header, columns)
    except DatasetError:
        raise
    except _UNREADABLE as error:
        raise DatasetError(
            f"{path} is damaged ({_brief(error)}); make it again: what the store still has is not recomputed"
        ) from error


#: What reading a damaged file of before there were seals may raise; a HamExplorerError is a ValueError.
_UNREADABLE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    IndexError,
    AttributeError,
    MemoryError,
)


def _content_of(path: Path) -> bytes:
    """The bytes of a file whose seal is whole, or which is of before there were seals."""
    content = path.read_bytes()
    if not is_hdf5(content):
        raise DatasetError(
            f"{path} is not a dataset file or is damaged at its start; choose a .h5 file made by "
            f"`hamexplorer reference`, or an extended xyz file"
        )
    sealed = sealed_format(content)
    if sealed is not None and sealed > VERSION:
        raise DatasetError(_too_new(path, sealed))
    return content


def _too_new(path: Path, version: int) -> str:
    return (
        f"{path} has format {quoted(version)} and this version reads up to {VERSION}; update hamexplorer "
        f"or make the dataset again"
    )


def _check_format(path: Path, file: h5py.File) -> None:
    if file.attrs.get("format") != FORMAT:
        raise DatasetError(
            f"{path} is an HDF5 file but not a dataset of this package; "
            f"choose one made by `hamexplorer reference`"
        )
    version = int(file.attrs["version"])
    if version > VERSION:
        raise DatasetError(_too_new(path, version))


def _kind(path: Path, file: h5py.File, method: dict[str, Any]) -> str:
    """The kind of method, which files from before there were three of them do not name."""
    if "kind" not in file.attrs:
        return "CrystalMethod" if "pseudo" in method else "ReferenceMethod"
    kind = _attribute(file, "kind", str)
    if kind not in KINDS:
        raise DatasetError(
            f"{path} was computed with a {plain_text(kind, 60)}, which this version does not know; update "
            f"hamexplorer or make the "
            f"dataset again"
        )
    return kind


def _attribute(file: h5py.File, name: str, kind: type) -> Any:
    """A JSON text of the header."""
    value = json.loads(file.attrs[name])
    if not isinstance(value, kind):
        raise TypeError(f"{name} is no {kind.__name__}")
    return value


def _brief(error: Exception) -> str:
    return plain_text(str(error), 160) or type(error).__name__


def _header(dataset: ReferenceDataset) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "method": to_dict(dataset.method),
        "kind": type(dataset.method).__name__,
        "set_aside": dataset.set_aside,
        "provenance": dataset.provenance,
    }


def _columns(references: Sequence[Reference]) -> dict[str, list[np.ndarray | None]]:
    """One list a quantity, one entry a molecule."""

    def column(values: list[Any]) -> list[np.ndarray | None]:
        return [None if value is None else np.asarray(value) for value in values]

    columns = {
        "structure.numbers": column([r.structure.numbers for r in references]),
        "structure.positions": column([r.structure.positions for r in references]),
        "structure.charge": column([r.structure.charge for r in references]),
        "n_occ": column([r.n_occ for r in references]),
    }
    if any(r.mesh is not None for r in references):
        columns |= {
            "structure.cell": column([r.structure.cell for r in references]),
            "structure.pbc": column([r.structure.pbc for r in references]),
            "mesh": column([r.mesh for r in references]),
            "path.points": column([None if r.path is None else r.path.points for r in references]),
            "path.text": column([None if r.path is None else _path_text(r.path) for r in references]),
        }
    for name in MATRIX_FIELDS:
        columns[name] = column([getattr(r, name) for r in references])
    for side in ("small", "large"):
        for name in PROPERTY_FIELDS:
            columns[f"{side}.{name}"] = column([getattr(getattr(r, side), name) for r in references])
    columns["structure.name"] = column([_utf8(r.structure.name) for r in references])
    columns["structure.source"] = column([_utf8(r.structure.source) for r in references])
    return columns


def _path_text(path: KPath) -> np.ndarray:
    """Corners and convention of a path, as JSON."""
    return _utf8(json.dumps({"corners": path.corners, "convention": path.convention}, ensure_ascii=False))


def _path(row: dict[str, Any]) -> KPath | None:
    if row.get("path.points") is None or row.get("path.text") is None:
        return None
    text = json.loads(row["path.text"].tobytes().decode())
    corners = tuple((int(place), str(label)) for place, label in text["corners"])
    return KPath(row["path.points"], corners, str(text["convention"]))


def _whole(row: dict[str, Any], name: str) -> int:
    value = row[name]
    if value.dtype.kind not in "iu" or value.size != 1 or abs(int(value.item())) > 10_000:
        raise ValueError(f"{name} is no whole number of usual size")
    return int(value.item())


def _text(array: np.ndarray) -> str:
    """The text of a file as names are kept, see :func:`_utf8`."""
    return plain_text(array.astype(np.uint8).tobytes().decode())


def _utf8(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _write_column(group: h5py.Group, column: list[np.ndarray | None]) -> None:
    present = [value for value in column if value is not None]
    n_dim = max((value.ndim for value in present), default=0)
    shapes = np.full((len(column), max(n_dim, 1)), -1, dtype=np.int32)
    for row, value in zip(shapes, column, strict=True):
        if value is not None:
            row[:] = value.shape or 1
    flat = np.concatenate([value.ravel() for value in present]) if present else np.zeros(0)
    group.attrs["n_dim"] = n_dim
    group.create_dataset("shapes", data=shapes, compression="gzip", shuffle=True, fletcher32=True)
    packed = {"compression": "gzip", "compression_opts": 9, "shuffle": True, "fletcher32": True}
    group.create_dataset("values", data=flat, **(packed if flat.size else {}))


def _read_columns(file: h5py.File) -> dict[str, list[Any]]:
    """All columns that are known; those of a newer version's further quantities are left alone."""
    lacking = [name for name in _OF_CRYSTALS if name not in file]
    if lacking and int(file.attrs["version"]) > _MOLECULES:
        raise KeyError(f"no {lacking[0]}")
    groups: dict[str, h5py.Group] = {}
    for name in _NAMES:
        if name in file:
            if not isinstance(file.get(name, getlink=True), h5py.HardLink) or not isinstance(
                file[name], h5py.Group
            ):
                raise ValueError(f"{name} is no group of the file itself")
            groups[name] = file[name]
    parts = {
        name: (plain_array(group, "shapes"), plain_array(group, "values")) for name, group in groups.items()
    }
    check_room(array for pair in parts.values() for array in pair)
    lengths = {shapes.shape[0] for shapes, _ in parts.values() if shapes.shape}
    if len(lengths) != 1 or not 0 < max(lengths) <= _MOST_STRUCTURES:
        raise ValueError("its columns are of different lengths, empty or too long")
    return {
        name: split_by_shape(shapes[()], values[()], int(groups[name].attrs["n_dim"]))
        for name, (shapes, values) in parts.items()
    }


def _dataset(header: dict[str, Any], columns: dict[str, list[np.ndarray | None]]) -> ReferenceDataset:
    rows = [
        {name: column[k] for name, column in columns.items()}
        for k in range(len(columns["structure.numbers"]))
    ]
    references = tuple(_reference(row) for row in rows)
    for k, reference in enumerate(references, start=1):
        check_reference(reference, f"structure {k}")
    return ReferenceDataset(
        name=plain_text(header["name"]) or "dataset",
        method=method_from(header["kind"], header["method"]),
        references=references,
        set_aside=tuple(
            (plain_text(str(label)), plain_text(str(reason), 1000)) for label, reason in header["set_aside"]
        ),
        provenance={plain_text(str(k)): plain_text(str(v), 1000) for k, v in header["provenance"].items()},
    )


def _reference(row: dict[str, Any]) -> Reference:
    def properties(side: str) -> Properties:
        # Files from before there were crystals lack what only these have.
        values: dict[str, Any] = {
            name: row.get(f"{side}.{name}") if name in _NEWER else row[f"{side}.{name}"]
            for name in PROPERTY_FIELDS
        }
        for name in ("e_tot", "fermi", "vacuum"):
            values[name] = None if values[name] is None else float(values[name])
        return Properties(**values)

    for name in _OF_ALL:
        if row[name] is None:
            raise ValueError(f"a structure lacks {name}")
    numbers, positions = row["structure.numbers"], row["structure.positions"]
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or positions.shape != (len(numbers), 3):
        raise ValueError("numbers and positions of a structure disagree")
    structure = Structure(
        numbers=numbers,
        positions=positions,
        charge=_whole(row, "structure.charge"),
        name=_text(row["structure.name"]),
        source=_text(row["structure.source"]),
        cell=row.get("structure.cell"),
        pbc=tuple(row.get("structure.pbc", (False, False, False))),
    )
    matrices = {name: row[name] for name in MATRIX_FIELDS}
    return Reference(
        structure,
        _whole(row, "n_occ"),
        **matrices,
        small=properties("small"),
        large=properties("large"),
        mesh=row.get("mesh"),
        path=_path(row),
    )
