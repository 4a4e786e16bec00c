"""What earlier runs say of the picked structure, asked in the background, for plots that show them beside."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hamexplorer.errors import StructureError
from hamexplorer.session.earlier import answers_of
from hamexplorer.session.runs import Run
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.train.calculated import calculated_crystal
from hamexplorer.train.events import Snapshot
from hamexplorer.train.molecule_state import calculated_state
from hamexplorer.train.settings import RunSettings
from tests.session.conftest import Model, results_for

METHANE = b"""5
methane
C 0 0 0
H 0.63 0.63 0.63
H -0.63 -0.63 0.63
H -0.63 0.63 -0.63
H 0.63 -0.63 -0.63
"""


def finish(session, script, results) -> None:
    session.start()
    script.epoch(1)
    script.inbox.put(Snapshot(1, results))
    script.finish(1)
    session.wait()


@pytest.fixture
def three_runs(session, script):
    """Each has learned the raw matrix of every ethane, moved up by 0.1 Ha a run."""

    def results(shift: float):
        def state(row: int):
            found = calculated_state(session.dataset.references[row], "sto-3g")
            raw = found.sets["raw"]
            learned = type(raw)(raw.matrix + shift * np.eye(len(raw.matrix)))
            return dataclasses.replace(found, sets={**found.sets, "learned": learned})

        return dataclasses.replace(results_for(session.dataset, 1), states=state)

    for number in (1, 2, 3):
        finish(session, script, results(number / 10))
    return session


def shifts(session) -> dict[str, float]:
    raw = session.state_of_picked.sets["raw"].energy
    return {
        label: round(float((state.sets["learned"].energy - raw).mean()), 6)
        for label, state in session.states_of_others.items()
    }


def test_the_others_are_those_that_are_not_shown(three_runs):
    assert shifts(three_runs) == {"run 1": 0.1, "run 2": 0.2}
    three_runs.show_run(2)
    three_runs.wait()
    assert shifts(three_runs) == {"run 1": 0.1, "run 3": 0.3}
    assert list(three_runs.state_of_picked.beside(three_runs.states_of_others).sets) == [
        "raw",
        "run 1",
        "run 3",
        "reference",
        "learned",
    ]


def test_they_are_asked_anew_about_another_molecule(three_runs):
    before = three_runs.states_of_others["run 1"]
    three_runs.pick(5)
    three_runs.wait()
    after = three_runs.states_of_others["run 1"]
    assert after.structure is three_runs.structures[5] and after is not before
    assert shifts(three_runs) == {"run 1": 0.1, "run 2": 0.2}


def test_of_a_molecule_of_ones_own_they_predict(three_runs):
    three_runs.load_upload({"methane.xyz": METHANE})
    three_runs.wait()
    three_runs.pick(len(three_runs.structures) - 1)
    three_runs.wait()
    found = three_runs.states_of_others
    assert list(found) == ["run 1", "run 2"]
    np.testing.assert_allclose(found["run 2"].sets["learned"].energy, np.linspace(-0.5, 0.2, 9))


def test_a_run_that_cannot_take_a_structure_is_left_out():
    runs = tuple(Run(k, "ethane", None, 3, RunSettings(), model=Model()) for k in (1, 2))

    def ask(run, structure):
        if run.number == 1:
            raise StructureError("it never met silicon")
        return structure.label

    assert answers_of(runs, from_smiles("C"), ask) == {"run 2": from_smiles("C").label}


def test_another_basis_is_not_put_beside(three_runs):
    state = three_runs.state_of_picked
    foreign = dataclasses.replace(three_runs.states_of_others["run 1"], basis="minao")
    assert "run 1" not in state.beside({"run 1": foreign}).sets


def test_bands_and_waves_of_earlier_runs_stand_beside_those_that_are_shown(session, script):
    session.open_dataset("graphene-szv")
    session.wait()
    session.pick(0)
    session.wait()
    bands = session.bands_of(0)

    def results(shift: float):
        energy = bands.sets["reference"]
        moved = dataclasses.replace(energy, path_energy=energy.path_energy + shift)

        def state(row: int, place: int):
            reference = session.dataset.references[row]
            found = calculated_crystal(reference, session.dataset.method, reference.path.points[place])
            at = found.sets["reference"]
            learned = type(at)(at.matrix + shift * np.eye(len(at.matrix)))
            return dataclasses.replace(found, sets={"learned": learned, **found.sets})

        return dataclasses.replace(
            results_for(session.dataset, 1),
            bands=lambda _: dataclasses.replace(bands, sets={**bands.sets, "learned": moved}),
            crystals=state,
        )

    for number in (1, 2):
        finish(session, script, results(number / 10))
    shown = session.results.band_structure(0)
    beside = shown.beside(session.bands_of_others)
    assert list(beside.sets) == ["run 1", "reference", "learned"]
    moved = beside.sets["run 1"].path_energy - beside.sets["reference"].path_energy
    np.testing.assert_allclose(moved, 0.1)
    sets = session.crystal_orbital.state.sets
    assert list(sets) == ["run 1", "learned", "reference"]
    np.testing.assert_allclose(sets["learned"].energy - sets["run 1"].energy, 0.1, atol=1e-9)
