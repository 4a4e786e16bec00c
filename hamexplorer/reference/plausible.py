"""What values of a structure must be, wherever they were read: of the right shapes, finite, for atoms that can be."""

from __future__ import annotations

from typing import Any

import numpy as np

from hamexplorer.reference.properties import (
    MATRIX_FIELDS,
    PROPERTY_FIELDS,
    Properties,
    Reference,
    shape_beside_levels,
)
from hamexplorer.structures.checks import check_structures


def check_reference(reference: Reference, where: str) -> None:
    """Refuse values that do not belong to their structure.

    Args:
        reference: as read.
        where: how the sentence starts.

    Raises:
        ValueError: naming the quantity; StructureError among them, for the structure itself.
    """
    structure = reference.structure
    check_structures([structure])
    if not 1 <= reference.n_occ <= structure.n_electrons // 2:
        raise ValueError(
            f"{where}: {reference.n_occ} occupied orbitals for {structure.n_electrons} electrons"
        )
    n_k = None
    if reference.mesh is not None:
        _check(where, "mesh", reference.mesh, (3,))
        if reference.mesh.min() < 1 or reference.mesh.max() > 1000:
            raise ValueError(f"{where}: the mesh is no mesh")
        n_k = int(np.prod(reference.mesh.astype(float)))
    if (n_k is None) == structure.is_crystal:
        raise ValueError(f"{where}: a mesh of k-points belongs to a crystal")
    if reference.path is not None:
        points = reference.path.points
        _check(where, "path", points, (len(points), 3))
        if any(not 0 <= place < len(points) for place, _ in reference.path.corners):
            raise ValueError(f"{where}: a corner lies outside of its path")
        if any(
            not label.isprintable() or len(label) > 20 or set(label) & set("<>&{")
            for _, label in reference.path.corners
        ):
            raise ValueError(f"{where}: a corner has no usual label")
    for side in (reference.small, reference.large):
        _check_properties(where, reference, side, n_k)
    n_ao = None
    for name in MATRIX_FIELDS:
        matrix = getattr(reference, name)
        if matrix is not None:
            n_ao = n_ao or (matrix.shape[-1:] or (0,))[0]
            _check(where, name, matrix, (n_ao, n_ao) if n_k is None else (n_k, n_ao, n_ao))


def _check_properties(where: str, reference: Reference, values: Properties, n_k: int | None) -> None:
    n_atoms, energies = reference.structure.n_atoms, values.mo_energy
    n_bands = (np.shape(energies)[-1:] or (0,))[0]
    if n_bands < reference.n_occ:
        raise ValueError(f"{where}: {n_bands} levels for {reference.n_occ} occupied ones")
    points = 0 if reference.path is None else len(reference.path.points)
    levels: dict[str, tuple[int, ...]] = {
        "mo_energy": (n_bands,) if n_k is None else (n_k, n_bands),
        "path_energy": (points, n_bands),
    }
    for name in PROPERTY_FIELDS:
        value: Any = getattr(values, name)
        if value is not None:
            shape = levels[name] if name in levels else shape_beside_levels(name, n_atoms)
            _check(where, name, np.asarray(value), shape)


def _check(where: str, name: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise ValueError(f"{where}: {name} has shape {value.shape} instead of {shape}")
    if value.dtype.kind not in "iuf" or not np.isfinite(value).all():
        raise ValueError(f"{where}: {name} holds values that are no finite numbers")
