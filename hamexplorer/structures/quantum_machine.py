"""The molecules in the files of QM7 and QM9, as they are published."""

from __future__ import annotations

import bz2
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers

from hamexplorer.errors import StructureError
from hamexplorer.units import BOHR_ANGSTROM

#: A record of QM9 holds at most 29 atoms; nothing as long as this is one.
_LONGEST_RECORD = 64 * 1024


class Molecule(NamedTuple):
    """One molecule of an archive.

    Attributes:
        name: of the data set and the number that it has there.
        numbers: atomic numbers, shape (n_atoms,).
        positions: bohr, shape (n_atoms, 3).
    """

    name: str
    numbers: np.ndarray
    positions: np.ndarray


def read_qm7(path: Path) -> Iterator[Molecule]:
    """The molecules of ``qm7.mat``, named by their row, counted from 0.

    The file (MATLAB 5) holds R, positions in bohr, shape (7165, 23, 3), and Z, charges, shape (7165, 23); both are
    filled up with zeros.

    Raises:
        StructureError: if it is no such file.
    """
    from scipy.io import loadmat

    try:
        values = loadmat(path, variable_names=["R", "Z"])
        positions, charges = np.asarray(values["R"], float), np.asarray(values["Z"], int)
        if positions.shape != (*charges.shape, 3) or charges.ndim != 2:
            raise ValueError("R and Z do not fit together")
    except Exception as error:  # SciPy has a kind for every byte that may be wrong
        raise StructureError(
            f"{path} cannot be read as QM7 ({' '.join(str(error).split())}); remove it, so that it is fetched again"
        ) from error
    for row, (numbers, places) in enumerate(zip(charges, positions, strict=True)):
        there = numbers > 0
        yield Molecule(f"qm7-{row}", numbers[there], places[there])


def read_qm9(path: Path) -> Iterator[Molecule]:
    """The molecules of ``dsgdb9nsd.xyz.tar.bz2``, named by their number in GDB-9, counted from 1.

    The archive is read as a stream, and nothing of it is written to the disk. Also the 3054 molecules are there whose
    relaxed geometry has other bonds than the SMILES it was made from.

    Raises:
        StructureError: if it is no such archive.
    """
    try:
        # tarfile's own "r|bz2" copies its whole buffer at each read: twice as slow here.
        with bz2.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                number = re.fullmatch(r"dsgdb9nsd_(\d+)\.xyz", PurePosixPath(member.name).name)
                if number is None or not member.isreg():
                    continue
                if member.size > _LONGEST_RECORD:
                    raise ValueError(f"{member.name} has {member.size} bytes")
                record = archive.extractfile(member)
                assert record is not None  # a regular file has a content
                yield _qm9_molecule(f"qm9-{int(number[1])}", record.read().decode("ascii"))
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise StructureError(
            f"{path} cannot be read as QM9 ({' '.join(str(error).split())}); remove it, so that it is fetched again"
        ) from error


def _qm9_molecule(name: str, record: str) -> Molecule:
    """The number of atoms, properties, a line 'symbol x y z charge' an atom in Å, frequencies, SMILES, InChI."""
    try:
        # Small numbers have an exponent such as 6.8*^-6.
        lines = record.replace("*^", "e").split("\n")
        atoms = [line.split() for line in lines[2 : 2 + int(lines[0])]]
        numbers = np.array([atomic_numbers[atom[0]] for atom in atoms], dtype=np.int64)
        positions = np.array([[float(x) for x in atom[1:4]] for atom in atoms]).reshape(int(lines[0]), 3)
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError(f"the record {name} is damaged") from error
    return Molecule(name, numbers, positions / BOHR_ANGSTROM)
