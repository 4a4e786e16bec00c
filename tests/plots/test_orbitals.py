"""The orbital in space and the picture of the Hamiltonian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hamexplorer.plots import PLOTS, History, PlotContext
from hamexplorer.plots.matrix import matrices, matrix_shown, said_of_block
from hamexplorer.plots.orbital import surfaces
from hamexplorer.plots.plot import OtherRun
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet


def test_three_scenes_turn_together_and_say_how_alike_they_are(state):
    figure = PLOTS["orbital"].figure(PlotContext(state=state))
    assert figure.layout.meta["together"] == ["scene", "scene2", "scene3"]
    said = " ".join(note.text for note in figure.layout.annotations)
    likeness = abs(state.overlap("learned", "reference")[8, 8])
    assert "HOMO, level 9" in said and f"overlap with the reference {likeness:.2f}" in said
    energy = f"{state.sets['learned'].energy[8] * 27.211386:.2f} eV".replace("-", "−")
    assert energy in said


@pytest.mark.parametrize("orbital", [-8, 0, 1, 7])
def test_surfaces_close_and_lie_where_the_orbital_has_that_value(state, orbital):
    index = state.n_occ - 1 + orbital
    for points, faces in surfaces(state.structure, state.basis, state.sets["raw"], index):
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, count = np.unique(edges, axis=0, return_counts=True)
        assert (count == 2).all(), "every edge belongs to two triangles: the surface has no hole"
        assert len(points) == 0 or np.isfinite(points).all()


def test_an_orbital_that_is_not_there_is_the_nearest(state):
    assert PlotContext(state=state, orbital=99).orbital_index == 15
    assert PlotContext(state=state, orbital=-99).orbital_index == 0


def test_equal_orbitals_are_drawn_in_equal_colours(state):
    turned = OrbitalSet(state.sets["raw"].matrix.copy())
    turned.coeff[:, 8] *= -1  # an eigenvector's sign means nothing
    sets = {"raw": turned, "learned": state.sets["raw"], "reference": state.sets["raw"]}
    figure = PLOTS["orbital"].figure(PlotContext(state=replace(state, sets=sets)))
    meshes = [trace for trace in figure.data if trace.type == "mesh3d"]
    first, second = ({mesh.color: np.sort(mesh.x) for mesh in meshes[k : k + 2]} for k in (0, 2))
    assert set(first) == set(second)
    for colour in first:
        np.testing.assert_allclose(first[colour], second[colour], atol=1e-3)


@pytest.mark.parametrize("name", ["raw", "learned", "reference", "error"])
def test_the_picture_shows_the_matrix(state, name):
    context = PlotContext(state=state, matrix=name, units="eV")
    (heat,) = PLOTS["matrix"].figure(context).data
    np.testing.assert_allclose(heat.z, matrix_shown(state, name) * 27.211386, atol=1e-4)
    assert heat.zmin == -heat.zmax
    assert heat.customdata[0][15] == [0, 7] or list(heat.customdata[0][15]) == [0, 7]
    assert heat.text[1][15] == "C1 2s – H8 1s"


def test_the_error_is_learned_less_reference(state):
    expected = state.sets["learned"].matrix - state.sets["reference"].matrix
    np.testing.assert_array_equal(matrix_shown(state, "error"), expected)


def test_marked_atoms_are_framed_and_told(state):
    context = PlotContext(state=state, marked=(0, 7), units="Ha")
    frames = [shape for shape in PLOTS["matrix"].figure(context).layout.shapes if shape.type == "rect"]
    assert [(f.x0, f.x1, f.y0, f.y1) for f in frames] == [(14.5, 15.5, -0.5, 4.5), (-0.5, 4.5, 14.5, 15.5)]
    block = state.sets["learned"].matrix[:5, 15:]
    assert f"Block C1 – H8: norm {np.linalg.norm(block):.3g} Ha" in said_of_block(state, (0, 7), context)
    alone = PLOTS["matrix"].figure(replace(context, marked=(1,))).layout.shapes
    assert len([shape for shape in alone if shape.type == "rect"]) == 2


@pytest.mark.parametrize("name", ["orbital", "matrix"])
def test_without_a_molecule_there_is_a_sentence(name):
    assert PLOTS[name].unavailable(PlotContext()).startswith("Press Train")
    sets = {"raw": OrbitalSet(np.eye(2))}
    half_known = MoleculeState(read_dataset("ethane").structures[0], "sto-3g", 1, sets)
    said = PLOTS["matrix"].unavailable(PlotContext(state=half_known, matrix="error"))
    assert "learned Hamiltonian of this molecule is not known" in said


def test_what_the_error_pulls_at(state):
    gradient = np.zeros((16, 16))
    gradient[2, 9] = gradient[9, 2] = -3.0
    context = PlotContext(state=state, matrix="pull", pull=("dipole", gradient))
    figure = PLOTS["matrix"].figure(context)
    assert figure.data[0].z.max() == figure.data[0].z[2, 9] == 1
    assert "of the error in dipole moment" in " ".join(note.text for note in figure.layout.annotations)
    assert said_of_block(state, (), context) == "The error pulls most at the block C1 – C2."
    assert "being worked out" in PLOTS["matrix"].unavailable(replace(context, pull=None))


@pytest.fixture
def with_other(state):
    """The molecule as another run has learned it: the raw matrix."""
    other = replace(state, sets={"learned": state.sets["raw"]})
    return PlotContext(state=state, others=(OtherRun("run 1", History()),), states_of_others={"run 1": other})


def test_the_orbital_of_another_run_has_a_scene_of_its_own(with_other):
    figure = PLOTS["orbital"].figure(with_other)
    assert figure.layout.meta["together"] == ["scene", "scene2", "scene3", "scene4"]
    heads = [note.text for note in figure.layout.annotations if note.text.count("<b>")]
    assert [head.partition("<b>")[2].partition("</b>")[0] for head in heads] == [
        "raw STO-3G",
        "run 1",
        "learned",
        "reference",
    ]
    surfaces_of = [trace for trace in figure.data if trace.type == "mesh3d"]
    np.testing.assert_array_equal(surfaces_of[0].x, surfaces_of[2].x)


def test_the_matrix_of_another_run_and_what_differs_from_it(with_other, state):
    names = matrices(["run 1"])
    assert names["run 1"] == "run 1" and names["less run 1"] == "learned − run 1"
    difference = (state.sets["learned"].matrix - state.sets["raw"].matrix) * 27.211386
    for name, wanted in (("run 1", state.sets["raw"].matrix * 27.211386), ("less run 1", difference)):
        (heat,) = PLOTS["matrix"].figure(replace(with_other, matrix=name)).data
        np.testing.assert_allclose(heat.z, wanted, atol=1e-4)
    gone = replace(with_other, states_of_others={}, matrix="less run 1")
    assert PLOTS["matrix"].unavailable(gone).startswith("The run 1 Hamiltonian of this molecule is not known")
