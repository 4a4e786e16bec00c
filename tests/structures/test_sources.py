"""Every source gives what it promises, the same each time, and understands its text."""

import dataclasses

import ase.io
import numpy as np
import pytest
from ase.formula import Formula
from scipy.spatial.distance import pdist, squareform

from hamexplorer.errors import HamExplorerError, SettingsError, StructureError
from hamexplorer.params import params_of
from hamexplorer.structures import (
    SOURCES,
    check_structures,
    from_smiles,
    g2_chno,
    normal_mode_displacements,
    random_displacements,
    resolve,
    series,
)
from hamexplorer.structures.collections import named_molecule
from hamexplorer.structures.sources.large_sets import ArchiveSource

WATER = "3\n\nO 0.0 0.0 0.119\nH 0.0 0.763 -0.477\nH 0.0 -0.763 -0.477\n"


@pytest.fixture
def settings_of(tmp_path):
    """Settings with which a source gives something: its defaults, but for what a person must fill in."""
    (tmp_path / "water.xyz").write_text(WATER * 3)
    needed = {"file": {"path": str(tmp_path / "water.xyz")}, "text": {"text": WATER}, "distorted": {"n": 5}}
    return lambda name, **values: SOURCES[name].Params(**{**needed.get(name, {}), **values})


@pytest.fixture
def source(name, request):
    """An entry of SOURCES; one that downloads reads a small archive from a server on this machine."""
    entry = SOURCES[name]
    if not isinstance(entry, ArchiveSource):
        return entry
    server = request.getfixturevalue("server")
    import archive_server

    return type(entry)(server.small(name, archive_server.some_molecules(120)))


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_gives_checked_structures_the_same_each_time(name, source, settings_of):
    first, second = (source.load(settings_of(name)) for _ in range(2))
    assert first
    assert check_structures(first) == first
    assert [s.key for s in first] == [s.key for s in second]
    assert all(s.label and s.source for s in first)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_describes_itself_for_forms(name):
    source = SOURCES[name]
    entries = list(params_of(source.Params))
    assert source.name == name
    assert source.label
    assert source.help.endswith(".")
    assert {e.name for e in entries} == {f.name for f in dataclasses.fields(source.Params)}
    assert source.main in {e.name for e in entries}
    for entry in entries:
        assert entry.label
        assert entry.help.endswith(".")


@pytest.mark.parametrize("name", ["smiles", "series", "distorted", "qm7", "qm9"])
def test_seeds_change_the_geometry(name, source, settings_of):
    one, two = ([s.key for s in source.load(settings_of(name, seed=seed))] for seed in (1, 2))
    assert one != two


@pytest.mark.parametrize(
    ("kind", "n", "formula", "heavy_bonds"),
    [("acenes", n, f"C{4 * n + 2}H{2 * n + 4}", 5 * n + 1) for n in (1, 2, 5, 8)]
    + [("polyenes", n, f"C{2 * n}H{2 * n + 2}", 2 * n - 1) for n in (1, 2, 6, 20)]
    + [("polyenoic acids", n, f"C{2 * n + 1}H{2 * n + 2}O2", 2 * n + 2) for n in (1, 2, 5)],
)
def test_series_have_the_formula_and_bonds_of_their_kind(kind, n, formula, heavy_bonds):
    (member,) = series(kind, first=n, last=n)
    assert Formula(member.formula) == Formula(formula)
    heavy = member.positions_angstrom[member.numbers > 1]
    # C-C and C-O bonds measure 1.2 to 1.55 Å; the next neighbours stand beyond 2.1 Å.
    distances = pdist(heavy)
    assert ((distances > 1.15) & (distances < 1.6)).sum() == heavy_bonds
    assert not ((distances > 1.6) & (distances < 2.1)).any()


def test_polyenes_are_straight_and_acenes_flat():
    (chain,) = series("polyenes", first=6, last=6)
    carbons = chain.positions_angstrom[chain.numbers == 6]
    assert pdist(carbons).max() > 12.0  # all-trans dodecahexaene: five repeats of 2.5 Å and one bond
    (tetracene,) = series("acenes", first=4, last=4)
    centred = tetracene.positions_angstrom - tetracene.positions_angstrom.mean(0)
    assert np.linalg.svd(centred)[1][2] < 0.05


