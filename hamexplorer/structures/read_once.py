"""What was read of a large archive, kept as plain arrays: the next reading takes a second instead of a minute."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hamexplorer.structures.quantum_machine import Molecule

#: Raised whenever the meaning of the arrays changes.
_FORMAT = 1


def keep(path: Path, molecules: Sequence[Molecule]) -> None:
    """Write molecules as ``.npz``; the file appears whole, or not at all where the disk or the folder refuses it."""
    if not molecules:
        return
    with contextlib.suppress(OSError):
        descriptor, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(
                    file,
                    format=np.array(_FORMAT),
                    names=np.array([molecule.name for molecule in molecules]),
                    n_atoms=np.array([len(molecule.numbers) for molecule in molecules]),
                    numbers=np.concatenate([molecule.numbers for molecule in molecules]).astype(np.uint8),
                    positions=np.concatenate([molecule.positions for molecule in molecules]),
                )
            os.replace(aside, path)
        except OSError:
            Path(aside).unlink(missing_ok=True)


def kept(path: Path) -> list[Molecule]:
    """What :func:`keep` wrote, equal to the last digit; empty if nothing is there or it cannot be used."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if arrays["format"] != _FORMAT:
                return []
            ends = np.cumsum(arrays["n_atoms"])[:-1]
            numbers = np.split(arrays["numbers"].astype(np.int64), ends)
            positions = np.split(arrays["positions"], ends)
            names = arrays["names"].tolist()
        return [Molecule(*parts) for parts in zip(names, numbers, positions, strict=True)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError, MemoryError):
        return []
