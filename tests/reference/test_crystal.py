"""Calculations with k-points: as PySCF gives them without our shortcuts, whole through real space, store and file."""

from __future__ import annotations

from dataclasses import fields, replace

import h5py
import numpy as np
import pytest
from ase import Atoms
from pyscf.pbc import dft, gto
from scipy.linalg import eigh

from hamexplorer.errors import (
    BasisError,
    DatasetError,
    ReferenceCalculationError,
    SettingsError,
    StructureError,
)
from hamexplorer.physics.bloch import bloch_sum, mesh_points
from hamexplorer.reference.crystal import calculate_crystal, check_crystal
from hamexplorer.reference.crystal_method import CrystalLevel, CrystalMethod, CrystalPoint
from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.reference.method import LevelOfTheory, ReferenceMethod
from hamexplorer.reference.properties import MATRIX_FIELDS, Properties, Reference, ReferenceDataset
from hamexplorer.reference.sealed import seal
from hamexplorer.reference.single_point import calculate
from hamexplorer.reference.store import STORE_FORMAT, entry_key
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyethylene, supercell
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

#: Of silicon: three axes that differ, and points at which k and -k are not the same.
SILICON = CrystalLevel(mesh=(3, 2, 1), smearing=0.0, cutoff=30.0)
#: Of a chain of hydrogen: a third of a second.
QUICK = CrystalLevel(mesh=(3, 1, 1), smearing=0.0, cutoff=40.0)


def chain(bond: float = 0.75, n: int = 2) -> Structure:
    """Hydrogen along x, 2 Å a cell; with a bond of 1 Å it is a metal."""
    positions = [[bond * k, 2.0, 2.0] for k in range(n)]
    atoms = Atoms(f"H{n}", positions, cell=[2.0, 4.0, 4.0], pbc=(True, False, False))
    return Structure.from_ase(atoms, name=f"chain {bond}", source="a test", periodic=True)


@pytest.fixture(scope="module")
def silicon() -> tuple[CrystalPoint, dft.krks.KRKS]:
    """Ours, and PySCF's own: plain Fourier transforms of a cell that is written down here once more."""
    structure = build_bulk("Si")
    cell = gto.M(
        a=structure.cell * BOHR_ANGSTROM,
        atom=[("Si", (0.0, 0.0, 0.0)), ("Si", (5.431 / 4,) * 3)],
        basis="gth-szv",
        pseudo="gth-pbe",
        ke_cutoff=30.0,
        precision=1e-9,
        verbose=0,
    )
    point = calculate_crystal(structure, SILICON)
    mf = dft.KRKS(cell, cell.make_kpts([3, 2, 1]), xc="pbe")
    mf.conv_tol = 1e-8
    # Begun from our density, for it would else take three times as long; where it ends is its own affair.
    mf.kernel(mf.make_rdm1(*orbitals_at_k(point)))
    return point, mf


def orbitals_at_k(point: CrystalPoint) -> tuple[np.ndarray, np.ndarray]:
    matrices = (at_k(point, name, SILICON.mesh) for name in ("fock", "overlap"))
    return np.array([eigh(fock, overlap)[1] for fock, overlap in zip(*matrices, strict=True)]), point.mo_occ


@pytest.fixture(scope="module")
def insulator() -> CrystalPoint:
    return calculate_crystal(chain(), QUICK)


@pytest.fixture(scope="module")
def crystals(insulator) -> ReferenceDataset:
    """Two chains on different meshes, with a larger basis beside the small one."""
    references = []
    for mesh in ((3, 1, 1), (2, 1, 1)):
        small, large = (replace(QUICK, basis=basis, mesh=mesh) for basis in ("gth-szv", "gth-dzvp"))
        points = [calculate_crystal(chain(), level) for level in (small, large)]
        references.append(Reference.of_crystal(chain(), *points, mesh))
    return ReferenceDataset("chains", CrystalMethod(k_length=6.0, cutoff=40.0), tuple(references))


