"""Crystals from files: what ASE writes is read back, and a bad one gets one sentence."""

from __future__ import annotations

import io

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from hamexplorer.errors import StructureError
from hamexplorer.structures.cells import warnings_about
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, distorted, supercell
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.symmetry import standard_cell, symmetry_of
from hamexplorer.units import BOHR_ANGSTROM

GRAPHENE = build_layer()


def written(atoms: Atoms | list[Atoms], format: str) -> bytes:
    buffer = io.BytesIO() if format in ("cif",) else io.StringIO()
    ase.io.write(buffer, atoms, format=format)
    value = buffer.getvalue()
    return value if isinstance(value, bytes) else value.encode()


def same_crystal(one, other) -> bool:
    """Equal up to whole cells and the digits of a text file."""
    shift = (one.positions - other.positions) @ np.linalg.inv(other.cell)
    return (
        np.array_equal(one.numbers, other.numbers)
        and np.allclose(one.cell, other.cell, atol=1e-5)
        and np.allclose(shift, np.round(shift), atol=1e-5)
        and one.pbc == other.pbc
    )


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("Si.vasp", "vasp"),
        ("POSCAR", "vasp"),
        ("si.extxyz", "extxyz"),
        ("si.xyz", "extxyz"),
        ("si.xsf", "xsf"),
    ],
)
def test_what_ase_writes_is_read_back(name, format):
    silicon = distorted(build_bulk("Si"), n=1, amplitude=0.1, strain=0.02)[0]
    (found,) = read_structures(written(silicon.to_ase(), format), filename=name)
    assert same_crystal(found, silicon)


def test_a_cif_keeps_lengths_angles_and_places():
    """CIF turns the cell, so distances are what must stay."""
    rocksalt = build_bulk("MgO", "rocksalt").to_ase()
    (found,) = read_structures(written(rocksalt, "cif"), filename="mgo.cif")
    back = found.to_ase()
    np.testing.assert_allclose(back.cell.cellpar(), rocksalt.cell.cellpar(), atol=1e-4)
    np.testing.assert_allclose(
        back.get_all_distances(mic=True), rocksalt.get_all_distances(mic=True), atol=1e-4
    )
    assert found.name == "mgo" and found.source == "mgo.cif"


def test_a_pasted_cif_and_a_pasted_poscar_are_recognised():
    silicon = bulk("Si")
    for format in ("cif", "vasp", "extxyz"):
        (found,) = read_structures(written(silicon, format).decode())
        assert found.formula == "Si2" and found.is_crystal, format


def test_partial_periodicity_is_kept_from_extended_xyz():
    for crystal in (GRAPHENE, build_polyacetylene()):
        (found,) = read_structures(written(crystal.to_ase(), "extxyz"), filename="a.xyz")
        assert same_crystal(found, crystal)


def test_many_frames_are_many_crystals():
    frames = distorted(GRAPHENE, n=3, amplitude=0.05, seed=4)
    found = read_structures(written([f.to_ase() for f in frames], "extxyz"), filename="many.xyz")
    assert all(map(same_crystal, found, frames))
    assert [f.source for f in found] == [f"many.xyz, frame {k}" for k in (1, 2, 3)]


def test_atoms_outside_come_in(tmp_path):
    atoms = bulk("Si")
    atoms.positions[1] += 3 * atoms.cell[0] - 2 * atoms.cell[2]
    path = tmp_path / "out.extxyz"
    ase.io.write(path, atoms)
    (found,) = read_structures(path)
    places = found.positions @ np.linalg.inv(found.cell)
    assert ((places > -1e-9) & (places < 1 - 1e-9)).all()


def damaged(change) -> bytes:
    atoms = bulk("Si", cubic=True)
    change(atoms)
    return written(atoms, "extxyz")


def flat(atoms):
    atoms.cell[2] = atoms.cell[0] + 1e-3 * atoms.cell[1]


def left_handed(atoms):
    atoms.cell[[0, 1]] = atoms.cell[[1, 0]]


