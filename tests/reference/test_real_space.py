"""Matrices in real space: textbook bands, what is mended and what is refused, files of arrays, and hostile ones."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pyscf import gto
from scipy.linalg import eigh

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import DatasetError, HamExplorerError, LayoutError, SettingsError, StructureError
from hamexplorer.physics.bloch import mesh_translations, real_space
from hamexplorer.physics.cell import make_cell
from hamexplorer.reference.matrices import matrices_of, read_matrices
from hamexplorer.reference.npz_matrices import read_npz, write_npz
from hamexplorer.reference.properties import Properties, Reference
from hamexplorer.reference.real_space import Orbital, components
from hamexplorer.structures.structure import Structure
from hamexplorer.train.imported import imported_bands
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

CHAIN = {"cell": np.diag([3.0, 10.0, 10.0]), "positions": np.zeros((1, 3)), "numbers": np.array([1])}
#: Wallace's graphene: neighbours of atom 1 are atom 2 in the cells 0, -a1 and -a2; hopping t, overlap s between them.
HOPPING_EV, OVERLAP = -3.033, 0.129
A = 2.46
GRAPHENE = {
    "cell": np.array([[A, 0, 0], [A / 2, A * 3**0.5 / 2, 0], [0, 0, 12]]),
    "positions": np.array([[0, 0, 0], [A / 2, A / 12**0.5, 0]]),
    "numbers": np.array([6, 6]),
}


def graphene_cells() -> dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray]]:
    """T -> (H in eV, S) of Saito, Dresselhaus & Dresselhaus, sec. 2.3.2."""
    hop = np.array([[0.0, 1.0], [0.0, 0.0]])
    cells = {(0, 0, 0): hop + hop.T, (-1, 0, 0): hop, (0, -1, 0): hop, (1, 0, 0): hop.T, (0, 1, 0): hop.T}
    return {t: (HOPPING_EV * m, OVERLAP * m + (np.eye(2) if t == (0, 0, 0) else 0)) for t, m in cells.items()}


def textbook(k: np.ndarray) -> np.ndarray:
    """E± = ±t w/(1 ± s w), w = |1 + exp(-i k·a1) + exp(-i k·a2)|, Ha; ibid., eqs. 2.27 and 2.29."""
    w = np.abs(1 + np.exp(-2j * np.pi * k[:, 0]) + np.exp(-2j * np.pi * k[:, 1]))
    t = HOPPING_EV / HARTREE_EV
    return np.sort(np.stack([t * w / (1 + OVERLAP * w), -t * w / (1 - OVERLAP * w)], 1), 1)


def graphene_file(path, **changes):
    cells = graphene_cells()
    arrays = GRAPHENE | {
        "translations": np.array(list(cells)),
        "hamiltonian": np.array([h for h, _ in cells.values()]),
        "overlap": np.array([s for _, s in cells.values()]),
        "unit": np.array("eV"),
        "orbitals": np.array([[0, 1, 0], [1, 1, 0]]),
    }
    np.savez(path, **{name: value for name, value in (arrays | changes).items() if value is not None})
    return path


@pytest.fixture
def k_points(rng) -> np.ndarray:
    return rng.uniform(-1, 1, (20, 3))


def test_graphene_has_the_bands_of_the_textbook(tmp_path, k_points):
    found = read_npz(graphene_file(tmp_path / "graphene.npz"))
    assert_allclose(found.bands(k_points), textbook(k_points), atol=1e-12)
    assert found.structure.pbc == (True, True, False)
    assert found.orbitals == (Orbital(0, 1, "z"), Orbital(1, 1, "z"))
    assert "energies in eV" in found.assumed and "lengths in angstrom (not said, assumed)" in found.assumed
    dirac = np.array([[1 / 3, 2 / 3, 0]])
    assert_allclose(found.bands(dirac), 0, atol=1e-12)


def test_a_band_structure_has_path_mesh_and_fermi_level(tmp_path):
    found = read_npz(graphene_file(tmp_path / "graphene.npz"))
    bands = found.band_structure(2)
    assert "hexagonal" in bands.path.convention.lower()
    assert_allclose(bands.path_energy, textbook(bands.path.points), atol=1e-12)
    assert_allclose(bands.mesh_weights.sum(), 1)
    assert bands.mesh == (8, 8, 1)
    # The mesh of 8 has no K; the level lies between its highest filled and lowest empty state.
    assert bands.mesh_energy[:, 0].max() < bands.fermi < bands.mesh_energy[:, 1].min()
    assert_allclose(bands.path_character.sum(-1), 1, atol=1e-12)
    assert_allclose(bands.path_character[0], 0.5, atol=1e-12)
    shown = imported_bands(found, 2)
    assert shown.orbitals == (("C", "p"), ("C", "p")) and shown.sets["reference"].n_occ == 1
    with pytest.raises(SettingsError, match="does not say how many electrons"):
        found.band_structure()
    with pytest.raises(SettingsError, match="2 orbitals hold 1 to 4 electrons, got 5"):
        found.band_structure(5)


def test_electrons_follow_from_the_file_or_its_fermi_level(tmp_path):
    counted = read_npz(graphene_file(tmp_path / "a.npz", n_electrons=np.array(2)))
    assert counted.band_structure().n_electrons == 2
    levelled = read_npz(graphene_file(tmp_path / "b.npz", fermi=np.array(0.5)))
    bands = levelled.band_structure(mesh=(6, 5, 1))
    assert bands.n_electrons == 2 and bands.fermi == pytest.approx(0.5 / HARTREE_EV)
    assert levelled.band_structure(3).fermi != pytest.approx(0.5 / HARTREE_EV)


@pytest.mark.parametrize("name", ["{}_{}_{}_{}", "{}({}, {}, {})", "{}[{},{},{}]"])
@pytest.mark.parametrize("half", [False, True])
def test_matrices_may_be_named_by_their_cell(tmp_path, k_points, name, half):
    cells = graphene_cells()
    if half:
        cells = {t: cells[t] for t in [(0, 0, 0), (-1, 0, 0), (0, -1, 0)]}
    arrays = {name.format(letter, *t): both[k] for t, both in cells.items() for k, letter in enumerate("HS")}
    np.savez(tmp_path / "cells.npz", **arrays, **GRAPHENE, unit=np.array("eV"))
    found = read_matrices(tmp_path / "cells.npz")
    assert_allclose(found.bands(k_points), textbook(k_points), atol=1e-12)
    assert ("filled in" in found.assumed) == half
    assert "order of orbitals is not said" in found.assumed


def test_names_may_be_translations_alone(tmp_path, k_points):
    np.savez(tmp_path / "chain.npz", **{"(0, 0, 0)": [[0.2]], "(1, 0, 0)": [[-0.1]]}, **CHAIN)
    found = read_npz(tmp_path / "chain.npz")
    assert_allclose(found.bands(k_points)[:, 0], 0.2 - 0.2 * np.cos(2 * np.pi * k_points[:, 0]), atol=1e-14)
    assert found.overlap is None and "orthonormal" in found.assumed


@pytest.mark.parametrize("where", ["nearest", "from 0", "far one positive"])
@pytest.mark.parametrize("n", [4, 5])
def test_a_set_of_a_mesh_is_moved_to_the_nearest_cells(tmp_path, n, where, k_points):
    """On the mesh the bands are those of the mesh's matrices, wherever its cells were written; n = 4 is shared."""
    k = np.arange(n) / n
    on_mesh = 0.3 * np.cos(2 * np.pi * k) + 0.1 * np.cos(4 * np.pi * k)
    cells = mesh_translations((n, 1, 1))
    h = real_space(on_mesh[:, None, None], (n, 1, 1))
    written = {
        "nearest": cells,
        "from 0": cells % [n, 1, 1],
        "far one positive": np.where(2 * cells == -n, n // 2, cells),
    }[where]
    np.savez(tmp_path / "mesh.npz", translations=written, hamiltonian=h, **CHAIN)
    found = read_npz(tmp_path / "mesh.npz")
    assert_allclose(found.bands(np.outer(k, [1, 0, 0]))[:, 0], on_mesh, atol=1e-12)
    mirror = found.bands(-k_points) - found.bands(k_points)
    assert_allclose(mirror, 0, atol=1e-12)
    assert ("modulo a mesh of" in found.assumed) == (n == 4 or where == "from 0")


def test_two_cells_are_one_half_unless_a_mesh_is_named(tmp_path):
    arrays = CHAIN | {"translations": [[0, 0, 0], [1, 0, 0]], "hamiltonian": [[[0.0]], [[-0.1]]]}
    np.savez(tmp_path / "half.npz", **arrays)
    np.savez(tmp_path / "mesh.npz", **arrays, mesh=[2, 1, 1])
    gamma = np.zeros((1, 3))
    assert read_npz(tmp_path / "half.npz").bands(gamma) == pytest.approx(-0.2)
    assert read_npz(tmp_path / "mesh.npz").bands(gamma) == pytest.approx(-0.1)


def test_a_round_trip_keeps_every_bit(tmp_path):
    found = read_npz(graphene_file(tmp_path / "a.npz", fermi=np.array(0.1), n_electrons=np.array(2)))
    write_npz(tmp_path / "b.npz", found)
    again = read_npz(tmp_path / "b.npz")
    for name in ("translations", "hamiltonian", "overlap"):
        assert_array_equal(getattr(again, name), getattr(found, name))
    assert again.structure.key == found.structure.key
    assert (again.orbitals, again.fermi, again.n_electrons) == (
        found.orbitals,
        found.fermi,
        found.n_electrons,
    )


@pytest.fixture(scope="module")
def silicon_d() -> tuple[Structure, tuple[int, int, int], np.ndarray, np.ndarray, AOLayout]:
    """Kinetic energy and overlap of tight s, p, d functions of silicon, at the k-points of a mesh: no SCF is needed."""
    half = 5.13
    cell = half * (np.ones((3, 3)) - np.eye(3))
    structure = Structure([14, 14], [[0, 0, 0], [half / 2] * 3], cell=cell, pbc=(True,) * 3, name="Si")
    made = make_cell(structure, "gth-szv", pseudo="gth-pbe")
    basis = [[0, [0.5, 1]], [1, [0.6, 1]], [2, [0.7, 1]]]
    made = made.copy()
    made.basis, made.pseudo = {"Si": basis}, None
    made.build(dump_input=False, parse_arg=False)
    mesh = (3, 3, 3)
    from hamexplorer.physics.bloch import mesh_points

    kpts = made.get_abs_kpts(mesh_points(mesh))
    t, s = (np.array(made.pbc_intor(name, hermi=1, kpts=kpts)) for name in ("int1e_kin", "int1e_ovlp"))
    return structure, mesh, t, s, AOLayout((14, 14), {14: (0, 1, 2)})


def reference_of(silicon_d) -> Reference:
    structure, mesh, t, s, _ = silicon_d
    energy = np.array([eigh(a, b, eigvals_only=True) for a, b in zip(t, s, strict=True)])
    values = Properties(mo_energy=energy, fermi=0.3)
    return Reference(
        structure=structure,
        n_occ=4,
        overlap=real_space(s, mesh),
        fock=real_space(t, mesh),
        iao_fock=None,
        small=values,
        large=values,
        mesh=np.array(mesh),
    )


def test_a_dataset_entry_is_written_and_read_again(tmp_path, silicon_d):
    from hamexplorer.physics.bloch import mesh_points

    reference = reference_of(silicon_d)
    ours = matrices_of(reference, silicon_d[-1])
    write_npz(tmp_path / "si.npz", ours)
    again = read_npz(tmp_path / "si.npz")
    assert_allclose(again.hamiltonian, ours.hamiltonian, atol=1e-15)
    assert again.orbitals == ours.orbitals and again.n_electrons == 8
    assert_allclose(again.bands(mesh_points((3, 3, 3))), reference.small.mo_energy, atol=1e-8)
    assert again.layout() == silicon_d[-1]
    assert again.in_our_order().orbitals == again.orbitals
    assert again.band_structure().n_electrons == 8


def test_an_overlap_that_has_not_fallen_off_is_said(tmp_path):
    cells = [[0, 0, 0], [1, 0, 0], [-1, 0, 0]]
    for name, s in (("far", 0.3), ("near", 0.003)):
        overlap = np.array([1, s, s])[:, None, None]
        np.savez(tmp_path / f"{name}.npz", translations=cells, hamiltonian=overlap, overlap=overlap, **CHAIN)
    assert "S is still 0.3 in the farthest cells" in read_npz(tmp_path / "far.npz").assumed
    assert "farthest" not in read_npz(tmp_path / "near.npz").assumed


def test_what_is_no_crystal_has_no_matrices(silicon_d):
    import dataclasses

    with pytest.raises(DatasetError, match="no matrices in real space"):
        matrices_of(dataclasses.replace(reference_of(silicon_d), mesh=None))
    with pytest.raises(LayoutError, match="has 8 orbitals and the matrices of Si 18"):
        matrices_of(reference_of(silicon_d), AOLayout((14, 14), {14: (0, 1)}))


POLYNOMIALS = {
    "": lambda x, y, z: np.ones_like(x),
    "x": lambda x, y, z: x,
    "y": lambda x, y, z: y,
    "z": lambda x, y, z: z,
    "xy": lambda x, y, z: x * y,
    "yz": lambda x, y, z: y * z,
    "z²": lambda x, y, z: 2 * z**2 - x**2 - y**2,
    "xz": lambda x, y, z: x * z,
    "x²-y²": lambda x, y, z: x**2 - y**2,
    "y(3x²-y²)": lambda x, y, z: y * (3 * x**2 - y**2),
    "xyz": lambda x, y, z: x * y * z,
    "yz²": lambda x, y, z: y * (4 * z**2 - x**2 - y**2),
    "z³": lambda x, y, z: z * (2 * z**2 - 3 * x**2 - 3 * y**2),
    "xz²": lambda x, y, z: x * (4 * z**2 - x**2 - y**2),
    "z(x²-y²)": lambda x, y, z: z * (x**2 - y**2),
    "x(x²-3y²)": lambda x, y, z: x * (x**2 - 3 * y**2),
}


@pytest.mark.parametrize("l", range(4))
def test_names_of_components_are_those_of_pyscfs_functions(l, rng):
    points = rng.normal(size=(40, 3))
    mol = gto.M(atom="He 0 0 0", basis={"He": [[l, [1.0, 1.0]]]})
    values = mol.eval_gto("GTOval_sph", points) * np.exp((points**2).sum(1))[:, None]
    for name, found in zip(components(l), values.T, strict=True):
        expected = POLYNOMIALS[name](*points.T)
        ratio = found / expected
        assert ratio.min() > 0
        assert_allclose(ratio, ratio[0], rtol=1e-8)


def test_orbitals_are_put_in_our_order(tmp_path, silicon_d, rng, k_points):
    """A shuffled file gives the same bands, and the same matrices after ordering."""
    ours = matrices_of(reference_of(silicon_d), silicon_d[-1])
    mixed = rng.permutation(ours.n_orbitals)
    import dataclasses

    rows = np.ix_(range(len(ours.translations)), mixed, mixed)
    shuffled = dataclasses.replace(
        ours,
        hamiltonian=ours.hamiltonian[rows],
        overlap=ours.overlap[rows],
        orbitals=tuple(ours.orbitals[k] for k in mixed),
    )
    write_npz(tmp_path / "mixed.npz", shuffled)
    found = read_npz(tmp_path / "mixed.npz")
    assert_allclose(found.bands(k_points[:3]), ours.bands(k_points[:3]), atol=1e-10)
    assert_allclose(found.in_our_order().hamiltonian, ours.hamiltonian, atol=1e-14)
    assert found.in_our_order().orbitals == ours.orbitals


def test_an_order_that_is_not_known_is_told(tmp_path):
    found = read_npz(graphene_file(tmp_path / "a.npz", orbitals=None))
    with pytest.raises(LayoutError, match="does not say which orbital is which"):
        found.in_our_order()
    lacking = read_npz(graphene_file(tmp_path / "b.npz"))
    with pytest.raises(LayoutError, match="write all 2l \\+ 1"):
        lacking.layout()


TWICE = np.array([[0, 0, 0]] * 5)
NOT_SQUARE = np.zeros((5, 2, 3))
FAR = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 2000, 0], [0, -2000, 0]])


