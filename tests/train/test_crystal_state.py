"""A crystal's Hamiltonian and orbitals at one k-point: phases, shared levels, what is known and what is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import scipy.linalg

from hamexplorer.errors import TrainingError
from hamexplorer.physics.bloch import bloch_sum, mesh_points, mesh_translations, reduced_mesh
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.train.calculated import calculated_bands, calculated_crystal, calculated_shares
from hamexplorer.train.crystal_state import CrystalOrbital, crystal_state
from hamexplorer.train.molecule_state import OrbitalSet

ORBITALS = CellOrbitals("gth-szv", "gth-pbe")
#: Γ, where graphene's bands 3 and 4 share a level, M, and a point between.
GAMMA, M, K = np.zeros(3), np.array([0.5, 0, 0]), np.array([1 / 3, 1 / 3, 0])


@pytest.fixture(scope="module")
def graphene() -> ReferenceDataset:
    """Small basis and reference differ; the first crystal is the ideal one."""
    return read_dataset("graphene")


@pytest.fixture(scope="module")
def at_gamma(graphene):
    return calculated_crystal(graphene.references[0], graphene.method, GAMMA)


def test_levels_and_orbitals_solve_the_calculations_equation(graphene):
    """H(k) C = S(k) C ε at a point of the mesh, whose levels PySCF's SCF gave."""
    ref = graphene.references[3]
    state = calculated_crystal(ref, graphene.method, M)
    on_mesh = ref.small.mo_energy[4 * 8]  # (4/8, 0/8) of 8×8
    np.testing.assert_allclose(state.sets["raw"].energy, on_mesh, atol=1e-6)
    overlap = ORBITALS.overlap(ref.structure, M[None])[0]
    for band in range(state.n_bands):
        c = state.orbital("raw", band)
        assert c.conj() @ overlap @ c == pytest.approx(1, abs=1e-9)


def test_the_phase_makes_the_largest_coefficient_real(graphene):
    state = calculated_crystal(graphene.references[3], graphene.method, np.array([0.2, 0.1, 0]))
    for band in range(state.n_bands):
        vector = state.vector("raw", band)
        largest = vector[np.abs(vector).argmax()]
        assert abs(largest.imag) < 1e-10 and largest.real > 0


def test_a_shared_level_is_told_and_its_mixture_is_definite(at_gamma):
    """However the eigensolver mixes the two, the same two orbitals come out, orthonormal and of the same level."""
    assert at_gamma.same_level("raw", 3).tolist() == [2, 3]
    turn = np.linalg.qr(np.array([[1, 2j], [0.3, 1]]))[0]
    mixed = OrbitalSet(at_gamma.sets["raw"].matrix.copy())
    mixed.coeff[:, 2:4] = mixed.coeff[:, 2:4] @ turn
    other = dataclasses.replace(at_gamma, sets={"raw": mixed})
    pair = [at_gamma.vector("raw", band) for band in (2, 3)]
    for band, vector in zip((2, 3), pair, strict=True):
        np.testing.assert_allclose(other.vector("raw", band), vector, atol=1e-6)
    np.testing.assert_allclose(np.abs(np.array(pair).conj() @ np.array(pair).T), np.eye(2), atol=1e-9)
    energy = pair[1].conj() @ at_gamma.sets["raw"].matrix @ pair[1]
    assert energy.real == pytest.approx(at_gamma.sets["raw"].energy[3], abs=4e-5)


def test_likeness_is_the_squared_overlap_in_the_metric_of_the_overlap_matrix(graphene):
    """Against |C† S C'|² of SciPy's eigenvectors, of a learned matrix that is the raw one and a push."""
    ref, k = graphene.references[3], np.array([0.2, 0.1, 0])
    raw = calculated_crystal(ref, graphene.method, k)
    overlap = ORBITALS.overlap(ref.structure, k[None])[0]
    root = np.linalg.inv(raw.orthogonaliser)
    fock = root @ raw.sets["raw"].matrix @ root
    rng = np.random.default_rng(2)
    push = rng.normal(size=fock.shape) + 1j * rng.normal(size=fock.shape)
    learned = fock + 0.03 * (push + push.conj().T)
    state = crystal_state(ORBITALS, ref.structure, k, learned=learned, reference=ref)
    first, second = (scipy.linalg.eigh(h, overlap)[1] for h in (fock, learned))
    expected = np.abs(second.conj().T @ overlap @ first) ** 2
    assert expected.max(0).min() < 0.99, "the push changes orbitals"
    for band in range(state.n_bands):
        np.testing.assert_allclose(state.likeness("learned", band), expected[:, band], atol=1e-6)
        both = state.vector("learned", band), state.vector("raw", band)
        assert abs((both[1].conj() @ both[0]).imag) < 1e-9, "phases agree, so that colours can be compared"


