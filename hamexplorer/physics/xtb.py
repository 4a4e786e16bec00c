r"""GFN1-xTB before self-consistency: the tight-binding Hamiltonian H0 and the overlap of crystals and molecules, cell by cell.

$$ H^0_{\mu\nu}(\mathbf T) = S_{\mu\nu}(\mathbf T)\, \tfrac12 (h_a + h_b)\, k_{ab} K_{AB} (1 + k_{EN} \Delta_{EN}^2)
\Big(1 + p_a \sqrt{R/R_{AB}}\Big) \Big(1 + p_b \sqrt{R/R_{AB}}\Big), \qquad h_a = h^0_a - k^{CN}_a\, CN_A $$

for shells a, b of atoms A, B a distance R apart, images of one atom included; within an atom it is S ½(h_a + h_b).
Hydrogen's second s shell has k_ab of its own and neither K_AB nor the electronegativities.

PySCFAD supplies parameters, radii and Gaussians. Its own `pyscfad.xtb.kxtb` (0.3.4) is not used: it leaves everything
but S ½(h_a + h_b) out between an atom and its own images, which moves silicon's levels by electronvolts, and compiles
for seconds what NumPy does in milliseconds.

Source: Grimme, Bannwarth & Shushkov, J. Chem. Theory Comput. 13, 1989 (2017).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from pyscf import gto

from hamexplorer.errors import BasisError
from hamexplorer.structures.structure import Structure
from hamexplorer.units import HARTREE_EV

#: What the basis of these matrices is called wherever a basis is named.
GFN1 = "gfn1-xtb"
#: Overlaps below this count as zero.
_NEGLIGIBLE = 1e-10
#: Reach of the coordination number, bohr; its counting function never falls below 1e-7, so the sum needs an end.
_COORDINATION_REACH = 25.0
#: How the table of shell-pair factors calls the kinds of shells: s, p, d, and hydrogen's second s.
_KINDS = ("s", "p", "d", "2S")


@dataclass(frozen=True, eq=False)
class GFN1Shells:
    """Parameters of the shells of an element or structure in the order of the orbitals, atomic units.

    Attributes:
        n, l: quantum numbers, shape (n_shells,), as are all below; n only names.
        kind: place in the table of shell-pair factors: l, or 3 for hydrogen's second s shell.
        level: h⁰, Ha.
        coordination: k^CN, by which each neighbour lowers the level, Ha.
        polynomial: p, dimensionless.
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


def gfn1_shells(number: int) -> tuple[tuple[int, int], ...]:
    """(n, l) of an element's shells in orbital order: l rises, then n; p is (x, y, z) and d is m = -2 … 2, as in PySCF.

    Raises:
        BasisError: for elements beyond radon.
    """
    shells = _element_shells(number)
    return tuple(zip(shells.n.tolist(), shells.l.tolist(), strict=True))


