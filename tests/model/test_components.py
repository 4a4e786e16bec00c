"""What a model says of each pair of atoms: every irrep rotates, inverts and permutes as it must."""

from __future__ import annotations

import e3nn_jax as e3nn
import jax
import numpy as np
import pytest
from scipy.special import sph_harm_y

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import Irrep, clebsch_gordan
from hamexplorer.errors import StructureError
from hamexplorer.model import MODELS, GraphSettings
from hamexplorer.model.graph import (
    join_graphs,
    make_graph,
    radial_basis,
    smooth_cutoff,
    spherical_harmonics,
)
from hamexplorer.model.layers import natural_irreps, product_tensor
from hamexplorer.model.linear import own_descriptors, pair_descriptors
from hamexplorer.physics.integrals import element_shells
from hamexplorer.structures.structure import Structure

GRAPH = GraphSettings((1, 6, 7, 8), cutoff_angstrom=4.0, n_radial=4)


def wigner(l: int, rotation: np.ndarray) -> np.ndarray:
    axes = np.eye(3)[:, [1, 2, 0]].T  # its polar axis is y
    return np.asarray(e3nn.Irrep(l, 1).D_from_matrix(axes @ rotation @ axes.T))


def irrep_matrix(irrep: Irrep, turn: np.ndarray) -> np.ndarray:
    """D of a rotation, with the parity where it is improper."""
    sign = 1.0 if np.linalg.det(turn) > 0 else (-1.0) ** irrep.l * (1 if irrep.natural else -1)
    return sign * wigner(irrep.l, turn * np.sign(np.linalg.det(turn)))


@pytest.fixture(params=["proper", "inversion", "improper"])
def turn(request, rotation):
    return {"proper": rotation, "inversion": -np.eye(3), "improper": -rotation}[request.param]


@pytest.fixture(scope="module")
def model_of(build):
    made = {}

    def get(name, basis):
        if (name, basis) not in made:
            made[name, basis] = build(name, basis)
        return made[name, basis]

    return get


CASES = [(name, "sto-3g") for name in MODELS]
# d shells bring irreps up to l = 4, and a minute of compilation; their descriptors are tested below in any case.
CASES += [pytest.param(name, "def2-svp", marks=pytest.mark.slow) for name in ("linear", "network")]


@pytest.mark.parametrize(("name", "basis"), CASES)
def test_every_irrep_of_every_model_transforms(model_of, forward, formamide, turn, name, basis):
    model = model_of(name, basis)
    turned = formamide.moved(formamide.positions @ turn.T)
    before, after = (forward(model, make_graph(s, GRAPH)) for s in (formamide, turned))
    for irrep, columns in model.template.columns.items():
        expected = np.einsum("ij,pnj->pni", irrep_matrix(irrep, turn), before[:, columns])
        size = np.abs(before[:, columns]).max()
        # l above 4 is out of reach of products of l = 2; all others must really be there.
        assert size > 1e-4 or irrep.l > 4
        np.testing.assert_allclose(
            after[:, columns], expected, atol=1e-4 * max(size, 0.1), err_msg=str(irrep)
        )


@pytest.mark.parametrize("basis", ["sto-3g", "def2-svp"])
def test_linear_descriptors_transform(formamide, turn, basis):
    template = BlockTemplate.of({z: element_shells(basis, z) for z in GRAPH.elements})
    graphs = [make_graph(s, GRAPH) for s in (formamide, formamide.moved(formamide.positions @ turn.T))]
    for irrep in template.irreps:
        for descriptors in (own_descriptors, pair_descriptors):
            before, after = (np.asarray(descriptors(g, irrep, GRAPH)) for g in graphs)
            expected = before @ irrep_matrix(irrep, turn).T
            np.testing.assert_allclose(after, expected, atol=1e-5 * max(1.0, np.abs(before).max()))


@pytest.mark.parametrize("name", MODELS)
def test_components_follow_the_order_of_atoms(model_of, forward, formamide, name):
    model, order = model_of(name, "sto-3g"), np.array([4, 1, 5, 0, 3, 2])
    swapped = Structure(formamide.numbers[order], formamide.positions[order])
    found = []
    for structure, names in ((formamide, np.arange(6)), (swapped, order)):
        graph = make_graph(structure, GRAPH)
        components = forward(model, graph)
        own = {(int(names[a]),): c for a, c in enumerate(components[:6])}
        pairs = {
            (int(names[i]), int(names[j])): c
            for i, j, c in zip(graph.i, graph.j, components[6:], strict=True)
        }
        found.append(own | pairs)
    assert found[0].keys() == found[1].keys()
    for key, value in found[0].items():
        np.testing.assert_allclose(found[1][key], value, atol=1e-5, err_msg=str(key))


@pytest.mark.parametrize("name", MODELS)
def test_components_do_not_depend_on_the_origin(model_of, forward, formamide, name):
    model = model_of(name, "sto-3g")
    far = formamide.moved(formamide.positions + np.array([10.0, -7.0, 3.0]))
    here, there = (forward(model, make_graph(s, GRAPH)) for s in (formamide, far))
    np.testing.assert_allclose(there, here, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, kind in MODELS.items() if kind.keeps_start])