def off_by(ev: float) -> np.ndarray:
    h = np.array([h for h, _ in graphene_cells().values()])
    h[1, 0, 1] += ev
    return h


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cell": None, "numbers": None}, "lacks cell, numbers; add the structure"),
        ({"hamiltonian": None}, "has no Hamiltonian"),
        ({"translations": None}, "lacks translations"),
        ({"translations": TWICE}, "holds the same T twice"),
        ({"translations": FAR}, "more than 1000 cells away"),
        ({"translations": np.ones((5, 3)) * 0.5}, "translations holds numbers that are not whole"),
        ({"translations": np.arange(10).reshape(5, 2)}, "translations has shape (5, 2) instead of (n, 3)"),
        ({"translations": np.arange(1, 16).reshape(5, 3)}, "no matrix for T = (0, 0, 0)"),
        ({"hamiltonian": NOT_SQUARE}, "hamiltonian has shape (5, 2, 3) for 5 cells of 3 orbitals"),
        ({"hamiltonian": np.full((5, 2, 2), np.nan)}, "H is not finite at T = (0, 0, 0), row 1, column 1"),
        ({"hamiltonian": np.full((5, 2, 2), 1j)}, "hamiltonian is complex"),
        ({"hamiltonian": off_by(0.1)}, "differ by 0.0037 Ha at T = (-1, 0, 0), orbitals 1 and 2"),
        ({"overlap": np.zeros((4, 2, 2))}, "overlap has shape (4, 2, 2) for 5 cells"),
        ({"overlap": 5 * off_by(0)}, "S(k) is not positive at k = "),
        ({"unit": np.array("kcal")}, "unit is 'kcal'; write one of Ha, eV, Ry"),
        ({"unit": np.array(3)}, "unit holds int64; write a text"),
        ({"numbers": np.array([6])}, "has 1 numbers and 2 positions"),
        ({"numbers": np.array([6, 300])}, "atom 2 has the atomic number 300"),
        ({"positions": np.zeros((2, 3))}, "0.00 Å apart"),
        ({"positions": np.full((2, 3), np.inf)}, "a position is not finite"),
        ({"cell": np.ones((3, 3))}, "nearly in one plane"),
        ({"orbitals": np.array([[0, 1, 0]])}, "orbitals has 1 lines and H 2 rows"),
        ({"orbitals": np.array([[0, 1, 0], [2, 1, 0]])}, "orbital 2 is atom 2, l 1, m 0"),
        ({"orbitals": np.array([[0, 1, 0], [1, 1, 2]])}, "m from -l to l"),
        ({"pbc": np.array([True, False, False])}, "along b, and pbc says it does not repeat"),
        ({"mesh": np.array([3, 3, 1])}, "a mesh of 3×3×1 tells 9 cells apart"),
        ({"mesh": np.array([0, 3, 1])}, "write three numbers of k-points"),
        ({"fermi": np.array(np.nan)}, "fermi is not finite"),
        ({"n_electrons": np.array(9)}, "2 orbitals hold 1 to 4 electrons"),
        ({"H_0_0_0": np.eye(2)}, "and matrices of single cells as well"),
        ({"energies": np.eye(2)}, "'energies' is no array of matrices in real space"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, changes, sentence):
    with pytest.raises(DatasetError, match=re.escape(sentence)) as told:
        read_npz(graphene_file(tmp_path / "wrong.npz", **changes))
    assert "wrong.npz" in str(told.value) and "\n" not in str(told.value)


