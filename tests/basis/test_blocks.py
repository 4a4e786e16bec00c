"""Blocks ⇄ irreps: exact both ways, orthogonal, and rotating as irreps must."""

from __future__ import annotations

import e3nn_jax as e3nn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import (
    Irrep,
    clebsch_gordan,
    coupled_irreps,
    coupling_matrix,
)
from hamexplorer.basis.layout import standard_m_order
from hamexplorer.physics.integrals import element_shells
from hamexplorer.physics.molecule import make_mole

BASES = ["sto-3g", "6-31g", "def2-svp", "def2-tzvp"]


def template_of(structure, basis: str) -> BlockTemplate:
    return BlockTemplate.of({int(z): element_shells(basis, int(z)) for z in set(structure.numbers)})


def all_blocks(n: int) -> np.ndarray:
    return np.arange(n * n).reshape(n, n)


def wigner(l: int, rotation: np.ndarray) -> np.ndarray:
    """e3nn's own D of a rotation given in our axes."""
    axes = np.eye(3)[:, [1, 2, 0]].T  # its polar axis is y
    return np.asarray(e3nn.Irrep(l, 1).D_from_matrix(axes @ rotation @ axes.T))


@pytest.mark.parametrize("l1", range(4))
@pytest.mark.parametrize("l2", range(4))
def test_coupling_is_orthogonal_and_complete(l1, l2):
    u = coupling_matrix(l1, l2)
    assert sum(irrep.dim for irrep in coupled_irreps(l1, l2)) == len(u)
    np.testing.assert_allclose(u.T @ u, np.eye(len(u)), atol=1e-6)


def test_coupling_of_two_p_shells_is_trace_antisymmetric_and_traceless_part(rng):
    """The textbook case, written with x, y, z: λ = 0 is the trace, λ = 1 the cross product, λ = 2 the rest."""
    block = rng.normal(size=(3, 3))
    c = block.ravel() @ coupling_matrix(1, 1)
    assert abs(c[0]) == pytest.approx(abs(np.trace(block)) / np.sqrt(3), abs=1e-6)
    cross = np.array([block[1, 2] - block[2, 1], block[2, 0] - block[0, 2], block[0, 1] - block[1, 0]])
    np.testing.assert_allclose(np.abs(c[1:4]), np.abs(cross[standard_m_order(1)]) / np.sqrt(2), atol=1e-6)
    traceless = (block + block.T) / 2 - np.eye(3) * np.trace(block) / 3
    assert (c[4:] ** 2).sum() == pytest.approx((traceless**2).sum(), abs=1e-5)


def test_natural_and_unnatural_alternate():
    assert coupled_irreps(1, 2) == (Irrep(1, True), Irrep(2, False), Irrep(3, True))


@pytest.mark.parametrize(("l1", "l2", "l3"), [(1, 1, 1), (1, 2, 3), (2, 2, 2), (3, 2, 4)])
def test_clebsch_gordan_is_invariant(l1, l2, l3, rotation):
    c = clebsch_gordan(l1, l2, l3)
    d1, d2, d3 = (wigner(l, rotation) for l in (l1, l2, l3))
    np.testing.assert_allclose(np.einsum("abc,ai,bj,ck->ijk", c, d1, d2, d3), c, atol=1e-5)


@pytest.mark.parametrize("basis", BASES)
def test_there_and_back_and_back_again(formamide, basis, rng):
    template, blocks = template_of(formamide, basis), all_blocks(formamide.n_atoms)
    n_ao = template.layout(formamide.numbers).n_ao
    matrix = rng.normal(size=(n_ao, n_ao))
    coefficients = template.to_irreps(matrix, formamide.numbers, blocks)
    np.testing.assert_allclose(
        template.from_irreps(coefficients, formamide.numbers, blocks), matrix, atol=1e-5
    )
    # Absent orbitals count as zero, so nothing of the norm is lost or made up.
    assert (coefficients**2).sum() == pytest.approx((matrix**2).sum(), rel=1e-5)


