"""One molecule in one basis against PySCF's own answers."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import dft, gto, scf

from hamexplorer.errors import BasisError, ReferenceCalculationError, StructureError
from hamexplorer.reference import scf as our_scf
from hamexplorer.reference.method import LevelOfTheory, ReferenceMethod
from hamexplorer.reference.single_point import calculate


def pyscf_mole(structure, basis):
    atoms = list(zip(structure.symbols, structure.positions.tolist(), strict=True))
    return gto.M(atom=atoms, unit="Bohr", basis=basis, charge=structure.charge, verbose=0)


@pytest.mark.parametrize(("name", "xc"), [("water", "hf"), ("water", "b3lyp"), ("hydroxide", "pbe")])
def test_energy_dipole_and_charges_match_pyscf(molecule, name, xc):
    structure = molecule(name)
    mol = pyscf_mole(structure, "6-31g")
    mf = scf.RHF(mol) if xc == "hf" else dft.RKS(mol, xc=xc)
    if xc != "hf":
        mf.grids.level = 1
    mf.run(conv_tol=1e-11)
    result = calculate(structure, LevelOfTheory(xc, "6-31g", False, 1))
    assert result.e_tot == pytest.approx(mf.e_tot, abs=1e-8)
    np.testing.assert_allclose(result.mo_energy, mf.mo_energy, atol=1e-6)
    np.testing.assert_allclose(result.mulliken_charge, mf.mulliken_pop(verbose=0)[1], atol=1e-5)
    assert result.mulliken_charge.sum() == pytest.approx(structure.charge, abs=1e-8)
    assert result.lowdin_charge.sum() == pytest.approx(structure.charge, abs=1e-8)
    # Of a charged molecule PySCF gives the dipole about the coordinate origin only when it is asked to.
    np.testing.assert_allclose(
        result.dipole, mf.dip_moment(unit="au", origin=(0, 0, 0), verbose=0), atol=1e-5
    )


def test_fock_is_pyscf_fock_and_has_the_energies(molecule):
    structure = molecule("water")
    result = calculate(structure, LevelOfTheory("hf", "sto-3g", False, 2))
    mf = scf.RHF(pyscf_mole(structure, "sto-3g")).run(conv_tol=1e-12)
    np.testing.assert_allclose(result.fock, mf.get_fock(), atol=1e-5)
    np.testing.assert_allclose(result.overlap, mf.get_ovlp(), atol=1e-12)


def test_density_fitting_changes_little(molecule):
    exact, fitted = (calculate(molecule("water"), LevelOfTheory("pbe", "def2-svp", df, 0)) for df in (0, 1))
    np.testing.assert_allclose(fitted.mo_energy[:5], exact.mo_energy[:5], atol=3e-5)  # below 1 meV
    np.testing.assert_allclose(fitted.mo_energy, exact.mo_energy, atol=3e-4)
    np.testing.assert_allclose(fitted.polarizability, exact.polarizability, atol=1e-2)


@pytest.mark.parametrize("strategy", list(our_scf.STRATEGIES))
@pytest.mark.parametrize("fitted", [False, True])
def test_every_strategy_finds_the_same_state(molecule, monkeypatch, strategy, fitted):
    level = LevelOfTheory("hf", "6-31g", fitted, 0)
    expected = calculate(molecule("water"), level)
    monkeypatch.setattr(our_scf, "STRATEGIES", {strategy: our_scf.STRATEGIES[strategy]})
    result = calculate(molecule("water"), level)
    assert result.strategy == strategy
    assert result.e_tot == pytest.approx(expected.e_tot, abs=1e-8)
    np.testing.assert_allclose(result.mo_energy, expected.mo_energy, atol=1e-5)
    np.testing.assert_allclose(result.polarizability, expected.polarizability, atol=1e-4)


def test_later_strategies_are_tried_when_the_first_fails(molecule, monkeypatch):
    def one_cycle(mf):
        mf.max_cycle = 1
        return mf

    monkeypatch.setitem(our_scf.STRATEGIES, "diis", one_cycle)
    assert calculate(molecule("water"), LevelOfTheory("hf", "sto-3g", False, 0)).strategy == "second-order"
    for name in list(our_scf.STRATEGIES):
        monkeypatch.setitem(our_scf.STRATEGIES, name, one_cycle)
    with pytest.raises(
        ReferenceCalculationError, match=r"water in sto-3g did not converge with diis, second"
    ):
        calculate(molecule("water"), LevelOfTheory("hf", "sto-3g", False, 0))


def test_no_virtual_orbitals_and_no_response(molecule):
    helium = calculate(molecule("He"), LevelOfTheory("hf", "sto-3g", False, 0))
    np.testing.assert_array_equal(helium.polarizability, np.zeros((3, 3)))
    np.testing.assert_array_equal(helium.polarizability_uncoupled, np.zeros((3, 3)))
    # In a minimal basis H2 responds along its axis only.
    for fitted in (False, True):
        alpha = calculate(molecule("H2"), LevelOfTheory("hf", "sto-3g", fitted, 0)).polarizability
        assert alpha[2, 2] > 1
        np.testing.assert_allclose(alpha[:2], 0, atol=1e-8)


def test_what_cannot_be_set_up_says_why(molecule):
    level = LevelOfTheory("hf", "sto-3g", False, 0)
    with pytest.raises(StructureError, match="9 electrons"):
        calculate(molecule("OH"), level)
    with pytest.raises(BasisError, match="no functions for U"):
        calculate(molecule("UH2"), level)


def test_a_basis_that_is_its_own_reference_is_one_calculation():
    method = ReferenceMethod(small_basis="def2-svp", large_basis="def2-svp")
    assert method.small == method.large
    assert not ReferenceMethod(small_basis="sto-3g", large_basis="def2-svp").small.density_fit
