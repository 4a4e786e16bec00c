"""Closed-shell SCFs in STO-3G, and the same matrices as this package's integrals and H̃."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
from ase.build import molecule
from pyscf import scf
from scipy.spatial.transform import Rotation

from hamexplorer.physics.integrals import Integrals, make_integrals
from hamexplorer.physics.molecule import make_mole
from hamexplorer.structures.structure import Structure


class Solved(NamedTuple):
    """A converged SCF: PySCF's object, its Fock matrix, its own orbitals, and our integrals and H̃."""

    structure: Structure
    mf: scf.hf.RHF
    fock: np.ndarray
    mo_energy: np.ndarray
    mo_coeff: np.ndarray
    density: np.ndarray
    integrals: Integrals
    hamiltonian: np.ndarray


@cache
def _solve(name: str, basis: str, charge: int) -> Solved:
    structure = Structure.from_ase(molecule(name)).renamed(name)
    structure = Structure(structure.numbers, structure.positions, charge=charge, name=name)
    mf = scf.RHF(make_mole(structure, basis)).run(conv_tol=1e-11)
    fock = mf.get_fock()
    energy, coeff = mf.eig(fock, mf.get_ovlp())
    density = mf.make_rdm1(coeff, mf.get_occ(energy, coeff))
    integrals = make_integrals(structure, basis)
    x = integrals.inverse_root
    return Solved(structure, mf, fock, energy, coeff, density, integrals, x @ fock @ x)


@pytest.fixture(scope="session")
def solved() -> Callable[..., Solved]:
    """(name, basis="sto-3g", charge=0) -> a converged SCF of a molecule of ASE's g2 set."""

    def get(name: str, basis: str = "sto-3g", charge: int = 0) -> Solved:
        return _solve(name, basis, charge)

    return get


@pytest.fixture(scope="session")
def rotation() -> np.ndarray:
    return Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(23)
