"""Distorted copies of one molecule, for learning how the Hamiltonian follows the geometry."""

from __future__ import annotations

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem, rdDetermineBonds

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Step of the central difference for force constants, Å.
_STEP = 1e-3
#: Softest frequency, relative to the stiffest, that still counts as a vibration's own.
#: Torsions softer than this are sampled as if they had it, so that they do not eat the whole amplitude.
_SOFTEST = 0.1


def random_displacements(structure: Structure, *, n: int, amplitude: float, seed: int = 0) -> list[Structure]:
    """Move every coordinate by independent Gaussian noise.

    Args:
        structure: the molecule to distort.
        n: number of copies.
        amplitude: root-mean-square displacement of an atom, Å.
        seed: equal seeds give equal copies.
    """
    rng = np.random.default_rng(seed)
    moves = rng.normal(size=(n, structure.n_atoms, 3)) * amplitude / np.sqrt(3)
    return _displaced(structure, moves)


def normal_mode_displacements(
    structure: Structure, *, n: int, amplitude: float, seed: int = 0
) -> list[Structure]:
    r"""Move along the vibrations of the MMFF force field, softer modes farther ($\propto 1/\omega$).

    That is the shape of a classical thermal ensemble; its size is set by ``amplitude``, the
    root-mean-square displacement of an atom in Å, averaged over the ensemble.

    Raises:
        StructureError: if RDKit cannot assign bonds or MMFF lacks parameters.
    """
    modes, frequencies = _vibrations(structure)
    rng = np.random.default_rng(seed)
    widths = 1 / np.maximum(frequencies, _SOFTEST * frequencies.max())
    # Average over the ensemble of the mean square displacement of an atom.
    mean_square = np.einsum("mad,m->", modes**2, widths**2) / structure.n_atoms
    coefficients = rng.normal(size=(n, len(widths))) * widths * amplitude / np.sqrt(mean_square)
    return _displaced(structure, np.einsum("nm,mad->nad", coefficients, modes))


def _displaced(structure: Structure, moves_angstrom: np.ndarray) -> list[Structure]:
    width = len(str(len(moves_angstrom) - 1))
    return [
        structure.moved(structure.positions + move / BOHR_ANGSTROM).renamed(
            f"{structure.label} {k:0{width}d}"
        )
        for k, move in enumerate(moves_angstrom)
    ]


def _vibrations(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Cartesian shapes (n_modes, n_atoms, 3) and relative frequencies of the vibrations."""
    mol, properties = _mmff(structure)
    x0 = structure.positions_angstrom.ravel()

    def gradient(x: np.ndarray) -> np.ndarray:
        field = AllChem.MMFFGetMoleculeForceField(mol, properties)
        field.Initialize()
        return np.array(field.CalcGrad(x.tolist()))

    steps = np.eye(len(x0)) * _STEP
    hessian = np.array([(gradient(x0 + s) - gradient(x0 - s)) / (2 * _STEP) for s in steps])
    masses = np.repeat([Chem.GetPeriodicTable().GetAtomicWeight(int(z)) for z in structure.numbers], 3)
    weighted = (hessian + hessian.T) / 2 / np.sqrt(np.outer(masses, masses))
    inside = _without_rigid_motion(structure, masses)
    values, vectors = np.linalg.eigh(inside.T @ weighted @ inside)
    shapes = (inside @ vectors / np.sqrt(masses)[:, None]).T.reshape(-1, structure.n_atoms, 3)
    # Away from the force field's own minimum a curvature may be slightly negative.
    return shapes, np.sqrt(np.abs(values))


def _without_rigid_motion(structure: Structure, masses: np.ndarray) -> np.ndarray:
    """Orthonormal mass-weighted basis orthogonal to translations and rotations."""
    centred = structure.positions_angstrom - structure.positions_angstrom.mean(0)
    rigid = [np.tile(axis, structure.n_atoms) for axis in np.eye(3)]
    rigid += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    u, s, _ = np.linalg.svd((np.array(rigid) * np.sqrt(masses)).T, full_matrices=True)
    return u[:, int((s > 1e-6 * s[0]).sum()) :]


def _mmff(structure: Structure):
    block = f"{structure.n_atoms}\n\n" + "\n".join(
        f"{s} {x:.8f} {y:.8f} {z:.8f}"
        for s, (x, y, z) in zip(structure.symbols, structure.positions_angstrom, strict=True)
    )
    with rdBase.BlockLogs():
        try:
            mol = Chem.MolFromXYZBlock(block)
            rdDetermineBonds.DetermineBonds(mol, charge=structure.charge)
            Chem.SanitizeMol(mol)
            properties = AllChem.MMFFGetMoleculeProperties(mol)
        except (ValueError, RuntimeError):
            properties = None
    if properties is None:
        raise StructureError(
            f"the force field MMFF does not cover {structure.label}; use random displacements instead of "
            f"normal modes"
        )
    return mol, properties
