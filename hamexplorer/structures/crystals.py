"""Crystals by name, and distorted, strained and enlarged copies of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from ase import Atoms
from ase.build import bulk, graphene, make_supercell

from hamexplorer.errors import StructureError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Å of cell along a direction that does not repeat: neighbouring images then hardly see each other.
VACUUM = 12.0
#: Kinds of bulk crystal -> atoms in the primitive cell and what they are like.
BULK_KINDS: dict[str, str] = {
    "diamond": "two atoms, four neighbours each: C, Si, Ge",
    "zincblende": "diamond with two elements: BN, SiC, GaAs",
    "rocksalt": "two elements, six neighbours each: LiF, MgO, NaCl",
    "wurtzite": "the hexagonal form of zincblende: AlN, GaN, ZnO",
    "fcc": "one atom, twelve neighbours: Al, Cu, Ne",
    "bcc": "one atom, eight neighbours: Li, Na, Fe",
}
#: Lattice constants in Å where none is given (experimental, rounded).
_CONSTANTS = {
    ("C", "diamond"): 3.567,
    ("Si", "diamond"): 5.431,
    ("Ge", "diamond"): 5.658,
    ("BN", "zincblende"): 3.616,
    ("SiC", "zincblende"): 4.360,
    ("MgO", "rocksalt"): 4.212,
    ("LiF", "rocksalt"): 4.026,
}


def build_bulk(formula: str, kind: str = "diamond", constant: float | None = None) -> Structure:
    """The primitive cell of a bulk crystal.

    Args:
        formula: one or two elements, for example ``Si`` or ``BN``.
        kind: one of :data:`BULK_KINDS`.
        constant: lattice constant in Å; a known one if None.

    Raises:
        StructureError: if kind or formula do not fit, or no lattice constant is known.
    """
    if kind not in BULK_KINDS:
        raise StructureError(
            f"the crystal structure {kind!r} is unknown; choose one of {', '.join(BULK_KINDS)}"
        )
    if constant is None:
        constant = _CONSTANTS.get((formula, kind))
    _check_constant(constant, f"{formula} as {kind}")
    try:
        atoms = bulk(formula, kind, a=constant)
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        raise StructureError(
            f"{formula} cannot be built as {kind} ({error}); give another formula"
        ) from error
    return Structure.from_ase(atoms, name=f"{formula} {kind}", source="builder", periodic=True)


def _check_constant(constant: float | None, of: str) -> None:
    if constant is None or not 1.0 < constant < 20.0:
        raise StructureError(
            f"the lattice constant of {of} is {'not known here' if constant is None else f'{constant:g} Å'}; give "
            f"one between 1 and 20 Å"
        )


def build_layer(formula: str = "C2", constant: float = 2.46) -> Structure:
    """A hexagonal layer of two atoms: graphene (``C2``, 2.46 Å) or boron nitride (``BN``, 2.50 Å).

    Raises:
        StructureError: if these are not two atoms, or the lattice constant is out of bounds.
    """
    _check_constant(constant, f"a layer of {formula}")
    try:
        atoms = graphene(formula=formula, a=constant, size=(1, 1, 1), vacuum=VACUUM / 2)
    except (ValueError, KeyError) as error:
        raise StructureError(
            f"a layer cannot be built of {formula!r}; give two atoms, for example C2 or BN"
        ) from error
    atoms.pbc = (True, True, False)
    name = {"C2": "graphene", "BN": "hexagonal BN"}.get(formula, f"{formula} layer")
    return Structure.from_ase(atoms, name=name, source="builder", periodic=True)


def build_polyacetylene(alternation: float = 0.08, mean_bond: float = 1.40) -> Structure:
    """One C₂H₂ unit of all-trans polyacetylene along x.

    Args:
        alternation: difference of the two carbon bonds, Å; 0 is the metal that Peierls' theorem forbids.
        mean_bond: their mean, Å.

    Raises:
        StructureError: if a bond is too short to close the zigzag.
    """
    angle, ch = np.deg2rad(124.0), 1.09
    short, long = mean_bond - alternation / 2, mean_bond + alternation / 2
    height = (short + long) / 2 * np.cos(angle / 2) / 2
    if not min(short, long) > max(2 * height, 0.0):
        raise StructureError(
            f"carbon bonds of {short:g} and {long:g} Å cannot alternate; choose an alternation near 0.08 Å and a "
            f"mean near 1.4 Å"
        )
    up = np.array([0.0, 1.0, 0.0])
    first = height * up
    second = np.array([np.sqrt(short**2 - 4 * height**2), -height, 0.0])
    period = second[0] + np.sqrt(long**2 - 4 * height**2)
    atoms = Atoms(
        "C2H2",
        positions=[first, second, first + ch * up, second - ch * up],
        cell=[period, VACUUM, VACUUM],
        pbc=(True, False, False),
    )
    atoms.positions[:, 1:] += VACUUM / 2
    return Structure.from_ase(
        atoms, name=f"polyacetylene {alternation:.3f} Å", source="builder", periodic=True
    )


def build_polyethylene() -> Structure:
    """One C₂H₄ unit of all-trans polyethylene along x, with standard bonds and angles."""
    cc, ch, angle, hch = 1.53, 1.09, np.deg2rad(112.0), np.deg2rad(107.0)
    step, height = cc * np.sin(angle / 2), cc * np.cos(angle / 2) / 2
    up, side = ch * np.cos(hch / 2), ch * np.sin(hch / 2)
    carbon = np.array([[0.0, height, 0.0], [step, -height, 0.0]])
    offsets = np.array([[[0.0, sign * up, side], [0.0, sign * up, -side]] for sign in (1, -1)])
    hydrogen = (carbon[:, None] + offsets).reshape(-1, 3)
    atoms = Atoms(
        "C2H4",
        positions=np.vstack([carbon, hydrogen]),
        cell=[2 * step, VACUUM, VACUUM],
        pbc=(True, False, False),
    )
    atoms.positions[:, 1:] += VACUUM / 2
    return Structure.from_ase(atoms, name="polyethylene", source="builder", periodic=True)


def supercell(structure: Structure, repeats: Sequence[int]) -> Structure:
    """Several cells as one.

    Raises:
        StructureError: if there is no cell, a repeat is not positive, or it enlarges a direction that does not repeat.
    """
    if structure.cell is None:
        raise StructureError(f"{structure.label} has no cell to repeat; give a crystal")
    for n, repeats_along, axis in zip(repeats, structure.pbc, "abc", strict=True):
        if n < 1 or (n > 1 and not repeats_along):
            raise StructureError(
                f"{structure.label} cannot be repeated {n} times along {axis}; "
                f"{'it does not repeat that way: use 1' if n > 1 else 'use 1 or more'}"
            )
    atoms = make_supercell(structure.to_ase(), np.diag(repeats))
    name = f"{structure.label} {'×'.join(map(str, repeats))}"
    charge = structure.charge * int(np.prod(repeats))
    return Structure.from_ase(atoms, name=name, charge=charge, source=structure.source, periodic=True)


def distorted(
    structure: Structure, *, n: int, amplitude: float, strain: float = 0.0, seed: int = 0
) -> list[Structure]:
    """Copies with every atom moved and the cell strained at random, along the directions that repeat.

    Args:
        structure: the crystal.
        n: number of copies.
        amplitude: root-mean-square displacement of an atom, Å.
        strain: standard deviation of the diagonal components of the symmetric strain; the others have 1/√2 of it, so
            that no direction is special.
        seed: equal seeds give equal copies.
    """
    if structure.cell is None or not structure.is_crystal:
        raise StructureError(
            f"{structure.label} has no cell to strain; use a displacement of molecules instead"
        )
    rng, width = np.random.default_rng(seed), len(str(n - 1))
    periodic = np.array(structure.pbc)
    # The vacuum stays: strain acts in the span of the repeating vectors.
    span = np.linalg.qr(structure.cell[periodic].T)[0]
    inside = span @ span.T
    found = []
    for k in range(n):
        random = rng.normal(size=(3, 3)) * strain
        deformation = np.eye(3) + inside @ ((random + random.T) / 2) @ inside
        moves = rng.normal(size=(structure.n_atoms, 3)) * amplitude / np.sqrt(3) / BOHR_ANGSTROM
        found.append(
            Structure(
                structure.numbers,
                structure.positions @ deformation + moves,
                structure.charge,
                f"{structure.label} {k:0{width}d}",
                structure.source,
                structure.cell @ deformation,
                structure.pbc,
            )
        )
    return found


#: Ready-made crystals that need no input: name -> builder.
CRYSTALS: dict[str, Callable[[], Structure]] = {
    "graphene": build_layer,
    "hexagonal BN": lambda: build_layer("BN", 2.50),
    "diamond": lambda: build_bulk("C"),
    "silicon": lambda: build_bulk("Si"),
    "polyacetylene": build_polyacetylene,
    "polyethylene": build_polyethylene,
}
