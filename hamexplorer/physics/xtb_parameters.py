"""The parameters of GFN1-xTB as arrays over the shells and atoms of a structure.

PySCFAD ships the published file, the radii and the Gaussians; they are read from there.

Source: Grimme, Bannwarth & Shushkov, J. Chem. Theory Comput. 13, 1989 (2017).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from pyscf import gto

from hamexplorer.errors import BasisError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import HARTREE_EV

#: Kinds of shells as the table of shell-pair factors calls them: s, p, d, and hydrogen's second s.
_KINDS = ("s", "p", "d", "2S")
SECOND_S = _KINDS.index("2S")

#: Name of the minimal basis that belongs to the method.
XTB_BASIS = "gfn1-xtb"


@dataclass(frozen=True, eq=False)
class GFN1Shells:
    """Parameters of the shells of an element or structure in the order of the orbitals, each of shape (n_shells,).

    Attributes:
        n, l: quantum numbers; n only names.
        kind: place in :func:`shell_pair_factors`: l, or SECOND_S.
        level: of the shell in a free atom, Ha.
        coordination: by how much each neighbour lowers the level, Ha.
        polynomial: how strongly the distance scales the shell's matrix elements.
        occupation: electrons of the neutral atom.
        hardness: self-repulsion of a charge in the shell, Ha/e².
    """

    n: np.ndarray
    l: np.ndarray
    kind: np.ndarray
    level: np.ndarray
    coordination: np.ndarray
    polynomial: np.ndarray
    occupation: np.ndarray
    hardness: np.ndarray


@dataclass(frozen=True, eq=False)
class GFN1Atoms:
    """Parameters of the atoms of a structure, atomic units, each of shape (n_atoms,).

    Attributes:
        electronegativity: Pauling's.
        radius: of the distance polynomials, bohr.
        covalent_radius: of the coordination number, bohr.
        cubic: Γ, third derivative of the energy by the atom's charge, Ha/e³.
        repulsion_charge, repulsion_exponent: of the repulsion between cores.
    """

    electronegativity: np.ndarray
    radius: np.ndarray
    covalent_radius: np.ndarray
    cubic: np.ndarray
    repulsion_charge: np.ndarray
    repulsion_exponent: np.ndarray


@cache
def parameters() -> dict[str, Any]:
    """The published file: levels in eV, all else in atomic units."""
    return tomllib.loads((_folder() / "data" / "gfn1-xtb.toml").read_text())


@cache
def _folder() -> Path:
    # Found, not imported: the package brings JAX along, which worker processes have no use for.
    spec = find_spec("pyscfad")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "xtb"


def gfn1_shells(number: int) -> tuple[tuple[int, int], ...]:
    """(n, l) of an element's shells in orbital order: l rises, then n; p is (x, y, z) and d is m = -2 … 2, as in PySCF.

    Raises:
        BasisError: for an element without parameters, that is beyond radon.
    """
    shells = _element_shells(number)
    return tuple(zip(shells.n.tolist(), shells.l.tolist(), strict=True))


@cache
def gfn1_gaussians(number: int) -> tuple[Any, ...]:
    """An element's shells in PySCF's internal format.

    Raises:
        BasisError: if it has no parameters.
    """
    _element(number)
    return tuple(gto.basis.load(str(_folder() / "basis" / "gfn1.dat"), chemical_symbols[number]))


def shells_of(structure: Structure) -> tuple[GFN1Shells, np.ndarray, np.ndarray]:
    """The shells of all atoms, the atom of each shell (n_shells,), and the shell of each orbital (n_ao,).

    Raises:
        BasisError: if an element has no parameters.
    """
    each = [_element_shells(int(z)) for z in structure.numbers]
    joined = GFN1Shells(*(np.concatenate([getattr(s, f.name) for s in each]) for f in fields(GFN1Shells)))
    atom_of_shell = np.repeat(np.arange(structure.n_atoms), [len(s.l) for s in each])
    return joined, atom_of_shell, np.repeat(np.arange(len(joined.l)), 2 * joined.l + 1)


def atoms_of(structure: Structure) -> GFN1Atoms:
    """The parameters of all atoms.

    Raises:
        BasisError: if an element has no parameters.
    """
    from pyscfad.xtb.data.radii import ATOMIC, COV_D3  # 0.7 s, for JAX: not before it is asked for

    elements = [_element(int(z)) for z in structure.numbers]
    named = {name: np.array([e[name] for e in elements]) for name in ("en", "gam3", "zeff", "arep")}
    radius, covalent = (np.asarray(table)[structure.numbers] for table in (ATOMIC, COV_D3))
    return GFN1Atoms(named["en"], radius, covalent, named["gam3"], named["zeff"], named["arep"])


@cache
def shell_pair_factors() -> np.ndarray:
    """k of two kinds of shells, shape (4, 4)."""
    table = parameters()["hamiltonian"]["xtb"]["shell"]
    # The file names each pair once: 2S before s, p and d, and these in rising l.
    return np.array([[table.get(a + b, table.get(b + a)) for b in _KINDS] for a in _KINDS])


def atom_pair_factors(structure: Structure) -> np.ndarray:
    """K of two atoms, 1 for most, shape (n_atoms, n_atoms)."""
    table = parameters()["hamiltonian"]["xtb"]["kpair"]
    numbers, of_atom = np.unique(structure.numbers, return_inverse=True)
    found = np.array([[table.get(_pair_name(a, b), 1.0) for b in numbers] for a in numbers])
    return found[of_atom[:, None], of_atom]


def _pair_name(a: int, b: int) -> str:
    return f"{chemical_symbols[max(a, b)]}-{chemical_symbols[min(a, b)]}"


def _element(number: int) -> dict[str, Any]:
    symbol = chemical_symbols[number]
    if symbol not in parameters()["element"]:
        raise BasisError(
            f"GFN1-xTB has no parameters for {symbol}; leave out structures with {symbol}, or use another method"
        )
    return parameters()["element"][symbol]


@cache
def _element_shells(number: int) -> GFN1Shells:
    element = _element(number)
    names = [(int(name[:-1]), _KINDS.index(name[-1])) for name in element["shells"]]
    order = sorted(range(len(names)), key=lambda i: names[i][::-1])
    n, l = np.array(names)[order].T
    level, coordination, polynomial, occupation, scale = (
        np.array(element[name])[order] for name in ("levels", "kcn", "shpoly", "refocc", "lgam")
    )
    return GFN1Shells(
        n=n,
        l=l,
        kind=np.where(np.append(False, l[1:] == l[:-1]), SECOND_S, l),
        level=level / HARTREE_EV,
        coordination=coordination / HARTREE_EV,
        polynomial=polynomial,
        occupation=occupation,
        hardness=scale * element["gam"],
    )