def test_the_worst_k_point_of_an_overlap_is_named(tmp_path):
    cells, s = [[0, 0, 0], [1, 0, 0], [-1, 0, 0]], [[[1.0]], [[0.6]], [[0.6]]]
    np.savez(tmp_path / "s.npz", translations=cells, hamiltonian=s, overlap=s, **CHAIN)
    # 1 + 1.2 cos k is lowest at the zone's face.
    with pytest.raises(
        DatasetError, match=r"not positive at k = \(0.5, 0, 0\), where its smallest eigenvalue is -0.2"
    ):
        read_npz(tmp_path / "s.npz")


def test_the_worst_k_point_of_a_hamiltonian_is_named(tmp_path):
    h = [[[0.0]], [[0.1]], [[0.3]]]
    np.savez(tmp_path / "h.npz", translations=[[0, 0, 0], [1, 0, 0], [-1, 0, 0]], hamiltonian=h, **CHAIN)
    # What is not Hermitian is 2i · 0.2 sin k, largest at a quarter.
    with pytest.raises(
        DatasetError, match=r"differ by 0.2 Ha at T = \(1, 0, 0\).*worst at k = \(0.25, 0, 0\)"
    ):
        read_npz(tmp_path / "h.npz")
    mended = read_npz(tmp_path / "h.npz", symmetrize=True)
    assert mended.bands(np.zeros((1, 3))) == pytest.approx(0.4)
    assert "H is the mean of H(T) and H(-T)ᵀ, which differed by up to 0.2 Ha" in mended.assumed


