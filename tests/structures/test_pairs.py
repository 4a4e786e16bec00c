"""Pairs of a crystal are those of a sum over its images, and those of a molecule are its own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ase.build import molecule
from scipy.spatial.distance import pdist

from hamexplorer.errors import StructureError
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, distorted, supercell
from hamexplorer.structures.pairs import Pairs, find_pairs
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

CRYSTALS = {"graphene": build_layer, "silicon": lambda: build_bulk("Si"), "chain": build_polyacetylene}
#: Å; farther than a cell is long in each of them, so that an atom meets its own images.
CUTOFF = 5.2


@pytest.fixture(params=CRYSTALS)
def crystal(request) -> Structure:
    """Each of them with its atoms moved a little, so that no two distances are equal by symmetry."""
    return distorted(CRYSTALS[request.param](), n=1, amplitude=0.05, strain=0.01, seed=4)[0]


def listed(pairs: Pairs) -> dict[tuple[int, ...], np.ndarray]:
    """(i, j, *T) -> vector; each pair stands there once."""
    found = {
        (int(i), int(j), *map(int, cell)): vector
        for i, j, vector, cell in zip(pairs.i, pairs.j, pairs.vector, pairs.translation, strict=True)
    }
    assert len(found) == len(pairs.i)
    return found


def by_brute_force(structure: Structure, cutoff: float) -> dict[tuple[int, ...], np.ndarray]:
    """Every image within five cells, one after another."""
    found = {}
    reach = [range(-5, 6) if repeats else (0,) for repeats in structure.pbc]
    for cell in itertools.product(*reach):
        for i, j in itertools.product(range(structure.n_atoms), repeat=2):
            vector = structure.positions[j] + np.array(cell) @ structure.cell - structure.positions[i]
            if 0 < np.linalg.norm(vector) * BOHR_ANGSTROM < cutoff:
                found[i, j, *cell] = vector
    return found


def test_they_are_those_of_a_sum_over_images(crystal):
    found, expected = listed(find_pairs(crystal, cutoff_angstrom=CUTOFF)), by_brute_force(crystal, CUTOFF)
    assert found.keys() == expected.keys()
    assert any(key[0] == key[1] for key in found)
    for key, vector in expected.items():
        np.testing.assert_allclose(found[key], vector, atol=1e-10)


def test_each_pair_stands_there_in_both_directions(crystal):
    found = listed(find_pairs(crystal, cutoff_angstrom=CUTOFF))
    for (i, j, *cell), vector in found.items():
        np.testing.assert_allclose(found[j, i, *(-t for t in cell)], -vector, atol=1e-12)


def test_also_where_the_cutoff_is_a_distance_of_the_crystal():
    """Rounding may keep or drop such a shell, but not keep one direction and drop the other."""
    for cutoff in (2.46 / np.sqrt(3), 2.46, 2 * 2.46 / np.sqrt(3), 2 * 2.46):
        keys = listed(find_pairs(supercell(build_layer(), (3, 3, 1)), cutoff_angstrom=cutoff)).keys()
        assert {(j, i, *(-t for t in cell)) for i, j, *cell in keys} == set(keys)


def test_they_are_ordered(crystal):
    pairs = find_pairs(crystal, cutoff_angstrom=CUTOFF)
    rows = np.column_stack([pairs.i, pairs.j, pairs.translation]).tolist()
    assert rows == sorted(rows)


def test_an_atom_in_another_cell_has_the_same_vectors(crystal):
    shift = np.array(crystal.pbc) * [2, -1, 1]
    positions = crystal.positions.copy()
    positions[1] += shift @ crystal.cell
    here = listed(find_pairs(crystal, cutoff_angstrom=CUTOFF))
    there = listed(find_pairs(crystal.moved(positions), cutoff_angstrom=CUTOFF))
    assert len(here) == len(there)
    for (i, j, *cell), vector in here.items():
        moved = np.array(cell) - shift * ((j == 1) - (i == 1))
        np.testing.assert_allclose(there[i, j, *moved.tolist()], vector, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "repeats"), [("graphene", (3, 2, 1)), ("silicon", (2, 1, 2)), ("chain", (4, 1, 1))]
)
def test_a_supercell_has_as_many_a_cell(name, repeats):
    cell = CRYSTALS[name]()
    small, large = (find_pairs(s, cutoff_angstrom=CUTOFF) for s in (cell, supercell(cell, repeats)))
    assert len(large.i) == len(small.i) * np.prod(repeats)
    lengths = [np.sort(np.linalg.norm(pairs.vector, axis=1)) for pairs in (small, large)]
    np.testing.assert_allclose(lengths[1], np.repeat(lengths[0], np.prod(repeats)), atol=1e-9)


def test_a_molecule_repeats_nowhere():
    ethanol = Structure.from_ase(molecule("CH3CH2OH"))
    pairs = find_pairs(ethanol, cutoff_angstrom=3.0)
    assert not pairs.translation.any()
    assert len(pairs.i) == 2 * (pdist(ethanol.positions_angstrom) < 3.0).sum()
    np.testing.assert_allclose(
        pairs.vector, ethanol.positions[pairs.j] - ethanol.positions[pairs.i], atol=1e-12
    )


def test_a_direction_that_is_vacuum_has_no_images():
    """The vacuum of graphene is 12 Å thick, and 20 Å reach across it."""
    assert not find_pairs(build_layer(), cutoff_angstrom=20.0).translation[:, 2].any()


def test_a_lonely_atom_has_no_pairs():
    pairs = find_pairs(Structure(np.array([2]), np.zeros((1, 3))), cutoff_angstrom=5.0)
    assert [len(part) for part in pairs] == [0] * 4
    assert pairs.vector.shape == pairs.translation.shape == (0, 3)


@pytest.mark.parametrize("cutoff", [0.0, -1.0])
def test_a_cutoff_must_be_positive(cutoff):
    with pytest.raises(StructureError, match=r"the cutoff must be positive, got .* Å; 6 Å is a good start"):
        find_pairs(build_layer(), cutoff_angstrom=cutoff)
