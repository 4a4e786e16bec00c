"""Orbital labels, offsets and atoms against PySCF's own list."""

from __future__ import annotations

import numpy as np
import pytest
from pyscf import gto

from hamexplorer.basis.layout import AOLayout, standard_m_order
from hamexplorer.errors import LayoutError
from hamexplorer.physics.integrals import make_layout
from hamexplorer.physics.molecule import SMALL_BASES, make_mole

BASES = [*SMALL_BASES, "def2-tzvp", "cc-pvtz"]


@pytest.mark.parametrize("basis", BASES)
def test_labels_and_offsets_match_pyscf(formamide, basis):
    mol, layout = make_mole(formamide, basis), make_layout(formamide, basis)
    ours = [label.split(" ", 2) for label in layout.labels]
    pyscf = [(str(atom), symbol, shell, m) for atom, symbol, shell, m in mol.ao_labels(fmt=None)]
    for (atom, symbol, orbital), expected in zip(ours, pyscf, strict=True):
        assert (atom, symbol) == expected[:2] and orbital.startswith(expected[2])
        if "f" not in expected[2]:  # PySCF numbers the f functions by m, here they have their names
            assert _plain(orbital) == _plain(expected[2] + expected[3])
    assert layout.n_ao == mol.nao
    np.testing.assert_array_equal(layout.offsets, [*mol.aoslice_by_atom()[:, 2], mol.nao])
    np.testing.assert_array_equal(layout.atom_of_ao, [label[0] for label in mol.ao_labels(fmt=None)])


def _plain(label: str) -> str:
    return label.replace("²", "2").replace("^", "")


def test_large_bases_have_several_shells_of_one_l_and_f_shells(formamide):
    shells = make_layout(formamide, "def2-tzvp").shells
    assert shells[6].count(1) == 3 and shells[6].count(3) == 1
    assert make_layout(formamide, "sto-3g").shells == {6: (0, 0, 1), 7: (0, 0, 1), 8: (0, 0, 1), 1: (0,)}


@pytest.mark.parametrize("l", range(4))
def test_standard_order_of_m_is_that_of_real_harmonics(l):
    """⟨m|L_z²|m⟩ = m², and negative m are the sine-like ones: odd in y."""
    mol = gto.M(atom="He", basis={"He": [[l, [0.8, 1.0]]]}, verbose=0)
    lz = mol.intor("int1e_cg_irxp", comp=3)[2] / mol.intor("int1e_ovlp").max()
    m_squared = np.diag(lz.T @ lz)[standard_m_order(l)]
    np.testing.assert_allclose(m_squared, np.arange(-l, l + 1) ** 2, atol=1e-10)
    values = [mol.eval_gto("GTOval_sph", [point])[0] for point in ([0.3, 0.4, 0.5], [0.3, -0.4, 0.5])]
    parity_in_y = (values[1] / values[0])[standard_m_order(l)]
    np.testing.assert_allclose(parity_in_y, np.where(np.arange(-l, l + 1) < 0, -1.0, 1.0), atol=1e-10)


def test_an_element_without_shells_is_refused():
    with pytest.raises(LayoutError, match="no shells for O; give the shells"):
        AOLayout((6, 8), {6: (0, 0, 1)})


def test_an_empty_layout_has_no_orbitals():
    layout = AOLayout((), {})
    assert layout.n_ao == 0 and layout.labels == ()


def test_f_functions_are_called_by_their_polynomials(formamide):
    """The named polynomial really is what PySCF evaluates, up to a factor."""
    mol = gto.M(atom="He", basis={"He": [[3, [0.8, 1.0]]]}, verbose=0)
    points = np.random.default_rng(5).normal(size=(6, 3))
    x, y, z = points.T
    polynomials = [
        y * (3 * x**2 - y**2),
        x * y * z,
        y * (5 * z**2 - (x**2 + y**2 + z**2)),
        5 * z**3 - 3 * z * (x**2 + y**2 + z**2),
        x * (5 * z**2 - (x**2 + y**2 + z**2)),
        z * (x**2 - y**2),
        x * (x**2 - 3 * y**2),
    ]
    values = mol.eval_gto("GTOval_sph", points) * np.exp(0.8 * (points**2).sum(1))[:, None]
    for value, polynomial in zip(values.T, polynomials, strict=True):
        ratio = value / polynomial
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    names = [label.split("f")[1] for label in make_layout(formamide, "def2-tzvp").labels if "C 4f" in label]
    assert names == ["y(3x²-y²)", "xyz", "yz²", "z³", "xz²", "z(x²-y²)", "x(x²-3y²)"]
