"""`hx.show`: a structure and a model in one line."""

from __future__ import annotations

import ase.build
import numpy as np
import pytest

import hamexplorer as hx
from hamexplorer.units import HARTREE_EV


@pytest.fixture(scope="module")
def model():
    dataset = hx.read_dataset("ethane")
    return hx.train_model(
        dataset.subset(range(20)),
        hx.settings_for(dataset.structures, targets={"hamiltonian": 1e3}, model="linear", epochs=0),
    )


def plot_of(page, name):
    for card in page.children[1].children:
        if f"hx-plot-{name}" in card._dom_classes:
            return next(child for child in card.children if hasattr(child, "figure")).figure
    raise AssertionError(f"no {name}")


def test_levels_of_a_molecule_that_nothing_was_computed_for(model):
    atoms = ase.build.molecule("C2H6")
    page = hx.show(atoms, model)
    predicted = model.predict([hx.Structure.from_ase(atoms)])[0]
    chosen = next(trace for trace in plot_of(page, "levels").data if trace.name == "chosen orbital")
    np.testing.assert_allclose(chosen.y, [predicted.mo_energy[8] * HARTREE_EV], atol=1e-4)
    assert [note.text for note in plot_of(page, "levels").layout.annotations[:1]] == ["<b>learned</b>"]


def test_without_a_model_only_the_structure_is_shown():
    page = hx.show("smiles:CCO")
    (card,) = page.children[1].children
    assert "hx-molecule" in card._dom_classes


def test_chosen_panels_and_the_folder_of_a_model(model, tmp_path):
    model.save(tmp_path)
    page = hx.show("smiles:CC", tmp_path, "matrix")
    assert len(plot_of(page, "matrix").data[0].z) == 16


@pytest.mark.parametrize("name", ["levels", "orbital", "matrix", "spectrum"])
def test_one_plot_of_a_molecule_by_its_name(model, name):
    plot = plot_of(getattr(hx, f"show_{name}")("smiles:CC", model), name)
    assert any(trace.type in ("scatter", "mesh3d", "heatmap") for trace in plot.data)


def test_bands_of_a_crystal_need_no_model():
    (card,) = hx.show_bands("crystal:graphene").children[1].children
    assert "hx-bands" in " ".join(card._dom_classes)


def test_errors_are_those_of_the_evaluation(model):
    ethanes = hx.read_dataset("ethane").subset(range(30))
    page = hx.show_errors(model, ethanes)
    results = model.evaluate(ethanes).targets["mo_energy"]
    shown = np.concatenate(
        [trace.y for trace in plot_of(page, "parity").data if trace.name in ("train", "test")]
    )
    assert np.isin(np.round(shown, 6), np.round(results.predicted * HARTREE_EV, 6)).mean() > 0.99
    with pytest.raises(hx.HamExplorerError, match="no dataset 'ethan'"):
        hx.show_errors(model, "ethan")


@pytest.mark.parametrize(
    ("structure", "sentence"),
    [("smiles:CO", "holds O"), ("smiles:C(", "SMILES"), ("no/such.xyz", "no/such.xyz")],
)
def test_what_cannot_be_shown_is_one_sentence(model, structure, sentence):
    with pytest.raises(hx.HamExplorerError, match=sentence):
        hx.show(structure, model)
