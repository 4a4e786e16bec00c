"""Frames laid end to end into batches of one shape.

Graphs are joined flat (atoms and pairs of all structures in one list); matrices and properties are padded to the
largest structure. Every batch of a data set has the same shape, so everything compiles once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph, join_graphs
from hamexplorer.physics.integrals import Integrals, pad_integrals
from hamexplorer.train.frames import FIXED_AXES, Frame, TargetValue, axes_of


class Shape(NamedTuple):
    """Padded sizes of a batch."""

    n_structures: int
    n_atoms: int
    n_pairs: int
    n_ao: int
    n_atoms_each: int
    n_k: int = 1
    n_translations: int = 1


class Batch(NamedTuple):
    """Several frames in arrays of one :class:`Shape`.

    Attributes:
        graph: all structures end to end.
        gather: into flattened blocks of this batch (its last block is zero), (n_structures, n_T, n_ao, n_ao).
        phases: (n_structures, n_k, n_T).
        base: (n_structures, n_k, n_ao, n_ao).
        integrals: leaves with a leading axis of n_structures.
        targets: by name, values and weights with a leading axis of n_structures.
        n_atoms: of each structure; 1 for an empty slot.
        present: 1 for a molecule, 0 for an empty slot, (n_structures,).
        owner: structure of every atom of the graph, n_structures for padding, (n_atoms,).
        place: of that atom within its structure, (n_atoms,).
        positions: of the graph's atoms, bohr, (n_atoms, 3).
    """

    graph: Graph
    gather: np.ndarray
    phases: np.ndarray
    base: np.ndarray
    integrals: Integrals
    targets: dict[str, TargetValue]
    n_atoms: np.ndarray
    present: np.ndarray
    owner: np.ndarray
    place: np.ndarray
    positions: np.ndarray


def _rounds(frames: Sequence[Frame], batch_size: int) -> list[list[int]]:
    """Molecules sorted by size and cut into rounds of as many as there are batches."""
    n_batches = max(1, -(-len(frames) // batch_size))
    order = sorted(range(len(frames)), key=lambda k: (frames[k].structure.n_atoms, len(frames[k].graph.i), k))
    return [order[start : start + n_batches] for start in range(0, len(order), n_batches)]


def deal(frames: Sequence[Frame], batch_size: int, rng: np.random.Generator | None) -> list[list[int]]:
    """Deal molecules into batches so that each gets small and large ones alike.

    Every batch takes one molecule of each round, by chance if a generator is given: the batches' total sizes are
    nearly equal, so little is padded, and which molecules meet is still random.
    """
    rounds = _rounds(frames, batch_size)
    batches: list[list[int]] = [[] for _ in rounds[0]]
    for members in rounds:
        places = rng.permutation(len(batches)) if rng is not None else np.arange(len(batches))
        for place, k in zip(places, members, strict=False):
            batches[place].append(k)
    if rng is not None:
        batches = [batches[k] for k in rng.permutation(len(batches))]
    return [batch for batch in batches if batch]


def batch_shape(frames: Sequence[Frame], batch_size: int) -> Shape:
    """A shape that holds every batch that :func:`deal` can give, whatever the shuffle."""
    return _shape_of(_rounds(frames, batch_size), frames)


def shard_shape(frames: Sequence[Frame], batch_size: int, n_shards: int) -> Shape:
    """A shape that holds every ``n_shards``-th structure of such a batch, from any of the first ones on."""
    rounds = _rounds(frames, batch_size)
    return common_shape([_shape_of(rounds[k::n_shards], frames) for k in range(n_shards)])


def _shape_of(rounds: Sequence[Sequence[int]], all_frames: Sequence[Frame]) -> Shape:
    """Of batches with at most one member of every round."""
    members = [[all_frames[k] for k in each] for each in rounds]
    frames = [frame for each in members for frame in each]
    n_pairs = sum(max(len(f.graph.i) for f in each) for each in members)
    return Shape(
        n_structures=len(members),
        # The last atom is padding: padding pairs point at it.
        n_atoms=sum(max(f.structure.n_atoms for f in each) for each in members) + 1,
        n_pairs=max(n_pairs, 1),
        n_ao=max(len(f.integrals.ao_mask) for f in frames),
        n_atoms_each=max(f.structure.n_atoms for f in frames),
        n_k=max(len(f.phases) for f in frames),
        n_translations=max(len(f.translations) for f in frames),
    )


def common_shape(shapes: Sequence[Shape]) -> Shape:
    """The smallest shape that holds batches of all the given ones."""
    return Shape(*(max(sizes) for sizes in zip(*shapes, strict=True)))


def roomy_shape(shape: Shape) -> Shape:
    """A little larger, so that most structures of similar size share one compilation."""

    def up(n: int, step: int) -> int:
        return -(-n // step) * step

    def power(n: int) -> int:
        return 1 << max(0, n - 1).bit_length()

    return Shape(
        n_structures=power(shape.n_structures),
        n_atoms=power(shape.n_atoms),
        n_pairs=power(shape.n_pairs),
        n_ao=up(shape.n_ao, 16),
        n_atoms_each=up(shape.n_atoms_each, 8),
        n_k=shape.n_k if shape.n_k == 1 else up(shape.n_k, 8),
        n_translations=shape.n_translations if shape.n_translations == 1 else up(shape.n_translations, 32),
    )


def make_batch(frames: Sequence[Frame], shape: Shape, template: BlockTemplate, names: Sequence[str]) -> Batch:
    """Lay frames into arrays of the given shape, with the named targets; empty slots repeat the first frame."""
    filled = list(frames) + [frames[0]] * (shape.n_structures - len(frames))
    size = template.size**2
    zero_block = (shape.n_atoms + shape.n_pairs) * size
    n_s, n_k, n_t, n_ao = shape.n_structures, shape.n_k, shape.n_translations, shape.n_ao
    gather = np.full((n_s, n_t, n_ao, n_ao), zero_block, dtype=np.int32)
    phases = np.zeros((n_s, n_k, n_t), frames[0].phases.dtype)
    base = np.zeros((n_s, n_k, n_ao, n_ao), frames[0].base.dtype)
    atom, pair = 0, 0
    for k, frame in enumerate(frames):
        n, n_atoms = frame.base.shape[-1], frame.structure.n_atoms
        block, inside = np.divmod(frame.gather, size)
        moved = np.where(block < n_atoms, block + atom, block - n_atoms + shape.n_atoms + pair)
        gather[k, : len(frame.gather), :n, :n] = np.where(frame.gather < 0, zero_block, moved * size + inside)
        atom, pair = atom + n_atoms, pair + len(frame.graph.i)
    for k, frame in enumerate(filled):
        n = frame.base.shape[-1]
        phases[k, : len(frame.phases), : len(frame.translations)] = frame.phases
        base[k, : len(frame.base), :n, :n] = frame.base
    padded = [pad_integrals(f.integrals, n_ao=n_ao, n_atoms=shape.n_atoms_each, n_k=n_k) for f in filled]
    return Batch(
        graph=join_graphs([f.graph for f in frames], n_atoms=shape.n_atoms, n_pairs=shape.n_pairs),
        gather=gather,
        phases=phases,
        base=base,
        integrals=jax.tree.map(lambda *leaves: np.stack(leaves), *padded),
        targets={name: _stack_target(filled, name, shape) for name in names},
        n_atoms=np.array([f.structure.n_atoms for f in filled], dtype=float),
        present=(np.arange(shape.n_structures) < len(frames)).astype(float),
        **_atoms(frames, shape),
    )


def _atoms(frames: Sequence[Frame], shape: Shape) -> dict[str, np.ndarray]:
    """Where the atoms of the joined graph belong."""
    sizes = [f.structure.n_atoms for f in frames]
    rest = shape.n_atoms - sum(sizes)
    return {
        "owner": np.repeat(np.arange(len(frames) + 1), [*sizes, rest])
        + np.repeat([0, shape.n_structures - len(frames)], [sum(sizes), rest]),
        "place": np.concatenate([*(np.arange(n) for n in sizes), np.zeros(rest, int)]),
        "positions": np.concatenate([*(f.structure.positions for f in frames), np.zeros((rest, 3))]),
    }


def _stack_target(frames: Sequence[Frame], name: str, shape: Shape) -> TargetValue:
    """Values of one target; a structure that lacks it gets zeros with weight zero."""
    length = {"n_ao": shape.n_ao, "n_atoms": shape.n_atoms_each, "n_k": shape.n_k, **FIXED_AXES}
    stacked = np.zeros((2, len(frames), *(length[axis] for axis in axes_of(name, frames[0]))))
    for k, frame in enumerate(frames):
        if name in frame.targets:
            value, weight = frame.targets[name]
            place: tuple[Any, ...] = (slice(None), k, *(slice(0, n) for n in value.shape))
            stacked[place] = np.stack([value, weight])
    return TargetValue(stacked[0], stacked[1])
