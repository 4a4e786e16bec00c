"""Every baseline is Hermitian, needs no SCF, and turns with the molecule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyscf import dft as molecular_dft
from pyscf import gto, scf
from pyscf.pbc import dft
from scipy.linalg import block_diag, eigh

from hamexplorer.errors import BasisError, SettingsError, StructureError
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.bloch import bloch_sum, mesh_points
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.molecule import SMALL_BASES, make_mole
from hamexplorer.physics.xtb import gfn1_hamiltonian
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, distorted
from hamexplorer.structures.structure import Structure

OF_MOLECULES = [name for name, baseline in BASELINES.items() if baseline.for_molecules]
OF_CRYSTALS = [name for name, baseline in BASELINES.items() if baseline.for_crystals]


@pytest.mark.parametrize("basis", SMALL_BASES)
@pytest.mark.parametrize("name", OF_MOLECULES)
def test_every_baseline_turns_with_the_molecule(solved, rotation, name, basis):
    methanol = solved("CH3OH").structure
    levels = []
    for structure in (methanol, methanol.moved(methanol.positions @ rotation.T + [1.0, -2.0, 0.5])):
        matrix = BASELINES[name].matrix(structure, basis)
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-10)
        levels.append(np.linalg.eigvalsh(matrix))
    np.testing.assert_allclose(levels[1], levels[0], rtol=0, atol=1e-8)


SZV = CellOrbitals("gth-szv", "gth-pbe")
TIGHT_BINDING = CellOrbitals("gfn1-xtb")


@pytest.mark.parametrize(
    ("name", "orbitals"),
    [(name, SZV) for name in OF_CRYSTALS]
    + [(name, TIGHT_BINDING) for name in OF_CRYSTALS if name != "atoms"],
    ids=str,
)
def test_every_baseline_turns_with_the_crystal(rotation, name, orbitals):
    """Levels of H0(k) in S(k) stay, and H0(-k) = H0(k)*."""
    points = np.array([[0.1, 0.2, 0.0], [-0.1, -0.2, 0.0]])
    (cell,) = distorted(build_layer("BN", 2.5), n=1, amplitude=0.05, strain=0.02, seed=1)
    turned = replace(cell, positions=cell.positions @ rotation.T, cell=cell.cell @ rotation.T)
    levels = []
    for structure in (cell, turned):
        matrix = BASELINES[name].matrix_at_k(structure, orbitals, points)
        np.testing.assert_allclose(matrix, matrix.conj().swapaxes(1, 2), atol=1e-10)
        np.testing.assert_allclose(matrix[0], matrix[1].conj(), atol=1e-10)
        levels.append(eigh(matrix[0], orbitals.overlap(structure, points)[0], eigvals_only=True))
    # A grid does not turn along: the potential of superposed atoms is as exact as its cutoff.
    atol = 2e-5 if name == "atoms" else 1e-7
    np.testing.assert_allclose(levels[1], levels[0], rtol=0, atol=atol)


@pytest.mark.parametrize(
    ("structure", "mesh"),
    [(build_layer("BN", 2.5), (6, 6, 1)), (build_bulk("Si"), (4, 4, 4))],
    ids=["BN", "Si"],
)
def test_superposed_atoms_are_the_first_fock_matrix_of_pyscf(structure, mesh):
    """PySCF's own potential of the density that puts each atom's valence electrons into its own functions.

    Its mesh must tell the cells apart that overlap.
    """
    points = mesh_points(mesh)
    cell = SZV.cell(structure)
    electrons = {
        z: cell._pseudo[symbol][0] for symbol, z in zip(structure.symbols, structure.numbers, strict=True)
    }
    filled = [
        n / (2 * l + 1)
        for z in structure.numbers
        for l, n in enumerate(electrons[z])
        for _ in range(2 * l + 1)
    ]
    mf = dft.KRKS(cell, cell.get_abs_kpts(points), xc="pbe").multigrid_numint()
    density = np.repeat(np.diag(filled)[None].astype(complex), len(points), 0)
    expected = mf.get_hcore() + np.asarray(mf.get_veff(dm=density))
    found = BASELINES["atoms"].matrix_at_k(structure, SZV, points)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_superposed_atoms_need_pseudopotentials():
    with pytest.raises(
        BasisError, match="no pseudopotentials for superposed atoms; choose the baseline 'gfn1'"
    ):
        BASELINES["atoms"].matrix_at_k(build_layer(), TIGHT_BINDING, np.zeros((1, 3)))


def test_tight_binding_in_its_own_basis_is_its_hamiltonian():
    layer, points = build_layer(), np.array([[0.3, 0.1, 0.0]])
    cells, h0, _ = gfn1_hamiltonian(layer)
    found = BASELINES["gfn1"].matrix_at_k(layer, CellOrbitals("gfn1-xtb"), points)
    np.testing.assert_allclose(found, bloch_sum(h0, cells, points), atol=1e-10)


def test_tight_binding_stands_on_the_overlap_of_the_small_basis():
    """Within an atom it is the diagonal of its levels, whatever the basis: S is 1 there."""
    chain = build_polyacetylene()
    orbitals = CellOrbitals("gth-szv", "gth-pbe")
    cells, h0, _ = gfn1_hamiltonian(chain)
    points = np.arange(8)[:, None] / 8 * [1, 0, 0]
    mean = BASELINES["gfn1"].matrix_at_k(chain, orbitals, points).mean(0)
    own = h0[(cells == 0).all(1)][0]
    # Carbon has s and p in both; hydrogen's second s is left out.
    np.testing.assert_allclose(np.diag(mean)[:8].real, np.diag(own)[:8], atol=2e-3)
    assert mean.shape == (10, 10) and own.shape == (12, 12)


def test_a_basis_with_more_shells_than_tight_binding_is_refused():
    with pytest.raises(
        BasisError, match="gth-dzvp has more shells of C than GFN1-xTB; choose the baseline 'none'"
    ):
        BASELINES["gfn1"].matrix_at_k(build_layer(), CellOrbitals("gth-dzvp", "gth-pbe"), np.zeros((1, 3)))


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_describes_itself(name):
    assert BASELINES[name].name == name and BASELINES[name].label and BASELINES[name].help.endswith(".")


def test_atomic_potentials_give_pyscfs_own_guess(solved):
    """PySCF's SAP guess is the density of the same matrix."""
    s = solved("H2O")
    energy, coeff = np.linalg.eigh(BASELINES["sap"].matrix(s.structure, "sto-3g"))
    occupied = s.integrals.inverse_root @ coeff[:, :5]
    np.testing.assert_allclose(2 * occupied @ occupied.T, s.mf.init_guess_by_sap(), atol=1e-7)
    # And it is a good beginning: its levels are near the SCF's, core included.
    assert np.abs(energy - s.mo_energy).max() < 2.0