def test_half_of_a_half_is_told(tmp_path):
    cells = [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [2, 0, 0], [4, 0, 0]]
    np.savez(tmp_path / "h.npz", translations=cells, hamiltonian=np.zeros((5, 1, 1)), **CHAIN)
    with pytest.raises(
        DatasetError, match=re.escape("matrix for T = (2, 0, 0) but none for -T, and both for others")
    ):
        read_npz(tmp_path / "h.npz")


def test_cells_with_one_matrix_only_are_told(tmp_path):
    one = np.eye(1)
    np.savez(tmp_path / "h.npz", H_0_0_0=one, S_0_0_0=one, S_1_0_0=0.1 * one, **CHAIN)
    with pytest.raises(DatasetError, match=re.escape("only one of H and S for T = (1, 0, 0)")):
        read_npz(tmp_path / "h.npz")
    np.savez(tmp_path / "twice.npz", H_0_0_0=one, **{"(0, 0, 0)": one}, **CHAIN)
    with pytest.raises(DatasetError, match=re.escape("holds H of T = (0, 0, 0) twice")):
        read_npz(tmp_path / "twice.npz")


def test_k_points_of_another_shape_are_told(tmp_path):
    found = read_npz(graphene_file(tmp_path / "graphene.npz"))
    with pytest.raises(SettingsError, match="shape"):
        found.bands(np.zeros(3))
    assert found.bands(np.zeros((0, 3))).shape == (0, 2)


