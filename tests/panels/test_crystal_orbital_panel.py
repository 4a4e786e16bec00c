"""Menus of the crystal's orbital, and a click on a band."""

from __future__ import annotations

import pytest

from hamexplorer.panels.page import Page
from hamexplorer.panels.results import ResultsPanel
from hamexplorer.session import Session


@pytest.fixture(scope="module")
def panel():
    session = Session()
    made = ResultsPanel(session, Page())
    session.open_dataset("graphene")
    session.wait()
    made.session = session
    return made


def choice(panel):
    return panel._electrons._crystal


def test_before_a_training_calculated_bands_and_an_orbital_are_there(panel):
    assert [trace.uid for trace in panel._plots["bands"].widget.figure.data if trace.uid][:2] == [
        "bands raw",
        "bands reference",
    ]
    assert choice(panel).menus.layout.display == "" and panel._electrons._orbital.layout.display == "none"
    assert [label for label, _ in choice(panel)._k.options] == ["Γ", "M", "K"]
    assert choice(panel)._band.label == "band 4, the highest occupied"
    assert "its orbitals are not known" in choice(panel).words.value


def test_a_click_on_a_band_chooses_it_and_the_menus_follow(panel):
    click = {"clicked": {"place": 15, "band": 5, "set": "raw"}}
    panel._plots["bands"].widget._handle_custom_msg(click, [])
    panel.session.wait()
    assert (panel.session.crystal_orbital.place, panel.session.crystal_orbital.band) == (15, 4)
    assert choice(panel)._k.label == "between Γ and M" and choice(panel)._band.value == 4
    assert "Band 5 of 8, the lowest empty" in choice(panel).words.value


def test_menus_choose_point_band_and_part(panel):
    choice(panel)._k.value = 34
    panel.session.wait()
    choice(panel)._band.value = 0
    panel.session.wait()
    assert (panel.session.crystal_orbital.place, panel.session.crystal_orbital.band) == (34, 0)
    choice(panel)._wave.value = "density"
    assert panel.session.wave == "density"
    meshes = [trace for trace in panel._plots["orbital"].widget.figure.data if trace.type == "mesh3d"]
    assert len(meshes) == 1


def test_a_block_of_its_hamiltonian_points_out_two_atoms(panel):
    panel._electrons._matrix.value = "raw"
    message = {"chosen": {"what": "atoms", "value": [0, 1]}}
    panel._plots["matrix"].widget._handle_custom_msg(message, [])
    assert panel.session.marked == (0, 1)
    assert "Block C1 – C2" in panel._electrons._block.value


def test_a_molecule_has_its_own_menu(panel):
    panel.session.open_dataset("ethane")
    panel.session.wait()
    assert choice(panel).menus.layout.display == "none" and panel._electrons._orbital.layout.display == ""
    assert choice(panel).words.value == ""
