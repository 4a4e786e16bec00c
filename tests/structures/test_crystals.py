"""Crystals have the bonds of the textbook, repeat where they say, and change only as asked."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule

from hamexplorer.errors import StructureError
from hamexplorer.structures.crystals import (
    BULK_KINDS,
    CRYSTALS,
    build_bulk,
    build_layer,
    build_polyacetylene,
    build_polyethylene,
    distorted,
    supercell,
)
from hamexplorer.structures.pairs import find_pairs
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Of the water below, computed by the version before structures had cells; stores and files rely on it.
WATER_KEY = "40e109b101c3658d6662dd541900adffe7690b6fd16637d4d74322c38a7fd006"


@pytest.fixture
def water() -> Structure:
    return Structure(np.array([8, 1, 1]), np.array([[0.1, -0.2, 0.3], [0.2, 1.5, 1.4], [-0.1, -1.6, 1.5]]))


def bonds(structure: Structure, one: int, other: int, cutoff: float) -> list[np.ndarray]:
    """For every atom of element ``one``: its sorted distances to those of ``other``, Å."""
    pairs = find_pairs(structure, cutoff_angstrom=cutoff)
    lengths = np.linalg.norm(pairs.vector, axis=1) * BOHR_ANGSTROM
    wanted = structure.numbers[pairs.j] == other
    return [
        np.sort(lengths[wanted & (pairs.i == k)]) for k in np.flatnonzero(structure.numbers == one).tolist()
    ]


def angles(structure: Structure, atom: int, cutoff: float) -> dict[tuple[int, int], list[float]]:
    """(element, element) -> angles in degrees at an atom between its neighbours."""
    pairs = find_pairs(structure, cutoff_angstrom=cutoff)
    here = np.flatnonzero(pairs.i == atom)
    found: dict[tuple[int, int], list[float]] = {}
    for n, a in enumerate(here):
        for b in here[:n]:
            cosine = pairs.vector[a] @ pairs.vector[b] / np.prod(np.linalg.norm(pairs.vector[[a, b]], axis=1))
            ends = sorted(structure.numbers[pairs.j[[a, b]]].tolist())
            found.setdefault((ends[0], ends[1]), []).append(np.degrees(np.arccos(cosine)))
    return found


def volume(structure: Structure) -> float:
    assert structure.cell is not None
    return abs(np.linalg.det(structure.cell * BOHR_ANGSTROM))


@pytest.mark.parametrize("name", CRYSTALS)
def test_every_ready_made_crystal_repeats_and_keeps_its_atoms_apart(name):
    crystal, again = CRYSTALS[name](), CRYSTALS[name]()
    assert crystal.is_crystal and crystal.label and crystal.source and crystal.key == again.key
    distances = np.linalg.norm(find_pairs(crystal, cutoff_angstrom=4.0).vector, axis=1) * BOHR_ANGSTROM
    assert distances.min() > 1.0
    # Along the others at least 8 Å of nothing.
    heights = np.ptp(crystal.positions_angstrom, axis=0)
    lengths = np.linalg.norm(crystal.cell, axis=1) * BOHR_ANGSTROM
    assert (lengths - heights)[~np.array(crystal.pbc)].min(initial=12.0) > 8.0


@pytest.mark.parametrize(
    ("formula", "kind", "constant", "neighbours", "bond", "atoms"),
    [
        ("C", "diamond", 3.567, 4, 3.567 * np.sqrt(3) / 4, 2),
        ("Si", "diamond", 5.431, 4, 2.352, 2),
        ("Ge", "diamond", 5.658, 4, 2.450, 2),
        ("BN", "zincblende", 3.616, 4, 1.566, 2),
        ("SiC", "zincblende", 4.360, 4, 1.888, 2),
        ("LiF", "rocksalt", 4.026, 6, 2.013, 2),
        ("MgO", "rocksalt", 4.212, 6, 2.106, 2),
    ],
)
def test_bulk_crystals_with_known_constants(formula, kind, constant, neighbours, bond, atoms):
    crystal = build_bulk(formula, kind)
    assert crystal.pbc == (True, True, True) and crystal.n_atoms == atoms
    # A primitive cell of a face-centred lattice is a quarter of the cube.
    assert volume(crystal) == pytest.approx(constant**3 / 4)
    pairs = find_pairs(crystal, cutoff_angstrom=bond * 1.1)
    lengths = np.linalg.norm(pairs.vector, axis=1) * BOHR_ANGSTROM
    np.testing.assert_allclose(lengths, bond, atol=1e-3)
    assert np.bincount(pairs.i).tolist() == [neighbours] * atoms
    if len(crystal.elements) == 2:
        assert (crystal.numbers[pairs.i] != crystal.numbers[pairs.j]).all()


@pytest.mark.parametrize(
    ("formula", "kind", "constant", "neighbours", "bond", "atoms"),
    [
        ("Al", "fcc", 4.05, 12, 4.05 / np.sqrt(2), 1),
        ("Li", "bcc", 3.51, 8, 3.51 * np.sqrt(3) / 2, 1),
        ("AlN", "wurtzite", 3.11, 4, 3.11 * np.sqrt(3 / 8), 4),
        ("C", "diamond", 3.6, 4, 3.6 * np.sqrt(3) / 4, 2),
    ],
)
def test_bulk_crystals_with_a_constant_of_ones_own(formula, kind, constant, neighbours, bond, atoms):
    crystal = build_bulk(formula, kind, constant)
    assert crystal.n_atoms == atoms
    pairs = find_pairs(crystal, cutoff_angstrom=bond * 1.05)
    assert np.bincount(pairs.i).tolist() == [neighbours] * atoms
    np.testing.assert_allclose(np.linalg.norm(pairs.vector, axis=1) * BOHR_ANGSTROM, bond, rtol=2e-3)


def test_every_kind_of_bulk_crystal_is_described_by_what_it_builds():
    examples = {"diamond": "Si", "fcc": "Al", "bcc": "Li"}
    for kind, sentence in BULK_KINDS.items():
        crystal = build_bulk(examples.get(kind, "AlN"), kind, 5.0)
        assert crystal.label == f"{examples.get(kind, 'AlN')} {kind}"
        assert ("one atom" in sentence) == (crystal.n_atoms == 1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("Si", "quasicrystal"), "the crystal structure 'quasicrystal' is unknown; choose one of diamond"),
        (("Au", "fcc"), "the lattice constant of Au .*is not known here; give one between 1 and 20 Å"),
        # Known, but of another crystal.
        (("BN", "wurtzite"), "the lattice constant of BN .*is not known here; give one"),
        (("C", "diamond", 0.5), "is 0.5 Å; give one between 1 and 20 Å"),
        (("C", "diamond", 0.0), "is 0 Å; give one between 1 and 20 Å"),
        (("C", "diamond", -3.0), "is -3 Å; give one between 1 and 20 Å"),
        (("C", "diamond", float("nan")), "is nan Å; give one between 1 and 20 Å"),
        (("C", "rocksalt", 4.0), "C cannot be built as rocksalt .*; give another formula"),
        (("BN", "diamond", 3.6), "BN cannot be built as diamond .*; give another formula"),
        (("CO2", "zincblende", 4.0), "CO2 cannot be built as zincblende .*; give another formula"),
        (("Xy", "fcc", 4.0), "Xy cannot be built as fcc .*; give another formula"),
        (("", "fcc", 4.0), "cannot be built as fcc .*; give another formula"),
    ],
)
def test_a_bulk_crystal_that_cannot_be_is_told(arguments, sentence):
    with pytest.raises(StructureError, match=sentence):
        build_bulk(*arguments)


@pytest.mark.parametrize(("formula", "constant"), [("C2", 2.46), ("BN", 2.50), ("SiC", 3.10)])
def test_layers_are_honeycombs(formula, constant):
    layer = build_layer(formula, constant)
    assert layer.pbc == (True, True, False) and layer.n_atoms == 2
    lengths = np.linalg.norm(layer.cell, axis=1) * BOHR_ANGSTROM
    np.testing.assert_allclose(lengths, [constant, constant, 12.0], atol=1e-9)
    pairs = find_pairs(layer, cutoff_angstrom=0.7 * constant)
    np.testing.assert_allclose(
        np.linalg.norm(pairs.vector, axis=1) * BOHR_ANGSTROM, constant / np.sqrt(3), atol=1e-6
    )
    assert np.bincount(pairs.i).tolist() == [3, 3] and set(zip(pairs.i, pairs.j, strict=True)) == {
        (0, 1),
        (1, 0),
    }
    np.testing.assert_allclose(
        np.concatenate(list(angles(layer, 0, 0.7 * constant).values())), 120.0, atol=1e-4
    )


@pytest.mark.parametrize("formula", ["C", "C4", "CO2", "Xy", "XyZ", ""])
def test_a_layer_that_has_not_two_atoms_is_told(formula):
    with pytest.raises(StructureError, match=r"a layer cannot be built of '.*'; give two atoms"):
        build_layer(formula)


@pytest.mark.parametrize("constant", [0.0, -2.46, 100.0])
def test_a_layer_that_is_too_dense_or_thin_is_told(constant):
    with pytest.raises(StructureError, match=r"the lattice constant .* Å; give one between 1 and 20 Å"):
        build_layer("C2", constant)


@pytest.mark.parametrize("alternation", [0.0, 0.08, -0.08, 0.3])
def test_polyacetylene_has_the_alternation_that_it_was_asked_for(alternation):
    chain = build_polyacetylene(alternation)
    assert chain.pbc == (True, False, False) and chain.formula == "C2H2"
    expected = sorted([1.40 - alternation / 2, 1.40 + alternation / 2])
    for lengths in bonds(chain, 6, 6, 1.8):
        np.testing.assert_allclose(lengths, expected, atol=1e-9)
    for lengths in bonds(chain, 6, 1, 1.5):
        np.testing.assert_allclose(lengths, [1.09], atol=1e-9)
    np.testing.assert_allclose(angles(chain, 0, 1.8)[6, 6], [124.0], atol=1.0)
    assert chain.cell[0, 0] * BOHR_ANGSTROM == pytest.approx(2.47, abs=0.02)


def test_polyacetylene_without_alternation_has_equal_angles():
    chain = build_polyacetylene(0.0)
    np.testing.assert_allclose(angles(chain, 0, 1.8)[6, 6], [124.0], atol=1e-6)
    np.testing.assert_allclose(angles(chain, 0, 1.8)[1, 6], [118.0, 118.0], atol=1e-6)


def test_polyacetylene_with_another_mean_bond():
    lengths = bonds(build_polyacetylene(0.1, mean_bond=1.5), 6, 6, 1.8)
    np.testing.assert_allclose(lengths, [[1.45, 1.55]] * 2, atol=1e-9)


@pytest.mark.parametrize("values", [(3.0,), (-3.0,), (0.0, 0.0), (0.1, -1.4), (float("nan"),)])
def test_polyacetylene_that_cannot_be_is_told(values):
    with pytest.raises(StructureError, match=r"carbon bonds of .* and .* Å cannot alternate; "):
        build_polyacetylene(*values)


def test_polyethylene_has_the_standard_bonds_and_angles():
    chain = build_polyethylene()
    assert chain.pbc == (True, False, False) and chain.formula == "C2H4"
    for carbon in (0, 1):
        found = angles(chain, carbon, 1.7)
        np.testing.assert_allclose(found[6, 6], [112.0], atol=1e-6)
        np.testing.assert_allclose(found[1, 1], [107.0], atol=1e-6)
        assert len(found[1, 6]) == 4 and np.ptp(found[1, 6]) < 1e-6
    np.testing.assert_allclose(bonds(chain, 6, 6, 1.7), [[1.53, 1.53]] * 2, atol=1e-9)
    np.testing.assert_allclose(bonds(chain, 6, 1, 1.7), [[1.09, 1.09]] * 2, atol=1e-9)
    # Measured by X-rays: 2.55 Å.
    assert chain.cell[0, 0] * BOHR_ANGSTROM == pytest.approx(2.55, abs=0.02)


@pytest.mark.parametrize(
    ("name", "repeats"), [("silicon", (2, 1, 3)), ("graphene", (2, 3, 1)), ("polyethylene", (4, 1, 1))]
)
def test_a_supercell_is_several_cells(name, repeats):
    cell = CRYSTALS[name]()
    large, n = supercell(cell, repeats), int(np.prod(repeats))
    assert large.n_atoms == n * cell.n_atoms and large.n_electrons == n * cell.n_electrons
    assert large.pbc == cell.pbc and large.source == cell.source
    np.testing.assert_allclose(large.cell, cell.cell * np.array(repeats)[:, None], atol=1e-12)
    assert volume(large) == pytest.approx(n * volume(cell))
    assert large.key != cell.key
    assert large.label == f"{cell.label} {'×'.join(map(str, repeats))}"
    # Every atom sits where an atom of the small cell, or an image of it, is.
    cells = (large.positions[:, None] - cell.positions) @ np.linalg.inv(cell.cell)
    whole = (np.abs(cells - np.rint(cells)) < 1e-8).all(2) & (large.numbers[:, None] == cell.numbers)
    assert whole.sum(0).tolist() == [n] * cell.n_atoms and (whole.sum(1) == 1).all()


def test_a_supercell_of_one_cell_is_the_cell():
    assert supercell(build_layer(), (1, 1, 1)).key == build_layer().key


def test_a_supercell_has_the_charge_of_its_cells():
    charged = Structure(np.array([3]), np.zeros((1, 3)), charge=1, cell=7 * np.eye(3), pbc=(True,) * 3)
    assert supercell(charged, (2, 3, 1)).charge == 6


@pytest.mark.parametrize(
    ("repeats", "sentence"),
    [
        ((1, 1, 2), "graphene cannot be repeated 2 times along c; it does not repeat that way: use 1"),
        ((0, 1, 1), "graphene cannot be repeated 0 times along a; use 1 or more"),
        ((1, -2, 1), "graphene cannot be repeated -2 times along b; use 1 or more"),
    ],
)
def test_a_supercell_that_cannot_be_is_told(repeats, sentence):
    with pytest.raises(StructureError, match=sentence):
        supercell(build_layer(), repeats)


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 1)])
def test_a_molecule_has_no_supercell(water, repeats):
    with pytest.raises(StructureError, match="H2O has no cell"):
        supercell(water, repeats)


def test_distorted_copies_are_seeded():
    crystal = build_bulk("Si")
    first, again, other = (
        [s.key for s in distorted(crystal, n=3, amplitude=0.1, strain=0.02, seed=seed)] for seed in (1, 1, 2)
    )
    assert first == again and len({*first, *other}) == 6


def test_distorted_copies_have_the_asked_amplitude_and_nothing_else():
    crystal = supercell(build_bulk("Si"), (3, 3, 3))
    copies = distorted(crystal, n=40, amplitude=0.05)
    moves = np.array([s.positions_angstrom for s in copies]) - crystal.positions_angstrom
    assert np.sqrt((moves**2).sum(2).mean()) == pytest.approx(0.05, rel=0.03)
    assert np.abs(moves.mean((0, 1))).max() < 0.003
    for s in copies:
        np.testing.assert_array_equal(s.cell, crystal.cell)
        assert s.pbc == crystal.pbc and s.source == crystal.source
    assert [s.label for s in copies[:2]] == [f"{crystal.label} 00", f"{crystal.label} 01"]


def test_strain_has_the_asked_width_and_turns_nothing():
    crystal = build_bulk("Si")
    copies = distorted(crystal, n=400, amplitude=0.0, strain=0.02)
    deformations = np.array([np.linalg.solve(crystal.cell, s.cell) for s in copies])
    np.testing.assert_allclose(deformations, deformations.swapaxes(1, 2), atol=1e-12)
    diagonal = np.diagonal(deformations, axis1=1, axis2=2) - 1
    assert diagonal.std() == pytest.approx(0.02, rel=0.1)
    # Atoms go with the cell.
    for s in copies[:5]:
        fractions = [t.positions @ np.linalg.inv(t.cell) for t in (s, crystal)]
        np.testing.assert_allclose(fractions[0], fractions[1], atol=1e-12)


@pytest.mark.parametrize("name", ["graphene", "polyacetylene"])
def test_strain_leaves_the_vacuum_alone(name):
    crystal = CRYSTALS[name]()
    repeats = np.array(crystal.pbc)
    span = np.linalg.svd(crystal.cell[repeats])[2][: repeats.sum()]
    across = np.eye(3) - span.T @ span
    for s in distorted(crystal, n=5, amplitude=0.0, strain=0.05):
        np.testing.assert_allclose(s.cell[~repeats], crystal.cell[~repeats], atol=1e-12)
        np.testing.assert_allclose(s.cell[repeats] @ across, 0.0, atol=1e-12)
        np.testing.assert_allclose((s.positions - crystal.positions) @ across, 0.0, atol=1e-12)
        assert np.abs(s.cell[repeats] - crystal.cell[repeats]).max() > 1e-3


def test_a_molecule_has_no_cell_to_strain(water):
    with pytest.raises(StructureError, match="H2O has no cell to strain; use a displacement of molecules"):
        distorted(water, n=1, amplitude=0.1)


@pytest.mark.parametrize("name", CRYSTALS)
def test_to_ase_and_back(name):
    crystal = CRYSTALS[name]()
    atoms = crystal.to_ase()
    np.testing.assert_allclose(atoms.cell.array, crystal.cell * BOHR_ANGSTROM)
    assert tuple(atoms.pbc) == crystal.pbc
    back = Structure.from_ase(atoms, name=crystal.name, periodic=True)
    assert back.key == crystal.key
    np.testing.assert_allclose(back.cell, crystal.cell, rtol=1e-14)
    # Molecules come out of ASE with a cell of zeros or a box that means nothing.
    alone = Structure.from_ase(atoms)
    assert alone.cell is None and not alone.is_crystal


def test_molecules_have_the_keys_that_they_always_had(water):
    assert water.key == WATER_KEY
    assert Structure.from_ase(molecule("H2O", vacuum=5.0)).cell is None


def test_the_key_follows_cell_and_periodicity(water):
    def key(length: float = 10.0, pbc=(True, True, False)) -> str:
        return Structure(water.numbers, water.positions, cell=length * np.eye(3), pbc=pbc).key

    keys = {water.key, key(), key(10.001), key(pbc=(True, False, False)), key(pbc=(False, True, True))}
    assert len(keys) == 5
    assert key() == key(10.0 + 1e-9)


def test_a_structure_that_repeats_needs_a_cell(water):
    with pytest.raises(StructureError, match="H2O repeats but has no cell; give its three cell vectors"):
        Structure(water.numbers, water.positions, pbc=(True, False, False))


def test_the_cell_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        build_layer().cell[0, 0] = 1.0


def test_moving_and_renaming_keep_the_cell():
    layer = build_layer()
    for changed in (layer.moved(layer.positions + 0.1), layer.renamed("mine")):
        assert changed.pbc == layer.pbc
        np.testing.assert_array_equal(changed.cell, layer.cell)
