"""Whose values are learned: those of the large basis, or those of the small one itself."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import scipy.linalg

from hamexplorer.cli.tables import compared_with
from hamexplorer.physics.molecule import make_mole
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel

#: The closed-form ridge fit of the matrix and nothing more.
DIRECT = {"targets": {"hamiltonian": 1e3}, "model": "linear", "epochs": 0, "target_basis": "small"}


@pytest.fixture(scope="module")
def direct(run):
    return run(**DIRECT)


@pytest.mark.parametrize("name", ["dipole", "polarizability", "mulliken_charge"])
@pytest.mark.parametrize("basis", ["small", "large"])
def test_predictions_stand_beside_the_values_of_the_chosen_basis(direct, ethanes, basis, name):
    settings = dataclasses.replace(direct.model.settings, target_basis=basis)
    results = dataclasses.replace(direct.model, settings=settings).evaluate(ethanes, "all")
    known = f"{name}_uncoupled" if (name, basis) == ("polarizability", "small") else name
    wanted = [getattr(getattr(r, basis), known).ravel() for r in ethanes.references]
    np.testing.assert_array_equal(results.targets[name].reference, np.concatenate(wanted))
    assert results.dataset.method.large_basis == {"small": "sto-3g", "large": "def2-tzvp"}[basis]
    told = compared_with(dataclasses.replace(direct.model, settings=settings))
    assert told == (
        ""
        if basis == "large"
        else ", compared with the small basis' own values (sto-3g; polarizabilities uncoupled)"
    )


def test_levels_are_all_those_of_the_small_calculation(direct, ethanes):
    results = direct.model.evaluate(ethanes, "all")
    wanted = np.concatenate([r.small.mo_energy for r in ethanes.references])
    np.testing.assert_array_equal(results.targets["mo_energy"].reference, wanted)
    # An own calculation is no prediction to be better than: it differs by nothing.
    assert results.errors("all")["mo_energy"].raw_mae == 0.0


def test_a_direct_fit_of_the_small_matrix_answers_as_the_small_basis_and_not_as_the_large(direct, ethanes):
    own = direct.model.evaluate(ethanes, "test").errors("test", units="eV")
    other = dataclasses.replace(direct.model.settings, target_basis="large")
    large = dataclasses.replace(direct.model, settings=other).evaluate(ethanes, "test")
    assert own["mo_energy"].mae < 0.2 < 2.0 < large.errors("test", units="eV")["mo_energy"].mae


def test_the_small_basis_is_its_own_set_of_intrinsic_orbitals(ethanes, direct):
    """The projection of a calculation on its own functions has that calculation's levels, empty ones too."""
    settings = dataclasses.replace(direct.model.settings, reduction="iao")
    results = dataclasses.replace(direct.model, settings=settings).evaluate(ethanes, "all")
    wanted = np.concatenate([r.small.mo_energy for r in ethanes.references])
    # The kept matrices are float32.
    np.testing.assert_allclose(results.targets["mo_energy"].reference, wanted, atol=2e-5)


def test_the_small_values_are_those_of_the_small_matrix(ethanes):
    """PySCF's integrals and SciPy's eigenvectors: the kept Fock matrix gives what is to be learned."""
    (reference,) = ethanes.with_targets_of("small").subset([0]).references
    mole = make_mole(reference.structure, "sto-3g")
    energy, coeff = scipy.linalg.eigh(reference.fock, reference.overlap)
    n = reference.n_occ
    r = np.einsum("pi,xpq,qa->xia", coeff[:, :n], mole.intor("int1e_r"), coeff[:, n:])
    gap = energy[None, n:] - energy[:n, None]
    np.testing.assert_allclose(reference.large.mo_energy, energy, atol=2e-5)
    polarizability = 4 * np.einsum("xia,yia->xy", r / gap, r)
    np.testing.assert_allclose(reference.large.polarizability, polarizability, rtol=1e-3, atol=1e-3)
    assert np.abs(polarizability - ethanes.references[0].small.polarizability).max() > 1.0


def test_a_model_from_before_there_was_a_choice_learned_from_the_large_basis(direct, tmp_path, ethanes):
    direct.model.save(tmp_path)
    header = json.loads((tmp_path / "model.json").read_text())
    for name in ("target_basis", "train_at_most"):
        del header["settings"][name]
    del header["split"]["unused"], header["header_sha256"]
    (tmp_path / "model.json").write_text(json.dumps(header))
    opened = TrainedModel.load(tmp_path)
    assert opened.settings == RunSettings.from_dict(header["settings"])
    assert opened.settings.target_basis == "large" and opened.settings.train_at_most == 0
    assert opened.evaluate(ethanes, "test").dataset.method.large_basis == "def2-tzvp"


def test_a_resumed_run_goes_on_with_its_own_basis_and_the_model_keeps_the_method(run, settings, ethanes):
    first = run(target_basis="small", epochs=1)
    went_on = train(ethanes, settings(epochs=2), folder=first.folder, resume=first.folder)
    straight = run(target_basis="small", epochs=2).model
    assert went_on.settings.target_basis == "small"
    assert went_on.method == ethanes.method  # what a check by DFT computes: both bases
    one, other = (m.evaluate(ethanes, "test").errors("test") for m in (went_on, straight))
    assert one == other


def test_fewer_structures_to_learn_from_leave_the_others_unused(run, ethanes):
    whole, few = run(epochs=0).model, run(epochs=0, train_at_most=2).model
    assert few.split_keys["test"] == whole.split_keys["test"]
    assert set(few.split_keys["train"]) < set(whole.split_keys["train"]) and len(few.split_keys["train"]) == 2
    split = few.split_of(ethanes)
    assert len(split.unused) == len(whole.split_keys["train"]) - 2
    results = few.evaluate(ethanes, "test")
    asked = {ethanes.structures[k].key for k in np.unique(results.targets["dipole"].structure)}
    assert asked == set(whole.split_keys["test"])
