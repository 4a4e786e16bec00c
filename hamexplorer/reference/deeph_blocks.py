"""Matrices of pairs of atoms out of one HDF5 file of DeepH; nothing is read before its size is known to fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hamexplorer.errors import DatasetError
from hamexplorer.reference.matrix_checks import MAX_NUMBERS, MAX_TRANSLATION

_MOST_BLOCKS = 2**20
_NAME = re.compile(r"\[\s*(-?\d{1,4}),\s*(-?\d{1,4}),\s*(-?\d{1,4}),\s*(\d{1,6}),\s*(\d{1,6})\s*\]", re.ASCII)

#: T and two atoms, counted from 0.
Key = tuple[int, int, int, int, int]


def read_blocks(path: Path, sizes: list[int]) -> dict[Key, np.ndarray]:
    """Read one file.

    Args:
        path: of ``hamiltonians.h5`` or ``overlaps.h5``.
        sizes: orbitals of each atom.

    Returns:
        Matrix of each pair, in the file's unit.

    Raises:
        DatasetError: naming the block that is no matrix of this size, or not named as one.
    """
    if not h5py.is_hdf5(path):
        raise DatasetError(f"{path} is no HDF5 file or damaged at its start; write it again")
    with h5py.File(path, "r") as file:
        if "atom_pairs" in file and "entries" in file:
            raise DatasetError(
                f"{path} has the newer layout of DeepH-dock; translate the folder to the one of DeepH-pack first"
            )
        if not 0 < len(file) <= _MOST_BLOCKS:
            raise DatasetError(f"{path} holds {len(file)} blocks; a file of DeepH has 1 to {_MOST_BLOCKS}")
        keys = {name: _key(name, path, len(sizes)) for name in file}
        if sum(sizes[i] * sizes[j] for *_, i, j in keys.values()) > MAX_NUMBERS:
            raise DatasetError(f"{path} holds more than {MAX_NUMBERS:,} numbers; take a smaller unit cell")
        return {key: _block(file, name, (sizes[key[3]], sizes[key[4]]), path) for name, key in keys.items()}


def _key(name: Any, path: Path, n_atoms: int) -> Key:
    match = _NAME.fullmatch(name) if isinstance(name, str) else None
    if match is None:
        raise DatasetError(
            f"{path}: {str(name)[:60]!r} names no pair of atoms; name blocks [T1, T2, T3, i, j], as DeepH does"
        )
    t1, t2, t3, i, j = (int(text) for text in match.groups())
    if not (1 <= i <= n_atoms and 1 <= j <= n_atoms):
        raise DatasetError(
            f"{path}: block {name} names an atom beyond the {n_atoms} of element.dat; count atoms from 1, and copy all "
            f"files from one calculation"
        )
    if max(abs(t1), abs(t2), abs(t3)) > MAX_TRANSLATION:
        raise DatasetError(f"{path}: block {name} is {MAX_TRANSLATION} cells away or more; correct its name")
    return t1, t2, t3, i - 1, j - 1


def _block(file: h5py.File, name: str, shape: tuple[int, int], path: Path) -> np.ndarray:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise DatasetError(f"{path}: block {name} is a link to elsewhere; write the numbers themselves")
    block = file[name]
    if not isinstance(block, h5py.Dataset) or block.is_virtual or block.external:
        raise DatasetError(f"{path}: block {name} is no plain array; write a matrix of numbers")
    if block.dtype.kind not in "fiuc" or block.dtype.subdtype is not None:
        raise DatasetError(
            f"{path}: block {name} holds no numbers ({block.dtype}); write a matrix of numbers"
        )
    if block.shape != shape:
        spinors = block.shape == (2 * shape[0], 2 * shape[1])
        why = (
            "it seems to hold spinors, which this version does not cover"
            if spinors
            else "copy all files from one run"
        )
        raise DatasetError(
            f"{path}: block {name} has shape {block.shape} and orbital_types.dat asks for {shape}; {why}"
        )
    values = block[()]
    if np.iscomplexobj(values):
        if np.abs(values.imag).max(initial=0.0) > 1e-8:
            raise DatasetError(
                f"{path}: block {name} is complex, as with spin-orbit coupling or magnetism, which this version does "
                f"not cover"
            )
        values = values.real
    return values.astype(float)
