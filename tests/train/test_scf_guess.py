"""A learned density to begin an SCF with: all electrons, and fewer iterations than PySCF's own guess."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import dft, gto

import hamexplorer
from hamexplorer.errors import StructureError, TrainingError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.dataset import read_dataset


@pytest.fixture(scope="module")
def dataset():
    return read_dataset("ethane").subset(range(24))


@pytest.fixture(scope="module")
def trained(run, dataset):
    """The STO-3G Fock matrix, in closed form: seconds."""
    start = {"targets": {"hamiltonian": 1e3}, "model": "linear", "epochs": 0}
    return run(dataset=dataset, **start, train_fraction=0.7, validation_fraction=0.2)


@pytest.fixture(scope="module")
def unseen(trained, dataset):
    test = trained.model.split_of(dataset).test
    assert len(test) >= 2
    return [dataset.structures[k] for k in test]


def iterations(mol: gto.Mole, guess: np.ndarray | None = None) -> int:
    mf = dft.RKS(mol, xc="b3lyp")
    mf.grids.level = 0
    mf.kernel(dm0=guess)
    assert mf.converged
    return mf.cycles


def test_unseen_molecules_need_fewer_iterations(trained, unseen):
    """In the basis that was learned, 7 with minao; the raw matrix itself would need 1."""
    for structure in unseen[:2]:
        mol = make_mole(structure, "sto-3g")
        assert iterations(mol, hamexplorer.scf_guess(mol, trained.model)) <= 0.7 * iterations(mol)


@pytest.mark.parametrize("how", [{}, {"basis": "def2-svp"}, {"basis": "6-31g*", "cart": True}])
def test_it_holds_all_electrons_and_is_idempotent(trained, unseen, how):
    mol = gto.M(
        atom=make_mole(unseen[0], "sto-3g").atom, unit="Bohr", **{"basis": "sto-3g", "verbose": 0, **how}
    )
    density, overlap = hamexplorer.scf_guess(mol, trained.model), mol.intor("int1e_ovlp")
    assert density.shape == (mol.nao, mol.nao)
    assert np.trace(density @ overlap) == pytest.approx(18, abs=1e-8)
    np.testing.assert_allclose(density @ overlap @ density, 2 * density, atol=1e-7)


def test_atoms_may_come_in_any_order(trained, unseen):
    mol = make_mole(unseen[0], "sto-3g")
    order = [5, 0, 3, 7, 1, 2, 6, 4]
    other = gto.M(atom=[mol.atom[k] for k in order], unit="Bohr", basis="sto-3g", verbose=0)
    slices = mol.aoslice_by_atom()
    moved = np.concatenate([np.arange(*slices[k, 2:]) for k in order])
    found, again = (hamexplorer.scf_guess(m, trained.model) for m in (mol, other))
    np.testing.assert_allclose(again, found[np.ix_(moved, moved)], atol=1e-5)


def test_a_folder_does_as_well_as_a_model(trained, unseen):
    mol = make_mole(unseen[0], "sto-3g")
    np.testing.assert_array_equal(*(hamexplorer.scf_guess(mol, m) for m in (trained.model, trained.folder)))


def test_an_unknown_element_and_a_surrogate_are_sentences(trained, run):
    with pytest.raises(StructureError, match="holds O, which the model has not learned"):
        hamexplorer.scf_guess(gto.M(atom="O 0 0 0; H 0 0 1; H 1 0 0", verbose=0), trained.model)
    surrogate = run(model="surrogate", targets={"dipole": 1e3}, epochs=0).model
    with pytest.raises(TrainingError, match="a surrogate has no Hamiltonian"):
        hamexplorer.scf_guess(gto.M(atom="C 0 0 0; H 0 0 1; H 1 0 0", verbose=0), surrogate)
