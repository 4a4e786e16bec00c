r"""A data set as arrays: one frame a structure, laid end to end into batches of one shape.

Graphs are joined flat (atoms and pairs of all structures in one list); matrices and properties are padded to the
largest structure. Every batch of a data set has the same shape, so everything compiles once.

A molecule is a crystal with one cell, T = 0, and one k-point, whose phase is 1: for both the matrix at k is

$$ H(\mathbf k) = H_0(\mathbf k) + \tfrac12\left(A + A^\dagger\right), \quad
A(\mathbf k) = \sum_{\mathbf T} e^{i \mathbf k \cdot \mathbf T} G(\mathbf T), $$

G holding the model's blocks. The mean with the adjoint makes $H(\mathbf T) = H(-\mathbf T)^T$ and treats both atoms of
a pair alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph, GraphSettings, join_graphs, make_graph
from hamexplorer.physics.bloch import mesh_points, reduced_mesh
from hamexplorer.physics.bloch import phases as bloch_phases
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.integrals import Integrals, make_crystal_integrals, make_integrals, pad_integrals
from hamexplorer.physics.targets import DOS_GRID, TARGETS
from hamexplorer.structures.pairs import Pairs, find_pairs
from hamexplorer.structures.structure import Structure

#: The small basis: its name for molecules, name and pseudopotential for crystals.
Basis = str | CellOrbitals


class TargetValue(NamedTuple):
    """A reference value and which of its scalars count; equal shapes."""

    value: np.ndarray
    weight: np.ndarray


class KPoints(NamedTuple):
    """Where bands of a crystal are wanted.

    Attributes:
        points: fractions of the reciprocal vectors, shape (n_k, 3).
        weights: shares, sum 1, shape (n_k,).
        mesh: the mesh whose points these are, but for one of k and -k each; None for a path, from which there is no way
            back to real space.
    """

    points: np.ndarray
    weights: np.ndarray
    mesh: tuple[int, int, int] | None = None

    @classmethod
    def of_mesh(cls, mesh: Sequence[int]) -> KPoints:
        """All points of a mesh that differ."""
        n = int(mesh[0]), int(mesh[1]), int(mesh[2])
        kept, weights = reduced_mesh(n)
        return cls(mesh_points(n)[kept], weights, n)

    @classmethod
    def of_path(cls, points: np.ndarray) -> KPoints:
        """The points of a path, all alike."""
        return cls(points, np.full(len(points), 1 / len(points)))


@dataclass(frozen=True, eq=False)
class Frame:
    """One structure, ready for the model.

    Attributes:
        structure: the molecule or crystal.
        graph: what the model sees.
        translations: cells T that its pairs reach, (n_T, 3); T = 0 alone for a molecule.
        block_of_pair: number of each atom pair's block, on-site first, -1 beyond the cutoff; (n_T, n_atoms, n_atoms).
        gather: where each matrix element stands among flattened blocks, -1 for none; (n_T, n_ao, n_ao).
        nearest: of each block, the share of its class that it gets when a matrix comes back from a k-mesh: 1 for the
            nearest of the pairs that the mesh cannot tell apart, 0 for the others; (n_blocks,).
        phases: exp(i k·T), complex; 1 for a molecule, real; (n_k, n_T).
        base: H0(k) that the model adds to: baseline, and later the ridge start; (n_k, n_ao, n_ao), Ha. Of a molecule
            between Löwdin orbitals, of a crystal between atomic ones.
        integrals: of the small basis.
        targets: reference values by target name; empty for a structure without references.
        k: the k-points of a crystal; None for a molecule.
    """

    structure: Structure
    graph: Graph
    translations: np.ndarray
    block_of_pair: np.ndarray
    gather: np.ndarray
    nearest: np.ndarray
    phases: np.ndarray
    base: np.ndarray
    integrals: Integrals
    targets: dict[str, TargetValue]
    k: KPoints | None = None

    def at_k(self, matrices: np.ndarray) -> np.ndarray:
        """The Hermitian part of a Bloch sum: M(T) of shape (n_T, n_ao, n_ao) → (n_k, n_ao, n_ao)."""
        flat = self.phases @ matrices.reshape(len(matrices), -1)
        a = flat.reshape(-1, *matrices.shape[1:])
        return (a + a.conj().swapaxes(-1, -2)) / 2

    def in_real_space(self, matrices: np.ndarray) -> np.ndarray:
        """M(T) of the cells T from M(k) at the k-points of a mesh, real: (n_k, n_ao, n_ao) → (n_T, n_ao, n_ao)."""
        if self.k is None:
            return matrices
        assert self.k.mesh is not None, "a path does not determine real space"
        weighted = self.phases.conj().T * self.k.weights
        flat = (weighted @ matrices.reshape(len(matrices), -1)).real
        return flat.reshape(-1, *matrices.shape[1:])


def make_frame(
    structure: Structure,
    basis: Basis,
    template: BlockTemplate,
    settings: GraphSettings,
    targets: dict[str, TargetValue] | None = None,
    k: KPoints | None = None,
) -> Frame:
    """One structure with a base of zero.

    Args:
        structure: the molecule or crystal.
        basis: the small basis: a name for molecules, with a pseudopotential for crystals.
        template, settings: of the model.
        targets: reference values by target name.
        k: where a crystal's bands are wanted.

    Raises:
        StructureError, BasisError: for a structure that the model cannot take.
    """
    pairs = find_pairs(structure, cutoff_angstrom=settings.cutoff_angstrom)
    graph = make_graph(structure, settings, pairs)
    if isinstance(basis, str):
        integrals, phases = make_integrals(structure, basis), np.ones((1, 1))
        translations, cell_of_pair = np.zeros((1, 3), int), np.zeros(len(pairs.i), int)
    else:
        assert k is not None, "bands of a crystal are asked for at k-points"
        integrals = make_crystal_integrals(structure, basis, k.points, k.weights)
        every = np.concatenate([np.zeros((1, 3), int), pairs.translation])
        translations, cells = np.unique(every, axis=0, return_inverse=True)
        cell_of_pair = cells.ravel()[1:]
        phases = bloch_phases(k.points, translations)
    n, n_ao = structure.n_atoms, len(integrals.ao_mask)
    block_of_pair = np.full((len(translations), n, n), -1)
    home = int(np.flatnonzero((translations == 0).all(1))[0])
    block_of_pair[home, np.arange(n), np.arange(n)] = np.arange(n)
    block_of_pair[cell_of_pair, graph.i, graph.j] = n + np.arange(len(graph.i))
    return Frame(
        structure=structure,
        graph=graph,
        translations=translations,
        block_of_pair=block_of_pair,
        gather=template.gather_index(structure.numbers, block_of_pair),
        nearest=_nearest(structure, pairs, k),
        phases=phases,
        base=np.zeros((len(phases), n_ao, n_ao), phases.dtype),
        integrals=integrals,
        targets=targets or {},
        k=k,
    )


#: Pairs that a mesh cannot tell apart share what belongs to them if their lengths differ by less than this, bohr.
_ALIKE = 0.2


def _nearest(structure: Structure, pairs: Pairs, k: KPoints | None) -> np.ndarray:
    """:attr:`Frame.nearest` of on-site blocks and pairs."""
    share = np.ones(structure.n_atoms + len(pairs.i))
    if k is None or k.mesh is None or structure.cell is None:
        return share
    # All images of a pair in the mesh's own supercell; the next ones on each side suffice for cells that are not thin.
    steps = [(-1, 0, 1) if repeats else (0,) for repeats in structure.pbc]
    shifts = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3)
    away = shifts * np.array(k.mesh) @ structure.cell
    vectors = np.concatenate([np.zeros((structure.n_atoms, 3)), pairs.vector])
    own = np.linalg.norm(vectors, axis=1)
    others = np.linalg.norm(vectors[:, None] + away[None], axis=2)
    alike = (others <= others.min(1, keepdims=True) + _ALIKE).sum(1)
    return np.where(own <= others.min(1) + _ALIKE, 1.0 / alike, 0.0)


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
    """

    graph: Graph
    gather: np.ndarray
    phases: np.ndarray
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
    )