def test_what_is_not_known_is_said(graphene):
    ref = graphene.references[0]
    state = crystal_state(ORBITALS, ref.structure, K, reference=ref, small_and_large=("gth-szv", "gth-dzvp"))
    assert list(state.sets) == ["raw"] and "gth-dzvp" in state.why_not["reference"]
    assert "8×8×1 mesh" in state.about[0] and "less than a meV" in state.about[0]
    bare = dataclasses.replace(ref, fock=None, overlap=None)
    with pytest.raises(TrainingError, match="no matrix of graphene is known"):
        crystal_state(ORBITALS, ref.structure, K, reference=bare)
    alone = crystal_state(ORBITALS, ref.structure, K, learned=np.diag(np.arange(8.0)))
    assert list(alone.sets) == ["learned"] and "only the model knows it" in alone.why_not["reference"]


def test_one_calculation_is_the_reference():
    dataset = read_dataset("silicon")
    ref = dataset.references[0]
    state = calculated_crystal(ref, dataset.method, ref.path.points[25])
    assert list(state.sets) == ["reference"] and state.why_not == {}
    assert list(calculated_bands(ref).sets) == ["reference"]
    off = state.sets["reference"].energy - ref.small.path_energy[25]
    assert f"off by {1000 * 27.211386 * np.abs(off[: ref.n_occ]).max():.2g} meV" in state.about[0]


def test_surfaces_have_no_hole_and_repeat_with_the_wave(graphene):
    state = calculated_crystal(graphene.references[0], graphene.method, M)
    chosen = CrystalOrbital(state, 22, 3)
    positive, negative = chosen.surfaces("raw", "real")
    for points, faces in (positive, negative):
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, count = np.unique(edges, axis=0, return_counts=True)
        assert len(points) > 100 and (count % 2 == 0).all(), "every edge belongs to two triangles"
    # At M the wave changes sign along a1: moved by a1, inner lobes of one sign are those of the other.
    a1 = state.structure.cell[0]
    inside = positive.points[np.abs(positive.points[:, 1] - positive.points[:, 1].mean()) < 3] + a1
    inside = inside[inside[:, 0] < positive.points[:, 0].max() - np.linalg.norm(a1)]
    distance = np.linalg.norm(inside[::7, None] - negative.points[None], axis=-1).min(1)
    assert len(distance) > 20 and np.median(distance) < 0.05
    (density,) = chosen.surfaces("raw", "density")
    assert len(density.points) > 100


def test_shares_of_orbitals_are_mulliken_populations_of_the_calculation(graphene):
    """Of every level at a mesh point, from SciPy's eigenvectors; symmetry parts σ and π."""
    ref = graphene.references[3]
    bands = calculated_shares(calculated_bands(ref), ref, graphene.method)
    raw = bands.sets["raw"]
    assert bands.orbitals[:4] == (("C", "s"), ("C", "p"), ("C", "p"), ("C", "p"))
    np.testing.assert_allclose(raw.path_character.sum(-1), 1, atol=1e-9)
    points = mesh_points((8, 8, 1))[reduced_mesh((8, 8, 1))[0]]
    place = 11  # somewhere without symmetry
    fock = bloch_sum(ref.fock, mesh_translations((8, 8, 1)), points[[place]])[0]
    overlap = ORBITALS.overlap(ref.structure, points[[place]])[0]
    energy, c = scipy.linalg.eigh(fock, overlap)
    np.testing.assert_allclose(energy, raw.mesh_energy[place], atol=1e-6)
    expected = np.array([[(c[m, n].conj() * (overlap @ c)[m, n]).real for m in range(8)] for n in range(8)])
    np.testing.assert_allclose(raw.mesh_character[place], expected, atol=1e-6)
    assert bands.sets["reference"].path_character is None