def test_g2_holds_closed_shell_chno_molecules():
    found = SOURCES["g2"].load(SOURCES["g2"].Params())
    names = {s.name for s in found}
    assert {"CH4", "H2O", "C6H6", "HCN"} <= names
    assert not names & {"CH2_s1A1d", "O3", "O2", "NO", "CH3Cl"}
    assert all(set(s.elements) <= {"C", "H", "N", "O"} for s in found)
    small = SOURCES["g2"].load(SOURCES["g2"].Params(max_heavy=2))
    assert {s.name for s in small} == {s.name for s in found if s.n_heavy <= 2}


@pytest.mark.parametrize("displace", [random_displacements, normal_mode_displacements])
def test_distortions_have_the_amplitude_asked_for(displace):
    base = from_smiles("CCO", seed=1)
    copies = displace(base, n=400, amplitude=0.05, seed=3)
    moves = np.array([c.positions_angstrom - base.positions_angstrom for c in copies])
    assert np.sqrt((moves**2).sum(2).mean()) == pytest.approx(0.05, rel=0.05)
    assert len({c.key for c in copies}) == 400


def test_normal_modes_neither_shift_nor_turn_and_spare_stiff_bonds():
    base = from_smiles("CC", seed=1)
    copies = normal_mode_displacements(base, n=200, amplitude=0.06, seed=3)
    shaken = random_displacements(base, n=200, amplitude=0.06, seed=3)
    masses = base.to_ase().get_masses()
    centre = masses @ base.positions / masses.sum()
    for copy in copies[:20]:
        np.testing.assert_allclose(masses @ copy.positions / masses.sum(), centre, atol=1e-8)

    def bond_spread(ensemble):
        return np.std([squareform(pdist(c.positions_angstrom))[0, 1] for c in ensemble])

    assert bond_spread(copies) < bond_spread(shaken)


def test_a_name_that_is_a_smiles_too_is_a_smiles():
    assert named_molecule("CO").formula == "CH4O"
    assert named_molecule("g2:CO").formula == "CO"
    assert named_molecule("C2H6").formula == "C2H6"


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("smiles:CCO c1ccccc1", ["C2H6O", "C6H6"]),
        ("smiles:C=C,CCO,seed=3", ["C2H4", "C2H6O"]),
        ("smiles:C=C", ["C2H4"]),
        ("polyenes:1-3", ["C2H4", "C4H6", "C6H8"]),
        ("acenes:2", ["C10H8"]),
        ("Acenes:1-2,seed=4", ["C6H6", "C10H8"]),
        ("polyenoic-acids:1-2", ["C3H4O2", "C5H6O2"]),
        ("series:acenes 1-2", ["C6H6", "C10H8"]),
        ("g2:CH4 H2O", ["CH4", "H2O"]),
        ("distorted:CH4,n=2,amplitude=0.1,seed=7,method=random", ["CH4", "CH4"]),
        (WATER, ["H2O"]),
    ],
)
def test_short_texts_name_structures(text, formulas):
    assert [s.formula for s in resolve(text)] == formulas


def test_settings_in_a_text_reach_the_source():
    source = SOURCES["distorted"]
    assert source.parse("CO,n=7,amplitude=0.1,method=random,seed=3") == source.Params(
        "CO", "random", 0.1, 7, 3
    )
    expected = source.load(source.Params("CH4", n=3, seed=9))
    assert [s.key for s in resolve("distorted:CH4,n=3,seed=9")] == [s.key for s in expected]


def test_sizes_and_defaults_of_g2():
    assert len(resolve("g2")) > len(resolve("g2:2")) > 5


