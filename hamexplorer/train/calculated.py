"""What the calculations alone say of a crystal, no model asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hamexplorer.physics.bloch import mesh_points, reduced_mesh
from hamexplorer.physics.integrals import hermitian_inverse_root
from hamexplorer.physics.interpolation import matrix_at
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.properties import Properties, Reference
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandSet, BandStructure
from hamexplorer.train.crystal_state import CrystalState, crystal_state
from hamexplorer.train.geometry import basis_of

_LETTERS = "spdfgh"


def calculated_sets(reference: Reference) -> dict[str, BandSet]:
    """Bands of a crystal's calculations, "raw" and "reference"; "reference" alone if one calculation serves as both."""
    calculated = {"raw": reference.small, "reference": reference.large}
    if reference.one_calculation:
        del calculated["raw"]
    found = {name: _calculated(reference, properties) for name, properties in calculated.items()}
    return {name: each for name, each in found.items() if each is not None}


def calculated_bands(reference: Reference) -> BandStructure | None:
    """What the calculations alone say of a crystal, no model asked; None if they left no bands."""
    sets = calculated_sets(reference)
    if not sets or reference.path is None:
        return None
    return BandStructure(reference.structure, reference.path, sets, ())


def calculated_crystal(reference: Reference, method: Method, k: np.ndarray) -> CrystalState:
    """The same of a crystal's Hamiltonian at a k-point.

    Args:
        reference: of the crystal.
        method: of the reference.
        k: in fractions of the reciprocal vectors, shape (3,).

    Raises:
        TrainingError: if the calculations left no matrix.
    """
    functions, names = basis_of(method), (method.small_basis, method.large_basis)
    assert not isinstance(functions, str), "the references of a crystal are of crystals"
    return crystal_state(functions, reference.structure, k, reference=reference, small_and_large=names)


def _calculated(reference: Reference, properties: Properties) -> BandSet | None:
    """What a calculation said; None if it left no bands on the path."""
    if properties.path_energy is None or reference.mesh is None:
        return None
    kept, weights = reduced_mesh(reference.k_mesh)
    return BandSet(
        properties.path_energy,
        properties.mo_energy[kept],
        weights,
        reference.n_occ,
        float("nan") if properties.fermi is None else properties.fermi,
        float("nan") if properties.vacuum is None else properties.vacuum,
    )


def orbital_letters(structure: Structure, shells: Mapping[int, Sequence[int]]) -> tuple[tuple[str, str], ...]:
    """Element symbol and letter of every orbital; ``shells`` are the l of each element's, in orbital order."""
    found = []
    for symbol, z in zip(structure.symbols, structure.numbers.tolist(), strict=True):
        for l in shells[z]:
            found += [(symbol, _LETTERS[l])] * (2 * l + 1)
    return tuple(found)


def calculated_shares(bands: BandStructure, reference: Reference, method: Method) -> BandStructure:
    """The same bands with the orbitals' shares in those of the small basis; unchanged if it left no matrices.

    Args:
        bands: of :func:`calculated_bands`.
        reference, method: that they are of.

    Raises:
        StructureError, BasisError: if the crystal cannot be set up in this basis.
    """
    name = "reference" if reference.one_calculation else "raw"
    functions, structure = basis_of(method), reference.structure
    if (
        reference.fock is None
        or reference.overlap is None
        or reference.mesh is None
        or name not in bands.sets
    ):
        return bands
    assert not isinstance(functions, str), "the references of a crystal are of crystals"
    mesh = reference.k_mesh
    layout = functions.layout(structure)
    found = []
    for points in (bands.path.points, mesh_points(mesh)[reduced_mesh(mesh)[0]]):
        overlap = functions.overlap(structure, points)
        x = hermitian_inverse_root(overlap, structure.label)
        h = [
            matrix_at(reference.fock, reference.overlap, mesh, structure, layout.atom_of_ao, k, s)
            for k, s in zip(points, overlap, strict=True)
        ]
        coeff = x @ np.linalg.eigh(x @ np.array(h) @ x)[1]
        found.append((coeff.conj() * (overlap @ coeff)).real.swapaxes(-1, -2))
    shared = replace(bands.sets[name], path_character=found[0], mesh_character=found[1])
    return replace(
        bands, sets={**bands.sets, name: shared}, orbitals=orbital_letters(structure, layout.shells)
    )
