"""What no closed-shell calculation can use is refused, whatever it came from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamexplorer.errors import StructureError
from hamexplorer.structures import Structure, check_structures, from_smiles
from hamexplorer.structures.checks import MAX_ATOMS, MIN_DISTANCE_ANGSTROM, atomic_number, check_atoms
from hamexplorer.units import BOHR_ANGSTROM


def test_good_molecules_pass_unchanged():
    good = [from_smiles("CCO"), from_smiles("[NH4+]")]
    assert check_structures(good) == good


def test_the_structure_at_fault_is_named():
    nitric_oxide = Structure(np.array([7, 8]), np.array([[0, 0, 0], [0, 0, 2.2]]), name="nitric oxide")
    with pytest.raises(StructureError, match="nitric oxide has 15 electrons"):
        check_structures([from_smiles("C"), nitric_oxide])


@given(distance=st.floats(0.0, 2.0))
def test_atoms_may_come_as_close_as_the_limit(distance):
    positions = np.array([[0.0, 0, 0], [0, 0, distance], [9, 9, 9], [9, 9, 12]])
    if distance < MIN_DISTANCE_ANGSTROM:
        with pytest.raises(StructureError, match=r"atoms 1 \(H\) and 2 \(H\)"):
            check_atoms([1, 1, 1, 1], positions, 0, "a file")
    else:
        check_atoms([1, 1, 1, 1], positions, 0, "a file")


@given(numbers=st.lists(st.integers(1, 36), min_size=1, max_size=8), charge=st.integers(-3, 3))
def test_only_even_positive_electron_counts_pass(numbers, charge):
    positions = np.arange(3.0 * len(numbers)).reshape(-1, 3)
    n_electrons = sum(numbers) - charge
    if n_electrons > 0 and n_electrons % 2 == 0:
        check_atoms(numbers, positions, charge, "a file")
    else:
        with pytest.raises(StructureError, match="electron"):
            check_atoms(numbers, positions, charge, "a file")


def test_the_suggested_charge_helps():
    with pytest.raises(StructureError, match=r"for example -1 or \+1"):
        check_atoms([7, 8], np.array([[0, 0, 0], [0, 0, 1.2]]), 0, "nitric oxide")
    with pytest.raises(StructureError, match="for example -1: in"):  # H+ has no electrons at all
        check_atoms([1], np.zeros((1, 3)), 0, "a hydrogen atom")


def test_the_size_limit_needs_no_distances():
    # 10^6 atoms: all pairs would be 4 TB.
    with pytest.raises(StructureError, match=f"1000000 atoms.*at most {MAX_ATOMS}"):
        check_atoms(np.ones(10**6, int), np.zeros((10**6, 3)), 0, "a crowd")


@pytest.mark.parametrize("number", [0, -1, 119])
def test_unknown_atomic_numbers_are_refused(number):
    with pytest.raises(StructureError, match=f"atom 1 is of no known element .*{number}"):
        check_atoms([number], np.zeros((1, 3)), 0, "a file")


@pytest.mark.parametrize(("text", "number"), [("C", 6), ("cl", 17), ("CL", 17), ("8", 8), (" Og ", 118)])
def test_elements_are_read_in_any_case(text, number):
    assert atomic_number(text, "a file") == number


@pytest.mark.parametrize("text", ["", "X", "C1", "0", "119", "carbon", "²"])
def test_what_is_no_element_is_said(text):
    with pytest.raises(StructureError, match=r"a file, line 3: .* is not an element; write a symbol"):
        atomic_number(text, "a file, line 3")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e5])
def test_positions_must_be_ordinary_numbers(bad):
    positions = np.array([[0, 0, 0], [0, bad, 0]])
    with pytest.raises(StructureError, match=r"atom 2 \(He\)"):
        check_atoms([2, 2], positions, 0, "a file")


def test_structures_keep_bohr_and_know_themselves():
    ethanol = from_smiles("CCO", name="ethanol")
    assert (ethanol.formula, ethanol.n_heavy, ethanol.n_atoms, ethanol.n_electrons) == ("C2H6O", 3, 9, 26)
    assert ethanol.elements == ("H", "C", "O")
    np.testing.assert_allclose(ethanol.positions_angstrom, ethanol.positions * BOHR_ANGSTROM)
    assert Structure.from_ase(ethanol.to_ase()).key == ethanol.key
    assert ethanol.renamed("spirit").key == ethanol.key
    assert ethanol.moved(ethanol.positions + 1e-3).key != ethanol.key
    with pytest.raises(ValueError, match="read-only"):
        ethanol.positions[0, 0] = 1.0