def test_a_cell_without_neighbours_has_levels_but_no_bands(tmp_path):
    np.savez(tmp_path / "atom.npz", H_0_0_0=[[0.5]], **CHAIN)
    found = read_npz(tmp_path / "atom.npz")
    assert found.bands(np.zeros((1, 3))) == pytest.approx(0.5)
    with pytest.raises(StructureError, match="does not repeat"):
        found.band_structure(2)


def test_a_left_handed_cell_is_read_as_it_stands(tmp_path, k_points):
    flip = np.array([1, 1, -1.0])[:, None]
    found = read_npz(graphene_file(tmp_path / "left.npz", cell=GRAPHENE["cell"] * flip))
    assert_allclose(found.bands(k_points), textbook(k_points), atol=1e-12)
    assert_allclose(found.structure.positions * BOHR_ANGSTROM, GRAPHENE["positions"], atol=1e-12)


# Hostile files.


def member(header: bytes, content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    size = len(header).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + size + header + content


def with_member(path, name: str, raw: bytes):
    graphene_file(path, **{name: None})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", raw)
    return path


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**9,), }"), "damaged"),
        (
            member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999, 2), }"),
            "claims the shape",
        ),
        (member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-5, 2, 2), }"), "claims the shape"),
        (
            member(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"cposix\nsystem\n."),
            "never loaded",
        ),
        (
            member(b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", b"0" * 8),
            "plain numbers",
        ),
        (member(b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }", b"0" * 8), "plain numbers"),
        (member(b"[" * 5000), "damaged"),
        (member(b" " * 60000), "damaged"),
        (member(b"{}", version=b"\x03\x00"), "format (3, 0)"),
        (b"not numpy", "damaged"),
        (b"", "damaged"),
    ],
)
def test_a_hostile_array_is_told(tmp_path, raw, sentence):
    with pytest.raises(DatasetError, match=re.escape(sentence)) as told:
        read_npz(with_member(tmp_path / "hostile.npz", "hamiltonian", raw))
    assert "\n" not in str(told.value)


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "text.npz").write_text("H")
    np.save(tmp_path / "plain.npy", np.eye(2))
    for name, sentence in (
        ("text.npz", "is no .npz file or damaged"),
        ("plain.npy", "neither a DeepH folder nor an .npz file"),
        ("absent.npz", "there is no file"),
    ):
        with pytest.raises(DatasetError, match=sentence):
            read_matrices(tmp_path / name)