def test_files_slices_and_patterns(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    molecules = g2_chno(max_heavy=3)
    ase.io.write("all.xyz", [s.to_ase() for s in molecules])
    ase.io.write("b@2.xyz", molecules[0].to_ase())
    assert [s.key for s in resolve("all.xyz")] == [s.key for s in molecules]
    assert [s.key for s in resolve("all.xyz@0:9:2")] == [s.key for s in molecules[0:9:2]]
    assert [s.key for s in resolve("all.xyz@-1")] == [molecules[-1].key]
    assert [s.key for s in resolve("*.xyz")] == [s.key for s in [*molecules, molecules[0]]]
    assert [s.key for s in resolve("b@2.xyz")] == [molecules[0].key]
    assert [s.key for s in resolve("file:all.xyz,frames=1:3")] == [s.key for s in molecules[1:3]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no structures are named"),
        ("none.xyz", "there is no file 'none.xyz'; check the name"),
        ("none.xyz@0:5", "there is no file 'none.xyz'"),
        ("none/*.xyz", "no file matches"),
        ("C" * 300, "write 'smiles:CCC"),
        ("a\0b", "there is no file"),
        ("CCO", "write 'smiles:CCO'"),
        ("smile:CCO", "did you mean 'smiles'"),
        ("polyene:1-3", "did you mean 'polyenes'"),
        ("fullerenes:60", "'fullerenes' is no source of structures; choose one of file, smiles, g2"),
        ("smiles:", "nothing follows 'smiles:'"),
        ("smiles:CC(", "'CC(' is not a SMILES"),
        ("smiles:CCO C1CC", "'C1CC' is not a SMILES"),
        ("smiles:water", "'water' is not a SMILES; names and formulas.*O for water"),
        ("smiles:2-propanol", "'2-propanol' is not a SMILES; names and formulas"),
        ("smiles:H2O", "'H2O' is not a SMILES; names and formulas"),
        ("smiles:ccc", "'ccc' is not a SMILES that RDKit understands; check brackets"),
        ("smiles:C[Xx]", "there is no element 'Xx'"),
        ("smiles:CC.O", "several separate molecules"),
        ("smiles:[CH3]", "9 electrons.*closed-shell.*[CH3.].*charge=1"),
        ("smiles:C*", "atom 2 is of no known element"),
        ("smiles:" + "C" * 70, "212 atoms.*at most 200"),
        ("smiles:C,seed=x", "Seed must be a whole number, got 'x'"),
        ("smiles:C,sed=1", "SMILES has no setting 'sed'; its settings are smiles, seed"),
        ("g2:9", "Largest.*from 1 to 6"),
        ("g2:CCl4", "no closed-shell molecule 'CCl4'"),
        ("acenes:1-9", "acenes come with 1 to 8 rings"),
        ("polyenes:3-1", "shortest first"),
        ("polyenes:a-b", "for example polyenes:1-6"),
        ("distorted:CC,n=0", "Copies.*from 1 to 5000"),
        ("distorted:CC,amplitude=2", "Amplitude.*from 0.001 to 0.5"),
        ("distorted:CC,amplitude=0.5,method=random", "too large for CC.*take a smaller one"),
        ("distorted:CC,method=wild", "Move 'wild' is unknown; choose one of normal-mode, random"),
        ("distorted:CCl4", "nor is it a name in the g2 set"),
        ("distorted:[He]", "use random displacements"),
        ("qm7:0", "Molecules.*from 1 to 5000"),
        ("qm9:5,min_heavy=9,max_heavy=8", "at least 9 and at most 8 heavy atoms"),
        ("qm9:5,choice=best", "Choice 'best' is unknown; choose one of random, farthest-point"),
        ("qm7:5,elements=Q", "'Q' is not an element"),
    ],
)
def test_mistakes_get_a_sentence(text, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HamExplorerError, match=words.replace("(", r"\(").replace("[", r"\[")) as caught:
        resolve(text)
    assert "\n" not in str(caught.value)


def test_a_folder_and_an_empty_choice_get_sentences(tmp_path):
    (tmp_path / "water.xyz").write_text(WATER)
    with pytest.raises(StructureError, match="is a folder"):
        resolve(str(tmp_path))
    with pytest.raises(StructureError, match=r"pick nothing from .*water\.xyz, which holds 1"):
        resolve(f"{tmp_path / 'water.xyz'}@5:")
    with pytest.raises(SettingsError, match="Charge"):
        SOURCES["text"].Params(text=WATER, charge=99)
    with pytest.raises(StructureError, match="no file is named"):
        SOURCES["file"].load(SOURCES["file"].Params())
    with pytest.raises(StructureError, match="no SMILES is given"):
        SOURCES["smiles"].load(SOURCES["smiles"].Params(smiles="  \n"))
