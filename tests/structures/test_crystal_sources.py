"""Sources of crystals give what they promise, through their settings and through short texts."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest

from hamexplorer.errors import HamExplorerError, SettingsError
from hamexplorer.structures import SOURCES, resolve
from hamexplorer.structures.cells import check_crystal, vacuum_of, warnings_about, without_vacuum
from hamexplorer.structures.crystals import (
    CONSTANTS,
    CRYSTALS,
    build_bulk,
    build_layer,
    build_polyacetylene,
    supercell,
)
from hamexplorer.structures.descriptions import cell_facts, contents_of, noun_of, other_cell
from hamexplorer.structures.named_crystals import named_crystal
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.symmetry import standard_cell
from hamexplorer.units import BOHR_ANGSTROM


def load(source: str, **values):
    return SOURCES[source].load(SOURCES[source].Params(**values))


@pytest.mark.parametrize("name", CRYSTALS)
def test_every_ready_made_crystal_can_be_chosen_and_typed(name):
    (chosen,) = load("crystal", name=name)
    assert chosen.key == CRYSTALS[name]().key and check_crystal(chosen, name) is not None
    for typed in (name, name.upper(), name.replace(" ", "-")):
        (found,) = resolve(f"crystal:{typed}")
        assert found.key == chosen.key
    assert CRYSTALS[name].help and warnings_about(chosen) == []


@pytest.mark.parametrize(("formula", "kind"), CONSTANTS)
def test_every_known_lattice_constant_builds_its_crystal(formula, kind):
    (known,) = load("bulk", formula=formula, kind=kind)
    (given,) = resolve(f"bulk:{formula} {kind} {CONSTANTS[formula, kind]}")
    (short,) = resolve(f"bulk:{formula}")
    assert known.key == given.key == short.key


def test_a_lattice_constant_of_ones_own_is_used():
    (wide,) = load("bulk", formula="SiC", kind="zincblende", constant=5.0)
    # Face-centred: the primitive vectors have length a / sqrt 2.
    lengths = np.linalg.norm(wide.cell, axis=1) * BOHR_ANGSTROM
    np.testing.assert_allclose(lengths, 5.0 / np.sqrt(2))


@pytest.mark.parametrize(
    ("formula", "constant"), [("C2", 2.46), ("BN", 2.50), ("SiC", 3.10), ("graphene", 2.46)]
)
def test_layers_know_their_constants(formula, constant):
    (layer,) = resolve(f"layer:{formula}")
    assert layer.pbc == (True, True, False)
    np.testing.assert_allclose(np.linalg.norm(layer.cell[:2], axis=1) * BOHR_ANGSTROM, constant)


def test_chains_alternate_from_first_to_last():
    chains = resolve("polyacetylene:0-0.14,n=15")
    assert len(chains) == 15

    def alternation(chain) -> float:
        bonds = chain.to_ase().get_all_distances(mic=True)[0, 1]
        return 2 * (1.40 - bonds)  # the short bond is inside the cell

    np.testing.assert_allclose([alternation(c) for c in chains], np.linspace(0, 0.14, 15), atol=1e-6)
    assert resolve("polyacetylene:0.08")[0].key == build_polyacetylene().key


def test_rattled_copies_are_seeded_and_of_the_asked_size():
    first, again, other = ([s.key for s in resolve(f"rattled:silicon,n=3,seed={seed}")] for seed in (1, 1, 2))
    assert first == again and len({*first, *other}) == 6
    doubled = resolve("rattled:graphene,n=2,repeats=2x2x1")
    assert [s.n_atoms for s in doubled] == [8, 8] and all(s.pbc == (True, True, False) for s in doubled)


def test_rattling_and_straining_are_apart():
    base = build_bulk("Si")
    for s in load("rattled", base="silicon", strain=0.0, n=5):
        np.testing.assert_array_equal(s.cell, base.cell)
    for s in load("rattled", base="silicon", amplitude=0.0, strain=0.02, n=5):
        np.testing.assert_allclose(
            s.positions @ np.linalg.inv(s.cell), base.positions @ np.linalg.inv(base.cell)
        )


def test_one_copy_without_distortion_is_the_supercell():
    (large,) = load("rattled", base="MgO", amplitude=0.0, strain=0.0, n=1, repeats="2 2 1")
    assert large.key == supercell(build_bulk("MgO", "rocksalt"), (2, 2, 1)).key


def test_a_crystal_in_a_file_can_be_rattled(tmp_path):
    path = tmp_path / "mine.cif"
    ase.io.write(path, build_bulk("Si").to_ase())
    copies = resolve(f"rattled:{path},n=2")
    assert [s.formula for s in copies] == ["Si2", "Si2"] and copies[0].label == "mine 0"


@pytest.mark.parametrize(
    ("text", "formula"),
    [("h-BN", "BN"), ("Silicon", "Si2"), ("SiC", "CSi"), ("SiC zincblende 4.4", "CSi"), ("Al fcc", "Al")],
)
def test_a_few_words_name_a_crystal(text, formula):
    assert named_crystal(text).formula == formula


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("crystal:grafene", "Crystal 'grafene' is unknown; choose one of graphene"),
        ("crystal:", "nothing follows 'crystal:'"),
        ("graphene", "for the crystal write 'crystal:graphene'"),
        ("bulk:Au fcc", "lattice constant of Au as fcc is not known here; give one between 1 and 20"),
        ("bulk:Si fcd", "Type 'fcd' is unknown; choose one of diamond"),
        ("bulk:Si diamond x", "the lattice constant must be a number, got 'x'"),
        ("bulk:Si diamond 5 6", "is no bulk crystal; write formula, type and constant"),
        ("bulk:Si,constant=99", "Constant must be a number from 0 to 20"),
        ("bulk:Qq diamond 4", "cannot be built as diamond"),
        ("layer:XY", "constant of a layer of XY is not known here"),
        ("layer:C3,constant=2.4", "a layer cannot be built of 'C3'; give two atoms"),
        ("polyacetylene:a", "is no bond alternation; write"),
        ("polyacetylene:0.9", "Bond alternation must be a number from 0 to 0.3"),
        ("polyacetylene:0.08,n=4", "4 chains from 0.08 to 0.08 .* would all be equal"),
        ("rattled:grafene", "'grafene' is no crystal known here; did you mean 'graphene'"),
        ("rattled:Qq99", "'Qq99' is no crystal known here; write a formula with its type"),
        ("rattled:SiC zincblende x", "lattice constant 'x' is no number"),
        ("rattled:graphene,repeats=1x1x2", "cannot be repeated 2 times along c"),
        ("rattled:graphene,repeats=2x2", "Supercell must be three whole numbers from 1 on, got '2x2'"),
        ("rattled:graphene,repeats=0x1x1", "Supercell must be three whole numbers"),
        ("rattled:graphene,amplitude=0,strain=0", "would all be equal"),
        ("rattled:graphene,amplitude=0.5,strain=0.2,n=900", "take smaller ones"),
        ("rattled:silicon,repeats=9x9x9", "1458 atoms .* at most 200"),
    ],
)
def test_mistakes_get_a_sentence(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HamExplorerError, match=words) as caught:
        resolve(text)
    assert "\n" not in str(caught.value)


def test_a_file_of_molecules_is_no_crystal_to_rattle(tmp_path):
    path = tmp_path / "h2.xyz"
    path.write_text("2\n\nH 0 0 0\nH 0 0 0.74\n")
    with pytest.raises(HamExplorerError, match="holds 1 structures, 0 of them crystals"):
        resolve(f"rattled:{path}")
    with pytest.raises(SettingsError, match="Copies"):
        SOURCES["rattled"].Params(n=0)


# -- what is told of a crystal ---


@pytest.mark.parametrize(
    ("crystal", "repeats", "lengths", "angles", "content", "group"),
    [
        (build_bulk("Si"), "a, b and c (bulk)", [3.840] * 3, [60.0] * 3, "40.05 Å³", "Fd-3m (no. 227)"),
        (build_layer(), "a and b (layer)", [2.46] * 2, [120.0], "5.24 Å²", "p6/mmm (no. 80)"),
        (build_polyacetylene(), "a (chain)", [2.472], [], "", ""),
    ],
    ids=["bulk", "layer", "chain"],
)
def test_facts_of_a_crystal(crystal, repeats, lengths, angles, content, group):
    facts = cell_facts(crystal)
    assert (facts.repeats, facts.content, facts.group) == (repeats, content, group)
    np.testing.assert_allclose(list(facts.lengths.values()), lengths, atol=1e-3)
    np.testing.assert_allclose(list(facts.angles.values()), angles, atol=1e-6)


def test_a_molecule_has_no_facts_of_a_cell():
    assert cell_facts(from_smiles("O")) is None and noun_of(from_smiles("O")) == "molecule"
    assert contents_of([from_smiles("O"), build_layer(), build_bulk("Si")]) == "1 molecule and 2 crystals"


def test_another_cell_differs_in_size_or_there_is_none():
    silicon = build_bulk("Si")
    cubic = other_cell(silicon, primitive=False)
    assert cubic.n_atoms == 8 and cubic.key == standard_cell(silicon, primitive=False).key
    assert other_cell(cubic, primitive=True).n_atoms == 2
    with pytest.raises(HamExplorerError, match="the primitive cell has 2 atoms, as this one has"):
        other_cell(silicon, primitive=True)


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.77])
def test_vacuum_is_found_and_opened_wherever_the_layer_lies(offset):
    atoms = build_layer().to_ase()
    atoms.pbc = True
    atoms.positions[1, 2] += 1.0
    atoms.positions += offset * atoms.cell[2]
    atoms.wrap()
    flat = without_vacuum(check_crystal(type(build_layer()).from_ase(atoms, periodic=True), "it"))
    assert flat.pbc == (True, True, False) and vacuum_of(flat) == {}
    assert np.ptp(flat.positions_angstrom[:, 2]) == pytest.approx(1.0)
    assert without_vacuum(flat).key == flat.key


def test_a_molecule_has_no_vacuum_to_open():
    water = from_smiles("O")
    assert vacuum_of(water) == {} and without_vacuum(water) is water
