"""Waves of a crystal as figures: surfaces where the wave has its value, words, rings, and the picture of H(k)."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import pytest

from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.crystal_orbital import k_name, orbital_words
from hamexplorer.plots.matrix import matrix_shown, said_of_block
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.calculated import calculated_bands, calculated_crystal
from hamexplorer.train.crystal_state import CrystalOrbital
from hamexplorer.train.molecule_state import OrbitalSet
from hamexplorer.units import HARTREE_EV


@pytest.fixture(scope="module")
def context() -> PlotContext:
    """Band 4 of graphene between Γ and M, learned a little wrongly."""
    dataset = read_dataset("graphene-szv")
    ref = dataset.references[0]
    state = calculated_crystal(ref, dataset.method, ref.path.points[10])
    reference = state.sets["reference"]
    push = np.diag(np.linspace(-0.02, 0.03, 8))
    sets = {"learned": OrbitalSet(reference.matrix + push), "reference": reference}
    chosen = CrystalOrbital(dataclasses.replace(state, sets=sets), 10, 3)
    return PlotContext(crystal=chosen, bands=calculated_bands(ref), method=dataset.method)


def test_sets_turn_together_and_say_level_and_likeness(context):
    figure = PLOTS["orbital"].figure(context)
    assert figure.layout.meta["together"] == ["scene", "scene2"]
    said = " ".join(note.text for note in figure.layout.annotations)
    state, bands = context.crystal.state, context.bands
    assert "learned" in said and "reference GTH-SZV" in said
    energy = (state.sets["reference"].energy[3] - bands.sets["reference"].fermi) * HARTREE_EV
    assert f"{energy:.2f} eV".replace("-", "−") in said, "from the zero of the bands"
    assert f"|⟨ψ|ψ′⟩|² with reference GTH-SZV: {state.likeness('learned', 3)[3]:.2f}" in said


def decoded(values: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])


def test_lobes_travel_as_small_numbers_and_lie_on_the_surface(context):
    figure = PLOTS["orbital"].figure(context)
    sent = json.loads(figure.to_json())
    lobes = [trace for trace in sent["data"] if trace["type"] == "mesh3d"]
    assert [trace["name"] for trace in lobes] == ["learned +", "learned −", "reference +", "reference −"]
    assert {trace[axis]["dtype"] for trace in lobes for axis in "xyz"} == {"i2"}
    assert {trace[axis]["dtype"] for trace in lobes for axis in "ijk"} == {"u2"}
    assert len(json.dumps(sent)) < 400_000
    # Back in bohr they are the surface, but for a turn and a shift: as far from each other as its points.
    points = np.stack([decoded(lobes[2][axis]) for axis in "xyz"], 1).astype(float)
    surface = context.crystal.surfaces("reference", "real")[0].points
    scale = np.ptp(points, axis=0).max() / np.ptp(surface, axis=0).max()
    for k in (1, 50, 333):
        expected = np.linalg.norm(surface[k] - surface[0])
        assert np.linalg.norm(points[k] - points[0]) / scale == pytest.approx(expected, abs=0.02)


def test_the_density_has_one_surface_a_set(context):
    figure = PLOTS["orbital"].figure(dataclasses.replace(context, wave="density"))
    assert sum(trace.type == "mesh3d" for trace in figure.data) == 2


def test_words_tell_the_turning_the_shared_level_and_what_is_not_known(context):
    words = " ".join(orbital_words(context))
    assert "Band 4 of 8, the highest occupied, between Γ and M, k = (" in words
    assert f"turns by {360 * context.crystal.state.k[0]:.0f}° along a₁, 0° along a₂." in words
    assert "between points of its 8×8×1 mesh" in words
    dataset = read_dataset("graphene")
    ref = dataset.references[0]
    at_gamma = CrystalOrbital(calculated_crystal(ref, dataset.method, np.zeros(3)), 0, 2)
    gamma = PlotContext(crystal=at_gamma, bands=calculated_bands(ref), method=dataset.method)
    words = " ".join(orbital_words(gamma))
    assert "at Γ, k = (0, 0, 0). Every cell is like the next." in words
    assert "In raw GTH-SZV bands 3 and 4 share this level" in words
    assert "Of the reference in gth-dzvp the levels are kept, not the matrices" in words
    assert "Of the reference in gth-dzvp" in PLOTS["matrix"].unavailable(
        dataclasses.replace(gamma, matrix="reference")
    )
    assert k_name(ref.path, 34) == "at K, k = (1/3, 1/3, 0)"


def test_the_state_is_ringed_in_bands_and_zone(context):
    figure = PLOTS["bands"].figure(context)
    (ring,) = [trace for trace in figure.data if trace.uid == "chosen"]
    sets, path = context.bands.sets, context.bands.path
    energy = (sets["reference"].path_energy[10, 3] - sets["reference"].fermi) * HARTREE_EV
    along = path.distance(context.bands.structure.cell)[10]
    np.testing.assert_allclose((ring.x[0], ring.y[0]), (along, energy), atol=1e-9)
    zone = {trace.name: trace for trace in PLOTS["zone"].figure(context).data}
    assert zone["chosen k"].x[0] == zone["path"].x[10] and zone["chosen k"].y[0] == zone["path"].y[10]
    without = dataclasses.replace(context, crystal=None)
    assert "chosen k" not in {trace.name for trace in PLOTS["zone"].figure(without).data}


@pytest.mark.parametrize("name", ["learned", "reference", "error"])
def test_the_picture_of_a_crystals_hamiltonian_is_its_real_part(context, name):
    shown = dataclasses.replace(context, matrix=name)
    figure = PLOTS["matrix"].figure(shown)
    matrix = matrix_shown(context.crystal.state, name) * HARTREE_EV
    np.testing.assert_allclose(figure.data[0].z, matrix.real, atol=1e-4)
    assert figure.data[0].zmax == pytest.approx(np.abs(matrix.real).max())
    said = " ".join(note.text for note in figure.layout.annotations)
    assert "between Γ and M, k = (" in said
    if name != "error":
        assert np.abs(matrix.imag).max() > 0.1 and "imaginary parts up to" in said
        assert figure.data[0].text[0][4].startswith("C1 s – C2 s<br>imaginary part")


def test_a_block_of_a_crystal_is_told(context):
    state = context.crystal.state
    block = np.linalg.norm(state.sets["learned"].matrix[:4, 4:]) * HARTREE_EV
    assert f"Block C1 – C2: norm {block:.3g} eV" in said_of_block(state, (0, 1), context)


def test_without_an_orbital_there_is_a_sentence():
    waiting = PlotContext(why_no_crystal="The orbital is being worked out.")
    for name in ("orbital", "matrix"):
        assert PLOTS[name].unavailable(waiting) == "The orbital is being worked out."
    assert "A crystal has bands instead" in PLOTS["spectrum"].unavailable(waiting)
