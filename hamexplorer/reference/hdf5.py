"""Datasets as HDF5 files: compressed, checksummed, versioned, and free of pickles.

Layout, formats 1 and 2 (crystals). Root attributes: ``format``, ``version``, and JSON texts ``name``, ``kind``
(of method), ``method``, ``set_aside``, ``provenance``. One group a quantity, holding the values of all molecules one
after another (``values``, flat) and the shape that each had (``shapes``, -1 where a molecule lacks it): a thousand
small arrays would each cost more in headers than in numbers. Everything is in atomic units.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hamexplorer.errors import DatasetError, HamExplorerError
from hamexplorer.params import to_dict
from hamexplorer.reference.kinds import KINDS, method_from
from hamexplorer.reference.properties import (
    MATRIX_FIELDS,
    PROPERTY_FIELDS,
    Properties,
    Reference,
    ReferenceDataset,
)
from hamexplorer.reference.store import write_aside
from hamexplorer.structures.paths import KPath
from hamexplorer.structures.structure import Structure

FORMAT = "hamexplorer reference dataset"
#: Newest version that is read; written as 1 where no crystal asks for more, so that older versions read it too.
VERSION = 2
_MOLECULES = 1
#: What a file of molecules may lack and one of crystals may not.
_OF_CRYSTALS = ("structure.cell", "structure.pbc", "mesh", "small.fermi", "large.fermi")
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
    with write_aside(path) as aside, h5py.File(aside, "w") as file:
        crystals = any(r.mesh is not None for r in dataset.references)
        file.attrs["format"], file.attrs["version"] = FORMAT, VERSION if crystals else _MOLECULES
        file.attrs["units"] = "atomic units: hartree, bohr, e"
        for name, value in _header(dataset).items():
            file.attrs[name] = json.dumps(value, ensure_ascii=False)
        for name, column in _columns(dataset.references).items():
            _write_column(file.create_group(name), column)


def read_hdf5(path: Path) -> ReferenceDataset:
    """Read a dataset whole.

    Raises:
        DatasetError: if the file is no dataset of this package, newer than it, or damaged.
    """
    try:
        if not h5py.is_hdf5(path):
            raise DatasetError(
                f"{path} is not a dataset file or is damaged at its start; choose a .h5 file made by "
                f"`hamexplorer reference`, or an extended xyz file"
            )
        with h5py.File(path, "r") as file:
            _check_format(path, file)
            header = {
                name: json.loads(file.attrs[name]) for name in ("name", "method", "set_aside", "provenance")
            }
            header["kind"] = _kind(path, file, header["method"])
            lacking = [name for name in _OF_CRYSTALS if name not in file]
            if lacking and int(file.attrs["version"]) > _MOLECULES:
                raise KeyError(f"no {lacking[0]}")
            columns = {name: _read_column(group) for name, group in file.items()}
        return _dataset(header, columns)
    except DatasetError:
        raise
    except (HamExplorerError, OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        raise DatasetError(
            f"{path} is damaged ({_brief(error)}); make it again: what the store still has is not recomputed"
        ) from error


def _check_format(path: Path, file: h5py.File) -> None:
    if file.attrs.get("format") != FORMAT:
        raise DatasetError(
            f"{path} is an HDF5 file but not a dataset of this package; "
            f"choose one made by `hamexplorer reference`"
        )
    version = int(file.attrs["version"])
    if version > VERSION:
        raise DatasetError(
            f"{path} has format {version} and this version reads up to {VERSION}; update hamexplorer "
            f"or make the dataset again"
        )


def _kind(path: Path, file: h5py.File, method: dict[str, Any]) -> str:
    """The kind of method, which files from before there were three of them do not name."""
    if "kind" not in file.attrs:
        return "CrystalMethod" if "pseudo" in method else "ReferenceMethod"
    kind = json.loads(file.attrs["kind"])
    if kind not in KINDS:
        raise DatasetError(
            f"{path} was computed with a {kind}, which this version does not know; update hamexplorer or make the "
            f"dataset again"
        )
    return kind


def _brief(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


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


def _read_column(group: h5py.Group) -> list[np.ndarray | None]:
    shapes, flat, n_dim = group["shapes"][()], group["values"][()], int(group.attrs["n_dim"])
    column: list[np.ndarray | None] = []
    start = 0
    for row in shapes:
        if (row < 0).any():
            column.append(None)
            continue
        stop = start + int(np.prod(row, dtype=np.int64))
        column.append(flat[start:stop].reshape(tuple(row) if n_dim else ()))
        start = stop
    if start != len(flat):
        raise ValueError("values and shapes disagree")
    return column


def _dataset(header: dict[str, Any], columns: dict[str, list[np.ndarray | None]]) -> ReferenceDataset:
    rows = [
        {name: column[k] for name, column in columns.items()}
        for k in range(len(columns["structure.numbers"]))
    ]
    return ReferenceDataset(
        name=header["name"],
        method=method_from(header["kind"], header["method"]),
        references=tuple(_reference(row) for row in rows),
        set_aside=tuple((label, reason) for label, reason in header["set_aside"]),
        provenance=header["provenance"],
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

    structure = Structure(
        numbers=row["structure.numbers"],
        positions=row["structure.positions"],
        charge=int(row["structure.charge"]),
        name=row["structure.name"].tobytes().decode(),
        source=row["structure.source"].tobytes().decode(),
        cell=row.get("structure.cell"),
        pbc=tuple(row.get("structure.pbc", (False, False, False))),
    )
    matrices = {name: row[name] for name in MATRIX_FIELDS}
    return Reference(
        structure,
        int(row["n_occ"]),
        **matrices,
        small=properties("small"),
        large=properties("large"),
        mesh=row.get("mesh"),
        path=_path(row),
    )