def test_a_fresh_model_that_keeps_its_start_says_nothing(build, forward, formamide, name):
    fresh = forward(build(name, fresh=True), make_graph(formamide, GRAPH))
    np.testing.assert_array_equal(fresh, 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_both_atoms_of_a_pair_are_seen(model_of, forward, formamide, name):
    """Moving a neighbour of either atom changes their block: C-N feels hydrogens on C and on N."""
    model = model_of(name, "sto-3g")

    def bond(structure):
        graph = make_graph(structure, GRAPH)
        k = np.flatnonzero((graph.i == 0) & (graph.j == 2))[0]
        return forward(model, graph)[6 + k]

    for hydrogen in (3, 4):
        positions = formamide.positions.copy()
        positions[hydrogen] += [0.15, 0.1, 0.2]
        change = bond(formamide.moved(positions)) - bond(formamide)
        assert np.abs(change).max() > 1e-4, hydrogen


@pytest.mark.parametrize("name", MODELS)
def test_every_kind_describes_itself(name):
    assert MODELS[name].name == name and MODELS[name].label and MODELS[name].help.endswith(".")


def test_marks_of_what_trains_cover_the_model(build):
    for name in MODELS:
        model = build(name)
        marks = jax.tree.leaves(model.trainable())
        assert len(marks) == len(jax.tree.leaves(model)) and any(marks) and not all(marks)


# ---- what the model is made of ---------------------------------------------------------------------


def test_harmonics_are_scipys_made_real(rotation):
    vectors = np.random.default_rng(2).normal(size=(5, 3))
    found = spherical_harmonics(vectors, 3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    x, y, z = unit.T
    np.testing.assert_allclose(found[:, 1:4], np.sqrt(3) * np.stack([y, z, x], 1), atol=1e-12)
    expected = np.stack([x * y, y * z, (3 * z**2 - 1) / np.sqrt(12), x * z, (x**2 - y**2) / 2], 1)
    np.testing.assert_allclose(found[:, 4:9], np.sqrt(15) * expected, atol=1e-12)
    polar, azimuth = np.arccos(z), np.arctan2(y, x)
    np.testing.assert_allclose(
        found[:, 12], np.sqrt(4 * np.pi) * sph_harm_y(3, 0, polar, azimuth).real, atol=1e-12
    )
    for l in range(4):
        part = slice(l * l, (l + 1) ** 2)
        np.testing.assert_allclose((found[:, part] ** 2).sum(1), 2 * l + 1, atol=1e-10)
        turned = spherical_harmonics(vectors @ rotation.T, 3)[:, part]
        np.testing.assert_allclose(turned, found[:, part] @ wigner(l, rotation).T, atol=1e-5)


def test_cutoff_ends_with_its_slope():
    r = np.linspace(0.0, 9.0, 901)
    value = smooth_cutoff(r, 6.0)
    assert value[0] == 1.0 and not value[r >= 6.0].any()
    assert np.abs(np.diff(value, 2)).max() < 2e-4
    assert not radial_basis(np.array([6.0, 7.0]), 6.0, 5).any()


@pytest.mark.parametrize("second", [None, (0,), (1, 2)])
def test_product_tensor_holds_the_allowed_paths_only(second):
    irreps = (Irrep(0, True), Irrep(1, True), Irrep(1, False), Irrep(3, True))
    tensor = product_tensor(2, irreps, second)
    assert tensor.shape == (9, 9, 1 + 3 + 3 + 7)
    b_allowed = range(3) if second is None else second
    start = 0
    for irrep in irreps:
        for a in range(3):
            for b in range(3):
                block = tensor[a * a : (a + 1) ** 2, b * b : (b + 1) ** 2, start : start + irrep.dim]
                triangle = abs(a - b) <= irrep.l <= a + b
                parity = ((a + b + irrep.l) % 2 == 0) == irrep.natural
                assert block.any() == (triangle and parity and b in b_allowed)
                if block.any():
                    cosine = (block * clebsch_gordan(a, b, irrep.l)).sum() / np.linalg.norm(block)
                    assert cosine == pytest.approx(irrep.dim**0.5, rel=1e-5)
        start += irrep.dim
    assert natural_irreps(1) == (Irrep(0, True), Irrep(1, True))


def test_joined_graphs_keep_every_molecule_apart(formamide):
    one = make_graph(formamide, GRAPH)
    joined = join_graphs([one, one], n_atoms=14, n_pairs=2 * len(one.i) + 3)
    np.testing.assert_array_equal(joined.i[len(one.i) : 2 * len(one.i)], one.i + 6)
    np.testing.assert_array_equal(joined.j[-3:], 13)
    assert not joined.radial[-3:].any() and not joined.envelope[-3:].any() and not joined.density[-2:].any()
    assert (np.diff(joined.i) >= 0).all()  # sums over neighbours rely on it


def test_a_lone_atom_has_no_pairs():
    graph = make_graph(Structure(np.array([8]), np.zeros((1, 3))), GRAPH)
    assert graph.i.shape == (0,) and graph.harmonics.shape == (0, 9) and graph.density.shape == (1, 16, 9)


def test_an_element_that_was_not_learned_is_told():
    with pytest.raises(
        StructureError, match=r"holds F, which the model has not learned; train on a dataset with F"
    ):
        make_graph(Structure(np.array([1, 9]), np.array([[0, 0, 0], [0, 0, 1.7]]), name="HF"), GRAPH)
