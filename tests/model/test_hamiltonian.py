"""H̃ of a model in its whole setting: symmetry, batches, and atoms that cross the cutoff."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest

from hamexplorer.model import MODELS, GraphSettings
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.structures.structure import Structure
from hamexplorer.train.batches import Batch, Shape, make_batch
from hamexplorer.train.frames import Frame, make_frame
from hamexplorer.train.step import hamiltonians, predict_batch
from hamexplorer.units import BOHR_ANGSTROM

GRAPH = GraphSettings((1, 6, 7, 8), cutoff_angstrom=4.0, n_radial=4)
NAMES = ("dipole", "polarizability", "mulliken_charge", "mayer_bond_order")
#: Room for two molecules of the size of formamide, so that all tests share what is compiled.
ROOM = Shape(n_structures=2, n_atoms=14, n_pairs=64, n_ao=20, n_atoms_each=7)


@eqx.filter_jit
def predict(model: Any, batch: Batch) -> tuple[Any, dict[str, Any]]:
    return predict_batch(model, batch, NAMES)


@eqx.filter_jit
def matrices(model: Any, batch: Batch) -> Any:
    return hamiltonians(model, batch)


@pytest.fixture(scope="module", params=MODELS)
def model(request, build) -> Any:
    return build(request.param)


@pytest.fixture(scope="module")
def water() -> Structure:
    positions = [[0.1, 0.2, 0.3], [1.5, 0.9, -0.4], [-1.2, 1.5, 0.2]]
    return Structure(np.array([8, 1, 1]), np.array(positions), name="water")


def frame_of(structure: Structure, model: Any) -> Frame:
    base = BASELINES["sap"].matrix(structure, "sto-3g")[None]
    return dataclasses.replace(make_frame(structure, "sto-3g", model.template, GRAPH), base=base)


def evaluate(model: Any, *structures: Structure) -> list[dict[str, np.ndarray]]:
    """Properties of up to two molecules in one batch, cut to their sizes."""
    frames = [frame_of(s, model) for s in structures]
    batch = make_batch(frames, ROOM, model.template, ())
    (mo_energy, values), h = jax.device_get((predict(model, batch), matrices(model, batch)))
    found = []
    for k, (frame, structure) in enumerate(zip(frames, structures, strict=True)):
        n, n_atoms = frame.base.shape[-1], structure.n_atoms
        found.append(
            {
                "mo_energy": mo_energy[k, :n],
                "hamiltonian": h[k, 0, :n, :n],
                "dipole": values["dipole"][k],
                "polarizability": values["polarizability"][k],
                "mulliken_charge": values["mulliken_charge"][k, :n_atoms],
                "mayer_bond_order": values["mayer_bond_order"][k, :n_atoms, :n_atoms],
            }
        )
    return found


def test_the_model_adds_something_to_its_base(model, formamide):
    """Otherwise every symmetry below would be the baseline's."""
    change = evaluate(model, formamide)[0]["hamiltonian"] - BASELINES["sap"].matrix(formamide, "sto-3g")
    assert np.abs(change).max() > 0.01


def test_hermitian(model, formamide):
    h = evaluate(model, formamide)[0]["hamiltonian"]
    np.testing.assert_allclose(h, h.T, rtol=0, atol=1e-12)


@pytest.mark.parametrize("inverted", [False, True])
def test_properties_rotate(model, formamide, rotation, inverted):
    turn = -rotation if inverted else rotation
    before, after = evaluate(model, formamide, formamide.moved(formamide.positions @ turn.T))
    np.testing.assert_allclose(after["mo_energy"], before["mo_energy"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(after["dipole"], turn @ before["dipole"], atol=1e-4)
    expected = turn @ before["polarizability"] @ turn.T
    np.testing.assert_allclose(after["polarizability"], expected, atol=1e-3 * np.abs(expected).max())
    for name in ("mulliken_charge", "mayer_bond_order"):
        np.testing.assert_allclose(after[name], before[name], atol=1e-4)


def test_properties_follow_the_order_of_atoms(model, formamide):
    order = np.array([5, 2, 0, 4, 1, 3])
    swapped = Structure(formamide.numbers[order], formamide.positions[order])
    before, after = evaluate(model, formamide, swapped)
    np.testing.assert_allclose(after["mo_energy"], before["mo_energy"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(after["dipole"], before["dipole"], atol=1e-4)
    np.testing.assert_allclose(after["mulliken_charge"], before["mulliken_charge"][order], atol=1e-4)
    expected = before["mayer_bond_order"][np.ix_(order, order)]
    np.testing.assert_allclose(after["mayer_bond_order"], expected, atol=1e-4)


def test_properties_do_not_depend_on_the_origin(model, formamide):
    before, after = evaluate(
        model, formamide, formamide.moved(formamide.positions + np.array([5.0, -3.0, 8.0]))
    )
    for name in before:  # a neutral molecule's dipole included
        np.testing.assert_allclose(after[name], before[name], atol=1e-3, err_msg=name)
    np.testing.assert_allclose(after["mo_energy"], before["mo_energy"], rtol=0, atol=1e-5)


def test_a_molecule_does_not_know_its_batch(model, formamide, water):
    alone = evaluate(model, formamide)[0], evaluate(model, water)[0]
    for together in (evaluate(model, formamide, water), evaluate(model, water, formamide)[::-1]):
        for single, shared in zip(alone, together, strict=True):
            for name in single:
                np.testing.assert_allclose(shared[name], single[name], atol=1e-5, err_msg=name)


def test_levels_pass_smoothly_as_an_atom_crosses_the_cutoff(model):
    """Oxygen with a hydrogen on one side and another that leaves on the other: zero and without slope at 4 Å."""
    edge = GRAPH.cutoff_angstrom / BOHR_ANGSTROM

    def levels(distance: float) -> np.ndarray:
        positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.3, -2.1], [0.0, 0.0, distance]])
        structure = Structure(np.array([8, 1, 1]), positions)
        frame = make_frame(structure, "sto-3g", model.template, GRAPH)
        mo_energy, _ = predict(model, make_batch([frame], ROOM, model.template, ()))
        return np.asarray(mo_energy)[0, :7]

    outside, step = levels(edge + 0.05), 0.1
    np.testing.assert_allclose(levels(edge + 1.0), outside, atol=1e-6)
    slope_at_the_edge = np.abs(levels(edge - step) - outside).max() / step
    slope_inside = np.abs(levels(edge / 2 + step) - levels(edge / 2)).max() / step
    assert slope_at_the_edge < 0.02 * slope_inside
    # The envelope leaves with the third power: halving the distance takes the effect down eightfold, not twofold.
    effects = [np.abs(levels(edge - d) - outside).max() for d in (0.8, 0.4)]
    assert effects[0] > 4 * effects[1]
