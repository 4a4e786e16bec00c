"""Matrices in real space wherever they come from: a folder, a file, or a dataset's own entry."""

from __future__ import annotations

from pathlib import Path

from hamexplorer.basis.layout import AOLayout
from hamexplorer.errors import DatasetError, LayoutError
from hamexplorer.physics.bloch import mesh_translations, symmetric_translations
from hamexplorer.reference.deeph import read_deeph
from hamexplorer.reference.matrix_checks import far_overlap
from hamexplorer.reference.npz_matrices import read_npz
from hamexplorer.reference.properties import Reference
from hamexplorer.reference.real_space import Orbital, RealSpaceMatrices, components

_OURS = "hartree and bohr; orbitals in PySCF's order; far cells of the mesh shared between their images"


def read_matrices(
    path: str | Path, *, symmetrize: bool = False, orthonormal: bool = False
) -> RealSpaceMatrices:
    """Read a DeepH folder or a ``.npz`` file.

    Args:
        path: as :mod:`hamexplorer.reference.deeph` or :mod:`hamexplorer.reference.npz_matrices` says.
        symmetrize: take the mean of H(T) and H(-T)ᵀ however much they differ.
        orthonormal: of a folder, read no overlap.

    Raises:
        DatasetError: as the two readers; or if it is neither.
    """
    path = Path(path)
    if path.is_dir():
        return read_deeph(path, symmetrize=symmetrize, orthonormal=orthonormal)
    if not path.exists():
        raise DatasetError(f"there is no file or folder {path}; check the path")
    if path.suffix.lower() != ".npz":
        raise DatasetError(f"{path} is neither a DeepH folder nor an .npz file; give one of them")
    return read_npz(path, symmetrize=symmetrize)


def matrices_of(reference: Reference, layout: AOLayout | None = None) -> RealSpaceMatrices:
    """H(T) and S(T) of the small basis of one crystal of a dataset, to be written or solved.

    Far cells of the mesh are shared between their images, so that a sum at any k is Hermitian.

    Args:
        reference: of a crystal.
        layout: its orbitals, if their names shall be kept.

    Raises:
        DatasetError: if it is a molecule or has no matrices.
        LayoutError: if the layout is another structure's.
    """
    label = reference.structure.label
    if reference.mesh is None or reference.fock is None or reference.overlap is None:
        raise DatasetError(f"{label} has no matrices in real space; choose a crystal of a dataset made here")
    orbitals: list[Orbital] = []
    if layout is not None:
        if layout.n_ao != reference.fock.shape[-1]:
            raise LayoutError(
                f"the layout has {layout.n_ao} orbitals and the matrices of {label} {reference.fock.shape[-1]}; give "
                f"its own"
            )
        orbitals = [
            Orbital(atom, l, name)
            for atom, z in enumerate(layout.numbers)
            for l in layout.shells[z]
            for name in components(l)
        ]
    mesh = reference.k_mesh
    cells = mesh_translations(mesh)
    fock, translations = symmetric_translations(reference.fock, cells, mesh)
    overlap, _ = symmetric_translations(reference.overlap, cells, mesh)
    return RealSpaceMatrices(
        structure=reference.structure,
        translations=translations,
        hamiltonian=fock,
        overlap=overlap,
        orbitals=tuple(orbitals),
        assumed="; ".join([_OURS, *far_overlap(translations, overlap)]),
        source=label,
        fermi=reference.small.fermi,
        n_electrons=2 * reference.n_occ,
    )
