"""DeepH folders: order, units and pairs against PySCF's own matrices, and one sentence for each thing that is wrong."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pyscf.pbc import gto
from scipy.linalg import eigh

from hamexplorer.cli import OK, USER_ERROR, main
from hamexplorer.errors import DatasetError, HamExplorerError, LayoutError
from hamexplorer.physics.bloch import mesh_points, mesh_translations, real_space
from hamexplorer.reference.deeph import COMPONENTS, read_deeph
from hamexplorer.reference.matrices import read_matrices
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

MESH = (3, 3, 1)
#: Place among PySCF's components of each of the file's; for d and f, inverse of `Us_openmx2wiki` in DeepH's rotate.py.
OPENMX = {0: [0], 1: [0, 1, 2], 2: [2, 4, 0, 3, 1], 3: [3, 4, 2, 5, 1, 6, 0]}
SHELLS = {"B": (1, 0, 3), "N": (0, 2)}


@pytest.fixture(scope="module")
def layer() -> SimpleNamespace:
    """Kinetic energy and overlap of a boron nitride layer with s, p, d and f functions, by PySCF, no SCF needed."""
    cell = gto.M(
        a=np.array([[2.5, 0, 0], [-1.25, 2.165, 0], [0, 0, 12]]),
        atom=[("B", (0, 0, 0)), ("N", (1.25, 0.7217, 0.1))],
        basis={"B": [[0, [0.8, 1]], [1, [0.8, 1]], [3, [1.1, 1]]], "N": [[0, [0.7, 1]], [2, [0.9, 1]]]},
        dimension=3,
        verbose=0,
        precision=1e-10,
    )
    kpts = cell.get_abs_kpts(mesh_points(MESH))
    t, s = (np.array(cell.pbc_intor(name, hermi=1, kpts=kpts)) for name in ("int1e_kin", "int1e_ovlp"))
    return SimpleNamespace(cell=cell, t=t, s=s, h_cells=real_space(t, MESH), s_cells=real_space(s, MESH))


def to_deeph(matrices: np.ndarray) -> np.ndarray:
    """PySCF's order (B: s p f, N: s d) to the order of the files (B: p s f, N: s d, in OpenMX's order)."""
    ours = {("B", 0): 0, ("B", 1): 1, ("B", 3): 4, ("N", 0): 11, ("N", 2): 12}
    rows = [
        ours[element, l] + place for element, shells in SHELLS.items() for l in shells for place in OPENMX[l]
    ]
    return matrices[:, rows][:, :, rows]


def blocks_of(matrices: np.ndarray, sizes: tuple[int, ...] = (11, 6)) -> dict[str, np.ndarray]:
    start = np.concatenate([[0], np.cumsum(sizes)])
    return {
        f"[{a}, {b}, {c}, {i + 1}, {j + 1}]": m[start[i] : start[i + 1], start[j] : start[j + 1]]
        for (a, b, c), m in zip(mesh_translations(MESH).tolist(), matrices, strict=True)
        for i in range(len(sizes))
        for j in range(len(sizes))
    }


def write_blocks(path: Path, blocks: dict[str, np.ndarray]) -> None:
    with h5py.File(path, "w") as file:
        for name, block in blocks.items():
            file[name] = block


@pytest.fixture
def folder(tmp_path, layer) -> Path:
    path = tmp_path / "bn"
    path.mkdir()
    cell = layer.cell.lattice_vectors() * BOHR_ANGSTROM
    np.savetxt(path / "lat.dat", cell.T)
    np.savetxt(path / "rlat.dat", 2 * np.pi * np.linalg.inv(cell))
    np.savetxt(path / "site_positions.dat", layer.cell.atom_coords().T * BOHR_ANGSTROM)
    np.savetxt(path / "element.dat", [5, 7], fmt="%d")
    (path / "orbital_types.dat").write_text("1  0  3\n0  2\n")
    (path / "info.json").write_text(json.dumps({"isspinful": False, "fermi_level": 30.0, "nsites": 2}))
    write_blocks(path / "hamiltonians.h5", blocks_of(to_deeph(layer.h_cells) * HARTREE_EV))
    write_blocks(path / "overlaps.h5", blocks_of(to_deeph(layer.s_cells)))
    return path


def change(path: Path, name: str, key: str, value) -> None:
    with h5py.File(path / name, "a") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value


def expected(layer) -> np.ndarray:
    return np.array([eigh(t, s, eigvals_only=True) for t, s in zip(layer.t, layer.s, strict=True)])


def test_the_bands_are_those_of_the_matrices_at_k(folder, layer):
    found = read_deeph(folder)
    assert_allclose(found.bands(mesh_points(MESH)), expected(layer), atol=1e-9)
    assert found.structure.pbc == (True, True, False) and found.structure.symbols == ("B", "N")
    assert_allclose(found.structure.positions, layer.cell.atom_coords(), atol=1e-9)
    assert found.fermi == pytest.approx(30 / HARTREE_EV)
    assert "OpenMX's order" in found.assumed and "energies in eV" in found.assumed


def test_in_our_order_the_matrices_are_pyscfs(folder, layer):
    """Every element, so every place and sign of m: N out of the plane leaves no block of p, d and f symmetric."""
    found = read_deeph(folder).in_our_order()
    place = {tuple(t): k for k, t in enumerate(found.translations.tolist())}
    rows = [place[tuple(t)] for t in mesh_translations(MESH).tolist()]
    assert_allclose(found.hamiltonian[rows], layer.h_cells, atol=1e-9)
    assert_allclose(found.overlap[rows], layer.s_cells, atol=1e-9)
    assert found.layout().shells == {5: (0, 1, 3), 7: (0, 2)}
    labels = [label.split()[2][2:] for label in found.layout().labels]
    assert [orbital.component for orbital in found.orbitals] == labels


def test_a_band_structure_needs_the_fermi_level_only(folder):
    bands = read_matrices(folder).band_structure(mesh=(3, 3, 1), n_points=8)
    filled = (bands.mesh_energy < bands.fermi).sum(1) @ bands.mesh_weights
    assert bands.n_electrons == round(2 * filled) > 0
    assert bands.path_energy.shape == (len(bands.path.points), 17)


def test_partners_that_are_missing_are_filled_in(folder, layer):
    """One half of the pairs says everything; also where all blocks of -T are missing."""
    for name in ("hamiltonians.h5", "overlaps.h5"):
        with h5py.File(folder / name, "a") as file:
            for key in list(file):
                t1, t2, t3, i, j = json.loads(key)
                if (t1, t2, t3) < (0, 0, 0) or ((t1, t2, t3) == (0, 0, 0) and i > j):
                    del file[key]
    found = read_deeph(folder)
    assert_allclose(found.bands(mesh_points(MESH)), expected(layer), atol=1e-9)
    assert "blocks without partner were filled in" in found.assumed


def test_blocks_that_vanish_may_be_left_out(folder):
    gone = "[0, 0, 0, 1, 2]", "[0, 0, 0, 2, 1]"
    for key in gone:
        change(folder, "hamiltonians.h5", key, None)
    found = read_deeph(folder)
    home = found.translations.tolist().index([0, 0, 0])
    assert not found.hamiltonian[home, :11, 11:].any() and found.overlap[home, :11, 11:].any()


def test_a_predicted_hamiltonian_is_read_and_said(folder, layer):
    (folder / "hamiltonians.h5").rename(folder / "hamiltonians_pred.h5")
    assert "predicted one of hamiltonians_pred.h5" in read_deeph(folder).assumed


def test_one_atom_has_columns_of_one_number(tmp_path):
    """numpy.savetxt writes one column, and reads it as a line: a chain of one orbital in a table of three lines."""
    path = tmp_path / "chain"
    path.mkdir()
    np.savetxt(path / "lat.dat", np.diag([3.0, 8, 8]))
    np.savetxt(path / "site_positions.dat", np.zeros((3, 1)))
    np.savetxt(path / "element.dat", [1], fmt="%d")
    (path / "orbital_types.dat").write_text("0\n")
    (path / "info.json").write_text('{"isorthogonal": true}')
    write_blocks(
        path / "hamiltonians.h5",
        {"[0, 0, 0, 1, 1]": np.eye(1), "[1, 0, 0, 1, 1]": -2 * np.eye(1, dtype="f4")},
    )
    found = read_deeph(path)
    k = np.linspace(0, 1, 7)
    textbook = (1 - 4 * np.cos(2 * np.pi * k)) / HARTREE_EV
    assert_allclose(found.bands(np.outer(k, [1, 0, 0]))[:, 0], textbook, atol=1e-12)
    assert found.overlap is None
    assert "the orbitals are orthonormal" in found.assumed and "no rlat.dat" in found.assumed


def text(name: str, content: str):
    return lambda folder: (folder / name).write_text(content)


def gone(*names: str):
    return lambda folder: [(folder / name).unlink() for name in names]


def block(key: str, value, name: str = "hamiltonians.h5"):
    return lambda folder: change(folder, name, key, value)


def transposed(name: str):
    return lambda folder: np.savetxt(folder / name, np.loadtxt(folder / name).T)


def scaled(name: str, factor: float):
    return lambda folder: np.savetxt(folder / name, np.loadtxt(folder / name) * factor)


HOME = "[0, 0, 0, 1, 1]"


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (gone("lat.dat", "element.dat"), "lacks lat.dat, element.dat; copy the whole folder"),
        (gone("hamiltonians.h5"), "lacks hamiltonians.h5"),
        (gone("overlaps.h5"), "lacks overlaps.h5, without which H gives no bands"),
        (text("element.dat", "5\n"), "element.dat 1 atoms; write three lines with one column an atom"),
        (text("element.dat", "5\n7.5\n"), "atom 2 has the atomic number 7.5"),
        (text("element.dat", ""), "element.dat is empty"),
        (transposed("site_positions.dat"), "site_positions.dat has 2 lines of 3 numbers"),
        (text("lat.dat", "1 2\n3 4\n"), "no 3 × 3 table"),
        (text("lat.dat", "1 2 3\n4 5\n"), "line 2 has 2 numbers and the first 3"),
        (text("lat.dat", "1 2 x\n"), "line 1: 'x' is no number"),
        (text("rlat.dat", "1 2 3\n"), "rlat.dat is no 3 × 3 table"),
        (text("lat.dat", "nan 0 0\n0 1 0\n0 0 1"), "not finite"),
        (transposed("lat.dat"), "one of them holds its vectors as rows"),
        (transposed("rlat.dat"), "one of them holds its vectors as rows"),
        (scaled("rlat.dat", 1 / (2 * np.pi)), "rlat.dat lacks the factor 2π"),
        (scaled("rlat.dat", 1.01), "off 2π by 0.01 parts; write both from one lattice"),
        (text("orbital_types.dat", "1 0 3\n"), "has 1 lines and element.dat 2 atoms"),
        (text("orbital_types.dat", "1 0 3\n0 4\n"), "line 2: '4' is no shell that DeepH has an order for"),
        (
            text("orbital_types.dat", "1 0 3\n0 1\n"),
            "has shape (11, 6) and orbital_types.dat asks for (11, 4)",
        ),
        (text("info.json", "{"), "no JSON of DeepH"),
        (text("info.json", "[" * 100000), "no JSON of DeepH"),
        (text("info.json", '{"fermi_level": "high"}'), "fermi_level is no number"),
        (text("info.json", '{"isspinful": true}'), "spinors (isspinful)"),
        (text("info.json", '{"nsites": 3}'), "says 3 atoms and element.dat 2"),
        (text("hamiltonians.h5", "H"), "is no HDF5 file or damaged at its start"),
        (lambda folder: (folder / "lat.dat").write_bytes(b"\xff\xfe\x00"), "is no text file"),
        (block("H", np.eye(11)), "'H' names no pair of atoms"),
        (block("[0, 0, 0, 1, 1, 1]", np.eye(11)), "names no pair of atoms"),
        (block("[0, 0, 0, 0, 1]", np.eye(11)), "beyond the 2 of element.dat; count atoms from 1"),
        (block("[0, 0, 0, 3, 1]", np.eye(11)), "beyond the 2 of element.dat"),
        (block("[5000, 0, 0, 1, 1]", np.eye(11)), "1000 cells away or more"),
        (block(HOME, None), "no block [0, 0, 0, 1, 1]"),
        (block(HOME, np.eye(22)), "it seems to hold spinors"),
        (block(HOME, np.eye(11) * 1j), "is complex, as with spin-orbit"),
        (block(HOME, np.full((11, 11), b"x")), "holds no numbers"),
        (block(HOME, np.full((11, 11), np.nan)), "H is not finite at T = (0, 0, 0), row 1, column 1"),
        (block(HOME, h5py.SoftLink("/[0, 0, 0, 2, 2]")), "is a link to elsewhere"),
        (block(HOME, h5py.ExternalLink("/etc/passwd", "x")), "is a link to elsewhere"),
        (block("[1, 0, 0, 1, 2]", np.ones((11, 6))), "so H(k) is not Hermitian, worst at k = "),
        (block("[1, 0, 0, 1, 2]", np.ones((11, 6)), "overlaps.h5"), "S(T) and S(-T)ᵀ differ by"),
        (block(HOME, -np.eye(11), "overlaps.h5"), "S(k) is not positive at k = "),
        (block("atom_pairs", [1]), "names no pair of atoms"),
    ],
)
def test_what_is_wrong_is_told(folder, damage, sentence):
    damage(folder)
    with pytest.raises(DatasetError, match=re.escape(sentence)) as told:
        read_deeph(folder)
    assert str(folder) in str(told.value) and "\n" not in str(told.value)


def test_the_newer_layout_is_told(folder):
    write_blocks(folder / "hamiltonians.h5", {"atom_pairs": np.zeros((1, 5), int), "entries": np.zeros(3)})
    with pytest.raises(DatasetError, match="the newer layout of DeepH-dock"):
        read_deeph(folder)


def test_a_block_elsewhere_or_larger_than_memory_is_told(folder, tmp_path):
    def replaced(make) -> str:
        with h5py.File(folder / "hamiltonians.h5", "a") as file:
            if HOME in file:
                del file[HOME]
            make(file)
        with pytest.raises(DatasetError) as told:
            read_deeph(folder)
        return str(told.value)

    layout = h5py.VirtualLayout(shape=(11, 11), dtype="f8")
    assert "no plain array" in replaced(lambda file: file.create_virtual_dataset(HOME, layout))
    assert "no plain array" in replaced(
        lambda file: file.create_dataset(HOME, (11, 11), "f8", external=[(str(tmp_path / "other"), 0, 968)])
    )
    assert "no plain array" in replaced(lambda file: file.create_group(HOME))
    huge = replaced(lambda file: file.create_dataset(HOME, (2**40, 2**20), "f8", chunks=(64, 64)))
    assert "has shape (1099511627776, 1048576)" in huge


def test_what_is_no_folder_is_told(folder):
    with pytest.raises(DatasetError, match="is no folder"):
        read_deeph(folder / "lat.dat")


def test_the_mean_is_taken_on_demand(folder):
    change(folder, "hamiltonians.h5", "[1, 0, 0, 1, 2]", np.ones((11, 6)))
    assert "H is the mean of H(T) and H(-T)ᵀ" in read_deeph(folder, symmetrize=True).assumed


def test_small_differences_are_rounding(folder):
    """As a network leaves them, or single precision does."""
    with h5py.File(folder / "hamiltonians.h5", "a") as file:
        for key in list(file):
            values = file[key][()].astype("f4")
            del file[key]
            file[key] = values
        file["[1, 0, 0, 1, 2]"][0, 0] += 1e-4
    assert "H is the mean of H(T) and H(-T)ᵀ" in read_deeph(folder).assumed


def test_a_layout_needs_equal_shells_on_equal_elements(folder):
    (folder / "element.dat").write_text("5\n5\n")
    with pytest.raises(LayoutError, match="atom 2 has other shells than the B before it"):
        read_deeph(folder).layout()


def test_orders_are_permutations_of_pyscfs():
    from hamexplorer.reference.real_space import components

    for l, names in COMPONENTS.items():
        assert sorted(names) == sorted(components(l))


def test_the_command_writes_bands(folder, tmp_path, capsys):
    out = tmp_path / "bands.csv"
    assert (
        main(["bands", str(folder), "--electrons", "8", "--points", "6", "--units", "Ha", "--out", str(out)])
        == OK
    )
    said = capsys.readouterr().out
    assert "assumed: DeepH folder" in said and "8 electrons a cell" in said
    with out.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    k = np.array([[float(x) for x in row[2:5]] for row in rows[1:]])
    energy = np.array([[float(x) for x in row[5:]] for row in rows[1:]])
    assert rows[1][0] == "Γ"
    assert_allclose(energy, read_deeph(folder).bands(k), atol=1e-8)
    assert main(["bands", str(folder), "--points", "6", "--out", str(tmp_path / "bands.json")]) == OK
    report = json.loads((tmp_path / "bands.json").read_text(encoding="utf-8"))
    assert_allclose(np.array(report["path"]["energy"]) / HARTREE_EV, energy, atol=1e-8)
    (folder / "lat.dat").unlink()
    assert main(["bands", str(folder)]) == USER_ERROR
    assert "lacks lat.dat" in capsys.readouterr().err


def ends_in_a_sentence_or_in_matrices(read) -> None:
    """Anything but an error of this package gets through and fails the test."""
    told = ""
    try:
        read()
    except HamExplorerError as error:
        told = str(error)
    assert "\n" not in told


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.text(alphabet="[]0123456789-, ", max_size=24) | st.just(HOME),
    dtype=st.sampled_from(["f8", "f2", "i1", "c8", "S4", "?"]),
    shape=st.lists(st.integers(0, 12), max_size=3),
    name=st.sampled_from(["hamiltonians.h5", "overlaps.h5"]),
)
def test_any_block_ends_in_a_sentence_or_in_matrices(folder, key, dtype, shape, name):
    if not key.strip() or key in (".", "/"):
        return
    with h5py.File(folder / name, "a") as file:
        kept = file[key][()] if key in file else None
        if kept is not None:
            del file[key]
        file.create_dataset(key, tuple(shape), dtype)
    ends_in_a_sentence_or_in_matrices(lambda: read_deeph(folder))
    change(folder, name, key, kept)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        ["lat.dat", "rlat.dat", "site_positions.dat", "element.dat", "orbital_types.dat", "info.json"]
    ),
    content=st.binary(max_size=40)
    | st.text(alphabet='0123456789.eE+- \n\tnaif{}[]:"', max_size=40).map(str.encode),
)
def test_any_text_ends_in_a_sentence_or_in_matrices(folder, name, content):
    kept = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    ends_in_a_sentence_or_in_matrices(lambda: read_deeph(folder))
    (folder / name).write_bytes(kept)