def through_the_face(atoms):
    atoms.positions[1] = [5.431 - 0.2, 0.0, 0.0]


def close(atoms):
    atoms.positions[1] = [0.1, 0.2, 0.0]


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "a.cif", "a.cif is empty"),
        (
            b"data_x\n_cell_length_a oops\n",
            "a.cif",
            "a.cif holds no structure; choose a file with atoms and coordinates",
        ),
        (written(bulk("Si"), "vasp")[:60], "POSCAR", "POSCAR cannot be read as POSCAR"),
        (b"\x00\xff\xfe binary", "a.cif", "a.cif"),
        (b"hello\nworld\n", "a.txt", "a.txt is in no format that is read here"),
        (damaged(flat), "a.xyz", "so its vectors are nearly in one plane; correct the lattice"),
        (damaged(left_handed), "a.xyz", "a.xyz: the cell vectors a, b, c are left-handed (volume -160.1 Å³)"),
        (
            damaged(through_the_face),
            "a.xyz",
            "atoms 1 (Si) and 2 (Si) are 0.20 Å apart through the face of the cell",
        ),
        (damaged(close), "a.xyz", "atoms 1 (Si) and 2 (Si) are 0.22 Å apart, closer than 0.4 Å"),
    ],
    ids=[
        "empty",
        "torn cif",
        "torn poscar",
        "binary",
        "text",
        "flat",
        "left-handed",
        "face",
        "close",
    ],
)
def test_bad_input_gets_one_sentence(content, name, sentence):
    with pytest.raises(StructureError) as caught:
        read_structures(content, filename=name)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(StructureError, match="there is no file"):
        read_structures(tmp_path / "none.cif")


def test_a_shared_site_is_refused():
    text = """data_alloy
_cell_length_a 4
_cell_length_b 4
_cell_length_c 4
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Cu1 Cu 0 0 0 0.5
Au1 Au 0 0 0 0.5
"""
    with pytest.raises(StructureError, match="sites that are shared or partly empty"):
        read_structures(text, filename="alloy.cif")


def test_vacuum_that_is_marked_periodic_is_pointed_out():
    atoms = GRAPHENE.to_ase()
    atoms.pbc = True
    (found,) = read_structures(written(atoms, "extxyz"), filename="layer.xyz")
    (warning,) = warnings_about(found)
    assert warning.startswith("graphene repeats along c, where 12.0 Å are empty")
    assert warnings_about(GRAPHENE) == [] and warnings_about(build_bulk("Si")) == []


