r"""A structure as arrays: matrices, phases, integrals and reference values of one molecule or crystal.

A molecule is a crystal with one cell, T = 0, and one k-point, whose phase is 1: for both the matrix at k is

$$ H(\mathbf k) = H_0(\mathbf k) + \tfrac12\left(A + A^\dagger\right), \quad
A(\mathbf k) = \sum_{\mathbf T} e^{i \mathbf k \cdot \mathbf T} G(\mathbf T), $$

G holding the model's blocks. The mean with the adjoint makes $H(\mathbf T) = H(-\mathbf T)^T$ and treats both atoms of
a pair alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.graph import Graph, GraphSettings, make_graph
from hamexplorer.physics.bloch import mesh_points, reduced_mesh
from hamexplorer.physics.bloch import phases as bloch_phases
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.integrals import Integrals, make_crystal_integrals, make_integrals
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

    @property
    def overlap(self) -> np.ndarray:
        """S(k) of a crystal, shape (n_k, n_ao, n_ao)."""
        assert self.integrals.orthogonaliser is not None, "of molecules the orbitals are orthonormal"
        root = np.linalg.inv(self.integrals.orthogonaliser)
        return root @ root

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
        **FIXED_AXES,
    }


#: Axes that are as long for every structure.
FIXED_AXES = {"x": 3, "n_grid": len(DOS_GRID)}
