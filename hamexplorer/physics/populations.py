r"""Charges and bond orders from a density matrix, in NumPy or JAX alike.

Each formula is written once, with array operators only, so that the reference calculation (NumPy, one
molecule) and the differentiable targets (JAX, padded and batched) cannot drift apart.

Source: Szabo & Ostlund, *Modern Quantum Chemistry*, sec. 3.4.7 (Mulliken, Löwdin); Mayer, Chem. Phys. Lett. 97,
270 (1983). Checked against PySCF in `tests/physics/test_populations.py`.
"""

from __future__ import annotations

import numpy as np


def membership(atom_of_ao: np.ndarray, n_atoms: int) -> np.ndarray:
    """Matrix of zeros and ones, shape (n_ao, n_atoms): which orbital sits on which atom."""
    return (np.asarray(atom_of_ao)[:, None] == np.arange(n_atoms)).astype(float)


def square_root(overlap: np.ndarray) -> np.ndarray:
    """Symmetric square root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(overlap)
    return (vectors * np.sqrt(values)) @ vectors.T


def inverse_square_root(overlap: np.ndarray) -> np.ndarray:
    """Symmetric inverse square root of a positive definite matrix."""
    values, vectors = np.linalg.eigh(overlap)
    return (vectors / np.sqrt(values)) @ vectors.T


def mulliken_charge(density, overlap, atom_of_ao: np.ndarray, nuclear_charges: np.ndarray) -> np.ndarray:
    """q_A = Z_A - Σ_{μ∈A} (PS)_μμ, shape (n_atoms,), e."""
    populations = (density * overlap).sum(1)
    return nuclear_charges - populations @ membership(atom_of_ao, len(nuclear_charges))


def lowdin_charge(density, overlap, atom_of_ao: np.ndarray, nuclear_charges: np.ndarray) -> np.ndarray:
    """q_A = Z_A - Σ_{μ∈A} (S^½ P S^½)_μμ, shape (n_atoms,), e."""
    root = square_root(overlap)
    populations = ((root @ density) * root).sum(1)
    return nuclear_charges - populations @ membership(atom_of_ao, len(nuclear_charges))


def mayer_bond_order(density, overlap, atom_of_ao: np.ndarray, n_atoms: int) -> np.ndarray:
    """B_AB = Σ_{μ∈A,ν∈B} (PS)_μν (PS)_νμ for a closed shell, shape (n_atoms, n_atoms)."""
    ps = density @ overlap
    member = membership(atom_of_ao, n_atoms)
    return member.T @ (ps * ps.T) @ member
