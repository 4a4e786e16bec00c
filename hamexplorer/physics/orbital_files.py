"""Orbitals for other programs: one on a grid as Gaussian cube, all of a set as Molden; PySCF writes both."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from pyscf import lib
from pyscf.tools import cubegen, molden

from hamexplorer.physics.molecule import make_mole
from hamexplorer.structures.structure import Structure


def cube_file(structure: Structure, basis: str, orbital: np.ndarray, points: int = 60) -> str:
    """One orbital as Gaussian cube.

    Args:
        structure, basis: of the functions.
        orbital: between atomic orbitals, shape (n_ao,).
        points: along each axis.
    """
    with tempfile.TemporaryDirectory() as folder, lib.with_omp_threads(1):
        path = Path(folder) / "orbital.cube"
        cubegen.orbital(
            make_mole(structure, basis), str(path), orbital, nx=points, ny=points, nz=points, margin=4.0
        )
        return path.read_text()


def molden_file(
    structure: Structure, basis: str, energy: np.ndarray, orbitals: np.ndarray, n_occ: int
) -> str:
    """All orbitals of a set in the Molden format.

    Args:
        structure, basis: of the functions.
        energy: shape (n,), Ha.
        orbitals: in columns between atomic orbitals, shape (n_ao, n).
        n_occ: doubly occupied ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orbitals.molden"
        occupation = np.where(np.arange(len(energy)) < n_occ, 2.0, 0.0)
        molden.from_mo(make_mole(structure, basis), str(path), orbitals, ene=energy, occ=occupation)
        return path.read_text()