def test_too_many_numbers_are_told_before_they_are_converted(tmp_path):
    much = np.zeros((937_501, 4, 4), np.int8)
    with pytest.raises(DatasetError, match="15,000,016 numbers, more than the 15,000,000 that fit here"):
        read_npz(graphene_file(tmp_path / "a.npz", hamiltonian=much))


def test_sets_that_would_not_fit_are_told_before_they_are_made(tmp_path):
    many = {f"H_{k}_0_0": np.eye(300) * (k == 0) for k in range(20)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hamexplorer.reference.matrix_checks.MAX_NUMBERS", 10**6)
        np.savez_compressed(tmp_path / "a.npz", **many, **CHAIN)
        with pytest.raises(DatasetError, match="holds 20 cells of 300 × 300 numbers"):
            read_npz(tmp_path / "a.npz")


def ends_in_a_sentence_or_in_matrices(read) -> None:
    """Anything but an error of this package gets through and fails the test."""
    told = ""
    try:
        read()
    except HamExplorerError as error:
        told = str(error)
    assert "\n" not in told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    descr=st.sampled_from(["<f8", "<i4", "|b1", "<c16", "<U5", "|O", ">f4", "|V8", "<f16", "|S3"]),
    shape=st.lists(st.integers(-2, 2**70) | st.integers(0, 3), max_size=4),
    content=st.binary(max_size=80),
    name=st.sampled_from(
        ["hamiltonian", "translations", "overlap", "unit", "numbers", "orbitals", "n_electrons"]
    ),
    column_major=st.booleans(),
)
def test_any_header_ends_in_a_sentence(tmp_path, descr, shape, content, name, column_major):
    header = str({"descr": descr, "fortran_order": column_major, "shape": tuple(shape)}).encode()
    ends_in_a_sentence_or_in_matrices(
        lambda: read_npz(with_member(tmp_path / "fuzz.npz", name, member(header, content)))
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_a_flipped_byte_ends_in_a_sentence_or_in_matrices(tmp_path, place, byte, cut):
    buffer = io.BytesIO()
    graphene_file(buffer)
    raw = bytearray(buffer.getvalue())
    raw[place % len(raw)] = byte
    path = tmp_path / "flipped.npz"
    path.write_bytes(bytes(raw[: place % len(raw)] if cut else raw))
    ends_in_a_sentence_or_in_matrices(lambda: read_npz(path))
