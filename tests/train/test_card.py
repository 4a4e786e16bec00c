"""What a saved model says of itself."""

from __future__ import annotations

import dataclasses

import pytest

from hamexplorer.errors import CheckpointError
from hamexplorer.train.card import ModelCard, markdown, sentence
from hamexplorer.train.trained import TrainedModel
from hamexplorer.units import HARTREE_EV


@pytest.fixture(scope="module")
def trained(run, molecules):
    return run(epochs=3, batch_size=6, targets={"mo_energy": 1e4, "dipole": 1e3}, dataset=molecules)


def test_it_knows_what_was_learned_from_and_the_errors_of_its_own_epoch(trained, molecules):
    model = trained.model
    card, split = model.card, model.split_of(molecules)
    assert (card.n_train, card.n_validation, card.n_test) == tuple(
        len(part) for part in (split.train, split.validation, split.test)
    )
    sizes = [molecules.structures[k].n_atoms for k in split.train]
    assert (card.fewest_atoms, card.most_atoms) == (min(sizes), max(sizes))
    measured = model.evaluate(molecules, "validation").errors("validation", units="Ha")
    assert set(card.validation) == {"mo_energy", "dipole"}
    for name, error in card.validation.items():
        assert error == pytest.approx(measured[name].rmse_per_atom, rel=1e-4)


def test_it_travels_with_the_model_and_older_files_have_none(trained, tmp_path):
    trained.model.save(tmp_path / "new")
    again = TrainedModel.load(tmp_path / "new")
    assert again.card == trained.model.card
    assert sentence(again) == sentence(trained.model)
    dataclasses.replace(trained.model, card=None).save(tmp_path / "old")
    old = TrainedModel.load(tmp_path / "old")
    assert old.card is None and "learned from" not in sentence(old)
    assert "closed shells" in markdown(old)


def test_it_is_shown_as_a_table_with_units_and_limits(trained):
    said = trained.model._repr_markdown_()
    energy = trained.model.card.validation["mo_energy"] * HARTREE_EV
    assert f"Orbital energies {energy:.3g} eV" in said
    assert "e·bohr" in said and "STO-3G" in said.upper() and "extrapolates" in said


def test_a_name_with_markup_stays_a_name(trained):
    card = dataclasses.replace(trained.model.card, dataset="[a](javascript:b) <img src=x> | c")
    said = markdown(dataclasses.replace(trained.model, card=card))
    assert (
        "<img" not in said.replace("\\<", "") and "](" not in said and " | c" not in said.replace("\\|", "")
    )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"n_train": -1}, "n_train"), ({"validation": {"mo_energy": "x"}}, "mo_energy"), ({"made": 3}, "made")],
)
def test_a_card_that_makes_no_sense_is_refused(trained, tmp_path, monkeypatch, change, sentence):
    values = trained.model.card.to_dict() | change
    monkeypatch.setattr(ModelCard, "to_dict", lambda _: values)
    trained.model.save(tmp_path)
    with pytest.raises(CheckpointError, match=sentence):
        TrainedModel.load(tmp_path)
