"""Charges and bond orders against PySCF's own, against textbook cases and by their sum rules."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto, lo, scf

from hamexplorer.physics.populations import (
    inverse_square_root,
    lowdin_charge,
    mayer_bond_order,
    mulliken_charge,
    square_root,
)


def solved(atoms: str, basis: str = "sto-3g", charge: int = 0):
    mol = gto.M(atom=atoms, basis=basis, charge=charge, verbose=0)
    mf = scf.RHF(mol).run(conv_tol=1e-11)
    atom_of_ao = np.array([label[0] for label in mol.ao_labels(fmt=None)])
    return mf, mf.make_rdm1(), mf.get_ovlp(), atom_of_ao


WATER = "O 0 0 0.12; H 0 0.76 -0.48; H 0 -0.76 -0.48"


@pytest.mark.parametrize(("basis", "charge"), [("sto-3g", 0), ("6-31g*", 0), ("6-31g", 2)])
def test_mulliken_matches_pyscf(basis, charge):
    mf, density, overlap, atom_of_ao = solved(WATER, basis, charge)
    expected = mf.mulliken_pop(verbose=0)[1]
    charges = mulliken_charge(density, overlap, atom_of_ao, mf.mol.atom_charges())
    np.testing.assert_allclose(charges, expected, atol=1e-10)
    assert charges.sum() == pytest.approx(charge, abs=1e-10)


def test_lowdin_is_mulliken_on_orthogonalised_orbitals():
    mf, density, overlap, atom_of_ao = solved(WATER, "6-31g*")
    # Independent route: PySCF's Löwdin orbitals, and its Mulliken analysis with a unit overlap.
    back = np.linalg.inv(lo.orth.lowdin(overlap))
    expected = mf.mulliken_pop(mf.mol, back @ density @ back.T, np.eye(len(overlap)), verbose=0)[1]
    charges = lowdin_charge(density, overlap, atom_of_ao, mf.mol.atom_charges())
    np.testing.assert_allclose(charges, expected, atol=1e-10)


def test_square_roots():
    overlap = solved(WATER)[2]
    np.testing.assert_allclose(square_root(overlap) @ square_root(overlap), overlap, atol=1e-12)
    np.testing.assert_allclose(inverse_square_root(overlap) @ square_root(overlap), np.eye(7), atol=1e-12)


@pytest.mark.parametrize(
    ("atoms", "order"),
    [
        # Mayer, Chem. Phys. Lett. 97, 270 (1983): minimal bases give the classical integers.
        ("H 0 0 0; H 0 0 0.74", 1.0),
        ("N 0 0 0; N 0 0 1.10", 3.0),
        ("He 0 0 0; He 0 0 1.5", 0.0),
    ],
)
def test_mayer_textbook_bond_orders(atoms, order):
    _, density, overlap, atom_of_ao = solved(atoms)
    assert mayer_bond_order(density, overlap, atom_of_ao, 2)[0, 1] == pytest.approx(order, abs=1e-6)


def test_mayer_by_loops_and_by_its_sum_rule():
    _, density, overlap, atom_of_ao = solved(WATER, "6-31g")
    orders = mayer_bond_order(density, overlap, atom_of_ao, 3)
    ps = density @ overlap
    expected = np.zeros((3, 3))
    for m, a in enumerate(atom_of_ao):
        for n, b in enumerate(atom_of_ao):
            expected[a, b] += ps[m, n] * ps[n, m]
    np.testing.assert_allclose(orders, expected, atol=1e-12)
    # PSPS = 2PS for a closed shell: a row sums to twice the Mulliken population.
    population = np.array([np.diag(ps)[atom_of_ao == a].sum() for a in range(3)])
    np.testing.assert_allclose(orders.sum(1), 2 * population, atol=1e-8)
