"""A trained model comes back from its folder, predicts without references, and knows its own parts."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from ase.build import molecule

from hamexplorer.errors import CheckpointError, DatasetError, SettingsError, StructureError
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.structure import Structure
from hamexplorer.train.prediction import Prediction
from hamexplorer.train.trained import TrainedModel

PROPERTIES = [
    f.name for f in dataclasses.fields(Prediction) if f.name not in ("structure", "n_occ", "spread", "others")
]


@pytest.fixture(scope="module")
def loaded(three_epochs) -> TrainedModel:
    return TrainedModel.load(three_epochs.folder)


@pytest.fixture(scope="module")
def results(three_epochs, ethanes):
    return three_epochs.model.evaluate(ethanes)


def test_everything_comes_back(three_epochs, loaded, same_weights):
    model = three_epochs.model
    assert same_weights(loaded, model)
    assert (loaded.settings, loaded.method, loaded.epoch) == (model.settings, model.method, model.epoch)
    assert loaded.split_keys == model.split_keys and loaded.geometry.graph == model.geometry.graph
    assert loaded.geometry.template == model.geometry.template


def test_a_model_from_before_features_could_be_chosen_answers_alike(run, ethanes):
    made = run(features="geometry", response="matrix", weight_decay=0.0)
    path = made.folder / "model.json"
    header = json.loads(path.read_text())
    for name in ("features", "response", "weight_decay", "target_basis", "train_at_most"):
        del header["settings"][name]
    del header["graph"]["orbital_ls"], header["header_sha256"]
    path.write_text(json.dumps(header))
    loaded = TrainedModel.load(made.folder)
    assert loaded.settings == made.model.settings
    (before,), (after,) = (model.predict(ethanes.structures[:1]) for model in (made.model, loaded))
    np.testing.assert_array_equal(after.mo_energy, before.mo_energy)


def test_a_loaded_model_answers_alike(results, loaded, ethanes):
    again = loaded.evaluate(ethanes)
    assert again.targets.keys() == results.targets.keys() == set(TARGETS)
    for name, result in results.targets.items():
        np.testing.assert_array_equal(again.targets[name].predicted, result.predicted)
        np.testing.assert_array_equal(again.targets[name].reference, result.reference)


def test_prediction_needs_no_reference_and_agrees_with_evaluation(loaded, results, ethanes):
    bare = [Structure(s.numbers, s.positions) for s in ethanes.structures]
    predictions = loaded.predict(bare)
    for k, prediction in enumerate(predictions):
        np.testing.assert_allclose(prediction.mo_energy, results.mo_energy[k], atol=1e-6)
        assert prediction.n_occ == 9 and prediction.structure is bare[k]
        gap = prediction.mo_energy[9] - prediction.mo_energy[8]
        assert prediction.homo_lumo_gap == pytest.approx(gap, abs=1e-9)
    found = results.targets["dipole"]
    np.testing.assert_allclose([p.dipole for p in predictions], found.predicted.reshape(-1, 3), atol=1e-5)


def test_prediction_takes_molecules_of_other_sizes(loaded):
    methane, propane = (Structure.from_ase(molecule(name)) for name in ("CH4", "C3H8"))
    small, large = loaded.predict([methane, propane])
    assert small.mo_energy.shape == (9,) and large.mo_energy.shape == (23,)
    for prediction, n_atoms in ((small, 5), (large, 11)):
        assert prediction.polarizability.shape == (3, 3)
        assert prediction.mayer_bond_order.shape == (n_atoms, n_atoms)
        assert prediction.mulliken_charge.sum() == pytest.approx(0.0, abs=1e-8)
        assert prediction.lowdin_charge.sum() == pytest.approx(0.0, abs=1e-8)
        assert all(np.isfinite(getattr(prediction, name)).all() for name in PROPERTIES if name[:2] != "k_")
        assert prediction.k_points is None


def test_no_structures_give_no_predictions(loaded):
    assert loaded.predict([]) == []


def test_an_element_that_was_not_learned_is_told(loaded):
    with pytest.raises(
        StructureError, match="holds O, which the model has not learned; train on a dataset with O"
    ):
        loaded.predict([Structure.from_ase(molecule("H2O"))])


def test_parts_are_recognised_by_molecule(three_epochs, ethanes):
    model, split = three_epochs.model, three_epochs.model.split_of(ethanes)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [4, 2, 2]
    backwards = model.split_of(ethanes.subset(range(7, -1, -1)))
    assert {7 - k for k in backwards.train} == set(split.train)
    # What it has never seen is test.
    unseen = model.split_of(read_dataset("ethane").subset(range(20, 23)))
    assert unseen.test == (0, 1, 2)


def test_evaluation_of_a_part(three_epochs, ethanes, results):
    model = three_epochs.model
    part = model.evaluate(ethanes, "test")
    chosen = model.split_of(ethanes).test
    assert set(part.targets["dipole"].structure) == set(chosen)
    assert part.errors("test")["dipole"].mae == pytest.approx(results.errors("test")["dipole"].mae, rel=1e-4)
    assert part.mo_energy[next(k for k in range(8) if k not in chosen)] is None


def test_an_empty_part_is_told(three_epochs):
    others = read_dataset("ethane").subset(range(20, 23))
    with pytest.raises(DatasetError, match="belongs to the train part of this run; choose --split all"):
        three_epochs.model.evaluate(others, "train")


def test_another_small_basis_is_told(three_epochs, ethanes):
    method = dataclasses.replace(ethanes.method, small_basis="6-31g")
    with pytest.raises(DatasetError, match="small basis is 6-31g, the model's sto-3g"):
        three_epochs.model.evaluate(dataclasses.replace(ethanes, method=method))


@pytest.mark.parametrize("name", [name for name in BASELINES if BASELINES[name].for_molecules])
def test_every_baseline_comes_back(run, ethanes, name):
    """Whatever a baseline learned from the training molecules is in the folder too."""
    made = run(baseline=name, epochs=0)
    structures = ethanes.structures[:2]
    before, after = made.model.predict(structures), TrainedModel.load(made.folder).predict(structures)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.mo_energy, other.mo_energy)


def test_the_linear_model_learns_and_comes_back(run, ethanes, same_weights):
    made = run(model="linear", epochs=2)
    loaded = TrainedModel.load(made.folder)
    assert loaded.fixed is None and same_weights(loaded, made.model)
    structures = ethanes.structures[:2]
    for one, other in zip(made.model.predict(structures), loaded.predict(structures), strict=True):
        np.testing.assert_array_equal(one.mo_energy, other.mo_energy)


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no model\.json"):
        TrainedModel.load(tmp_path)


def test_a_part_that_does_not_exist_is_told(three_epochs, ethanes):
    with pytest.raises(
        SettingsError, match="the part 'tests' is unknown; choose one of train, validation, test, all"
    ):
        three_epochs.model.evaluate(ethanes, "tests")