def axes_of(name: str, frame: Frame) -> tuple[str, ...]:
    """What the axes of a target's value run over in a frame."""
    axes = TARGETS[name].axes if frame.k is None else TARGETS[name].band_axes
    assert axes is not None, f"a crystal has no {name}"
    return axes


def lengths_of(frame: Frame) -> dict[str, int]:
    """Length of every axis that values of a frame may have."""
    return {
        "n_ao": len(frame.integrals.ao_mask),
        "n_atoms": frame.structure.n_atoms,
        "n_k": len(frame.phases),
        **_FIXED_AXES,
    }


_FIXED_AXES = {"x": 3, "n_grid": len(DOS_GRID)}


def _stack_target(frames: Sequence[Frame], name: str, shape: Shape) -> TargetValue:
    """Values of one target; a structure that lacks it gets zeros with weight zero."""
    length = {"n_ao": shape.n_ao, "n_atoms": shape.n_atoms_each, "n_k": shape.n_k, **_FIXED_AXES}
    stacked = np.zeros((2, len(frames), *(length[axis] for axis in axes_of(name, frames[0]))))
    for k, frame in enumerate(frames):
        if name in frame.targets:
            value, weight = frame.targets[name]
            place: tuple[Any, ...] = (slice(None), k, *(slice(0, n) for n in value.shape))
            stacked[place] = np.stack([value, weight])
    return TargetValue(stacked[0], stacked[1])
