"""Orbitals written for other programs say what they should when they are read again."""

from __future__ import annotations

import numpy as np
import pytest
from ase.io.cube import read_cube
from pyscf.tools import molden

from hamexplorer.physics.molecule import make_mole
from hamexplorer.physics.orbital_files import cube_file, molden_file
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.molecule_state import calculated_state


@pytest.fixture(scope="module")
def state():
    return calculated_state(read_dataset("ethane").references[0], "sto-3g")


def test_a_cube_holds_the_orbital(state, tmp_path):
    orbital = state.orbital("raw", 8)
    path = tmp_path / "homo.cube"
    path.write_text(cube_file(state.structure, "sto-3g", orbital, points=40))
    with path.open() as file:
        found = read_cube(file)
    np.testing.assert_allclose(found["atoms"].positions, state.structure.positions_angstrom, atol=1e-4)
    # The norm of one electron, with the cube's own steps.
    steps = found["spacing"] / 0.529177
    assert (found["data"] ** 2).sum() * abs(np.linalg.det(steps)) == pytest.approx(1, abs=0.02)


def test_a_molden_file_comes_back(state, tmp_path):
    raw = state.sets["raw"]
    orbitals = state.orthogonaliser @ raw.coeff
    path = tmp_path / "all.molden"
    path.write_text(molden_file(state.structure, "sto-3g", raw.energy, orbitals, state.n_occ))
    mol, energy, coeff, occupation, *_ = molden.load(str(path))
    np.testing.assert_allclose(energy, raw.energy, atol=1e-5)
    assert occupation.sum() == 18
    overlap = make_mole(state.structure, "sto-3g").intor("int1e_ovlp")
    np.testing.assert_allclose(
        coeff.T @ mol.intor("int1e_ovlp") @ coeff, orbitals.T @ overlap @ orbitals, atol=1e-4
    )
