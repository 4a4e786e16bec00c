"""What a model sees of the baseline's electrons turns with the molecule, and decides what it can learn."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.orbital_features import blocks_of
from hamexplorer.train.prepare import arrange, prepare
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel

SETTINGS = {
    "targets": {"mo_energy": 1e5, "dipole": 1e3},
    "baseline": "scf_step",
    "epochs": 2,
    "batch_size": 8,
    "train_fraction": 0.6,
    "validation_fraction": 0.2,
    "seed": 5,
}


@pytest.fixture(scope="module")
def seeing(molecules):
    settings = RunSettings(**SETTINGS)
    return prepare(arrange(molecules, settings), settings)


@pytest.fixture(scope="module")
def trained(molecules) -> TrainedModel:
    return train(molecules, RunSettings(**SETTINGS), snapshots=False)


def turned(structure, seed: int):
    rotation = Rotation.random(random_state=seed).as_matrix()
    return dataclasses.replace(structure, positions=structure.positions @ rotation.T), rotation


def test_the_projector_holds_the_electrons_and_is_one(seeing):
    for frame in seeing.frames[:5]:
        n_occ = frame.structure.n_electrons // 2
        blocks = blocks_of(frame, seeing.geometry.template)
        numbers, where = frame.structure.numbers, frame.block_of_pair
        p = seeing.geometry.template.from_irreps(blocks[:, 1], numbers, where)[0]
        whole = (where >= 0).all()
        assert np.trace(p) == pytest.approx(n_occ, abs=1e-9)
        if whole:  # no pair beyond the cutoff
            np.testing.assert_allclose(p @ p, p, atol=1e-9)


def test_training_components_come_in_units_of_their_spread(seeing):
    training = [seeing.frames[k] for k in seeing.split.train]
    orbital = np.concatenate([f.graph.orbital for f in training])
    carbon = np.concatenate([f.structure.numbers == 6 for f in training])
    np.testing.assert_allclose(orbital[carbon][:, :, 0].mean(0), 0, atol=1e-4)
    size = np.sqrt((orbital[carbon][:, :, 0] ** 2).mean(0))
    # 2s-2s, 2p-2p and 1s-1s of carbon vary in both matrices; absent tensors stay zero.
    assert np.isclose(size, 1, atol=1e-3).sum() >= 8
    assert size.max() < 1.001


def test_what_is_seen_turns_as_the_matrix_does(trained, molecules):
    for seed, structure in enumerate(molecules.structures[:4]):
        moved, rotation = turned(structure, seed)
        before, after = trained.predict([structure, moved])
        np.testing.assert_allclose(after.mo_energy, before.mo_energy, atol=2e-5)
        np.testing.assert_allclose(after.dipole, rotation @ before.dipole, atol=2e-5)


def test_a_model_that_sees_orbitals_comes_back_from_its_file(trained, molecules, tmp_path):
    trained.save(tmp_path)
    again = TrainedModel.load(tmp_path)
    assert again.geometry.graph == trained.geometry.graph
    (was,), (now,) = (model.predict(molecules.structures[:1]) for model in (trained, again))
    np.testing.assert_array_equal(now.mo_energy, was.mo_energy)


@pytest.mark.parametrize(
    ("changed", "sees"),
    [
        ({}, True),
        ({"features": "geometry"}, False),
        ({"baseline": "none"}, False),
        ({"baseline": "mean"}, False),
        ({"model": "surrogate", "targets": {"dipole": 1.0}}, True),
        ({"model": "surrogate", "targets": {"dipole": 1.0}, "features": "geometry"}, False),
    ],
)
def test_who_sees_orbitals(molecules, changed, sees):
    settings = RunSettings(**{**SETTINGS, **changed})
    prepared = prepare(arrange(molecules, settings), settings)
    assert any(f.graph.orbital.any() for f in prepared.frames) == sees
    assert (prepared.geometry.orbital_units is not None) == sees


@pytest.mark.slow
def test_orbitals_make_levels_of_unseen_molecules_better():
    dataset = read_dataset("small-molecules")
    error = {}
    for features in ("orbitals", "geometry"):
        settings = RunSettings(**{**SETTINGS, "features": features, "epochs": 0})
        model = train(dataset, settings, snapshots=False)
        error[features] = model.evaluate(dataset, "test").errors("test")["mo_energy"].rmse
    assert error["orbitals"] < 0.9 * error["geometry"]
