"""Bloch sums: there and back without loss, Hermitian between the points, and a chain with pencil and paper."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.physics.bloch import (
    bloch_sum,
    mesh_points,
    mesh_translations,
    phases,
    real_space,
    symmetric_translations,
)

MESHES = [(1, 1, 1), (5, 1, 1), (4, 1, 1), (3, 3, 1), (4, 2, 1), (1, 3, 4), (3, 3, 3), (2, 2, 2), (4, 3, 2)]
Mesh = tuple[int, int, int]


def some_hamiltonian(mesh: Mesh, rng: np.random.Generator, n: int = 3) -> np.ndarray:
    """Hermitian H(k) on the points of a mesh with H(-k) = H(k)*, and otherwise anything."""
    mesh_shape = np.array(mesh)
    points = np.rint(mesh_points(mesh) * mesh_shape).astype(int)
    opposite = np.ravel_multi_index(tuple(((-points) % mesh_shape).T), mesh)
    random = rng.normal(size=(len(points), n, n)) + 1j * rng.normal(size=(len(points), n, n))
    hermitian = random + random.conj().swapaxes(1, 2)
    return (hermitian + hermitian[opposite].conj()) / 2


@pytest.fixture
def anywhere(rng) -> np.ndarray:
    """Points that lie on no mesh."""
    return rng.uniform(-1, 1, size=(6, 3))


@pytest.mark.parametrize("mesh", MESHES)
def test_there_and_back(mesh, rng):
    there = some_hamiltonian(mesh, rng)
    back = bloch_sum(real_space(there, mesh), mesh_translations(mesh), mesh_points(mesh))
    np.testing.assert_allclose(back, there, atol=1e-12)


@pytest.mark.parametrize("mesh", MESHES)
def test_real_space_is_real_and_symmetric(mesh, rng):
    """H(-T) is the transpose of H(T), with -T brought back among the cells of the mesh."""
    cells = mesh_translations(mesh)
    found = real_space(some_hamiltonian(mesh, rng), mesh)
    assert found.dtype == float
    where = {tuple(cell % mesh): k for k, cell in enumerate(cells)}
    assert len(where) == len(cells) == np.prod(mesh)
    opposite = [where[tuple(-cell % mesh)] for cell in cells]
    np.testing.assert_allclose(found[opposite], found.swapaxes(1, 2), atol=1e-12)


@pytest.mark.parametrize("mesh", MESHES)
def test_shared_far_cells_keep_the_values_on_the_mesh(mesh, rng):
    there = some_hamiltonian(mesh, rng)
    matrices, cells = symmetric_translations(real_space(there, mesh), mesh_translations(mesh), mesh)
    np.testing.assert_allclose(bloch_sum(matrices, cells, mesh_points(mesh)), there, atol=1e-12)


@pytest.mark.parametrize("mesh", MESHES)
def test_shared_far_cells_are_hermitian_everywhere(mesh, rng, anywhere):
    matrices, cells = symmetric_translations(
        real_space(some_hamiltonian(mesh, rng), mesh), mesh_translations(mesh), mesh
    )
    between = bloch_sum(matrices, cells, anywhere)
    np.testing.assert_allclose(between, between.conj().swapaxes(1, 2), atol=1e-12)
    np.testing.assert_allclose(bloch_sum(matrices, cells, -anywhere), between.conj(), atol=1e-12)
    # A k-point further by a whole reciprocal vector is the same k-point.
    np.testing.assert_allclose(
        bloch_sum(matrices, cells, anywhere + np.array([1, -2, 3])), between, atol=1e-11
    )


def test_on_an_even_mesh_the_far_cells_must_be_shared(rng, anywhere):
    """What the sharing is for: without it a band structure is not even Hermitian."""
    mesh = (4, 1, 1)
    bare = bloch_sum(real_space(some_hamiltonian(mesh, rng), mesh), mesh_translations(mesh), anywhere)
    assert np.abs(bare - bare.conj().swapaxes(1, 2)).max() > 0.1


def test_an_odd_mesh_has_nothing_to_share(rng):
    mesh = (3, 5, 1)
    matrices, cells = real_space(some_hamiltonian(mesh, rng), mesh), mesh_translations(mesh)
    shared = symmetric_translations(matrices, cells, mesh)
    np.testing.assert_array_equal(shared[0], matrices)
    np.testing.assert_array_equal(shared[1], cells)


def test_the_nearest_cells_are_chosen():
    assert sorted(mesh_translations((5, 1, 1))[:, 0].tolist()) == [-2, -1, 0, 1, 2]
    assert sorted(mesh_translations((1, 4, 1))[:, 1].tolist()) == [-2, -1, 0, 1]
    assert mesh_translations((4, 3, 2))[0].tolist() == [0, 0, 0]


def test_points_count_up_from_the_origin_with_the_last_axis_fastest():
    np.testing.assert_allclose(
        mesh_points((2, 1, 3))[:4], [[0, 0, 0], [0, 0, 1 / 3], [0, 0, 2 / 3], [0.5, 0, 0]]
    )


def test_phases_have_the_sign_of_blochs_theorem():
    np.testing.assert_allclose(
        phases([[0.25, 0, 0]], [[1, 0, 0], [-1, 0, 0], [2, 0, 0]]), [[1j, -1j, -1]], atol=1e-15
    )


@pytest.mark.parametrize("n", [5, 6])
def test_a_chain_of_one_orbital_has_a_cosine_band(n, anywhere):
    """H(0) = e and H(±1) = t give e + 2 t cos(2π k), between the points of a mesh as well."""
    e, t = -0.3, 0.07
    mesh = (n, 1, 1)
    on_mesh = (e + 2 * t * np.cos(2 * np.pi * mesh_points(mesh)[:, 0]))[:, None, None]
    matrices, cells = symmetric_translations(real_space(on_mesh, mesh), mesh_translations(mesh), mesh)
    by_distance = {0: e, 1: t}
    expected = [by_distance.get(abs(int(cell[0])), 0.0) for cell in cells]
    np.testing.assert_allclose(matrices[:, 0, 0], expected, atol=1e-14)
    band = bloch_sum(matrices, cells, anywhere)[:, 0, 0]
    np.testing.assert_allclose(band, e + 2 * t * np.cos(2 * np.pi * anywhere[:, 0]), atol=1e-13)


def test_two_atoms_have_the_bands_of_a_dimerised_chain(anywhere):
    """Su, Schrieffer and Heeger: ±|t + t' exp(2πi k)|; the sign of k decides which bond crosses the border."""
    t, between = -0.1, -0.06
    cells = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0]])
    # The second atom of a cell is bound to the first of the next: H_{12}(-1) = H_{21}(1).
    matrices = np.array([[[0, t], [t, 0]], [[0, 0], [between, 0]], [[0, between], [0, 0]]])
    summed = bloch_sum(matrices, cells, anywhere)
    k = 2 * np.pi * anywhere[:, 0]
    np.testing.assert_allclose(summed[:, 0, 1], t + between * np.exp(-1j * k), atol=1e-14)
    size = np.sqrt(t**2 + between**2 + 2 * t * between * np.cos(k))
    np.testing.assert_allclose(np.linalg.eigvalsh(summed), np.stack([-size, size], 1), atol=1e-13)


