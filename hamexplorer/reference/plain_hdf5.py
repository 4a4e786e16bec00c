"""Arrays of an HDF5 file that a stranger made: their own numbers, and no more of them than there is room for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np

#: Bytes of all arrays together. A compressed file of any size may claim more, and a fill value costs it nothing.
MOST_BYTES = 600_000_000


def plain_array(group: h5py.Group, name: str) -> h5py.Dataset:
    """An array of numbers that is in the file itself, not read yet.

    Raises:
        ValueError: if it is missing, lies elsewhere or holds something else.
    """
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{group.name[:60]}/{name[:60]} is missing or a link to elsewhere")
    found = group[name]
    if not isinstance(found, h5py.Dataset) or found.shape is None or found.is_virtual or found.external:
        raise ValueError(f"{found.name[:60]} is no plain array")
    if found.dtype.kind not in "biuf" or found.dtype.subdtype is not None:
        raise ValueError(f"{found.name[:60]} holds no numbers")
    return found


def check_room(arrays: Iterable[h5py.Dataset]) -> None:
    """Refuse arrays that would not fit into memory, before any of them is read.

    Raises:
        ValueError: saying how much they claim.
    """
    claimed = sum(int(array.size) * array.dtype.itemsize for array in arrays)
    if claimed > MOST_BYTES:
        raise ValueError(f"it claims {claimed:.2g} bytes of numbers, and {MOST_BYTES:.2g} are read")


def split_by_shape(shapes: np.ndarray, flat: np.ndarray, n_dim: int) -> list[Any]:
    """One array a row of shapes, all of them in ``flat`` one after another; None where a row is negative.

    Raises:
        ValueError: if shapes and numbers do not fit together.
    """
    if (
        shapes.ndim != 2
        or flat.ndim != 1
        or shapes.dtype.kind not in "iu"
        or shapes.shape[1] != max(n_dim, 1)
    ):
        raise ValueError("values and shapes disagree")
    found: list[Any] = []
    start = 0
    for row in shapes.tolist():
        if min(row) < 0:
            found.append(None)
            continue
        size = 1
        for n in row:
            size *= n  # whole numbers of any size: NumPy's product would wrap around
        if start + size > len(flat):
            raise ValueError("values and shapes disagree")
        found.append(flat[start : start + size].reshape(tuple(row) if n_dim else ()))
        start += size
    if start != len(flat):
        raise ValueError("values and shapes disagree")
    return found
