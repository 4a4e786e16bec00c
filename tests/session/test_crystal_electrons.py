"""Looking into the picked crystal: which band at which k-point, worked out in the background, the latest wish first."""

from __future__ import annotations

import dataclasses
import io

import ase.io
import numpy as np
import pytest

from hamexplorer.errors import TrainingError
from hamexplorer.train.calculated import calculated_crystal
from hamexplorer.train.events import Snapshot
from tests.session.conftest import results_for


@pytest.fixture
def crystals(session):
    """The session with graphene open, its first crystal picked."""
    session.open_dataset("graphene-szv")
    session.wait()
    session.pick(0)
    session.wait()
    return session


@pytest.fixture
def learned(crystals, script):
    """Starts a run whose learned matrix is the calculation's; gives (row, place) of every state asked for."""
    asked = []

    def state(row, place):
        asked.append((row, place))
        if place == 13:
            raise TrainingError("thirteen brings bad luck")
        reference = crystals.dataset.references[row]
        found = calculated_crystal(reference, crystals.dataset.method, reference.path.points[place])
        return dataclasses.replace(found, sets={"learned": found.sets["reference"], **found.sets})

    def snapshot(number):
        results = dataclasses.replace(results_for(crystals.dataset, number), crystals=state)
        script.inbox.put(Snapshot(number, results))

    crystals.start()
    return asked, snapshot


def shown(session):
    chosen = session.crystal_orbital
    return chosen.place, chosen.band, list(chosen.state.sets)


def test_what_the_calculation_says_is_there_before_anything_is_learned(crystals):
    assert shown(crystals) == (0, 3, ["reference"]) and crystals.why_no_crystal_orbital == ""
    bands = crystals.bands_of(0)
    assert list(bands.sets) == ["reference"]
    energy = crystals.crystal_orbital.state.sets["reference"].energy
    np.testing.assert_allclose(energy, bands.sets["reference"].path_energy[0], atol=1e-5)


def test_a_picked_band_is_shown_and_one_that_is_not_there_is_ignored(crystals):
    crystals.pick_band(22, 4)
    crystals.wait()
    assert shown(crystals)[:2] == (22, 4)
    np.testing.assert_allclose(crystals.crystal_orbital.state.k, [0.5, 0, 0])
    for nonsense in ((22, 8), (22, -1), (60, 0), (-1, 0)):
        crystals.pick_band(*nonsense)
    assert crystals.band == (22, 4)


def test_the_latest_of_many_wishes_counts(crystals):
    for place in range(1, 12):
        crystals.pick_band(place, 2)
    crystals.wait()
    assert shown(crystals)[:2] == (11, 2)


def test_another_crystal_begins_anew_and_a_molecule_has_none(crystals):
    crystals.pick_band(22, 4)
    crystals.wait()
    crystals.pick(1)
    assert crystals.crystal_orbital is None and "being worked out" in crystals.why_no_crystal_orbital
    crystals.wait()
    assert shown(crystals)[:2] == (0, 3)
    assert crystals.crystal_orbital.state.structure is crystals.structures[1]
    crystals.open_dataset("ethane")
    crystals.wait()
    assert crystals.crystal_orbital is None and crystals.why_no_crystal_orbital == ""
    crystals.pick_band(0, 0)
    assert crystals.band == ()


def test_a_run_is_looked_at_seldom_and_at_its_end(crystals, learned, script, until):
    asked, snapshot = learned
    snapshot(1)
    until(lambda: crystals.crystal_orbital is not None and "learned" in crystals.crystal_orbital.state.sets)
    looks = len(asked)
    for number in (2, 3, 4):
        snapshot(number)
    until(lambda: crystals.results.epoch == 4)
    assert len(asked) == looks, "two seconds have not passed"
    crystals.pick_band(5, 1)
    until(lambda: crystals.crystal_orbital.place == 5)  # a click is answered at once
    snapshot(5)
    until(lambda: crystals.results.epoch == 5)
    before = len(asked)
    script.finish(5)
    crystals.wait()
    assert len(asked) == before + 1 and shown(crystals)[:2] == (5, 1)


def test_what_cannot_be_worked_out_is_a_sentence(crystals, learned, script, until):
    _, snapshot = learned
    snapshot(1)
    until(lambda: crystals.results is not None and not crystals.pump._draining.locked())
    script.finish(1)
    crystals.wait()
    crystals.pick_band(13, 1)
    crystals.wait()
    assert crystals.crystal_orbital is None
    assert crystals.why_no_crystal_orbital == "The orbital cannot be shown: thirteen brings bad luck."
    crystals.pick_band(14, 1)
    crystals.wait()
    assert shown(crystals)[:2] == (14, 1)


def test_the_orbital_as_cube(crystals):
    """ASE reads back the atoms of all cells, and the grid holds one electron a cell."""
    crystals.pick_band(22, 3)
    crystals.wait()
    crystals.wave = "density"
    file = crystals.export("cube")
    assert file.filename == "graphene-reference-band-4-k-22-density.cube"
    read = ase.io.cube.read_cube(io.StringIO(file.content.decode()))
    grid = crystals.crystal_orbital.grid
    assert len(read["atoms"]) == 2 * len(grid.cells)
    assert read["data"].sum() * grid.volume == pytest.approx(len(grid.cells), rel=0.02)
    np.testing.assert_allclose(read["spacing"], grid.steps * 0.529177, atol=1e-5)
    assert crystals.export("molden") is None
    assert "not waves of a crystal" in crystals.message.text