@pytest.mark.parametrize(
    ("crystal", "symbol", "number"),
    [
        (build_bulk("C"), "Fd-3m", 227),
        (build_bulk("SiC", "zincblende"), "F-43m", 216),
        (build_bulk("MgO", "rocksalt"), "Fm-3m", 225),
        (build_bulk("ZnO", "wurtzite", 3.25), "P6_3mc", 186),
        (GRAPHENE, "p6/mmm", 80),
        (build_layer("BN", 2.5), "p-6m2", 78),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_symmetry_is_that_of_the_tables(crystal, symbol, number):
    """International Tables A (space groups) and E (layer groups)."""
    found = symmetry_of(crystal)
    assert (found.symbol, found.number) == (symbol, number)


def test_a_distorted_crystal_has_no_symmetry_and_a_chain_no_group():
    assert symmetry_of(distorted(build_bulk("Si"), n=1, amplitude=0.2, strain=0.03)[0]).number <= 2
    assert symmetry_of(build_polyacetylene()) is None


def test_primitive_and_conventional_cells_are_one_crystal():
    cubic = standard_cell(build_bulk("Si"), primitive=False)
    assert cubic.n_atoms == 8
    np.testing.assert_allclose(cubic.to_ase().cell.cellpar(), [5.431] * 3 + [90] * 3, atol=1e-6)
    back = standard_cell(supercell(cubic, (2, 1, 1)), primitive=True)
    assert back.n_atoms == 2
    assert np.linalg.det(back.cell) * BOHR_ANGSTROM**3 == pytest.approx(5.431**3 / 4, abs=1e-6)
    assert symmetry_of(back).number == symmetry_of(cubic).number == 227
    with pytest.raises(StructureError, match="does not repeat in three directions"):
        standard_cell(GRAPHENE, primitive=True)


@pytest.mark.parametrize(
    "name", ["si.traj", "si.json", "si.db", "POSCAR.si", "si.poscar", "CONTCAR", "si.gen"]
)
def test_every_way_to_write_a_crystal_is_read(name, tmp_path):
    format = "vasp" if "poscar" in name.lower() or name == "CONTCAR" else None
    ase.io.write(tmp_path / name, bulk("Si"), format=format)
    (found,) = read_structures(tmp_path / name)
    assert same_crystal(found, build_bulk("Si", constant=5.43)) and found.pbc == (True, True, True)


def test_a_pdb_file_with_a_cell_is_a_crystal(tmp_path):
    cubic = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    ase.io.write(tmp_path / "salt.pdb", cubic)
    (found,) = read_structures(tmp_path / "salt.pdb")
    np.testing.assert_allclose(found.to_ase().cell.cellpar(), cubic.cell.cellpar(), atol=1e-3)
    assert found.formula == "Cl4Na4" and symmetry_of(found, precision=1e-2).number == 225


def test_the_box_of_a_cube_file_is_no_cell(tmp_path):
    atoms = bulk("Si")
    ase.io.write(tmp_path / "si.cube", atoms, data=np.zeros((2, 2, 2)))
    (found,) = read_structures(tmp_path / "si.cube")
    assert not found.is_crystal


def test_a_poscar_whose_title_is_a_number_is_no_xyz():
    content = written(bulk("Si"), "vasp")
    content = b"2\n" + content.split(b"\n", 1)[1]
    (found,) = read_structures(content.decode())
    assert found.formula == "Si2" and found.is_crystal


def test_molecules_and_crystals_in_one_file_are_both():
    lattice = 'Lattice="5 0 0 0 5 0 0 0 5"'
    text = f'1\n\nHe 0 0 0\n1\n{lattice} pbc="T T F"\nHe 0 0 0\n1\n{lattice} pbc="F F F"\nHe 0 0 0\n'
    found = read_structures(text.encode(), filename="both.xyz")
    assert [s.pbc for s in found] == [(False,) * 3, (True, True, False), (False,) * 3]
    assert [s.cell is None for s in found] == [True, False, True]


def test_a_charge_of_the_caller_is_that_of_the_cell():
    (found,) = read_structures(written(bulk("Si"), "vasp"), filename="POSCAR", charge=2)
    assert found.charge == 2
    with pytest.raises(StructureError, match="POSCAR has no electrons left with charge \\+28"):
        read_structures(written(bulk("Si"), "vasp"), filename="POSCAR", charge=28)


MGO = written(build_bulk("MgO", "rocksalt").to_ase(), "cif").decode()


@pytest.mark.parametrize("share", np.linspace(0.0, 0.98, 25))
def test_a_cif_cut_off_anywhere_is_one_sentence_or_the_whole_crystal(share):
    content = MGO[: int(share * len(MGO))].encode()
    told = ""
    try:
        (found,) = read_structures(content, filename="cut.cif")
    except StructureError as error:
        told = str(error)
    if told:
        assert "cut.cif" in told and "\n" not in told and len(told) < 400
    else:
        assert found.formula == "MgO"


def test_a_cif_that_lost_atoms_is_told_by_its_formula():
    lines = MGO.rstrip().splitlines()
    assert "_chemical_formula_sum" in MGO
    with pytest.raises(
        StructureError, match=r"states the formula Mg1 O1 but lists Mg; it may be cut off or lack"
    ):
        read_structures("\n".join(lines[:-1]), filename="cut.cif")
