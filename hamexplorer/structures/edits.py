"""Changes to single atoms, and distances and angles between them.

An edit tells what it did, so that undoing it can say so. What comes out is not checked: half-way between two sensible
molecules there is often one that no calculation can use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import MAX_ATOMS, atomic_number
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Two atoms are bonded if they are nearer than the sum of their covalent radii times this.
_BONDED = 1.25
_AXES = ("x", "y", "z")


@dataclass(frozen=True)
class Edit:
    """A changed structure, and what was done, as in "moved H3 by 0.10 Å"."""

    structure: Structure
    said: str


def atom_name(structure: Structure, atom: int) -> str:
    """Element and number from 1, as in C1."""
    return f"{structure.symbols[atom]}{atom + 1}"


def neighbours(structure: Structure, atom: int) -> tuple[int, ...]:
    """Atoms of the cell that are bonded to an atom, the nearest first; judged by covalent radii."""
    away = structure.positions_angstrom - structure.positions_angstrom[atom]
    distance = np.linalg.norm(away, axis=1)
    radii = covalent_radii[structure.numbers]
    near = np.flatnonzero(distance < _BONDED * (radii + radii[atom]))
    return tuple(int(k) for k in near[np.argsort(distance[near])] if k != atom)


def directions(structure: Structure, atom: int) -> dict[str, np.ndarray]:
    """Ways to move an atom: away from each neighbour, then along x, y, z; name -> unit vector."""
    found = {}
    for other in neighbours(structure, atom):
        away = structure.positions[atom] - structure.positions[other]
        found[f"away from {atom_name(structure, other)}"] = away / max(float(np.linalg.norm(away)), 1e-12)
    return found | {f"along {axis}": np.eye(3)[k] for k, axis in enumerate(_AXES)}


def move(structure: Structure, atom: int, shift_angstrom: np.ndarray) -> Edit:
    """Move an atom by a vector in Å, shape (3,).

    Raises:
        StructureError: if there is no such atom.
    """
    _check(structure, atom)
    positions = structure.positions.copy()
    positions[atom] += np.asarray(shift_angstrom, dtype=float) / BOHR_ANGSTROM
    far = float(np.linalg.norm(shift_angstrom))
    return Edit(structure.moved(positions), f"moved {atom_name(structure, atom)} by {far:.2f} Å")


def replace_atom(structure: Structure, atom: int, element: str) -> Edit:
    """Make an atom one of another element (a symbol), at the bond length that suits where it has one neighbour.

    Raises:
        StructureError: if there is no such atom or element.
    """
    _check(structure, atom)
    number = atomic_number(element, "the new element")
    numbers, positions = structure.numbers.copy(), structure.positions.copy()
    bonded = neighbours(structure, atom)
    if len(bonded) == 1:
        away = positions[atom] - positions[bonded[0]]
        usual = covalent_radii[structure.numbers[[atom, bonded[0]]]].sum()
        wanted = covalent_radii[[number, structure.numbers[bonded[0]]]].sum()
        positions[atom] = positions[bonded[0]] + away * wanted / usual
    numbers[atom] = number
    said = f"replaced {atom_name(structure, atom)} by {chemical_symbols[number]}"
    return Edit(replace(structure, numbers=numbers, positions=positions), said)


def add_atom(structure: Structure, atom: int, element: str) -> Edit:
    """Bond a new atom of an element (a symbol) to an atom, on the side that its neighbours leave free.

    Raises:
        StructureError: if there is no such atom or element, or no room for one more.
    """
    _check(structure, atom)
    if structure.n_atoms >= MAX_ATOMS:
        raise StructureError(
            f"{structure.label} has {MAX_ATOMS} atoms, the most there may be; delete one first"
        )
    number = atomic_number(element, "the new element")
    length = covalent_radii[[number, structure.numbers[atom]]].sum() / BOHR_ANGSTROM
    place = structure.positions[atom] + length * _free_side(structure, atom)
    numbers = np.append(structure.numbers, number)
    changed = replace(structure, numbers=numbers, positions=np.vstack([structure.positions, place]))
    return Edit(changed, f"added {atom_name(changed, structure.n_atoms)} to {atom_name(structure, atom)}")


def delete_atom(structure: Structure, atom: int) -> Edit:
    """Take an atom away.

    Raises:
        StructureError: if there is no such atom, or it is the last one.
    """
    _check(structure, atom)
    if structure.n_atoms == 1:
        raise StructureError(f"{atom_name(structure, atom)} is the only atom; replace it instead")
    left = np.arange(structure.n_atoms) != atom
    changed = replace(structure, numbers=structure.numbers[left], positions=structure.positions[left])
    return Edit(changed, f"deleted {atom_name(structure, atom)}")


def set_charge(structure: Structure, charge: int) -> Edit:
    """Give the whole another charge, e."""
    return Edit(replace(structure, charge=charge), f"set the charge to {charge:+d}")


def measured(structure: Structure, atoms: Sequence[int]) -> str:
    """The distance of two atoms, the angle of three or the dihedral angle of four, as a sentence.

    Atoms of a crystal are those of the cell, not their images. Fewer than two atoms give an empty sentence.
    """
    chain = list(atoms)
    geometry = structure.to_ase()
    names = " – ".join(atom_name(structure, atom) for atom in chain)
    if len(chain) == 2:
        return f"Distance {names}: {geometry.get_distance(*chain):.3f} Å"
    if len(chain) == 3:
        return f"Angle {names}: {geometry.get_angle(*chain):.1f}°"
    if len(chain) == 4:
        try:
            return f"Dihedral angle {names}: {geometry.get_dihedral(*chain):.1f}°"
        except ZeroDivisionError:
            return f"{names}: three of them stand in a line, so there is no dihedral angle."
    return ""


def _check(structure: Structure, atom: int) -> None:
    if not 0 <= atom < structure.n_atoms:
        raise StructureError(
            f"{structure.label} has no atom {atom + 1}; choose one from 1 to {structure.n_atoms}"
        )


def _free_side(structure: Structure, atom: int) -> np.ndarray:
    """A unit vector into the largest gap between an atom's neighbours, and away from everything else."""
    away = structure.positions - structure.positions[atom]
    distance = np.linalg.norm(away, axis=1)
    others = np.delete(np.arange(structure.n_atoms), atom)
    if not len(others):
        return np.array([1.0, 0.0, 0.0])
    # Points spread evenly over a sphere (Fibonacci); the atoms repel them, near ones far more than distant ones.
    n = 400
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.pi * (1 + 5**0.5) * np.arange(n)
    rim = np.sqrt(1 - z * z)
    points = np.stack([rim * np.cos(turn), rim * np.sin(turn), z], 1)
    reach = distance[neighbours(structure, atom)[0]] if neighbours(structure, atom) else 2.0
    gap = np.linalg.norm(points[:, None] * reach - away[others][None], axis=2)
    return points[(1.0 / np.maximum(gap, 1e-6) ** 4).sum(1).argmin()]
