"""Files come back as they were written, whole, with names and charges."""

import gzip
import io
import re
import time

import ase.db
import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import AllChem

from hamexplorer.errors import HamExplorerError, StructureError
from hamexplorer.structures import Structure, from_smiles, read_structures
from hamexplorer.structures.checks import MAX_ATOMS

WATER = "3\nwater\nO 0.0 0.0 0.119\nH 0.0 0.763 -0.477\nH 0.0 -0.763 -0.477\n"
GOOD_ATOMS = {"H": 1, "C": 6, "N": 7, "O": 8, "Cl": 17, "Br": 35}


def sdf(*smiles: str, flat: bool = False, hydrogens: bool = True) -> str:
    """Records as RDKit writes them, titles included."""
    records = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        mol = Chem.AddHs(mol) if hydrogens else mol
        if flat:
            AllChem.Compute2DCoords(mol)
        else:
            AllChem.EmbedMolecule(mol, randomSeed=1)
        mol.SetProp("_Name", text)
        records.append(Chem.MolToMolBlock(mol) + "$$$$\n")
    return "".join(records)


@st.composite
def molecules(draw) -> Structure:
    """Closed-shell molecules with atoms on a jittered lattice, so that none overlap."""
    symbols = draw(st.lists(st.sampled_from(sorted(GOOD_ATOMS)), min_size=1, max_size=12))
    charge = draw(st.integers(-2, 2))
    total = sum(GOOD_ATOMS[s] for s in symbols)
    charge += (total - charge) % 2
    if total - charge < 2:
        charge = -total
    jitter = draw(st.lists(st.floats(-0.5, 0.5), min_size=3 * len(symbols), max_size=3 * len(symbols)))
    places = np.array([(k % 3, k // 3 % 3, k // 9) for k in range(len(symbols))]) * 1.5
    positions = np.round(places + np.reshape(jitter, (-1, 3)), 6)
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    # ASE escapes quotes but no backslashes: one before a quote, or two in a row, cannot be told apart.
    name = draw(st.text(printable, max_size=12).filter(lambda n: not re.search(r'\\(\\|"|$)', n.strip())))
    atoms = Atoms(symbols, positions=positions)
    return Structure.from_ase(atoms, charge=charge, name=name.strip())


@settings(max_examples=60, deadline=None)
@given(written=st.lists(molecules(), min_size=1, max_size=4))
def test_extended_xyz_comes_back_as_it_was_written(written, tmp_path_factory):
    path = tmp_path_factory.mktemp("xyz") / "some.xyz"
    ase.io.write(path, [s.to_ase() for s in written], format="extxyz")
    found = read_structures(path)
    assert [s.key for s in found] == [s.key for s in written]
    assert [s.charge for s in found] == [s.charge for s in written]
    stem = ["some"] if len(written) == 1 else [f"some {k + 1}" for k in range(len(written))]
    assert [s.name for s in found] == [s.name or other for s, other in zip(written, stem, strict=True)]


@settings(max_examples=60, deadline=None)
@given(
    junk=st.binary(max_size=300),
    name=st.sampled_from(["a.xyz", "a.sdf", "a.pdb", "a.json", "a.db", "a.log", "a"]),
)
def test_any_bytes_give_molecules_or_one_sentence(junk, name):
    try:
        assert read_structures(junk, filename=name)
    except HamExplorerError as error:
        assert_is_a_sentence(str(error))


@settings(max_examples=80, deadline=None)
@given(cut=st.integers(0, 400), data=st.data())
def test_damage_gives_molecules_or_one_sentence(cut, data):
    kind, text = data.draw(st.sampled_from([("a.xyz", WATER * 3), ("a.sdf", sdf("C", "O")), ("a.pdb", PDB)]))
    junk = data.draw(st.text("0123456789 .-\nCHX$", max_size=5))
    try:
        assert read_structures((text[:cut] + junk + text[cut + len(junk) :]).encode(), filename=kind)
    except HamExplorerError as error:
        assert_is_a_sentence(str(error))


def assert_is_a_sentence(text: str) -> None:
    assert 20 < len(text) < 500
    assert "\n" not in text
    assert "Traceback" not in text
    assert ";" in text or ":" in text  # a fact, then what to do


PDB = (
    "HETATM    1  O   HOH A   1       0.000   0.000   0.119  1.00  0.00           O\n"
    "HETATM    2  H1  HOH A   1       0.000   0.763  -0.477  1.00  0.00           H\n"
    "HETATM    3  H2  HOH A   1       0.000  -0.763  -0.477  1.00  0.00           H\n"
    "END\n"
)


@pytest.mark.parametrize("ending", ["json", "db", "traj", "xyz"])
def test_what_ase_writes_is_read(ending, tmp_path):
    path = tmp_path / f"pair.{ending}"
    ase.io.write(path, [molecule("CH3OH"), molecule("H2O")])
    found = read_structures(path)
    assert [s.formula for s in found] == ["CH4O", "H2O"]
    assert [s.name for s in found] == ["pair 1", "pair 2"]
    np.testing.assert_allclose(found[0].positions_angstrom, molecule("CH3OH").positions, atol=1e-7)


def test_models_of_a_pdb_file_are_frames(tmp_path):
    moved = molecule("CH3OH")
    moved.positions += 1
    ase.io.write(tmp_path / "pair.pdb", [molecule("CH3OH"), moved])
    found = read_structures(tmp_path / "pair.pdb")
    assert [s.name for s in found] == ["pair 1", "pair 2"]
    np.testing.assert_allclose(found[1].positions_angstrom, moved.positions, atol=6e-4)  # three decimals


def test_a_database_keeps_names_and_charges(tmp_path):
    with ase.db.connect(tmp_path / "ions.db") as db:
        db.write(Atoms("OH", positions=[[0, 0, 0], [0, 0, 1]]), name="hydroxide", total_charge=-1)
        db.write(Atoms("OH", positions=[[0, 0, 0], [0, 0, 1]], charges=[-0.8, -0.2]))
    first, second = read_structures(tmp_path / "ions.db")
    assert (first.name, first.charge) == ("hydroxide", -1)
    assert (second.name, second.charge) == ("ions 2", -1)


def test_a_gaussian_input_states_its_charge(tmp_path):
    (tmp_path / "oh.gjf").write_text("# B3LYP/STO-3G\n\nhydroxide\n\n-1 1\nO 0.0 0.0 0.0\nH 0.0 0.0 0.97\n\n")
    assert read_structures(tmp_path / "oh.gjf")[0].charge == -1


def test_mol_records_give_titles_charges_and_positions():
    text = sdf("C[N+](C)(C)C", "[O-]C=O", "CCO")
    found = read_structures(text.encode(), filename="ions.sdf")
    assert [s.name for s in found] == ["C[N+](C)(C)C", "[O-]C=O", "CCO"]
    assert [s.charge for s in found] == [1, -1, 0]
    first = ase.io.read(io.StringIO(text), format="sdf")
    np.testing.assert_allclose(found[0].positions_angstrom, first.positions, atol=1e-8)


def test_a_title_that_is_a_number_does_not_look_like_xyz():
    text = sdf("CCO").replace("CCO\n", "702\n", 1)
    (ethanol,) = read_structures(text.encode())
    assert (ethanol.formula, ethanol.name) == ("C2H6O", "702")


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("HETATM    1 CL1  LIG A   1       0.000   0.000   0.119", 17),
        ("ATOM      1  CA  ALA A   1       0.000   0.000   0.119", 6),
        ("ATOM      1 HO21 ALA A   1       0.000   0.000   0.119", 1),
        ("ATOM      1 1HB  ALA A   1       0.000   0.000   0.119", 1),
    ],
)
def test_pdb_elements_follow_from_the_atom_name(line, number):
    charge = number % 2
    (atom,) = read_structures(f"{line}\nEND\n".encode(), filename="a.pdb", charge=-charge)
    assert atom.numbers.tolist() == [number]


def test_of_alternate_locations_the_first_is_taken():
    twice = PDB.replace("END\n", "") + PDB.splitlines()[0][:16] + "B" + PDB.splitlines()[0][17:] + "\nEND\n"
    assert read_structures(twice.encode(), filename="a.pdb")[0].n_atoms == 3


@pytest.mark.parametrize(
    "text",
    [
        WATER,
        WATER.replace("\n", "\r\n"),
        "\n\n" + WATER + "\n\n",
        "\n".join(WATER.splitlines()[2:]),
        "8 0 0 0.119\n1 0 .763 -0.477\n1 0 -.763 -0.477".replace("8", "3\n\n8", 1),
        WATER.replace("O 0", "o 0").replace("0.763", "7.63D-01"),
        PDB,
    ],
    ids=["xyz", "windows", "blank lines", "bare atoms", "atomic numbers", "Fortran numbers", "pdb"],
)
def test_pasted_text_is_recognised(text):
    (water,) = read_structures(text)
    assert water.formula == "H2O"
    np.testing.assert_allclose(water.positions_angstrom[1], [0, 0.763, -0.477], atol=1e-8)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encodings_of_editors_are_read(encoding):
    (water,) = read_structures(WATER.replace("water", "é").encode(encoding), filename="water.xyz")
    assert (water.formula, water.name) == ("H2O", "water")


def test_columns_of_extended_xyz_are_followed():
    text = (
        '1\nProperties=force:R:3:Z:I:1:pos:R:3 name="an ion" total_charge=-1.0 pbc="F F F"\n9 9 9 17 1 2 3\n'
    )
    (ion,) = read_structures(text, format="extxyz")
    assert (ion.formula, ion.charge, ion.name) == ("Cl", -1, "an ion")
    np.testing.assert_allclose(ion.positions_angstrom, [[1, 2, 3]])


@pytest.mark.parametrize(
    "comment",
    [
        "charge=-1 name=chloride",
        "name = chloride charge = -1",
        "name='chloride' energy= charge=-1",
        'x="charge=5" charge=-1 name="chloride"',
    ],
)
def test_comments_are_read_as_programs_write_them(comment):
    (ion,) = read_structures(f"1\n{comment}\nCl 0 0 0\n")
    assert (ion.name, ion.charge) == ("chloride", -1)


def test_smiles_survive_as_names(tmp_path):
    smiles = "C[C@H](N)/C=C\\C=O"
    ase.io.write(tmp_path / "a.xyz", from_smiles(smiles).to_ase())
    assert read_structures(tmp_path / "a.xyz")[0].name == smiles


def test_qm9_files_are_read():
    text = (
        "3\ngdb 3\t799.58 437.90 282.94 1.85\nO\t-0.0343604951\t 0.9775395708\t 7.6*^-3\t-0.589\n"
        "H\t 0.0647664923\t 0.0205721989\t 1.5*^-3\t 0.294\nH\t 0.8717903737\t 1.3007924048\t 6.9*^-4\t "
        "0.294\n"
        "1671.4\t3803.2\t3907.6\nO\tO\nInChI=1S/H2O/h1H2\tInChI=1S/H2O/h1H2\n"
    )
    (water,) = read_structures(text.encode(), filename="dsgdb9nsd_000003.xyz")
    assert (water.formula, water.name) == ("H2O", "gdb 3")
    assert water.positions_angstrom[0, 2] == pytest.approx(7.6e-3)


def test_charge_of_the_caller_is_for_files_that_state_none():
    text = "1\n\nNa 0 0 0\n1\ncharge=-1\nCl 0 0 0\n"
    assert [s.charge for s in read_structures(text, charge=1)] == [1, -1]


def test_uploads_come_as_views_of_memory():
    # ipywidgets' FileUpload hands over a memoryview.
    (water,) = read_structures(memoryview(WATER.encode()), filename="water.xyz")
    assert (water.formula, water.name) == ("H2O", "water")


def test_frames_are_named_by_file_and_number(tmp_path):
    (tmp_path / "drops.xyz").write_text(WATER * 2)
    found = read_structures(tmp_path / "drops.xyz")
    assert [s.name for s in found] == ["drops 1", "drops 2"]
    assert found[1].source == "drops.xyz, frame 2"


def test_file_and_text_of_from_smiles_agree(tmp_path):
    ethanol = from_smiles("CCO", seed=3)
    ase.io.write(tmp_path / "ethanol.xyz", ethanol.to_ase())
    assert read_structures(tmp_path / "ethanol.xyz")[0].key == ethanol.key


#: content, file name, what the one sentence must say.
BAD = {
    "empty": (b"", "e.xyz", ["e.xyz", "is empty", "give at least one molecule or crystal"]),
    "blank in Latin-1": (b"\xa0", "e.xyz", ["is empty"]),
    "blank": (b" \n\n ", "e.sdf", ["e.sdf", "empty"]),
    "truncated frame": (
        (WATER + WATER[:-30]).encode(),
        "w.xyz",
        ["w.xyz, frame 2", "line 6 promises 3 atoms", "ends after 2"],
    ),
    "missing line": (
        (WATER.replace("H 0.0 0.763 -0.477\n", "") + WATER).encode(),
        "w.xyz",
        ["w.xyz, frame 1", "line 5", "atom 3 of 3"],
    ),
    "no count": (b"hello\nworld\nC 0 0 0\n", "w.xyz", ["frame 1", "line 1", "number of atoms", "'hello'"]),
    "header only": (b"3\n", "w.xyz", ["frame 1", "cut off", "ends after 0"]),
    "no atoms": (b"0\n\n", "w.xyz", ["frame 1", "no atoms"]),
    "unknown element": (
        WATER.replace("O 0", "Qq 0").encode(),
        "w.xyz",
        ["frame 1, line 3", "'Qq'", "not an element"],
    ),
    "dummy atom": (
        WATER.replace("O 0", "X 0").encode(),
        "w.xyz",
        ["frame 1, line 3", "'X'", "not an element"],
    ),
    "NaN": (
        (WATER + WATER.replace("0.763", "nan", 1)).encode(),
        "w.xyz",
        ["frame 2", "atom 2 (H)", "finite"],
    ),
    "infinite": (WATER.replace("0.763", "inf", 1).encode(), "w.xyz", ["frame 1", "atom 2 (H)", "finite"]),
    "astronomic": (WATER.replace("0.763", "1e30", 1).encode(), "w.xyz", ["atom 2 (H)", "1e+30"]),
    "no number": (
        WATER.replace("0.763", "abc", 1).encode(),
        "w.xyz",
        ["frame 1, line 4", "'abc'", "not a number"],
    ),
    "overlap": (
        (WATER + "2\n\nN 0 0 0\nN 0 0 0.39\n").encode(),
        "w.xyz",
        ["frame 2", "atoms 1 (N) and 2 (N)", "0.39 Å apart", "0.4 Å"],
    ),
    "odd electrons": (
        b"2\n\nN 0 0 0\nO 0 0 1.15\n",
        "no.xyz",
        ["frame 1", "15 electrons", "closed-shell", "-1 or +1"],
    ),
    "odd with charge": (
        b"2\ncharge=1\nC 0 0 0\nO 0 0 1.1\n",
        "co.xyz",
        ["13 electrons", "charge +1", "0 or +2"],
    ),
    "no electrons": (b"1\ncharge=1\nH 0 0 0\n", "h.xyz", ["no electrons left", "+1"]),
    "half a charge": (b"1\ncharge=0.5\nHe 0 0 0\n", "h.xyz", ["frame 1", "'0.5'", "whole number"]),
    "periodic without a lattice": (
        b'1\nProperties=species:S:1:pos:R:3 pbc="T T T"\nHe 0 0 0\n',
        "he.xyz",
        ["he.xyz, frame 1", "periodic", "states no Lattice", "add the nine numbers"],
    ),
    "half a lattice": (
        b'1\nLattice="5 0 0 0 5 0"\nHe 0 0 0\n',
        "he.xyz",
        ["he.xyz, frame 1", "Lattice='5 0 0 0 5 0'", "nine numbers in \u00c5"],
    ),
    "half a pbc": (
        b'1\nLattice="5 0 0 0 5 0 0 0 5" pbc="T F"\nHe 0 0 0\n',
        "he.xyz",
        ["he.xyz, frame 1", "pbc='T F'", "one T or F a direction"],
    ),
    "bad columns": (b"1\nProperties=mass:R:1\nHe 0 0 0\n", "he.xyz", ["frame 1", "Properties=mass:R:1"]),
    "cif": (b"data_x\n_cell_length_a 5\n", "x.cif", ["x.cif", "holds no structure"]),
    "binary": (b"C\x00\x01\x02" * 50, "w.xyz", ["w.xyz", "not an XYZ file", "binary"]),
    "html": (b"<!DOCTYPE html>\n<html></html>", "w.xyz", ["w.xyz", "web page", "download the file itself"]),
    "xml": (b"<?xml version='1.0'?><a/>", "w.pdb", ["not a PDB file", "XML"]),
    "json called xyz": (b'{"a": 1}', "w.xyz", ["not an XYZ file", "JSON", ".json"]),
    "xyz called json": (WATER.encode(), "w.json", ["not JSON", "an XYZ file", ".xyz"]),
    "xyz called sdf": (WATER.encode(), "w.sdf", ["not a mol or SDF file", "an XYZ file"]),
    "sdf called xyz": (sdf("C").encode(), "w.xyz", ["not an XYZ file", "a mol or SDF file", ".sdf"]),
    "xyz called db": (WATER.encode(), "w.db", ["not an ASE (SQLite) database", "an XYZ file"]),
    "gzip": (gzip.compress(WATER.encode()), "w.xyz", ["compressed", "gzip", "unpack"]),
    "picture": (b"\x89PNG\r\n\x1a\n123", "w.png", ["image"]),
    "foreign json": (b'{"a": 1}', "w.json", ["w.json", "database of ASE"]),
    "broken json": (b'{"a": ', "w.json", ["w.json", "database of ASE"]),
    "broken db": (b"SQLite format 3\x00" + b"junk" * 100, "w.db", ["w.db", "database of ASE"]),
    "prose": (b"Dear reader,\nthis is a letter.\n", "letter.txt", ["letter.txt", "no format that is read"]),
    "broken log": (b" Entering Gaussian System, Link 0\n junk\n", "run.log", ["run.log"]),
    "cut mol": (sdf("C")[:120].encode(), "m.sdf", ["m.sdf, frame 1", "cut off"]),
    "second record cut": (sdf("C", "O")[:-40].encode(), "m.sdf", ["m.sdf, frame 2", "cut off"]),
    "mol unknown element": (
        sdf("C").replace(" C ", " Qq ", 1).encode(),
        "m.mol",
        ["frame 1, line 5", "'Qq'"],
    ),
    "mol NaN": (
        sdf("C").replace(sdf("C").splitlines()[4][:10], "       nan").encode(),
        "m.mol",
        ["frame 1, line 5", "finite", "nan"],
    ),
    "drawing": (sdf("CCO", flat=True).encode(), "m.mol", ["frame 1", "flat drawing", "SMILES"]),
    "no hydrogens": (sdf("CCO", hydrogens=False).encode(), "m.mol", ["frame 1", "6 hydrogen atoms"]),
    "not mol": (b"hello\n\n\n\n", "m.mol", ["m.mol, frame 1", "fourth line"]),
    "pdb cut": (PDB[:120].encode(), "p.pdb", ["p.pdb, frame 1, line 2", "columns 31 to 54"]),
    "pdb without atoms": (b"REMARK nothing\nEND\n", "p.pdb", ["p.pdb", "no structure"]),
    "pdb of an asymmetric unit": (
        ("CRYST1   10.000   10.000   10.000  90.00  90.00  90.00 P 21 21 21    4\n" + PDB).encode(),
        "p.pdb",
        ["p.pdb, line 1", "space group P 21 21 21", "write all atoms in P 1"],
    ),
    "pdb with half a cell": (
        ("CRYST1   10.000   10.000\n" + PDB).encode(),
        "p.pdb",
        ["p.pdb, line 1", "three lengths and angles", "CRYST1   10.000   10.000"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_a_sentence_that_helps(case):
    content, name, expected = BAD[case]
    with pytest.raises(StructureError) as caught:
        read_structures(content, filename=name)
    assert_is_a_sentence(str(caught.value))
    assert name in str(caught.value)
    for words in expected:
        assert words in str(caught.value)


def test_a_huge_file_is_refused_in_no_time(tmp_path):
    rng = np.random.default_rng(0)
    atoms = Atoms(numbers=np.full(100_000, 6), positions=rng.uniform(0, 300, (100_000, 3)))
    for name in ("huge.xyz", "huge.pdb"):
        ase.io.write(tmp_path / name, atoms)
        start = time.perf_counter()
        with pytest.raises(StructureError, match=rf"100000 atoms.*at most {MAX_ATOMS}"):
            read_structures(tmp_path / name)
        assert time.perf_counter() - start < 5


def test_a_missing_file_and_a_folder_get_sentences(tmp_path):
    with pytest.raises(StructureError, match=r"there is no file .*none\.xyz.*check the name"):
        read_structures(tmp_path / "none.xyz")
    with pytest.raises(StructureError, match=r"is a folder.*\*\.xyz"):
        read_structures(tmp_path)


def test_an_unknown_format_lists_the_known_ones():
    with pytest.raises(StructureError, match=r"'docx' is unknown; choose one of xyz, extxyz, mol"):
        read_structures(WATER, format="docx")


def test_quantum_chemistry_files_go_through_ase(tmp_path):
    ase.io.write(tmp_path / "coord", molecule("H2O"), format="turbomole")
    ase.io.write(tmp_path / "water.gjf", molecule("H2O"), format="gaussian-in")
    for name in ("coord", "water.gjf"):
        (water,) = read_structures(tmp_path / name)
        np.testing.assert_allclose(water.positions_angstrom, molecule("H2O").positions, atol=1e-6)


@pytest.mark.parametrize(
    "comment",
    ["a" * 300_000, "a={ " * 60_000, "a='" * 60_001, "=" * 200_000],
    ids=["word", "brace", "quote", "equals"],
)
def test_a_long_comment_takes_no_longer_than_reading_it(comment):
    """Each of these took minutes: a regular expression began anew at every letter."""
    begun = time.process_time()
    (helium,) = read_structures(f"1\n{comment}\nHe 0 0 0\n", filename="he.xyz")
    assert helium.formula == "He" and time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ("9" * 5000 + "\n\nHe 0 0 0\n", "a.xyz", "atoms and a molecule or a cell may have at most"),
        ("1\n\n" + "9" * 5000 + " 0 0 0\n", "a.xyz", "is not an element"),
        ("1\ncharge=-1e19\nHe 0 0 0\n", "a.xyz", "charge is a whole number"),
        ("1\nProperties=species:S:-5:pos:R:3\nHe 0 0 0\n", "a.xyz", "describes its columns"),
        ("x\n1\n4 0 0\n0 4 0\n0 0 4\nSi\n1000000000\nDirect\n0 0 0\n", "POSCAR", "cannot be read as POSCAR"),
        ("1\n\nHe 0 0 0\n" * 50_001, "a.xyz", "holds more than 50000 structures"),
        ("\n" * 2_000_001, "a.xyz", "has more than 2000000 lines"),
        ("C" * 10_000, "a.gz", "is in no format that is read here"),
    ],
)
def test_what_lies_about_its_size_is_refused(content, name, sentence):
    with pytest.raises(StructureError, match=sentence) as caught:
        read_structures(content.encode(), filename=name)
    assert len(str(caught.value)) < 500


def test_look_alikes_are_read_as_what_they_are_called(tmp_path):
    silicon = bulk("Si")
    ase.io.write(tmp_path / "XDATCAR", [silicon, silicon], format="vasp-xdatcar")
    ase.io.write(tmp_path / "si.struct", silicon, format="struct")
    assert [s.formula for s in read_structures(tmp_path / "XDATCAR")] == ["Si2", "Si2"]
    assert read_structures(tmp_path / "si.struct")[0].formula == "Si2"


def test_names_from_files_are_one_line_of_printable_text():
    (helium,) = read_structures(b'1\nname="a\x1b[31m b' + b"x" * 1000 + b'"\nHe 0 0 0\n', filename="he.xyz")
    assert helium.name.isprintable() and len(helium.name) == 200