def test_atomic_potentials_of_one_atom_do_not_depend_on_its_place():
    moved = [Structure(np.array([10]), np.array([place])) for place in ([0.0, 0.0, 0.0], [3.0, -1.0, 2.0])]
    first, second = (BASELINES["sap"].matrix(s, "sto-3g") for s in moved)
    np.testing.assert_allclose(first, second, atol=1e-8)


def test_the_empty_baseline_is_zero(solved):
    s = solved("H2O")
    assert not BASELINES["none"].matrix(s.structure, "sto-3g").any()
    assert BASELINES["none"].matrix(s.structure, "sto-3g").shape == (7, 7)


@pytest.mark.parametrize("name", OF_MOLECULES)
def test_a_basis_that_does_not_exist_is_told(solved, name):
    with pytest.raises(BasisError, match=r"the basis .sto-7x. has no functions for .*; choose another basis"):
        BASELINES[name].matrix(solved("H2O").structure, "sto-7x")


@pytest.mark.parametrize("name", OF_MOLECULES)
def test_an_open_shell_is_told(name):
    with pytest.raises(StructureError, match="1 electrons; this model is closed-shell"):
        BASELINES[name].matrix(Structure(np.array([1]), np.zeros((1, 3))), "sto-3g")


def test_a_misspelt_baseline_gets_the_nearest_name():
    with pytest.raises(SettingsError, match="did you mean 'mean'"):
        BASELINES["maen"]


def test_molecules_are_built_in_bohr_with_their_charge():
    ion = Structure(np.array([8, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.8]]), charge=-1)
    mol = make_mole(ion, "sto-3g")
    assert mol.nelectron == 10
    np.testing.assert_allclose(mol.atom_coords()[1], [0.0, 0.0, 1.8], atol=1e-12)


@pytest.mark.parametrize(("name", "xc", "atol"), [("scf_step", "hf", 1e-7), ("b3lyp_step", "b3lyp", 1e-4)])
def test_one_step_is_the_mean_field_of_pyscf_half_way_to_the_first_response(solved, name, xc, atol):
    """Built again from PySCF's own density fitting in the same auxiliary basis (and on its usual grid), and near exact
    integrals."""
    s = solved("CH3OH")
    mol, x = s.mf.mol, s.integrals.inverse_root
    core = scf.hf.get_hcore(mol)
    free = [
        gto.M(atom=a, basis="sto-3g", spin=int(z) % 2)
        for a, z in zip(s.structure.symbols, s.structure.numbers, strict=True)
    ]
    atoms = block_diag(*map(scf.hf.init_guess_by_minao, free))

    def matrix(mean_field):
        _, coeff = np.linalg.eigh(x @ (core + mean_field(atoms)) @ x)
        occupied = x @ coeff[:, : mol.nelectron // 2]
        return x @ (core + mean_field((atoms + 2 * occupied @ occupied.T) / 2)) @ x

    plain = molecular_dft.RKS(mol, xc=xc)
    fitted = molecular_dft.RKS(mol, xc=xc).density_fit(auxbasis="weigend")
    ours = BASELINES[name].matrix(s.structure, "sto-3g")
    np.testing.assert_allclose(ours, matrix(lambda dm: fitted.get_veff(dm=dm)), atol=atol)
    exact = matrix(lambda dm: plain.get_veff(dm=dm))
    np.testing.assert_allclose(np.linalg.eigvalsh(ours), np.linalg.eigvalsh(exact), atol=1e-3)