def test_a_doubled_cell_folds_the_bands(rng, anywhere):
    """Its bands at K are those of the single cell at K / 2 and (K + 1) / 2 along the doubled direction."""
    n, reach = 2, 2
    half = {t: rng.normal(size=(n, n)) for t in range(reach + 1)}
    single = {t: half[t] if t > 0 else half[-t].T for t in range(-reach, reach + 1) if t} | {
        0: half[0] + half[0].T
    }
    # Atom a of the doubled cell T sits in the single cell 2 T + a.
    wide = range(-2, 3)
    doubled = np.zeros((len(wide), 2 * n, 2 * n))
    for row, cell in enumerate(wide):
        for a in range(2):
            for b in range(2):
                hop = single.get(2 * cell + b - a, np.zeros((n, n)))
                doubled[row, a * n : (a + 1) * n, b * n : (b + 1) * n] = hop

    def bands(matrices, cells, k):
        translations = np.array([[0, cell, 0] for cell in cells])
        return np.linalg.eigvalsh(bloch_sum(np.array(matrices), translations, k))

    folded = [
        bands(list(single.values()), list(single), anywhere * [1, 0.5, 1] + [0, shift, 0])
        for shift in (0, 0.5)
    ]
    np.testing.assert_allclose(
        bands(doubled, wide, anywhere), np.sort(np.concatenate(folded, 1), 1), atol=1e-12
    )
