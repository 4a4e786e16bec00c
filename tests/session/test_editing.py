"""Edits of the picked structure with undo, measuring, and the check by a reference calculation."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto, scf

from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Session
from hamexplorer.structures import edits
from hamexplorer.structures.structure import Structure


def fluorinate(structure):
    return edits.replace_atom(structure, 2, "F")


def delete(structure):
    return edits.delete_atom(structure, structure.n_atoms - 1)


def test_an_edit_makes_a_copy_and_undo_takes_it_away(session):
    before = session.structures
    session.edit(fluorinate)
    assert session.structures[:-1] == before and session.picked == len(before)
    assert session.shown.formula == "C2H5F" and session.shown.label == f"{before[0].label}, edited"
    assert session.draft.last_edit == "replaced H3 by F"
    session.edit(lambda structure: edits.set_charge(structure, 2))
    assert len(session.structures) == len(before) + 1, "the copy changes, there is no second one"
    session.undo()
    assert session.shown.charge == 0 and session.message.text == "Undone: set the charge to +2."
    session.undo()
    assert session.structures == before and session.picked == 0 and session.draft is None
    session.undo()
    assert session.message.text == "there is nothing to undo"


def test_a_structure_half_way_is_shown_but_not_used(session):
    before = session.structures
    session.edit(delete)
    assert session.shown.formula == "C2H5" and "an odd number" in session.draft.why_not
    assert session.structures == before and session.picked == 0
    assert session.why_not_check() == "the structure cannot be computed as it is"
    session.edit(delete)
    assert session.draft.why_not == "" and session.structures[session.picked].formula == "C2H4"
    session.undo()
    assert session.shown.formula == "C2H5", "undo goes through every step"


def test_edits_are_kept_while_another_structure_is_picked(session):
    session.edit(fluorinate)
    place = session.picked
    session.pick(3)
    assert session.draft is None and session.shown is session.structures[3]
    session.edit(fluorinate)
    session.pick(place)
    assert session.draft.last_edit == "replaced H3 by F"
    session.undo()
    assert session.picked == 0


def test_an_edit_that_fails_changes_nothing(session):
    session.edit(lambda structure: edits.replace_atom(structure, 0, "Q"))
    assert session.message.level == "error" and "is not an element" in session.message.text
    assert session.draft is None


def test_the_prediction_follows_an_edit(session, script, until):
    session.start()
    script.snapshot(session)
    script.finish()
    session.wait()
    session.edit(fluorinate)
    until(lambda: session.known(session.picked))
    assert session.known(session.picked)["learned"]["dipole"][2] == 0.5


def test_clicks_measure_instead_of_pointing_out(session):
    session.touch(1)
    assert session.marked == (1,) and session.measurement == ""
    session.measuring = True
    for atom in (2, 0, 1):
        session.touch(atom)
    assert session.measurement.startswith("Angle H3 – C1 – C2: ") and session.marked == (1,)
    session.touch(0)
    assert session.measured == (2, 1)
    for atom in (3, 4, 5):
        session.touch(atom)
    assert session.measured == (5,), "a fifth atom begins anew"
    session.pick(4)
    assert session.measured == ()


@pytest.fixture
def hydrogen(monkeypatch, tmp_path):
    """A session with one stretched H2, and a method that needs a second."""
    monkeypatch.setenv("HAMEXPLORER_STORE", str(tmp_path))
    made = Session()
    made._structures_loaded([Structure([1, 1], [[0, 0, 0], [0, 0, 1.6]], name="H2")])
    method = ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g", density_fit=False)
    monkeypatch.setattr(Session, "check_method", method)
    return made


def test_a_check_gives_what_pyscf_gives(hydrogen):
    assert hydrogen.why_not_check() == "" and 0 < hydrogen.estimate_check() < 60
    hydrogen.check_with_reference()
    assert hydrogen.checking.running and hydrogen.why_not_check() == "a check is under way"
    hydrogen.wait(120)
    known = hydrogen.known(0)
    for origin, basis in (("small", "sto-3g"), ("large", "6-31g")):
        mole = gto.M(atom="H 0 0 0; H 0 0 1.6", unit="bohr", basis=basis)
        energy = scf.RHF(mole).run(verbose=0).mo_energy
        assert known[origin]["homo_lumo_gap"] == pytest.approx(energy[1] - energy[0], abs=1e-5)
    assert hydrogen.why_not_check() == "its reference values are there already"
    assert hydrogen.message.text == "H2 is checked." and np.isfinite(hydrogen.picked)


def test_a_check_can_be_cancelled(hydrogen):
    hydrogen.check_with_reference()
    hydrogen.cancel_check()
    hydrogen.wait(120)
    assert not hydrogen.checking.running
    assert hydrogen.message.text in ("the check of H2 was cancelled", "H2 is checked.")
