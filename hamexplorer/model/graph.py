"""A structure as the model sees it: atoms, directed pairs, harmonics, radial functions, neighbour densities.

Everything here is computed once per data set, on the host, in float32, and depends on the geometry only; beside it
there is room for blocks of matrices that are known before anything is learned, for whoever has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.special import sph_harm_y

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import Irrep
from hamexplorer.errors import StructureError
from hamexplorer.structures.pairs import Pairs, find_pairs
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Matrices whose blocks a model may see: a Hamiltonian and its density matrix.
N_MATRICES = 2


@dataclass(frozen=True)
class GraphSettings:
    """How geometry becomes numbers.

    Attributes:
        elements: atomic numbers that the model knows, rising.
        cutoff_angstrom: pairs farther apart do not see each other.
        n_radial: radial functions.
        l_max: highest order of the spherical harmonics.
        n_density, n_bond: for products, radial functions of neighbours and of the bond itself are merged into so many,
            which keeps descriptors short.
        radial_scale: bohr; radial functions are evenly spaced in log(1 + r/scale), dense where atoms are near; 0 spaces
            them evenly in r.
        orbital_ls: l of the orbitals of an atom in the matrices that the model sees beside the geometry, as in
            :class:`BlockTemplate`; none if it sees the geometry alone.
    """

    elements: tuple[int, ...]
    cutoff_angstrom: float = 6.0
    n_radial: int = 8
    l_max: int = 2
    n_density: int = 2
    n_bond: int = 3
    radial_scale: float = 0.0
    orbital_ls: tuple[int, ...] = ()

    @cached_property
    def orbital_columns(self) -> dict[Irrep, np.ndarray]:
        """Where the tensors of every irrep stand among the coupled components of one matrix's blocks."""
        return BlockTemplate(self.orbital_ls, {}).columns

    @property
    def n_orbital(self) -> int:
        """Channels of :attr:`Graph.orbital`: as many a matrix as it has tensors of the commonest l."""
        natural = [len(c) for i, c in self.orbital_columns.items() if i.natural and i.l <= self.l_max]
        return N_MATRICES * max(natural, default=0)

    @property
    def n_bond_components(self) -> int:
        """Of :attr:`Graph.bond`."""
        return N_MATRICES * sum(2 * l + 1 for l in self.orbital_ls) ** 2

    @property
    def n_density_channels(self) -> int:
        """Neighbour densities of an atom."""
        return len(self.elements) * self.n_radial


class Graph(NamedTuple):
    """Arrays of one structure, or of several laid end to end.

    Attributes:
        species: index into the elements, shape (n_atoms,).
        i, j: atoms of each directed pair, shape (n_pairs,).
        harmonics: Y_lm(r̂_ij), norm² = 2l + 1, m = -l … l, shape (n_pairs, (l_max + 1)²).
        radial: R_n(r_ij), zero with its slope at the cutoff, shape (n_pairs, n_radial).
        envelope: the smooth cutoff itself, shape (n_pairs,).
        density: Σ_j R_n Y_lm by element of j, shape (n_atoms, n_elements · n_radial, (l_max + 1)²).
        orbital: tensors of natural parity of the known matrices' on-site blocks, channel c holding the c-th of each l,
            shape (n_atoms, n_orbital, (l_max + 1)²); zero where nothing is known, no channels without ``orbital_ls``.
        bond: all coupled components of their off-site blocks, shape (n_pairs, n_bond_components).
    """

    species: np.ndarray
    i: np.ndarray
    j: np.ndarray
    harmonics: np.ndarray
    radial: np.ndarray
    envelope: np.ndarray
    density: np.ndarray
    orbital: np.ndarray
    bond: np.ndarray


def smooth_cutoff(distance: np.ndarray, cutoff: float) -> np.ndarray:
    """(1 - x²)³ with x = r/r_c: 1 at zero, and zero with two derivatives at the cutoff."""
    x = np.minimum(distance / cutoff, 1.0)
    return (1 - x**2) ** 3


def radial_basis(distance: np.ndarray, cutoff: float, n: int, scale: float = 0.0) -> np.ndarray:
    """Gaussians in r times the smooth cutoff, shape (…, n).

    Args:
        distance: r, bohr.
        cutoff: where they end, bohr.
        n: how many.
        scale: they are evenly spaced in log(1 + r/scale), from 1.6 bohr on; 0 for evenly in r, from 0.8 bohr on.
    """
    if scale:
        place, first, last = np.log1p(distance / scale), np.log1p(1.6 / scale), np.log1p(cutoff / scale)
    else:
        place, first, last = distance, 0.8, cutoff
    centres = np.linspace(first, last, n)
    width = 0.8 * (centres[1] - centres[0]) if n > 1 else last / 2
    gaussians = np.exp(-0.5 * ((place[..., None] - centres) / width) ** 2)
    return gaussians * smooth_cutoff(distance, cutoff)[..., None]