def at_k(point: CrystalPoint, name: str, mesh: tuple[int, int, int]) -> np.ndarray:
    return bloch_sum(getattr(point, name), point.translations, mesh_points(mesh))


def test_points_of_the_mesh_are_pyscfs_own(silicon):
    mf = silicon[1]
    np.testing.assert_allclose(mf.cell.get_abs_kpts(mesh_points(SILICON.mesh)), mf.kpts, atol=1e-12)


def test_bands_and_energy_are_those_of_plain_fourier_transforms(silicon):
    """Multigrid costs 2 µHa at this cutoff."""
    point, mf = silicon
    assert mf.converged
    np.testing.assert_allclose(point.mo_energy, mf.mo_energy, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(point.mo_occ, mf.mo_occ)
    assert point.e_tot == pytest.approx(mf.e_tot, abs=5e-6)


def test_matrices_in_real_space_are_pyscfs_at_every_k(silicon):
    point, mf = silicon
    np.testing.assert_allclose(at_k(point, "overlap", SILICON.mesh), mf.get_ovlp(), atol=1e-7)
    np.testing.assert_allclose(at_k(point, "fock", SILICON.mesh), mf.get_fock(), atol=1e-5)
    assert point.fock.dtype == point.overlap.dtype == float
    assert point.translations.shape == (6, 3) and point.fock.shape == (6, 8, 8)


@pytest.mark.parametrize("name", ["silicon", "insulator"])
def test_matrices_in_real_space_give_the_levels(name, request):
    found = request.getfixturevalue(name)
    point, mesh = (found[0], SILICON.mesh) if name == "silicon" else (found, QUICK.mesh)
    for fock, overlap, energy in zip(
        at_k(point, "fock", mesh), at_k(point, "overlap", mesh), point.mo_energy, strict=True
    ):
        np.testing.assert_allclose(eigh(fock, overlap, eigvals_only=True), energy, atol=1e-7)
        assert (np.diff(energy) >= 0).all()


def test_the_fermi_level_lies_in_the_gap_and_the_electrons_are_below(silicon):
    point = silicon[0]
    assert point.mo_energy[point.mo_occ > 0].max() < point.fermi < point.mo_energy[point.mo_occ == 0].min()
    assert point.n_electrons == 8
    assert point.mo_occ.sum() / len(point.mo_occ) == pytest.approx(8)


def test_a_metal_has_electrons_on_both_sides_of_the_fermi_level():
    """Equidistant hydrogen: its band crosses the Fermi level at the border of the zone, where two levels meet."""
    level = replace(QUICK, mesh=(4, 1, 1), smearing=0.01)
    point = calculate_crystal(chain(bond=1.0), level)
    assert point.mo_occ.sum() / 4 == pytest.approx(2.0, abs=1e-8)
    np.testing.assert_allclose(
        point.mo_occ, 2 / (1 + np.exp((point.mo_energy - point.fermi) / 0.01)), atol=0.02
    )
    np.testing.assert_allclose(point.mo_occ[2], 1.0, atol=0.02)
    np.testing.assert_allclose(point.mo_energy[2], point.fermi, atol=1e-3)


def test_a_minimal_basis_may_have_no_empty_level():
    helium = Structure(np.array([2]), np.zeros((1, 3)), cell=4.5 * np.eye(3), pbc=(True,) * 3, name="He")
    point = calculate_crystal(helium, replace(QUICK, mesh=(2, 1, 1), cutoff=150.0))
    assert point.mo_energy.shape == (2, 1) and point.fermi == point.mo_energy.max()


def test_one_point_is_one_cell(insulator):
    """Nothing to see of how fast matrices decay; with more points it can be told."""
    assert np.isnan(calculate_crystal(chain(), replace(QUICK, mesh=(1, 1, 1))).decay)
    far = np.abs(insulator.fock[np.abs(insulator.translations).max(1) == 1]).max()
    assert insulator.decay == pytest.approx(far / np.abs(insulator.fock).max())


def test_bands_on_the_path_are_pyscfs_own(silicon):
    """From the converged density at any k, by plain Fourier transforms."""
    point, mf = silicon
    chosen = [0, 7, 30]
    theirs = mf.get_bands(mf.cell.get_abs_kpts(point.path_points[chosen]))[0]
    np.testing.assert_allclose(point.path_energy[chosen], theirs, rtol=0, atol=2e-5)
    assert point.path_points.shape == (len(point.path_energy), 3)


def test_a_layer_has_a_vacuum_level_and_nothing_else_does(insulator, silicon):
    """The work function of graphene is 4.5 eV (4.48 in LDA: Giovannetti et al., Phys. Rev. Lett. 101, 026803, 2008)."""
    assert np.isnan(insulator.vacuum) and np.isnan(silicon[0].vacuum)
    flat = read_dataset("graphene").references[0].large
    assert (flat.vacuum - flat.fermi) * HARTREE_EV == pytest.approx(4.48, abs=0.3)


@pytest.mark.slow
def test_hartree_fock_and_all_electrons_are_fitted_by_gaussians():
    """Koopmans' gap of the chain is far wider than that of PBE; all electrons give PySCF's own energy."""
    pbe, hf = (calculate_crystal(chain(), replace(QUICK, xc=xc)) for xc in ("pbe", "hf"))
    gaps = [p.mo_energy[:, 1].min() - p.mo_energy[:, 0].max() for p in (pbe, hf)]
    assert gaps[1] > gaps[0] + 0.2
    full = calculate_crystal(chain(), replace(QUICK, basis="sto-3g", pseudo="none", cutoff=0.0))
    cell = gto.M(
        a=chain().cell, atom=[("H", r) for r in chain().positions], unit="Bohr", basis="sto-3g", verbose=0
    )
    mf = dft.KRKS(cell, cell.make_kpts([3, 1, 1]), xc="pbe").density_fit()
    mf.kernel()
    assert full.e_tot == pytest.approx(mf.e_tot, abs=1e-5)


def test_a_cutoff_of_zero_follows_the_sharpest_function():
    """35 times the largest exponent of the basis: that of carbon's gth-szv is 4.336."""
    assert check_crystal(build_layer(), CrystalLevel(mesh=(1, 1, 1))).ke_cutoff == np.ceil(35 * 4.3362376436)


def test_a_supercell_has_the_energy_of_its_cells():
    """Two cells on two points are one cell on four, to the fineness of the grid."""
    level = replace(QUICK, cutoff=100.0)
    one = calculate_crystal(chain(), replace(level, mesh=(4, 1, 1)))
    two = calculate_crystal(supercell(chain(), (2, 1, 1)), replace(level, mesh=(2, 1, 1)))
    assert two.e_tot == pytest.approx(2 * one.e_tot, abs=2e-5)
    # Points 0 and 2 of the four fold onto Γ, 1 and 3 onto the border.
    folded = [np.sort(np.concatenate(one.mo_energy[k])) for k in ([0, 2], [1, 3])]
    np.testing.assert_allclose(two.mo_energy, folded, atol=2e-5)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        (
            {"mesh": (2, 1, 2)},
            SettingsError,
            "does not repeat along c, and the mesh has 2 points there; use 1",
        ),
        ({"basis": "no-such-basis"}, BasisError, "with the basis 'no-such-basis' .*; choose another pair"),
        (
            {"pseudo": "no-such-core"},
            BasisError,
            "the pseudopotential 'no-such-core': .*; choose another pair",
        ),
    ],
)
def test_a_level_that_cannot_be_is_told(changes, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        calculate_crystal(chain(), replace(QUICK, **changes))
    assert "chain 0.75" in str(caught.value) and "\n" not in str(caught.value)


def test_a_grid_too_coarse_for_the_pseudopotential_is_told():
    """PySCF's matrices at k and -k are then no longer conjugates; neon is the hardest of its row."""
    neon, sentence = (
        build_bulk("Ne", "fcc", 4.4),
        r"F of Ne fcc changes by .* of 40 Ha, k and -k .*; raise the cutoff",
    )
    with pytest.raises(ReferenceCalculationError, match=sentence):
        calculate_crystal(neon, replace(QUICK, mesh=(2, 2, 2)))


def test_an_element_without_functions_is_told():
    with pytest.raises(
        BasisError, match=r"U fcc cannot be set up with the basis 'gth-szv' .*; choose another pair"
    ):
        calculate_crystal(build_bulk("U", "fcc", 4.9), QUICK)


def test_odd_electrons_are_told():
    with pytest.raises(StructureError, match=r"has 1 valence electrons a cell; .* double the cell or change"):
        calculate_crystal(chain(n=1), QUICK)


def test_a_molecule_is_told(molecule):
    with pytest.raises(StructureError, match="H2 has no cell; a crystal calculation needs its three vectors"):
        calculate_crystal(molecule("H2"), replace(QUICK, mesh=(1, 1, 1)))


def test_an_scf_that_does_not_converge_is_told(monkeypatch):
    monkeypatch.setattr(dft.krks.KRKS, "max_cycle", property(lambda mf: 2, lambda mf, n: None))
    with pytest.raises(
        ReferenceCalculationError, match=r"the SCF of chain .* did not converge in 2 cycles; .* wider"
    ):
        calculate_crystal(chain(), QUICK)


@pytest.mark.parametrize(
    ("structure", "mesh"),
    [
        (build_layer(), (8, 8, 1)),
        (supercell(build_layer(), (2, 2, 1)), (4, 4, 1)),
        (supercell(build_layer(), (4, 1, 1)), (2, 8, 1)),
        (supercell(build_layer(), (20, 1, 1)), (1, 8, 1)),
        (build_bulk("Si"), (5, 5, 5)),
        (build_polyethylene(), (8, 1, 1)),
        (Structure(np.array([2]), np.zeros((1, 3))), (1, 1, 1)),
    ],
    ids=lambda value: getattr(value, "label", None),
)
def test_the_mesh_follows_the_lengths_of_the_cell(structure, mesh):
    """20 Å over the lengths that repeat, so that n cells get an n-th of the points."""
    found = CrystalMethod(k_length=20.0).mesh(structure)
    assert found == mesh and all(type(n) is int for n in found)
    assert [level.mesh for level in CrystalMethod(k_length=20.0).levels(structure)] == [mesh, mesh]


def test_a_method_is_two_levels_that_differ_in_the_basis():
    method = CrystalMethod(smearing=0.01, cutoff=99.0, pseudo="gth-pade", xc="lda,vwn")
    small, large = method.levels(build_layer())
    assert (small.basis, large.basis) == ("gth-szv", "gth-dzvp")
    assert replace(large, basis="gth-szv") == small
    assert (small.xc, small.pseudo, small.smearing, small.cutoff) == ("lda,vwn", "gth-pade", 0.01, 99.0)
    assert "gth-szv ← gth-dzvp" in method.label


def test_a_method_keeps_its_bounds():
    with pytest.raises(SettingsError, match="cutoff"):
        CrystalMethod(cutoff=-1.0)


def test_store_round_trip(store, insulator):
    store.put(chain(), QUICK, insulator)
    back = store.get(chain(), QUICK)
    assert type(back) is CrystalPoint
    for field in fields(CrystalPoint):
        stored, given = getattr(back, field.name), getattr(insulator, field.name)
        np.testing.assert_array_equal(stored, given, err_msg=field.name)
        assert type(stored) is type(given)
    assert store.get(chain(), replace(QUICK, basis="gth-dzvp")) is None
    assert store.get(chain(bond=0.8), QUICK) is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "lacking"])