def gfn1_hamiltonian(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """H0 and overlap in real space, H0(-T) = H0(T)ᵀ; no iteration and no charges.

    Args:
        structure: crystal or molecule; cells are added along the directions that repeat, to the end of the overlaps.

    Returns:
        Cells T (n_T, 3), the reverse of which is -T; H0(T) and S(T), each (n_T, n_ao, n_ao), H0 in Ha. A molecule has the
        one cell T = 0.

    Raises:
        BasisError: if an element has no parameters.
    """
    cells, overlap = _overlap(structure)
    shells, atom_of_shell, shell_of_ao = shells_of(structure)
    level = shells.level - shells.coordination * _coordination_number(structure)[atom_of_shell]
    pairs = _pair_factors(structure, cells) * (level[:, None] + level) / 2
    return cells, overlap * pairs[:, shell_of_ao[:, None], shell_of_ao], overlap


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
    from pyscfad.xtb.data.radii import ATOMIC, COV_D3  # brings JAX with it: not before it is asked for

    elements = [_element(int(z)) for z in structure.numbers]
    named = {name: np.array([e[name] for e in elements]) for name in ("en", "gam3", "zeff", "arep")}
    radius, covalent = (np.asarray(table)[structure.numbers] for table in (ATOMIC, COV_D3))
    return GFN1Atoms(named["en"], radius, covalent, named["gam3"], named["zeff"], named["arep"])


def lattice_cells(
    positions: np.ndarray, cell: np.ndarray | None, pbc: tuple[bool, ...], reach: float
) -> np.ndarray:
    """Cells T that hold an image of some atom closer than ``reach`` to some atom of the home cell, which is among them.

    Args:
        positions: shape (n_atoms, 3).
        cell: rows are vectors; in the unit of ``positions`` and ``reach``.
        pbc: along which of them to go.

    Returns:
        Shape (n_T, 3), in lexical order, so that its reverse is -T.
    """
    if cell is None or not any(pbc):
        return np.zeros((1, 3), dtype=int)
    periodic = np.flatnonzero(pbc)
    apart = positions[None] - positions[:, None]
    # Rows reciprocal to the repeating vectors: no point closer than r has a larger coefficient than r times their length.
    across = np.linalg.norm(np.linalg.pinv(cell[periodic]), axis=0)
    most = np.zeros(3, dtype=int)
    most[periodic] = np.floor(across * (reach + np.linalg.norm(apart, axis=-1).max()))
    cells = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij"), -1).reshape(-1, 3)
    return cells[(distances(positions, cell, cells) < reach).any((1, 2))]


def distances(positions: np.ndarray, cell: np.ndarray | None, cells: np.ndarray) -> np.ndarray:
    """From atom i of the home cell to atom j of the cell T, shape (n_T, n_atoms, n_atoms)."""
    shift = np.zeros((len(cells), 3)) if cell is None else cells @ cell
    return np.linalg.norm(positions[None, None] + shift[:, None, None] - positions[None, :, None], axis=-1)


@cache
def parameters() -> dict[str, Any]:
    """The published parameter file as PySCFAD ships it; energies of levels in eV, else atomic units."""
    return tomllib.loads((_folder() / "data" / "gfn1-xtb.toml").read_text())


@cache
def _folder() -> Path:
    # Not by importing pyscfad.xtb, which takes JAX along into processes that need nothing of it.
    from importlib.util import find_spec

    spec = find_spec("pyscfad")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "xtb"


def _element(number: int) -> dict[str, Any]:
    symbol = chemical_symbols[number]
    if symbol not in parameters()["element"]:
        raise BasisError(
            f"GFN1-xTB has no parameters for {symbol}; leave out structures with it, or use a method with a pseudopotential"
        )
    return parameters()["element"][symbol]


@cache
def _element_shells(number: int) -> GFN1Shells:
    element = _element(number)
    names = [(int(name[:-1]), "spd".index(name[-1])) for name in element["shells"]]
    order = sorted(range(len(names)), key=lambda i: names[i][::-1])
    n, l = (np.array([names[i][part] for i in order]) for part in (0, 1))
    level, coordination, polynomial, occupation, scale = (
        np.array(element[name])[order] for name in ("levels", "kcn", "shpoly", "refocc", "lgam")
    )
    second = np.append(False, l[1:] == l[:-1])
    kind = np.where(second, _KINDS.index("2S"), l)
    return GFN1Shells(
        n, l, kind, level / HARTREE_EV, coordination / HARTREE_EV, polynomial, occupation, scale * element["gam"]
    )


@cache
def _gaussians(number: int) -> list[Any]:
    return gto.basis.load(str(_folder() / "basis" / "gfn1.dat"), chemical_symbols[number])


def _overlap(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Cells that overlap with the home cell, and S(T)."""
    symbols = structure.symbols
    for number in structure.numbers.tolist():
        _element(number)
    basis = {chemical_symbols[z]: _gaussians(z) for z in set(structure.numbers.tolist())}
    mol = gto.M(
        atom=list(zip(symbols, structure.positions.tolist(), strict=True)),
        basis=basis, unit="Bohr", spin=None, verbose=0,
    )  # fmt: skip
    # The product of two Gaussians of exponent a, a distance R apart, falls as exp(-a R²/2).
    softest = min(float(mol.bas_exp(shell).min()) for shell in range(mol.nbas))
    reach = np.sqrt(-2 * np.log(_NEGLIGIBLE) / softest)
    cells = lattice_cells(structure.positions, structure.cell, structure.pbc, reach)
    half = _overlap_with(mol, np.zeros((1, 3)) if structure.cell is None else cells[: len(cells) // 2 + 1] @ structure.cell)
    overlap = np.concatenate([half, half[-2::-1].swapaxes(1, 2)])
    kept = np.abs(overlap).max((1, 2)) > _NEGLIGIBLE
    return cells[kept], overlap[kept]


def _overlap_with(mol: gto.Mole, shifts: np.ndarray) -> np.ndarray:
    """Overlap of a molecule with copies of it that are shifted by (n_T, 3) bohr, shape (n_T, n_ao, n_ao)."""
    n = len(shifts)
    # One call for all: PySCF's tables of atoms and shells are laid out again for each copy, after the molecule's own.
    places = (mol.atom_coords()[None] + shifts[:, None]).ravel()
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
    """How many neighbours each atom has, fractional, shape (n_atoms,); the counting function of DFT-D3.

    Source: Grimme, Antony, Ehrlich & Krieg, J. Chem. Phys. 132, 154104 (2010).
    """
    covalent = atoms_of(structure).covalent_radius
    cells = lattice_cells(structure.positions, structure.cell, structure.pbc, _COORDINATION_REACH)
    r = distances(structure.positions, structure.cell, cells)
    r[(r < 1e-6) | (r > _COORDINATION_REACH)] = np.inf
    ratio = (covalent[:, None] + covalent) / r
    steepness = parameters()["hamiltonian"]["xtb"]["kcn_d3"]
    return np.where(ratio > 0, 1 / (1 + np.exp(-steepness * (ratio - 1))), 0.0).sum((0, 2))


def _pair_factors(structure: Structure, cells: np.ndarray) -> np.ndarray:
    """What multiplies S ½(h_a + h_b), shape (n_T, n_shells, n_shells)."""
    table = parameters()["hamiltonian"]["xtb"]
    shells, atom, _ = shells_of(structure)
    atoms = atoms_of(structure)
    symbols = structure.symbols
    kpair = np.array([[_of_pair(table["kpair"], a, b, structure) for b in range(len(symbols))] for a in range(len(symbols))])
    valence = shells.kind < _KINDS.index("2S")
    polar = kpair * (1 + table["enscale"] * (atoms.electronegativity[:, None] - atoms.electronegativity) ** 2)
    scale = _shell_pair_table()[shells.kind[:, None], shells.kind]
    scale = scale * np.where(valence[:, None] & valence, polar[atom[:, None], atom], 1.0)
    r = distances(structure.positions, structure.cell, cells)
    root = np.sqrt(r / (atoms.radius[:, None] + atoms.radius))[:, atom[:, None], atom]
    factors = scale * (1 + shells.polynomial[:, None] * root) * (1 + shells.polynomial * root)
    here = (cells == 0).all(1)[:, None, None] & (atom[:, None] == atom)
    return np.where(here, 1.0, factors)


def _of_pair(table: dict[str, float], a: int, b: int, structure: Structure) -> float:
    heavy, light = sorted((int(structure.numbers[a]), int(structure.numbers[b])), reverse=True)
    return table.get(f"{chemical_symbols[heavy]}-{chemical_symbols[light]}", 1.0)


@cache
def _shell_pair_table() -> np.ndarray:
    table = parameters()["hamiltonian"]["xtb"]["shell"]
    names = [[_KINDS[a] + _KINDS[b] for b in range(4)] for a in range(4)]
    # The file names each pair once: 2S before s, p and d, and these in rising l.
    return np.array([[table.get(names[a][b], table.get(names[b][a])) for b in range(4)] for a in range(4)])