def spherical_harmonics(vectors: np.ndarray, l_max: int) -> np.ndarray:
    """Real harmonics of the directions, norm² = 2l + 1, m = -l … l; shape (…, (l_max + 1)²).

    SciPy's complex harmonics carry the Condon-Shortley phase; it is taken out, so that m = -1, 0, 1 are y, z, x.
    """
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    polar, azimuth = np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)
    found = []
    for l in range(l_max + 1):
        for m in range(-l, l + 1):
            value = np.sqrt(4 * np.pi) * (-1) ** m * sph_harm_y(l, abs(m), polar, azimuth)
            found.append(value.real if m == 0 else np.sqrt(2) * (value.imag if m < 0 else value.real))
    return np.stack(found, axis=-1)


def make_graph(structure: Structure, settings: GraphSettings, pairs: Pairs | None = None) -> Graph:
    """Compute the arrays of one structure; its pairs within the cutoff are found if they are not given.

    Raises:
        StructureError: if it holds an element that the model was not made for.
    """
    known = {z: k for k, z in enumerate(settings.elements)}
    unknown = [s for s, z in zip(structure.symbols, structure.numbers, strict=True) if int(z) not in known]
    if unknown:
        raise StructureError(
            f"{structure.label} holds {unknown[0]}, which the model has not learned; train on a dataset with "
            f"{unknown[0]}, or leave the molecule out"
        )
    species = np.array([known[int(z)] for z in structure.numbers], dtype=np.int32)
    if pairs is None:
        pairs = find_pairs(structure, cutoff_angstrom=settings.cutoff_angstrom)
    cutoff = settings.cutoff_angstrom / BOHR_ANGSTROM
    distance = np.linalg.norm(pairs.vector, axis=1)
    n_lm = (settings.l_max + 1) ** 2
    harmonics = spherical_harmonics(pairs.vector, settings.l_max) if len(distance) else np.zeros((0, n_lm))
    radial = radial_basis(distance, cutoff, settings.n_radial, settings.radial_scale)
    density = np.zeros((structure.n_atoms, len(settings.elements), settings.n_radial, n_lm))
    np.add.at(density, (pairs.i, species[pairs.j]), radial[:, :, None] * harmonics[:, None, :])
    return Graph(
        species=species,
        i=pairs.i.astype(np.int32),
        j=pairs.j.astype(np.int32),
        harmonics=harmonics.astype(np.float32),
        radial=radial.astype(np.float32),
        envelope=smooth_cutoff(distance, cutoff).astype(np.float32),
        density=density.reshape(structure.n_atoms, -1, n_lm).astype(np.float32),
        orbital=np.zeros((structure.n_atoms, settings.n_orbital, n_lm), np.float32),
        bond=np.zeros((len(pairs.i), settings.n_bond_components), np.float32),
    )


def with_blocks(graph: Graph, own: np.ndarray, pair: np.ndarray, settings: GraphSettings) -> Graph:
    """The graph of a structure of which two matrices are known.

    Args:
        graph: of the geometry.
        own, pair: coupled components of the matrices' on-site and off-site blocks, in units that make them alike;
            shapes (n_atoms, 2, size²) and (n_pairs, 2, size²).
        settings: of the graph.
    """
    orbital = np.zeros((len(own), settings.n_orbital // N_MATRICES, N_MATRICES, (settings.l_max + 1) ** 2))
    for irrep, columns in settings.orbital_columns.items():
        if irrep.natural and irrep.l <= settings.l_max:
            tensors = own[:, :, columns].transpose(0, 2, 1, 3)
            orbital[:, : len(columns), :, irrep.l**2 : (irrep.l + 1) ** 2] = tensors
    return graph._replace(
        orbital=orbital.reshape(graph.orbital.shape).astype(np.float32),
        bond=pair.reshape(graph.bond.shape).astype(np.float32),
    )


def blocks_of_bonds(graph: Graph, settings: GraphSettings) -> np.ndarray:
    """:attr:`Graph.bond` by matrix, shape (n_pairs, 2, size²)."""
    return graph.bond.reshape(len(graph.i), N_MATRICES, settings.n_bond_components // N_MATRICES)


def join_graphs(graphs: Sequence[Graph], *, n_atoms: int, n_pairs: int) -> Graph:
    """Lay graphs end to end and pad; padding pairs point at the last padding atom and carry zeros."""
    first = np.cumsum([0] + [len(g.species) for g in graphs])
    i = np.concatenate([g.i + start for g, start in zip(graphs, first, strict=False)])
    j = np.concatenate([g.j + start for g, start in zip(graphs, first, strict=False)])

    def padded(name: str, size: int) -> np.ndarray:
        joined = np.concatenate([getattr(g, name) for g in graphs])
        return np.pad(joined, [(0, size - len(joined))] + [(0, 0)] * (joined.ndim - 1))

    return Graph(
        species=padded("species", n_atoms),
        i=np.pad(i, (0, n_pairs - len(i)), constant_values=n_atoms - 1),
        j=np.pad(j, (0, n_pairs - len(j)), constant_values=n_atoms - 1),
        harmonics=padded("harmonics", n_pairs),
        radial=padded("radial", n_pairs),
        envelope=padded("envelope", n_pairs),
        density=padded("density", n_atoms),
        orbital=padded("orbital", n_atoms),
        bond=padded("bond", n_pairs),
    )
