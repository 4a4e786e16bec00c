r"""What a model sees of the baseline's electrons: blocks of its Hamiltonian and of its density matrix.

The geometry says where atoms are; which charges they carry and which bonds are strong follows from far away. A
baseline has worked that out already. Its matrix and the projector $P = C_{occ} C_{occ}^T$, both between Löwdin
orbitals, are cut into the same coupled blocks as the matrix that is learned, so that they turn as it does.

Source of the idea: Qiao, Welborn, Anandkumar, Manby & Miller, J. Chem. Phys. 153, 124111 (2020), where a network learns
energies from matrices between symmetry-adapted orbitals of GFN1-xTB.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import GraphSettings
from hamexplorer.model.graph import with_blocks
from hamexplorer.train.frames import Frame

#: Least spread of a component, in units of the largest of its matrix: what hardly varies must not be blown up.
_LEAST_SPREAD = 1e-3


def blocks_of(frame: Frame, template: BlockTemplate) -> np.ndarray:
    """Coupled components of a molecule's base and of its projector P: (n_atoms + n_pairs, 2, size²), Ha and 1.

    On-site blocks come first.
    """
    base = frame.base[0]
    _, coeff = np.linalg.eigh(base)
    occupied = coeff[:, : int(frame.integrals.n_occ)]
    return np.stack(
        [
            template.to_irreps(matrix[None], frame.structure.numbers, frame.block_of_pair)
            for matrix in (base, occupied @ occupied.T)
        ],
        axis=1,
    )


def fit_units(frames: Sequence[Frame], template: BlockTemplate, n_elements: int) -> np.ndarray:
    """Units in which all components have about the same size, over the training molecules.

    Returns:
        Shape (2 n_elements + 1, 2, size²): the mean of every element's on-site components (of scalars alone: a mean
        direction would break the symmetry), their root mean square distance from it, and √(mean x⁴/mean x²) of
        off-site ones x; one number a tensor.
    """
    found = [blocks_of(f, template) for f in frames]
    n_atoms = [f.structure.n_atoms for f in frames]
    own = np.concatenate([blocks[:n] for blocks, n in zip(found, n_atoms, strict=True)])
    pair = np.concatenate([blocks[n:] for blocks, n in zip(found, n_atoms, strict=True)])
    species = np.concatenate([f.graph.species for f in frames])
    mean, spread = np.zeros((n_elements, *own.shape[1:])), np.ones((n_elements, *own.shape[1:]))
    for element in np.unique(species).tolist():
        mine = own[species == element]
        mean[element] = mine.mean(0) * template.scalars
        spread[element] = _size(mine - mean[element], template)
    # Most pairs are far apart and next to zero: bonds, which are few, shall be about one, not ten.
    of_bonds = _size(pair**2, template) / _size(pair, template) if len(pair) else np.ones(own.shape[1:])
    return np.concatenate([mean, spread, of_bonds[None]])


def _size(components: np.ndarray, template: BlockTemplate) -> np.ndarray:
    """Root mean square of every tensor, bounded from below; (items, 2, size²) → (2, size²)."""
    mean = (components**2).mean(0)
    for columns in template.columns.values():
        mean[:, columns] = mean[:, columns].mean(2, keepdims=True)
    root = np.sqrt(mean)
    return np.maximum(root, np.maximum(_LEAST_SPREAD * root.max(1, keepdims=True), 1e-6))


def seen(frame: Frame, units: np.ndarray, template: BlockTemplate, settings: GraphSettings) -> Frame:
    """The frame whose graph holds its base's blocks.

    Args:
        frame: a molecule on its baseline.
        units: of :func:`fit_units`.
        template, settings: of the model.
    """
    blocks, n, species = blocks_of(frame, template), frame.structure.n_atoms, frame.graph.species
    mean, spread, of_bonds = np.split(units, [len(units) // 2, len(units) - 1])
    own = (blocks[:n] - mean[species]) / spread[species]
    graph = with_blocks(frame.graph, own, blocks[n:] / of_bonds, settings)
    return dataclasses.replace(frame, graph=graph)
