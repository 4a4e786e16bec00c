"""Checkpoints: one JSON header and one archive of arrays; never a pickle."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from hamexplorer._plain import load_json, take, take_whole
from hamexplorer.errors import CheckpointError, DatasetError, plain_text
from hamexplorer.reference.aside import write_whole
from hamexplorer.reference.plain_arrays import load_plain
from hamexplorer.reference.sealed import json_digest

#: Raised when the meaning of a header changes; older ones are brought up by UPGRADES.
FORMAT = 1
#: version -> function from a header of that version to one of the next.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

#: Key of the header's own checksum, and name of the header within the archive.
_OF_HEADER, _HEADER = "header_sha256", "header"


def write_checkpoint(folder: Path, name: str, header: dict[str, Any], arrays: Sequence[Any]) -> None:
    """Write ``NAME.npz`` and then ``NAME.json``, which carries its hash.

    The archive holds a copy of the header: a process that is killed between the two files leaves a new archive beside
    an old header, and nothing is lost.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    named = {f"a{k:04d}": np.asarray(array) for k, array in enumerate(arrays)}
    full = {
        "format": FORMAT,
        "hamexplorer": _version(),
        "jax": jax.__version__,
        "python": platform.python_version(),
        "n_arrays": len(named),
        "name": name,
        **header,
    }
    own = full | {"arrays_sha256": _arrays_sha256(named.values())}
    text = json.dumps(own | {_OF_HEADER: json_digest(own)})
    packed = io.BytesIO()
    np.savez(packed, **named, **{_HEADER: np.frombuffer(text.encode(), np.uint8)})  # type: ignore[arg-type]
    content = packed.getvalue()
    write_whole(folder / f"{name}.npz", content)
    full["sha256"] = _sha256(content)
    full[_OF_HEADER] = json_digest(full)
    write_whole(folder / f"{name}.json", json.dumps(full, indent=1).encode())


def read_checkpoint(folder: Path, name: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Header and arrays.

    Raises:
        CheckpointError: if they are missing, damaged, do not belong together, or are of a newer version.
    """
    path, archive = folder / f"{name}.json", folder / f"{name}.npz"
    text, content = _bytes(path), _bytes(archive)
    if text is None:
        torn = _torn(content, archive)  # killed before the first header was written
        if torn is not None:
            return torn
        raise CheckpointError(f"{folder} holds no {path.name}; give the folder that a training run wrote")
    damaged = CheckpointError(f"{path} is damaged: it is no checkpoint header; train again or use a copy")
    try:
        header = _checked(load_json(text))
        version = take_whole(header, "format")
        if version > FORMAT:
            raise _too_new(path, header)
        header = _upgraded(header)
        digest, n_arrays = take(header, "sha256", str), take_whole(header, "n_arrays", high=9999)
    except CheckpointError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged from error
    if content is None or _sha256(content) != digest:
        torn = _torn(content, archive)
        if torn is not None:
            return torn
        raise CheckpointError(f"{archive} is missing or damaged; train again or use a copy")
    try:
        named = _arrays_in(content, archive)
        return header, [named[f"a{k:04d}"] for k in range(n_arrays)]
    except (DatasetError, KeyError) as error:
        raise CheckpointError(f"{archive} is damaged: it holds other arrays than {path.name} says") from error


def _bytes(path: Path) -> bytes | None:
    """What a file holds; None if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); check its permissions, or give another folder"
        ) from error


def _arrays_in(content: bytes, archive: Path) -> dict[str, np.ndarray]:
    """All arrays, the header's text among them; raises DatasetError."""
    return load_plain(
        archive,
        lambda name: name == _HEADER or (name[:1] == "a" and name[1:].isdecimal()),
        texts=(),
        names="a0000 …",
        content=content,
    )


def _checked(header: dict[str, Any]) -> dict[str, Any]:
    """A header that is as it was written; those of before have no checksum of their own."""
    digest = header.pop(_OF_HEADER, None)
    if digest is not None and json_digest(header) != digest:
        raise ValueError("its checksum is that of another header")
    return header


def _upgraded(header: dict[str, Any]) -> dict[str, Any]:
    for old in range(int(header["format"]), FORMAT):
        header = UPGRADES[old](header)
    return header


def _torn(content: bytes | None, archive: Path) -> tuple[dict[str, Any], list[np.ndarray]] | None:
    """What an archive says by itself, if it is whole: its header was not written any more."""
    if content is None:
        return None
    try:
        named = _arrays_in(content, archive)
        full = load_json(named[_HEADER].tobytes())
        header = _checked(dict(full))
        arrays = [named[f"a{k:04d}"] for k in range(take_whole(header, "n_arrays", high=9999))]
        if _OF_HEADER not in full or header["arrays_sha256"] != _arrays_sha256(arrays):
            return None
        if take(header, "name", str) != archive.stem:  # renamed by hand
            return None
        version = take_whole(header, "format")
    except (DatasetError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if version > FORMAT:
        raise _too_new(archive, header)
    return _upgraded(header), arrays


def _too_new(path: Path, header: dict[str, Any]) -> CheckpointError:
    return CheckpointError(
        f"{path} has format {header['format']}, written by a newer hamexplorer "
        f"({plain_text(str(header.get('hamexplorer')), 20)}); "
        f"this one reads up to {FORMAT}: update hamexplorer"
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _arrays_sha256(arrays: Iterable[np.ndarray]) -> str:
    """Of shapes, types and numbers."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("hamexplorer")
    except PackageNotFoundError:
        return "unknown"
