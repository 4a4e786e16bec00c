"""Builders of crystals, and distorted, strained and enlarged copies of any crystal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ase.build import bulk, graphene, make_supercell

from hamexplorer.errors import StructureError
from hamexplorer.structures.polymers import VACUUM, build_polyacetylene, build_polyethylene
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

__all__ = [
    "BULK_KINDS",
    "CONSTANTS",
    "CRYSTALS",
    "ReadyMade",
    "build_bulk",
    "build_layer",
    "build_polyacetylene",
    "build_polyethylene",
    "distorted",
    "supercell",
]

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
CONSTANTS = {
    ("C", "diamond"): 3.567,
    ("Si", "diamond"): 5.431,
    ("Ge", "diamond"): 5.658,
    ("BN", "zincblende"): 3.616,
    ("SiC", "zincblende"): 4.360,
    ("AlP", "zincblende"): 5.464,
    ("GaAs", "zincblende"): 5.653,
    ("MgO", "rocksalt"): 4.212,
    ("LiF", "rocksalt"): 4.026,
    ("LiH", "rocksalt"): 4.084,
    ("NaCl", "rocksalt"): 5.640,
    ("AlN", "wurtzite"): 3.112,
    ("GaN", "wurtzite"): 3.189,
    ("ZnO", "wurtzite"): 3.250,
    ("Ne", "fcc"): 4.430,
    ("Ar", "fcc"): 5.260,
    ("Al", "fcc"): 4.050,
    ("Cu", "fcc"): 3.615,
    ("Li", "bcc"): 3.510,
    ("Na", "bcc"): 4.291,
}


@dataclass(frozen=True)
class ReadyMade:
    """A crystal that needs no input: called, it is built.

    Attributes:
        help: what it is known for, beside its name in a form.
        build: makes it.
    """

    help: str
    build: Callable[[], Structure]

    def __call__(self) -> Structure:
        return self.build()


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
        constant = CONSTANTS.get((formula, kind))
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


def _known(formula: str, kind: str, help: str) -> ReadyMade:
    return ReadyMade(help, lambda: build_bulk(formula, kind))


#: Ready-made crystals that need no input: name -> what it is, and its builder.
CRYSTALS: dict[str, ReadyMade] = {
    "graphene": ReadyMade("one layer of carbon; its bands touch in the Dirac points K", build_layer),
    "hexagonal BN": ReadyMade("one layer like graphene, but an insulator", lambda: build_layer("BN", 2.50)),
    "polyacetylene": ReadyMade(
        "a chain of alternating carbon bonds: the alternation opens the gap", build_polyacetylene
    ),
    "polyethylene": ReadyMade("a saturated chain with a wide gap", build_polyethylene),
    "diamond": _known("C", "diamond", "carbon with four bonds each; wide indirect gap"),
    "silicon": _known("Si", "diamond", "the textbook semiconductor; indirect gap near X"),
    "germanium": _known("Ge", "diamond", "silicon's heavier sister"),
    "cubic BN": _known("BN", "zincblende", "diamond with two elements"),
    "silicon carbide": _known("SiC", "zincblende", "halfway between diamond and silicon"),
    "gallium arsenide": _known("GaAs", "zincblende", "direct gap at Γ"),
    "magnesium oxide": _known("MgO", "rocksalt", "an ionic crystal with six neighbours each"),
    "lithium fluoride": _known("LiF", "rocksalt", "an ionic crystal with a very wide gap"),
    "sodium chloride": _known("NaCl", "rocksalt", "table salt"),
    "aluminium nitride": _known("AlN", "wurtzite", "hexagonal, four atoms a cell"),
    "gallium nitride": _known("GaN", "wurtzite", "hexagonal; the blue light-emitting diode"),
    "neon": _known("Ne", "fcc", "atoms that hardly touch: flat bands"),
}
