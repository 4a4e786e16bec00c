"""Baseline matrices kept between starts, per user, like compiled code: a second start need not compute them again."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hamexplorer import cache_folder
from hamexplorer.errors import DatasetError
from hamexplorer.physics import baselines, superposed
from hamexplorer.reference.aside import write_aside
from hamexplorer.train.frames import Basis, Frame

#: Files kept; the oldest go first.
_MOST_FILES = 20


def baseline_matrices(
    name: str, basis: Basis, frames: Sequence[Frame], compute: Callable[[], Iterator[np.ndarray]]
) -> Iterator[np.ndarray]:
    """H0 of every structure, from the cache or computed and then kept.

    Args:
        name, basis: of the baseline.
        frames: in the order of the result.
        compute: gives the matrices one by one where they are not known.
    """
    path = cache_folder() / "baselines" / f"{_key(name, basis, frames)}.npz"
    known = _read(path, len(frames))
    if known is not None:
        yield from known
        return
    found = []
    for matrix in compute():
        found.append(matrix)
        yield matrix
    with suppress(DatasetError, OSError):  # a cache that cannot be written costs time, nothing else
        with write_aside(path) as aside, aside.open("wb") as file:
            np.savez(file, *found)
        for old in sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime)[:-_MOST_FILES]:
            old.unlink(missing_ok=True)


def _key(name: str, basis: Basis, frames: Sequence[Frame]) -> str:
    """Changes with anything that the matrices depend on, the code that computes them included."""
    digest = hashlib.sha256()
    for module in (baselines, superposed):
        digest.update(inspect.getsource(module).encode())
    for text in (name, repr(basis), version("pyscf"), *(f.structure.key for f in frames)):
        digest.update(text.encode() + b"\0")
    for frame in frames:
        if frame.k is not None:
            digest.update(frame.k.points.tobytes())
    return digest.hexdigest()[:32]


def _read(path: Path, n: int) -> list[np.ndarray] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return [kept[f"arr_{k}"] for k in range(n)]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, RuntimeError, MemoryError):
        return None
