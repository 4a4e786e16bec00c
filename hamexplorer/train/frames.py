"""A data set as arrays: one frame a molecule, laid end to end into batches of one shape.

Graphs are joined flat (atoms and pairs of all molecules in one list); matrices and properties are padded to the
largest molecule. Every batch of a data set has the same shape, so everything compiles once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph, GraphSettings, join_graphs, make_graph
from hamexplorer.physics.integrals import Integrals, make_integrals, pad_integrals
from hamexplorer.physics.targets import TARGETS
from hamexplorer.structures.structure import Structure


class TargetValue(NamedTuple):
    """A reference value and which of its scalars count; equal shapes."""

    value: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, eq=False)
class Frame:
    """One molecule, ready for the model.

    Attributes:
        structure: the molecule.
        graph: what the model sees.
        block_of_pair: number of each atom pair's block, on-site first, -1 beyond the cutoff; (n_atoms, n_atoms).
        gather: where each matrix element stands among flattened blocks, -1 for none; (n_ao, n_ao).
        base: H̃0 that the model adds to: baseline, and later the ridge start; (n_ao, n_ao), Ha.
        integrals: of the small basis.
        targets: reference values by target name; empty for a molecule without references.
    """

    structure: Structure
    graph: Graph
    block_of_pair: np.ndarray
    gather: np.ndarray
    base: np.ndarray
    integrals: Integrals
    targets: dict[str, TargetValue]


def make_frame(
    structure: Structure,
    basis: str,
    template: BlockTemplate,
    settings: GraphSettings,
    targets: dict[str, TargetValue] | None = None,
) -> Frame:
    """One molecule with a base of zero; raises StructureError or BasisError for one that the model cannot take."""
    graph = make_graph(structure, settings)
    integrals = make_integrals(structure, basis)
    n = structure.n_atoms
    block_of_pair = np.full((n, n), -1)
    block_of_pair[np.arange(n), np.arange(n)] = np.arange(n)
    block_of_pair[graph.i, graph.j] = n + np.arange(len(graph.i))
    return Frame(
        structure=structure,
        graph=graph,
        block_of_pair=block_of_pair,
        gather=template.gather_index(structure.numbers, block_of_pair),
        base=np.zeros_like(integrals.root),
        integrals=integrals,
        targets=targets or {},
    )


class Shape(NamedTuple):
    """Padded sizes of a batch."""

    n_structures: int
    n_atoms: int
    n_pairs: int
    n_ao: int
    n_atoms_each: int


class Batch(NamedTuple):
    """Several frames in arrays of one :class:`Shape`.

    Attributes:
        graph: all molecules end to end.
        gather: into flattened blocks of this batch (its last block is zero), (n_structures, n_ao, n_ao).
        base: (n_structures, n_ao, n_ao).
        integrals: leaves with a leading axis of n_structures.
        targets: by name, values and weights with a leading axis of n_structures.
        n_atoms: of each structure; 1 for an empty slot.
        present: 1 for a molecule, 0 for an empty slot, (n_structures,).
    """

    graph: Graph
    gather: np.ndarray
    base: np.ndarray
    integrals: Integrals
    targets: dict[str, TargetValue]
    n_atoms: np.ndarray
    present: np.ndarray


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
    rounds = [[frames[k] for k in members] for members in _rounds(frames, batch_size)]
    n_pairs = sum(max(len(f.graph.i) for f in members) for members in rounds)
    return Shape(
        n_structures=len(rounds),
        # The last atom is padding: padding pairs point at it.
        n_atoms=sum(max(f.structure.n_atoms for f in members) for members in rounds) + 1,
        n_pairs=max(n_pairs, 1),
        n_ao=max(len(f.integrals.ao_mask) for f in frames),
        n_atoms_each=max(f.structure.n_atoms for f in frames),
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
    )


def make_batch(frames: Sequence[Frame], shape: Shape, template: BlockTemplate, names: Sequence[str]) -> Batch:
    """Lay frames into arrays of the given shape, with the named targets; empty slots repeat the first frame."""
    filled = list(frames) + [frames[0]] * (shape.n_structures - len(frames))
    size = template.size**2
    zero_block = (shape.n_atoms + shape.n_pairs) * size
    gather = np.full((shape.n_structures, shape.n_ao, shape.n_ao), zero_block, dtype=np.int32)
    base = np.zeros((shape.n_structures, shape.n_ao, shape.n_ao))
    atom, pair = 0, 0
    for k, frame in enumerate(frames):
        n, n_atoms = len(frame.base), frame.structure.n_atoms
        block, inside = np.divmod(frame.gather, size)
        moved = np.where(block < n_atoms, block + atom, block - n_atoms + shape.n_atoms + pair)
        gather[k, :n, :n] = np.where(frame.gather < 0, zero_block, moved * size + inside)
        atom, pair = atom + n_atoms, pair + len(frame.graph.i)
    for k, frame in enumerate(filled):
        base[k, : len(frame.base), : len(frame.base)] = frame.base
    padded = [pad_integrals(f.integrals, n_ao=shape.n_ao, n_atoms=shape.n_atoms_each) for f in filled]
    return Batch(
        graph=join_graphs([f.graph for f in frames], n_atoms=shape.n_atoms, n_pairs=shape.n_pairs),
        gather=gather,
        base=base,
        integrals=Integrals(*(np.stack(leaf) for leaf in zip(*padded, strict=True))),
        targets={name: _stack_target(filled, name, shape) for name in names},
        n_atoms=np.array([f.structure.n_atoms for f in filled], dtype=float),
        present=(np.arange(shape.n_structures) < len(frames)).astype(float),
    )


def _stack_target(frames: Sequence[Frame], name: str, shape: Shape) -> TargetValue:
    """Values of one target; a molecule that lacks it gets zeros with weight zero."""
    length = {"n_ao": shape.n_ao, "n_atoms": shape.n_atoms_each, "x": 3}
    stacked = np.zeros((2, len(frames), *(length[axis] for axis in TARGETS[name].axes)))
    for k, frame in enumerate(frames):
        if name in frame.targets:
            value, weight = frame.targets[name]
            place: tuple[Any, ...] = (slice(None), k, *(slice(0, n) for n in value.shape))
            stacked[place] = np.stack([value, weight])
    return TargetValue(stacked[0], stacked[1])
