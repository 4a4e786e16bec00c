"""Orbitals written in other functions: what is exact stays exact, and what cannot be written says so."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto
from pyscf.pbc.gto import Cell

from hamexplorer.errors import BasisError, StructureError
from hamexplorer.physics.guess import density_in, structure_of_mole

WATER = "O 0.1 0 0; H 0.9 0.6 0; H -0.7 0.6 0.2"


def water(**changes) -> gto.Mole:
    return gto.M(**{"atom": WATER, "basis": "def2-svp", "verbose": 0, **changes})


def dipole_of(mol: gto.Mole, density: np.ndarray) -> np.ndarray:
    return np.einsum("xij,ji->x", mol.intor("int1e_r"), density)


def occupied(solved, basis: str):
    known = solved("H2O", basis)
    return known, known.mo_coeff[:, :5]


def test_in_its_own_basis_a_density_is_what_it_was(solved):
    known, orbitals = occupied(solved, "def2-svp")
    found = density_in(known.mf.mol, known.structure, "def2-svp", orbitals)
    np.testing.assert_allclose(found, known.density, atol=1e-9)


@pytest.mark.parametrize("larger", [{"cart": True}, {"basis": ["def2-svp", "cc-pvdz"]}])
def test_a_basis_that_contains_the_other_holds_the_same_density(solved, larger):
    """Cartesian functions span the spherical ones; a union of bases is nearly linearly dependent as well."""
    known, orbitals = occupied(solved, "def2-svp")
    if isinstance(larger.get("basis"), list):
        both = [gto.basis.load(name, symbol) for symbol in "OH" for name in larger["basis"]]
        larger = {"basis": {"O": both[0] + both[1], "H": both[2] + both[3]}}
    mol = gto.M(atom=known.mf.mol.atom, unit="Bohr", **{"basis": "def2-svp", "verbose": 0, **larger})
    assert mol.nao > known.mf.mol.nao
    found = density_in(mol, known.structure, "def2-svp", orbitals)
    np.testing.assert_allclose(dipole_of(mol, found), dipole_of(known.mf.mol, known.density), atol=1e-5)
    energy = np.einsum("ij,ji", mol.intor("int1e_kin"), found)
    assert energy == pytest.approx(
        np.einsum("ij,ji", known.mf.mol.intor("int1e_kin"), known.density), abs=1e-4
    )


@pytest.mark.parametrize("basis", ["sto-3g", "6-31g*", "def2-tzvp"])
def test_in_any_basis_it_holds_all_electrons_and_is_idempotent(solved, basis):
    known, orbitals = occupied(solved, "def2-svp")
    mol = gto.M(atom=known.mf.mol.atom, unit="Bohr", basis=basis, verbose=0)
    found, overlap = density_in(mol, known.structure, "def2-svp", orbitals), mol.intor("int1e_ovlp")
    assert np.trace(found @ overlap) == pytest.approx(10, abs=1e-9)
    np.testing.assert_allclose(found @ overlap @ found, 2 * found, atol=1e-8)


def test_functions_that_cannot_hold_the_orbitals_are_refused(solved):
    known, orbitals = occupied(solved, "sto-3g")
    mol = gto.M(atom=known.mf.mol.atom, unit="Bohr", basis={"O": [[0, [0.1, 1]]], "H": "sto-3g"}, verbose=0)
    with pytest.raises(BasisError, match="holds only 0% of an occupied orbital; use a larger basis"):
        density_in(mol, known.structure, "sto-3g", orbitals)


def test_a_mole_is_read_in_its_own_order_and_unit():
    found = structure_of_mole(water())
    assert found.symbols == ("O", "H", "H") and found.charge == 0
    np.testing.assert_allclose(found.positions_angstrom[1], [0.9, 0.6, 0.0], atol=1e-9)
    bohr = "; ".join(
        f"{s} " + " ".join(map(str, r)) for s, r in zip(found.symbols, found.positions, strict=True)
    )
    np.testing.assert_allclose(structure_of_mole(water(atom=bohr, unit="Bohr")).positions, found.positions)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: "water", "a PySCF Mole is needed, got str"),
        (lambda: Cell(atom="He 0 0 0", a=np.eye(3) * 4), "a PySCF Mole is needed, got Cell"),
        (lambda: gto.Mole(atom=WATER), "not built; call its build"),
        (lambda: water(atom=WATER + "; ghost-O 0 0 3"), r"atom 4 \(GHOST-O\) is a ghost"),
        (lambda: gto.M(atom="I 0 0 0; H 0 0 1.6", basis="def2-svp", ecp="def2-svp"), "core potentials"),
        (lambda: water(spin=2), "has 2 unpaired electrons"),
        (lambda: water(charge=-2), r"has charge -2, which models do not see"),
        (lambda: water(atom="O 0 0 0; H 0 0 0.1; H 0 0 1"), "are 0.10 Å apart"),
    ],
)
def test_what_no_model_covers_is_a_sentence(make, sentence):
    with pytest.raises(StructureError, match=sentence):
        structure_of_mole(make())
