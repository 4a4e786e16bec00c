"""Built-in collections: small organic molecules and series of growing length."""

from __future__ import annotations

import difflib

from ase.build import molecule
from ase.collections import g2

from hamexplorer.errors import StructureError, quoted
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.structure import Structure

CHNO = frozenset({1, 6, 7, 8})
#: Singlet methylene and ozone of g2: their electrons do not pair up, so no closed-shell model is right.
MULTI_REFERENCE = frozenset({"CH2_s1A1d", "O3"})


def g2_chno(*, max_heavy: int = 100) -> list[Structure]:
    """The closed-shell molecules of ASE's g2 set that hold only C, H, N and O.

    Source: Curtiss et al., J. Chem. Phys. 106, 1063 (1997), geometries as shipped with ASE.
    """
    found = []
    for name in g2.names:
        atoms = molecule(name)
        structure = Structure.from_ase(atoms, name=name, source=f"ASE g2 {name}")
        closed_shell = structure.n_electrons % 2 == 0 and not atoms.get_initial_magnetic_moments().any()
        if closed_shell and set(structure.numbers.tolist()) <= CHNO and 1 <= structure.n_heavy <= max_heavy:
            found.append(structure)
    return found


def named_molecule(text: str) -> Structure:
    """One molecule from a SMILES, else from its name in the g2 set; ``g2:CO`` asks for the set.

    Raises:
        StructureError: if it is neither.
    """
    word = text.strip()
    if word.startswith("g2:"):
        return g2_molecule(word.removeprefix("g2:"))
    try:
        return check_structures([from_smiles(word)])[0]
    except StructureError as refusal:
        if found := [structure for structure in g2_chno() if structure.name == word]:
            return found[0]
        raise StructureError(f"{refusal}; nor is it a name in the g2 set") from None


def g2_molecule(name: str) -> Structure:
    """One of :func:`g2_chno` by its name.

    Raises:
        StructureError: with the nearest names if there is none.
    """
    known = {structure.name: structure for structure in g2_chno()}
    if name not in known:
        near = difflib.get_close_matches(name[:80], known, n=3) or ["CH4", "C2H6", "C6H6"]
        raise StructureError(
            f"the g2 set has no closed-shell molecule {quoted(name)} of C, H, N and O; try {', '.join(near)}"
        )
    return known[name]


def polyene_smiles(n: int) -> str:
    """All-trans polyene with ``n`` double bonds; 1 is ethene, 2 butadiene."""
    return "C=C" + "/C=C" * (n - 1)


def polyenoic_acid_smiles(n: int) -> str:
    """All-trans polyenoic acid with ``n`` double bonds; 1 is acrylic acid."""
    return polyene_smiles(n) + "/C(=O)O"


def acene_smiles(n: int) -> str:
    """Linear acene of ``n`` fused six-membered rings; 1 is benzene, 2 naphthalene."""
    if n == 1:
        return "c1ccccc1"
    opened = "".join(f"cc{ring}" for ring in range(3, n + 1))
    closed = "".join(f"cc{ring}" for ring in range(n - 1, 1, -1))
    return f"c1ccc2{opened}ccccc{n}{closed}c1"


#: Series of growing length: name -> (SMILES of length n, longest length offered, what n counts).
SERIES = {
    "polyenes": (polyene_smiles, 20, "double bonds"),
    "acenes": (acene_smiles, 8, "rings"),
    "polyenoic acids": (polyenoic_acid_smiles, 20, "double bonds"),
}


def series(kind: str, *, first: int, last: int, seed: int = 0) -> list[Structure]:
    """Members ``first`` to ``last`` of a series, relaxed with MMFF.

    Raises:
        StructureError: if the series is unknown or the lengths are out of range.
    """
    if kind not in SERIES:
        raise StructureError(f"the series {quoted(kind)} is unknown; choose one of {', '.join(SERIES)}")
    smiles_of, longest, counted = SERIES[kind]
    if not 1 <= first <= last <= longest:
        raise StructureError(
            f"the lengths {first} to {last} are out of range; {kind} come with 1 to {longest} {counted}, "
            f"shortest first"
        )
    singular = kind.removesuffix("s")
    return [from_smiles(smiles_of(n), seed=seed, name=f"{singular} {n}") for n in range(first, last + 1)]
