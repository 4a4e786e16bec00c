"""Checkpoints: one JSON header and one archive of arrays; never a pickle."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hamexplorer.errors import CheckpointError
from hamexplorer.reference.store import write_aside

#: Raised when the meaning of a header changes; older ones are brought up by UPGRADES.
FORMAT = 1
#: version -> function from a header of that version to one of the next.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


def write_checkpoint(folder: Path, name: str, header: dict[str, Any], arrays: Sequence[Any]) -> None:
    """Write ``NAME.npz`` and then ``NAME.json``, which carries its hash: a torn pair is noticed when read.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    named = {f"a{k:04d}": np.asarray(array) for k, array in enumerate(arrays)}
    with write_aside(folder / f"{name}.npz") as aside, aside.open("wb") as file:
        np.savez(file, **named)  # type: ignore[arg-type]
        file.flush()
        digest = _sha256(aside)
    full = {
        "format": FORMAT,
        "hamexplorer": _version(),
        "jax": jax.__version__,
        "python": platform.python_version(),
        "n_arrays": len(named),
        "sha256": digest,
        **header,
    }
    with write_aside(folder / f"{name}.json") as aside:
        aside.write_text(json.dumps(full, indent=1), encoding="utf-8")


def read_checkpoint(folder: Path, name: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Header and arrays.

    Raises:
        CheckpointError: if they are missing, damaged, do not belong together, or are of a newer version.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        raise CheckpointError(f"{folder} holds no {path.name}; give the folder that a training run wrote")
    damaged = CheckpointError(f"{path} is damaged: it is no checkpoint header; train again or use a copy")
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        version = int(header["format"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged from error
    if version > FORMAT:
        raise CheckpointError(
            f"{path} has format {version}, written by a newer hamexplorer ({header.get('hamexplorer')}); "
            f"this one reads up to {FORMAT}: update hamexplorer"
        )
    archive = folder / f"{name}.npz"
    try:
        for old in range(version, FORMAT):
            header = UPGRADES[old](header)
        digest, n_arrays = header["sha256"], int(header["n_arrays"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged from error
    if not archive.exists() or _sha256(archive) != digest:
        raise CheckpointError(f"{archive} is missing or damaged; train again or use a copy")
    try:
        with np.load(archive, allow_pickle=False) as file:
            return header, [file[f"a{k:04d}"] for k in range(n_arrays)]
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{archive} is damaged: it holds other arrays than {path.name} says") from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hamexplorer")
    except PackageNotFoundError:
        return "unknown"
