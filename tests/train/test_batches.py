"""Batches hold every molecule exactly once, fit their shape, and lose nothing."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.batches import batch_shape, common_shape, deal, make_batch, roomy_shape
from hamexplorer.train.prepare import arrange, prepare
from hamexplorer.train.step import hamiltonians


def stub(n_atoms: int, n_pairs: int, n_ao: int, n_k: int, n_translations: int):
    """As much of a frame as dealing looks at."""
    return SimpleNamespace(
        structure=SimpleNamespace(n_atoms=n_atoms),
        graph=SimpleNamespace(i=np.zeros(n_pairs)),
        integrals=SimpleNamespace(ao_mask=np.ones(n_ao)),
        phases=np.ones((n_k, n_translations)),
        translations=np.zeros((n_translations, 3)),
    )


sizes = (st.integers(low, high) for low, high in ((1, 20), (0, 60), (1, 50), (1, 9), (1, 40)))
molecules = st.lists(st.builds(stub, *sizes), min_size=1, max_size=25)


@given(molecules, st.integers(1, 30), st.none() | st.integers(0, 1000))
def test_every_molecule_is_dealt_once_into_batches_that_fit(frames, batch_size, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    batches, shape = deal(frames, batch_size, rng), batch_shape(frames, batch_size)
    assert sorted(k for batch in batches for k in batch) == list(range(len(frames)))
    for batch in batches:
        members = [frames[k] for k in batch]
        assert 1 <= len(batch) <= shape.n_structures <= batch_size
        assert sum(f.structure.n_atoms for f in members) < shape.n_atoms  # one atom is left for padding
        assert sum(len(f.graph.i) for f in members) <= shape.n_pairs
        assert max(f.structure.n_atoms for f in members) <= shape.n_atoms_each
        assert max(len(f.integrals.ao_mask) for f in members) <= shape.n_ao
        assert max(f.phases.shape for f in members) <= (shape.n_k, shape.n_translations)


@given(molecules, st.integers(1, 30))
def test_shapes_that_others_share_hold_what_they_held(frames, batch_size):
    shape, other = batch_shape(frames, batch_size), batch_shape(frames[:1], 1)
    for larger in (roomy_shape(shape), common_shape([shape, other])):
        assert all(a >= b for a, b in zip(larger, shape, strict=True))
    assert roomy_shape(roomy_shape(shape)) == roomy_shape(shape)


@given(molecules, st.integers(1, 8), st.integers(0, 1000))
def test_equal_seeds_deal_alike(frames, batch_size, seed):
    first, second = (deal(frames, batch_size, np.random.default_rng(seed)) for _ in range(2))
    assert first == second


@pytest.fixture(scope="module")
def prepared(settings):
    dataset = read_dataset("small-molecules").subset([0, 40, 15, 60, 30])
    chosen = settings(model="linear", baseline="sap")
    return prepare(arrange(dataset, chosen), chosen)


def test_different_molecules_share_a_batch_without_touching(prepared, getkey):
    """H̃ of each molecule from a joined batch is that of the molecule alone, entry by entry."""
    template, frames = prepared.geometry.template, prepared.frames
    shape = batch_shape(frames, len(frames))
    together = np.asarray(hamiltonians(prepared.model, make_batch(frames, shape, template, ())))
    for k, frame in enumerate(frames):
        alone = np.asarray(hamiltonians(prepared.model, make_batch([frame], shape, template, ())))[0]
        np.testing.assert_allclose(together[k], alone, atol=1e-5)
        n = frame.base.shape[-1]
        assert not together[k][:, n:].any() and not together[k][:, :, n:].any()


def test_targets_are_stacked_with_their_weights(prepared):
    frames = prepared.frames
    batch = make_batch(frames, batch_shape(frames, len(frames)), prepared.geometry.template, prepared.names)
    for name in prepared.names:
        stacked, weight = batch.targets[name]
        for k, frame in enumerate(frames):
            value, counts = frame.targets[name]
            inside = tuple(slice(0, n) for n in value.shape)
            np.testing.assert_array_equal(stacked[k][inside], value)
            assert weight[k].sum() == counts.sum()
    assert batch.present.tolist() == [1.0] * len(frames)


def test_a_molecule_that_lacks_a_target_does_not_count(prepared):
    frames = list(prepared.frames)
    without = {name: v for name, v in frames[1].targets.items() if name != "dipole"}
    frames[1] = dataclasses.replace(frames[1], targets=without)
    batch = make_batch(frames, batch_shape(frames, len(frames)), prepared.geometry.template, ("dipole",))
    assert batch.targets["dipole"].weight.sum(1).tolist() == [3.0, 0.0, 3.0, 3.0, 3.0]


def test_empty_slots_repeat_a_molecule_and_do_not_count(prepared):
    frames = prepared.frames
    shape = batch_shape(frames, len(frames))
    batch = make_batch(frames[:2], shape, prepared.geometry.template, ())
    assert batch.present.tolist() == [1.0, 1.0, 0.0, 0.0, 0.0]
    np.testing.assert_array_equal(batch.n_atoms[2:], batch.n_atoms[0])
    assert np.isfinite(batch.base).all() and (batch.integrals.n_occ > 0).all()


def test_every_target_has_values_in_the_shipped_set(prepared):
    assert set(prepared.names) == set(TARGETS)