def test_every_coefficient_of_a_full_template_survives(rng):
    template = BlockTemplate.of({6: (0, 0, 1, 1, 2, 3)})
    coefficients = rng.normal(size=(4, template.size**2))
    there = template.from_irreps(coefficients, np.array([6, 6]), all_blocks(2))
    np.testing.assert_allclose(
        template.to_irreps(there, np.array([6, 6]), all_blocks(2)), coefficients, atol=1e-5
    )


shells = st.lists(st.integers(0, 3), min_size=1, max_size=4).map(lambda ls: tuple(sorted(ls)))


@settings(max_examples=30, deadline=None)
@given(carbon=shells, oxygen=shells, numbers=st.lists(st.sampled_from([6, 8]), min_size=1, max_size=3))
def test_any_two_elements_share_a_template(carbon, oxygen, numbers):
    template = BlockTemplate.of({6: carbon, 8: oxygen})
    layout = template.layout(numbers)
    matrix = np.random.default_rng(layout.n_ao).normal(size=(layout.n_ao, layout.n_ao))
    z, blocks = np.array(numbers), all_blocks(len(numbers))
    back = template.from_irreps(template.to_irreps(matrix, z, blocks), z, blocks)
    np.testing.assert_allclose(back, matrix, atol=1e-5)
    columns = np.concatenate([c.ravel() for c in template.columns.values()])
    assert sorted(columns) == list(range(template.size**2))


def test_blocks_that_are_not_listed_are_zero(formamide, rng):
    template = template_of(formamide, "sto-3g")
    layout = template.layout(formamide.numbers)
    listed = np.full((6, 6), -1)
    listed[np.arange(6), np.arange(6)] = np.arange(6)
    matrix = rng.normal(size=(layout.n_ao, layout.n_ao))
    back = template.from_irreps(
        template.to_irreps(matrix, formamide.numbers, listed), formamide.numbers, listed
    )
    on_site = layout.atom_of_ao[:, None] == layout.atom_of_ao
    np.testing.assert_allclose(back, np.where(on_site, matrix, 0.0), atol=1e-5)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("operator", ["int1e_ovlp", "int1e_kin", "int1e_nuc"])
def test_components_of_a_rotated_molecule_rotate_by_wigner_matrices(formamide, rotation, basis, operator):
    turned = formamide.moved(formamide.positions @ rotation.T)
    template, blocks = template_of(formamide, basis), all_blocks(formamide.n_atoms)
    before, after = (
        template.to_irreps(make_mole(s, basis).intor(operator), formamide.numbers, blocks)
        for s in (formamide, turned)
    )
    for irrep, columns in template.columns.items():
        expected = np.einsum("ij,pnj->pni", wigner(irrep.l, rotation), before[:, columns])
        np.testing.assert_allclose(after[:, columns], expected, atol=2e-5 * np.abs(before).max())


@pytest.mark.parametrize("basis", BASES)
def test_components_of_an_inverted_molecule_change_sign_by_parity(formamide, basis):
    template, blocks = template_of(formamide, basis), all_blocks(formamide.n_atoms)
    before, after = (
        template.to_irreps(make_mole(s, basis).intor("int1e_nuc"), formamide.numbers, blocks)
        for s in (formamide, formamide.moved(-formamide.positions))
    )
    for irrep, columns in template.columns.items():
        sign = (-1) ** irrep.l * (1 if irrep.natural else -1)
        np.testing.assert_allclose(after[:, columns], sign * before[:, columns], atol=1e-5)


def test_a_template_is_a_key_of_compiled_functions():
    one, same = (BlockTemplate.of({6: (0, 0, 1), 1: (0,)}) for _ in range(2))
    assert one == same and hash(one) == hash(same)
    assert hash(one) != hash(BlockTemplate.of({6: (0, 0, 1), 7: (0,)}))