def test_a_damaged_entry_counts_as_absent(store, insulator, damage):
    path = store.put(chain(), QUICK, insulator)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(insulator.fock.tobytes())] ^= 0xFF
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        with h5py.File(path, "a") as file:
            del file["fermi"]
        path.write_bytes(seal(path.read_bytes(), STORE_FORMAT))
    assert store.get(chain(), QUICK) is None
    assert not store.has(chain(), QUICK)


def test_the_key_follows_all_of_the_level():
    other = CrystalLevel("lda,vwn", "gth-dzvp", "gth-pade", (4, 1, 1), 0.01, 50.0)
    keys = {entry_key(chain(), replace(QUICK, **{f.name: getattr(other, f.name)})) for f in fields(QUICK)}
    keys |= {entry_key(chain(), QUICK), entry_key(chain(), LevelOfTheory("hf", "sto-3g", False, 0))}
    assert len(keys) == len(fields(QUICK)) + 2


def test_what_a_dataset_keeps_of_a_crystal(crystals):
    first = crystals.references[0]
    assert first.n_occ == 1 and first.iao_fock is None
    assert first.fock.shape == first.overlap.shape == (3, 2, 2)
    assert first.small.mo_energy.shape == (3, 2) and first.large.mo_energy.shape == (3, 10)
    assert first.small.fermi > first.small.mo_energy[:, 0].max()
    assert first.small.dipole is None
    # Variational: more functions, less energy.
    assert first.large.e_tot < first.small.e_tot


