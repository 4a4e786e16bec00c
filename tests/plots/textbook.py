"""Crystals whose bands are known by formula, in the shape of `train.bands.BandStructure`; energies in Ha.

Diamond: sp3 tight binding, Chadi & Cohen, phys. stat. sol. (b) 68, 405 (1975); Yu & Cardona, *Fundamentals of
Semiconductors*, sec. 2.7.2. Graphene: Wallace, Phys. Rev. 71, 622 (1947), with the hopping of Castro Neto et al.,
Rev. Mod. Phys. 81, 109 (2009). Chain: Su, Schrieffer & Heeger, Phys. Rev. Lett. 42, 1698 (1979).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from hamexplorer.physics.filling import fermi_level
from hamexplorer.structures.crystals import build_bulk, build_layer
from hamexplorer.structures.paths import KPath, standard_path
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandSet, BandStructure
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

#: eV, Yu & Cardona, table 2.26.
DIAMOND = {"splitting": 7.40, "ss": -15.2, "sp": 10.25, "xx": 3.0, "xy": 8.3}
HOPPING = 2.7 / HARTREE_EV
#: Intra- and intercell hopping of the chain.
WEAK, STRONG = 2.1 / HARTREE_EV, 2.9 / HARTREE_EV

Bloch = Callable[[np.ndarray], np.ndarray]


def diamond_hamiltonian(k: np.ndarray) -> np.ndarray:
    """Orbitals s1, p1 (x, y, z), s2, p2; k in fractions of the fcc primitive reciprocal vectors; shape (n, 8, 8)."""
    fcc = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    neighbours = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 4
    phase = np.exp(2j * np.pi * (k @ np.linalg.inv(fcc).T) @ neighbours.T) / 4
    g = phase @ np.array([[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]).T
    v = DIAMOND
    block = np.zeros((len(k), 4, 4), complex)
    block[:, 0, 0] = v["ss"] * g[:, 0]
    for x in range(3):
        block[:, 0, 1 + x] = v["sp"] * g[:, 1 + x]
        block[:, 1 + x, 0] = -v["sp"] * g[:, 1 + x]
        block[:, 1 + x, 1 + x] = v["xx"] * g[:, 0]
        for y in range(3):
            if y != x:
                block[:, 1 + x, 1 + y] = v["xy"] * g[:, 1 + 3 - x - y]
    onsite = np.diag([0.0, *[v["splitting"]] * 3])
    rows = np.concatenate([np.broadcast_to(onsite, block.shape), block], axis=2)
    lower = np.concatenate([block.conj().transpose(0, 2, 1), np.broadcast_to(onsite, block.shape)], axis=2)
    return np.concatenate([rows, lower], axis=1) / HARTREE_EV


def graphene_hamiltonian(k: np.ndarray) -> np.ndarray:
    """π bands ±t |1 + e^{i k·a1} + e^{i k·a2}|; the two vectors at 60° or 120°."""
    angle = -1 if _AT_120 else 1
    f = -HOPPING * (1 + np.exp(2j * np.pi * k[:, 0]) + np.exp(angle * 2j * np.pi * k[:, 1]))
    return _two_orbitals(np.zeros(len(k)), f)


def chain_hamiltonian(k: np.ndarray) -> np.ndarray:
    """Bands ±|v + w e^{ika}|; the gap is 2 |w - v|."""
    return _two_orbitals(np.zeros(len(k)), -(WEAK + STRONG * np.exp(2j * np.pi * k[:, 0])))


def _two_orbitals(onsite: np.ndarray, hopping: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.array([[onsite, hopping], [hopping.conj(), onsite]]), -1, 0)


def band_set(bloch: Bloch, path: KPath, mesh: tuple[int, int, int], n_occ: int, **more: float) -> BandSet:
    """Bands of a Bloch Hamiltonian in orthogonal orbitals on path and mesh."""
    grid = np.array(list(itertools.product(*(np.arange(n) / n for n in mesh))))
    (path_energy, on_path), (mesh_energy, on_mesh) = (np.linalg.eigh(bloch(k)) for k in (path.points, grid))
    characters = [np.abs(vectors.transpose(0, 2, 1)) ** 2 for vectors in (on_path, on_mesh)]
    return BandSet(
        path_energy=path_energy,
        mesh_energy=mesh_energy,
        mesh_weights=np.full(len(grid), 1 / len(grid)),
        n_occ=n_occ,
        fermi=fermi_level(mesh_energy, 2 * n_occ),
        path_character=characters[0],
        mesh_character=characters[1],
        **more,
    )


def three_sets(
    structure: Structure,
    bloch: Bloch,
    mesh: tuple[int, int, int],
    n_occ: int,
    orbitals: tuple[tuple[str, str], ...],
    **vacuum: float,
) -> BandStructure:
    """Reference by formula; raw narrower and 3 eV lower, learned nearly right."""
    path = standard_path(structure)

    def changed(scale: float, shift: float) -> Bloch:
        return lambda k: scale * bloch(k) + shift / HARTREE_EV * np.eye(bloch(k[:1]).shape[-1])

    sets = {
        name: band_set(changed(scale, shift), path, mesh, n_occ, vacuum=vacuum.get(name, np.nan))
        for name, scale, shift in (("raw", 0.8, -3.0), ("reference", 1.0, 0.0), ("learned", 0.98, 0.05))
    }
    return BandStructure(structure, path, sets, orbitals)


def diamond() -> BandStructure:
    return three_sets(build_bulk("C"), diamond_hamiltonian, (8, 8, 8), 4, (("C", "s"), *[("C", "p")] * 3) * 2)


_LAYER = build_layer("C2")
_AT_120 = bool(_LAYER.cell[0] @ _LAYER.cell[1] < 0)


def graphene() -> BandStructure:
    return three_sets(
        _LAYER, graphene_hamiltonian, (24, 24, 1), 1, (("C", "p"), ("C", "p")), raw=0.1, reference=0.15
    )


def chain() -> BandStructure:
    """trans-Polyacetylene as a chain of two carbon atoms."""
    cell = np.diag([2.46, 12.0, 12.0]) / BOHR_ANGSTROM
    positions = np.array([[0.0, 0.0, 0.0], [1.36, 0.6, 0.0]]) / BOHR_ANGSTROM
    structure = Structure([6, 6], positions, cell=cell, pbc=(True, False, False), name="polyacetylene")
    return three_sets(structure, chain_hamiltonian, (64, 1, 1), 1, (("C", "p"), ("C", "p")))


CRYSTALS = {"diamond": diamond, "graphene": graphene, "chain": chain}
