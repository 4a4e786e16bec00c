r"""GFN1-xTB before self-consistency: the tight-binding Hamiltonian H0 and the overlap of crystals and molecules.

$$ H^0_{\mu\nu}(\mathbf T) = S_{\mu\nu}(\mathbf T)\, \tfrac12 (h_a + h_b)\, k_{ab} K_{AB} (1 + k_{EN} \Delta_{EN}^2)
\Big(1 + p_a \sqrt{R/R_{AB}}\Big) \Big(1 + p_b \sqrt{R/R_{AB}}\Big), \qquad h_a = h^0_a - k^{CN}_a\, CN_A $$

for shells a, b of atoms A, B a distance R apart, images of one atom included; within an atom it is S ½(h_a + h_b).
Hydrogen's second s shell has k_ab of its own and neither K_AB nor electronegativities.

PySCFAD's own `pyscfad.xtb.kxtb` (0.3.4) is not used. Between an atom and its images it leaves out everything but
S ½(h_a + h_b): up to 0.15 Ha in H0 of silicon, 1.5 eV in its occupied levels. It also compiles for 6 to 8 s a shape
what takes NumPy milliseconds.

Lattice sums of the overlap are complete. tblite ends them at 40 bohr, which functions of Li and Mg outreach: the
empty levels of their dense crystals differ from its by up to 1 Ha.

Source: Grimme, Bannwarth & Shushkov, J. Chem. Theory Comput. 13, 1989 (2017). Checked against tblite's matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from pyscf import gto

from hamexplorer.physics.xtb_parameters import (
    SECOND_S,
    atom_pair_factors,
    atoms_of,
    gfn1_gaussians,
    gfn1_shells,
    parameters,
    shell_pair_factors,
    shells_of,
)
from hamexplorer.structures.structure import Structure

__all__ = [
    "distances",
    "gfn1_hamiltonian",
    "gfn1_shells",
    "lattice_cells",
    "overlap_in_real_space",
    "pair_levels",
    "repulsion",
]

#: Overlaps below this count as zero.
_NEGLIGIBLE = 1e-10
#: Repulsion below this counts as zero, Ha.
_NO_REPULSION = 1e-12
#: Reach of the coordination number, bohr: its counting function never falls below 1e-7, so that the sum needs an end.
_COORDINATION_REACH = 25.0


def gfn1_hamiltonian(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """H0 and overlap in real space, H0(-T) = H0(T)ᵀ; no iteration and no charges.

    Args:
        structure: crystal or molecule. Cells reach to the end of the overlaps, along the directions that repeat.

    Returns:
        Cells T (n_T, 3), which in reverse are -T, and H0(T) and S(T), each (n_T, n_ao, n_ao), H0 in Ha. A molecule has
        the one cell T = 0. Orbitals are in the order of :func:`gfn1_shells`.

    Raises:
        BasisError: if an element has no parameters.
    """
    basis = {z: gfn1_gaussians(z) for z in set(structure.numbers.tolist())}
    cells, overlap = overlap_in_real_space(structure, basis)
    shell_of_ao = shells_of(structure)[2]
    return cells, overlap * pair_levels(structure, cells)[:, shell_of_ao[:, None], shell_of_ao], overlap


def pair_levels(structure: Structure, cells: np.ndarray) -> np.ndarray:
    """What multiplies the overlap in H0, shape (n_T, n_shells, n_shells), Ha; raises BasisError.

    Args:
        structure: crystal or molecule.
        cells: T, shape (n_T, 3).
    """
    shells, atom_of_shell, _ = shells_of(structure)
    level = shells.level - shells.coordination * _coordination_number(structure)[atom_of_shell]
    return _pair_factors(structure, cells) * (level[:, None] + level) / 2


def repulsion(structure: Structure) -> float:
    """Energy of the cores of a cell, images included, Ha; raises BasisError."""
    atoms, power = atoms_of(structure), parameters()["repulsion"]["effective"]["kexp"]
    charge = atoms.repulsion_charge[:, None] * atoms.repulsion_charge
    exponent = np.sqrt(atoms.repulsion_exponent[:, None] * atoms.repulsion_exponent)
    reach = (np.log(charge.max() / _NO_REPULSION) / exponent.min()) ** (1 / power)
    cells = lattice_cells(structure.positions, structure.cell, structure.pbc, reach)
    r = distances(structure.positions, structure.cell, cells)
    r[r < 1e-6] = np.inf
    return float((charge * np.exp(-exponent * r**power) / r).sum() / 2)


def lattice_cells(
    positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, ...], reach: float
) -> np.ndarray:
    """Cells T that hold an image of some atom closer than ``reach`` to some atom of the home cell, which is among them.

    Args:
        positions: shape (n_atoms, 3).
        cell: rows are vectors, in the unit of ``positions`` and ``reach``; None for a molecule.
        pbc: along which of them to go.

    Returns:
        Shape (n_T, 3) in lexical order, so that in reverse it is -T.
    """
    periodic = np.flatnonzero(pbc)
    if cell is None or not len(periodic):
        return np.zeros((1, 3), dtype=int)
    longest = np.linalg.norm(positions[None] - positions[:, None], axis=-1).max()
    # Columns reciprocal to the repeating vectors: no point within r has a coefficient above r times their length.
    across = np.linalg.norm(np.linalg.pinv(cell[periodic]), axis=0)
    most = np.zeros(3, dtype=int)
    most[periodic] = np.floor(across * (reach + longest))
    cells = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), -1).reshape(-1, 3)
    return cells[(distances(positions, cell, cells) < reach).any((1, 2))]


def distances(positions: np.ndarray, cell: np.ndarray | None, cells: np.ndarray) -> np.ndarray:
    """From atom i of the home cell to atom j of the cell T, shape (n_T, n_atoms, n_atoms)."""
    shifts = np.zeros((len(cells), 3)) if cell is None else cells @ cell
    return np.linalg.norm(positions + shifts[:, None, None] - positions[:, None], axis=-1)


def overlap_in_real_space(structure: Structure, basis: Mapping[int, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Cells T that overlap with the home cell, (n_T, 3), in reverse -T, and S(T), (n_T, n_ao, n_ao).

    Args:
        structure: crystal or molecule.
        basis: shells of each element in PySCF's internal format.
    """
    of_symbols = {chemical_symbols[z]: list(shells) for z, shells in basis.items()}
    atoms = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
    mol = gto.M(atom=atoms, unit="Bohr", basis=of_symbols, spin=None, verbose=0)
    # The product of two Gaussians of exponent a, a distance R apart, falls as exp(-a R²/2).
    softest = min(float(mol.bas_exp(shell).min()) for shell in range(mol.nbas))
    reach = float(np.sqrt(-2 * np.log(_NEGLIGIBLE) / softest))
    cells = lattice_cells(structure.positions, structure.cell, structure.pbc, reach)
    lattice = np.eye(3) if structure.cell is None else structure.cell
    half = _overlap_with(mol, cells[: len(cells) // 2 + 1] @ lattice)
    overlap = np.concatenate([half, half[-2::-1].swapaxes(1, 2)])
    kept = np.abs(overlap).max((1, 2)) > _NEGLIGIBLE
    return cells[kept], overlap[kept]


def _overlap_with(mol: gto.Mole, shifts: np.ndarray) -> np.ndarray:
    """Overlap of a molecule with copies of it, shifted by (n_T, 3) bohr; shape (n_T, n_ao, n_ao)."""
    n = len(shifts)
    # One call for all copies: each gets rows of its own in PySCF's tables of atoms and shells, after the molecule's.
    places = (mol.atom_coords() + shifts[:, None]).ravel()
    atoms, shells = np.tile(mol._atm, (n, 1)), np.tile(mol._bas, (n, 1))
    atoms[:, gto.PTR_COORD] = len(mol._env) + 3 * np.arange(len(atoms))
    shells[:, gto.ATOM_OF] += mol.natm * np.repeat(np.arange(1, n + 1), mol.nbas)
    found = gto.moleintor.getints(
        "int1e_ovlp_sph",
        np.vstack([mol._atm, atoms]),
        np.vstack([mol._bas, shells]),
        np.concatenate([mol._env, places]),
        shls_slice=(0, mol.nbas, mol.nbas, mol.nbas * (n + 1)),
    )
    return np.ascontiguousarray(found.reshape(mol.nao, n, mol.nao).transpose(1, 0, 2))


def _coordination_number(structure: Structure) -> np.ndarray:
    """How many neighbours each atom has, fractional, shape (n_atoms,).

    Source: Grimme, Antony, Ehrlich & Krieg, J. Chem. Phys. 132, 154104 (2010).
    """
    covalent = atoms_of(structure).covalent_radius
    cells = lattice_cells(structure.positions, structure.cell, structure.pbc, _COORDINATION_REACH)
    r = distances(structure.positions, structure.cell, cells)
    counted = (r > 1e-6) & (r < _COORDINATION_REACH)
    ratio = (covalent[:, None] + covalent) / np.where(counted, r, np.inf)
    steepness = parameters()["hamiltonian"]["xtb"]["kcn_d3"]
    return (counted / (1 + np.exp(-steepness * (ratio - 1)))).sum((0, 2))


def _pair_factors(structure: Structure, cells: np.ndarray) -> np.ndarray:
    """What multiplies S ½(h_a + h_b), shape (n_T, n_shells, n_shells)."""
    shells, atom, _ = shells_of(structure)
    atoms = atoms_of(structure)
    pair = (atom[:, None], atom)
    difference = atoms.electronegativity[:, None] - atoms.electronegativity
    polar = 1 + parameters()["hamiltonian"]["xtb"]["enscale"] * difference**2
    valence = shells.kind != SECOND_S
    of_atoms = np.where(valence[:, None] & valence, (atom_pair_factors(structure) * polar)[pair], 1.0)
    r = distances(structure.positions, structure.cell, cells)
    root = np.sqrt(r / (atoms.radius[:, None] + atoms.radius))[:, *pair]
    factors = shell_pair_factors()[shells.kind[:, None], shells.kind] * of_atoms
    factors = factors * (1 + shells.polynomial[:, None] * root) * (1 + shells.polynomial * root)
    within_an_atom = (cells == 0).all(1)[:, None, None] & (atom[:, None] == atom)
    return np.where(within_an_atom, 1.0, factors)
