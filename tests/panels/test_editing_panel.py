"""The fold below the 3D view: edits by buttons, frames by a slider."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.panels.editing import EditingPanel
from hamexplorer.panels.frames import FramesBar, frames_around
from hamexplorer.session import Session
from hamexplorer.structures import edits
from hamexplorer.structures.structure import Structure


@pytest.fixture
def session():
    made = Session()
    made.open_dataset("ethane")
    made.wait()
    return made


def test_buttons_change_the_chosen_atom(session):
    panel = EditingPanel(session)
    panel._atom.value = 2
    assert session.marked == (2,), "the view points at it"
    assert panel._way.options[0] == "away from C1"
    before = session.shown.positions_angstrom
    panel._step.value = 0.1
    panel._buttons["plus"].click()
    panel._buttons["minus"].click()
    assert np.allclose(session.shown.positions_angstrom, before)
    assert panel._undo.description == "Undo: moved H3 by 0.10 Å"
    panel._element.value = "f"
    panel._buttons["replace"].click()
    assert session.shown.formula == "C2H5F" and dict(panel._atom.options)["F3"] == 2
    panel._buttons["delete"].click()
    assert "No prediction yet" in panel._why.value and panel._check.disabled
    for _ in range(4):
        panel._undo.click()
    assert session.draft is None and panel._undo.disabled and panel._why.value == ""


def test_a_click_in_the_picture_chooses_the_atom(session):
    panel = EditingPanel(session)
    session.touch(5)
    assert panel._atom.value == 5
    panel._measure.value = True
    session.touch(0)
    session.touch(1)
    assert "Distance C1 – C2" in panel._measured.value and panel._atom.value == 5
    panel._measure.value = False
    assert panel._measured.value == "" and session.measured == ()


def test_the_charge_is_an_edit_too(session):
    panel = EditingPanel(session)
    panel._charge.value = 2
    assert session.shown.charge == 2 and session.draft.last_edit == "set the charge to +2"
    session.pick(0)
    assert panel._charge.value == 0 and session.structures[0].charge == 0


def test_a_slider_goes_through_frames(session):
    bar = FramesBar(session)
    assert bar.widget.layout.display == "" and (bar._slider.min, bar._slider.max) == (0, 99)
    bar._slider.value = 7
    assert session.picked == 7 and bar._said.value == "8 of 100"
    session.pick(99)
    assert bar._slider.value == 99
    session.edit(lambda structure: edits.replace_atom(structure, 2, "F"))
    assert bar.widget.layout.display == "none", "nothing beside it in the list has its atoms"


def test_frames_are_neighbours_with_the_same_atoms():
    water = Structure([8, 1, 1], np.eye(3) * 2)
    other = Structure([1, 1], np.eye(3)[:2] * 2)
    listed = (other, water, water.moved(np.eye(3) * 2.1), water, other)
    assert [frames_around(listed, k) for k in (-1, 0, 2, 4)] == [range(0), range(1), range(1, 4), range(4, 5)]