def test_bands_on_a_path_that_is_no_longer_the_same_are_left_out(insulator):
    """Else they would stand under wrong labels."""
    moved = replace(insulator, path_points=insulator.path_points + 0.01)
    assert Reference.of_crystal(chain(), insulator, insulator, QUICK.mesh).path is not None
    reference = Reference.of_crystal(chain(), moved, moved, QUICK.mesh)
    assert reference.path is None and reference.small.path_energy is None
    np.testing.assert_array_equal(reference.small.mo_energy, insulator.mo_energy)


def test_a_file_of_crystals_comes_back(tmp_path, crystals):
    write_dataset(tmp_path / "chains.h5", crystals)
    with h5py.File(tmp_path / "chains.h5") as file:
        assert file.attrs["version"] == 2
    back = read_dataset(tmp_path / "chains.h5")
    assert (back.name, back.method) == (crystals.name, crystals.method)
    for a, b in zip(crystals.references, back.references, strict=True):
        assert a.structure.key == b.structure.key and a.structure.pbc == b.structure.pbc
        assert a.n_occ == b.n_occ
        for name in (*MATRIX_FIELDS, "mesh"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
        for side in ("small", "large"):
            for field in fields(Properties):
                values = (getattr(getattr(r, side), field.name) for r in (a, b))
                np.testing.assert_array_equal(*values, err_msg=f"{side} {field.name}")


def test_a_file_of_molecules_is_still_of_the_first_format(tmp_path, molecule, crystals):
    """So that versions that know no crystals read it, also where one was written just before."""
    method, structure = ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g"), molecule("H2")
    points = [calculate(structure, level) for level in (method.small, method.large)]
    dataset = ReferenceDataset("molecules", method, (Reference.of(structure, method, *points),))
    for name, each in (("crystals.h5", crystals), ("molecules.h5", dataset)):
        write_dataset(tmp_path / name, each)
    with h5py.File(tmp_path / "molecules.h5") as file:
        assert file.attrs["version"] == 1
        assert not {"mesh", "structure.cell", "structure.pbc"} & set(file)
    back = read_dataset(tmp_path / "molecules.h5").references[0]
    assert back.structure.key == structure.key and back.structure.cell is None and back.mesh is None
    assert back.small.fermi is None


@pytest.mark.parametrize(
    "column", ["mesh", "structure.cell", "structure.pbc", "fock", "small.mo_energy", "large.fermi"]
)
def test_a_file_of_crystals_without_a_column_is_damaged(tmp_path, crystals, column):
    path = tmp_path / "lacking.h5"
    write_dataset(path, crystals)
    with h5py.File(path, "a") as file:
        del file[column]
    path.write_bytes(seal(path.read_bytes(), 2))
    with pytest.raises(DatasetError, match=rf"is damaged \(.*{column}.*\); make it again"):
        read_dataset(path)
