"""Edits of single atoms, and what they say of themselves."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule

from hamexplorer.errors import StructureError
from hamexplorer.structures import edits
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.structure import Structure


@pytest.fixture
def ethane():
    return Structure.from_ase(molecule("C2H6"), name="ethane")


def distance(structure, i, j):
    return np.linalg.norm(structure.positions_angstrom[i] - structure.positions_angstrom[j])


def test_neighbours_are_those_of_the_textbook(ethane):
    assert set(edits.neighbours(ethane, 0)) == {1, 2, 3, 4}
    assert edits.neighbours(ethane, 5) == (1,)


def test_away_from_a_neighbour_stretches_that_bond_alone(ethane):
    way = edits.directions(ethane, 2)["away from C1"]
    edit = edits.move(ethane, 2, 0.1 * way)
    assert edit.said == "moved H3 by 0.10 Å"
    assert distance(edit.structure, 0, 2) == pytest.approx(distance(ethane, 0, 2) + 0.1)
    assert distance(edit.structure, 0, 3) == pytest.approx(distance(ethane, 0, 3))
    assert {"along x", "along y", "along z"} < set(edits.directions(ethane, 2))


def test_fluorine_in_place_of_hydrogen_stands_at_its_bond_length(ethane):
    edit = edits.replace_atom(ethane, 2, "f")
    assert edit.said == "replaced H3 by F" and edit.structure.formula == "C2H5F"
    # Experiment: 1.398 Å (fluoroethane, NIST CCCBDB); covalent radii are good to a few hundredths.
    assert distance(edit.structure, 0, 2) == pytest.approx(1.398, abs=0.1)
    check_structures([edit.structure])


def test_a_new_atom_fills_the_gap_that_one_left(ethane):
    left = edits.delete_atom(ethane, 2)
    assert left.said == "deleted H3" and left.structure.formula == "C2H5"
    back = edits.add_atom(left.structure, 0, "H")
    assert back.said == "added H8 to C1"
    found = back.structure.positions_angstrom[-1]
    assert np.linalg.norm(found - ethane.positions_angstrom[2]) < 0.25


def test_the_charge_changes_nothing_else(ethane):
    edit = edits.set_charge(ethane, 2)
    assert edit.said == "set the charge to +2" and edit.structure.charge == 2
    assert np.array_equal(edit.structure.positions, ethane.positions)


def test_what_cannot_be_done_is_a_sentence(ethane):
    with pytest.raises(StructureError, match="has no atom 9"):
        edits.move(ethane, 8, np.zeros(3))
    with pytest.raises(StructureError, match="'Xx' is not an element"):
        edits.replace_atom(ethane, 0, "Xx")
    with pytest.raises(StructureError, match="the only atom"):
        edits.delete_atom(Structure([2], np.zeros((1, 3))), 0)


def test_measured_like_ase(ethane):
    ase = ethane.to_ase()
    assert edits.measured(ethane, (0,)) == ""
    assert edits.measured(ethane, (0, 1)) == f"Distance C1 – C2: {ase.get_distance(0, 1):.3f} Å"
    assert edits.measured(ethane, (2, 0, 1)) == f"Angle H3 – C1 – C2: {ase.get_angle(2, 0, 1):.1f}°"
    dihedral = f"Dihedral angle H3 – C1 – C2 – H6: {ase.get_dihedral(2, 0, 1, 5):.1f}°"
    assert edits.measured(ethane, (2, 0, 1, 5)) == dihedral
    line = Structure([6, 6, 1, 1], np.arange(4)[:, None] * np.array([1.0, 0, 0]))
    assert "stand in a line" in edits.measured(line, (2, 0, 1, 3))
