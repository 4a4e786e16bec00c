r"""A matrix between the points of the mesh on which it was calculated, with the exact overlap.

A Bloch sum over the cells of a mesh fails where orbitals reach farther than the mesh's supercell: bands of diamond in
gth-szv from a 4×4×4 mesh come out 2 eV wrong between its points. Two things mend that. Every *pair of atoms* gets the
image that is nearest in the supercell (Wigner-Seitz), not every cell. And what is summed is $F - c\,S$, whose remainder
falls off fastest, while $S(\mathbf k)$ is known exactly everywhere: far from an atom the Hamiltonian is close to a
multiple of the overlap. Measured against PySCF's `get_bands`, the largest error of occupied bands: diamond 31 meV,
silicon 4 meV, hexagonal BN 1 meV, graphene 0.01 meV.
"""

from __future__ import annotations

import itertools

import numpy as np

from hamexplorer.physics.bloch import bloch_sum, mesh_translations
from hamexplorer.structures.structure import Structure

#: Images of a pair whose lengths differ by less than this share what belongs to them, bohr.
_ALIKE = 0.2
#: Pairs farther than this share of the farthest decide about c.
_FAR = 0.7


def matrix_at(
    fock: np.ndarray,
    overlap: np.ndarray,
    mesh: tuple[int, int, int],
    structure: Structure,
    atom_of_ao: np.ndarray,
    k: np.ndarray,
    overlap_at_k: np.ndarray,
) -> np.ndarray:
    """F(k) at one k-point; exact on the mesh.

    Args:
        fock, overlap: F(T), Ha, and S(T) on :func:`~hamexplorer.physics.bloch.mesh_translations`, (n_T, n_ao, n_ao).
        mesh: of the calculation.
        structure: the crystal.
        atom_of_ao: atom that each orbital sits on, shape (n_ao,).
        k: fractions of the reciprocal vectors, shape (3,).
        overlap_at_k: the exact S(k), shape (n_ao, n_ao).

    Returns:
        Hermitian, shape (n_ao, n_ao), Ha.
    """
    if on_mesh(k, mesh):
        found = bloch_sum(fock, mesh_translations(mesh), k[None])[0]
        return (found + found.conj().T) / 2
    length, cells, shares = _nearest_images(structure, mesh)
    far = (length > _FAR * length.max())[:, atom_of_ao][:, :, atom_of_ao]
    norm = float((overlap[far] ** 2).sum())
    c = float((fock[far] * overlap[far]).sum()) / norm if norm > 0 else 0.0
    # Of every T its images one after the other, so that one sum over cells does for all pairs.
    weights = shares[..., atom_of_ao, :][..., atom_of_ao]
    phase = np.exp(2j * np.pi * (cells @ k))
    found = np.einsum("ts,tsab,tab->ab", phase, weights, fock - c * overlap, optimize=True)
    return (found + found.conj().T) / 2 + c * overlap_at_k


def on_mesh(k: np.ndarray, mesh: tuple[int, int, int]) -> bool:
    """Whether a k-point, in fractions of the reciprocal vectors, belongs to a Γ-centred mesh."""
    steps = np.asarray(k) * mesh
    return bool(np.abs(steps - np.round(steps)).max() < 1e-6)


def _nearest_images(
    structure: Structure, mesh: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every cell T of a mesh and pair of atoms: which images in neighbouring supercells are nearest.

    Returns:
        Shortest lengths (n_T, n, n), bohr; cells of the images (n_T, n_images, 3); the share of each image, sum 1 over
        images, (n_T, n_images, n, n).
    """
    assert structure.cell is not None
    steps = [(-1, 0, 1) if repeats else (0,) for repeats in structure.pbc]
    images = np.array(list(itertools.product(*steps))) * mesh
    cells = mesh_translations(mesh)[:, None] + images
    between = structure.positions[None] - structure.positions[:, None]
    lengths = np.linalg.norm((cells @ structure.cell)[:, :, None, None] + between, axis=-1)
    shortest = lengths.min(1)
    near = lengths <= shortest[:, None] + _ALIKE
    return shortest, cells, near / near.sum(1, keepdims=True)
