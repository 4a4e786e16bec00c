"""What a structure must be before anything is computed with it; one sentence where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from ase.data import chemical_symbols
from scipy.spatial.distance import pdist

from hamexplorer.errors import StructureError, quoted
from hamexplorer.structures.structure import Structure

#: Most atoms of one molecule or cell. Dense matrices of a larger one would take the dashboard's whole memory.
MAX_ATOMS = 200
#: Most structures of one file: each is kept whole in memory and has a row in the table.
MAX_STRUCTURES = 50_000
#: Nuclei closer than this (Å) are a mistake: the shortest bond there is, H2, measures 0.74 Å.
MIN_DISTANCE_ANGSTROM = 0.4
#: A coordinate beyond this (Å) is a mistake of unit or a damaged number.
MAX_COORDINATE_ANGSTROM = 1e4

_NUMBER = {symbol: number for number, symbol in enumerate(chemical_symbols)}


def atomic_number(text: str, where: str) -> int:
    """Number of an element given as symbol (any case) or as number.

    Raises:
        StructureError: starting with ``where`` if there is no such element.
    """
    symbol = text.strip()
    number = int(symbol) if symbol.isdecimal() and len(symbol) < 4 else _NUMBER.get(symbol.capitalize(), 0)
    if not 1 <= number < len(chemical_symbols):
        raise StructureError(f"{where}: {quoted(symbol)} is not an element; write a symbol such as C or Cl")
    return number


def check_size(n_atoms: int, where: str) -> None:
    """Refuse a structure without atoms or with more than :data:`MAX_ATOMS`.

    Raises:
        StructureError: starting with ``where``.
    """
    if n_atoms < 1:
        raise StructureError(f"{where} has no atoms; leave it out, or load another file")
    if n_atoms > MAX_ATOMS:
        raise StructureError(
            f"{where} has {n_atoms} atoms and a molecule or a cell may have at most {MAX_ATOMS} here; cut out the "
            f"part of interest, or give a smaller cell"
        )


def check_count(n_structures: int, file: str) -> None:
    """Refuse a file with more than :data:`MAX_STRUCTURES`.

    Raises:
        StructureError: starting with the file's name.
    """
    if n_structures > MAX_STRUCTURES:
        raise StructureError(
            f"{file} holds more than {MAX_STRUCTURES} structures, the most that are read; split the file, or take "
            "every tenth"
        )


def check_atoms(numbers: Sequence[int], positions: np.ndarray, charge: int, where: str) -> None:
    """Refuse what no closed-shell calculation can use.

    Args:
        numbers: atomic numbers.
        positions: coordinates in Å, shape (n_atoms, 3).
        charge: total charge in e.
        where: how the sentence starts, for example ``"water.xyz, frame 3"``.

    Raises:
        StructureError: for too many atoms, an unknown element, a coordinate that is no ordinary number,
            an odd electron count or atoms closer than :data:`MIN_DISTANCE_ANGSTROM`; in that order.
    """
    check_contents(numbers, positions, charge, where)
    _check_pairing(numbers, charge, where)
    _check_distances(numbers, positions, where)


def check_contents(numbers: Sequence[int], positions: np.ndarray, charge: int, where: str) -> None:
    """Refuse what is wrong in a molecule and in a cell alike; arguments as in :func:`check_atoms`.

    Raises:
        StructureError: for too many atoms, an unknown element, a coordinate that is no ordinary number, or a charge
            that leaves no electrons; in that order.
    """
    check_size(len(numbers), where)
    for k, number in enumerate(numbers):
        if not 1 <= number < len(chemical_symbols):
            raise StructureError(
                f"{where}: atom {k + 1} is of no known element (atomic number {number}); give every atom an "
                f"element"
            )
    _check_positions(numbers, positions, where)
    if int(sum(numbers)) - charge < 1:
        raise StructureError(f"{where} has no electrons left with charge {charge:+d}; give a smaller charge")


def check_structures(structures: Iterable[Structure]) -> list[Structure]:
    """The same structures, every one of them checked as in :func:`check_atoms`, crystals with their cells.

    Raises:
        StructureError: naming the first that cannot be used.
    """
    from hamexplorer.structures.cells import check_crystal  # it builds on this module

    checked = list(structures)
    for structure in checked:
        if structure.is_crystal:
            check_crystal(structure, structure.label)
        else:
            check_atoms(
                structure.numbers.tolist(), structure.positions_angstrom, structure.charge, structure.label
            )
    return checked


def _check_positions(numbers: Sequence[int], positions: np.ndarray, where: str) -> None:
    good = np.isfinite(positions).all(1) & (np.abs(np.nan_to_num(positions)) <= MAX_COORDINATE_ANGSTROM).all(
        1
    )
    if not good.all():
        k = int(np.argmin(good))
        value = " ".join(f"{x:g}" for x in positions[k])
        raise StructureError(
            f"{where}: atom {k + 1} ({chemical_symbols[numbers[k]]}) stands at {value}; coordinates must be "
            f"finite "
            f"numbers in Å below {MAX_COORDINATE_ANGSTROM:g}: correct them or leave the structure out"
        )


def _check_pairing(numbers: Sequence[int], charge: int, where: str) -> None:
    n_electrons = int(sum(numbers)) - charge
    if n_electrons % 2:
        others = [
            f"{other:+d}" if other else "0" for other in (charge - 1, charge + 1) if other < sum(numbers)
        ]
        stated = f"charge {charge:+d}" if charge else "no charge"
        raise StructureError(
            f"{where} has {n_electrons} electron{'s' * (n_electrons > 1)} with {stated}, an odd number, and "
            f"this model "
            f"is closed-shell: every orbital holds two; give the right charge, for example "
            f"{' or '.join(others)}: in brackets in a SMILES ([CH3+]), as charge=1 in the comment line of an "
            f"xyz file; or leave it out"
        )


def _check_distances(numbers: Sequence[int], positions: np.ndarray, where: str) -> None:
    n_atoms = len(numbers)
    if n_atoms < 2:
        return
    distances = pdist(positions)
    nearest = int(np.argmin(distances))
    if distances[nearest] < MIN_DISTANCE_ANGSTROM:
        first, second = (int(index[nearest]) for index in np.triu_indices(n_atoms, 1))
        raise StructureError(
            f"{where}: atoms {first + 1} ({chemical_symbols[numbers[first]]}) and {second + 1} "
            f"({chemical_symbols[numbers[second]]}) are {distances[nearest]:.2f} Å apart, closer than "
            f"{MIN_DISTANCE_ANGSTROM:g} Å; check the geometry and that its unit is Å"
        )
