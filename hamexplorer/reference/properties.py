"""What a dataset holds of each molecule or crystal: the values of the small and of the large calculation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hamexplorer.errors import DatasetError
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.reference.crystal_method import CrystalMethod, CrystalPoint
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.projection import project_on_iaos
from hamexplorer.reference.single_point import SinglePoint
from hamexplorer.reference.xtb_method import XTBMethod
from hamexplorer.structures.paths import KPath, standard_path
from hamexplorer.structures.structure import Structure


@dataclass(frozen=True, eq=False)
class Properties:
    """Properties of one structure in one basis, atomic units; None where a crystal or a file made elsewhere lacks them.

    Attributes:
        mo_energy: ascending, shape (n_mo,), Ha; of a crystal (n_k, n_bands), k as in ``Reference.mesh``.
        dipole: shape (3,), e·bohr, origin at the coordinate origin.
        polarizability: coupled (CPKS), shape (3, 3), bohr³.
        polarizability_uncoupled: sum over states, shape (3, 3), bohr³.
        mulliken_charge, lowdin_charge: shape (n_atoms,), e.
        mayer_bond_order: shape (n_atoms, n_atoms); the diagonal sums over the atom's own block.
        e_tot: total energy, Ha; of a crystal, a cell.
        fermi: Fermi level of a crystal, Ha.
        vacuum: potential far from a layer, Ha; None where not defined.
        path_energy: bands of a crystal on ``Reference.path``, ascending, shape (n_points, n_bands), Ha.
    """

    mo_energy: np.ndarray
    dipole: np.ndarray | None = None
    polarizability: np.ndarray | None = None
    polarizability_uncoupled: np.ndarray | None = None
    mulliken_charge: np.ndarray | None = None
    lowdin_charge: np.ndarray | None = None
    mayer_bond_order: np.ndarray | None = None
    e_tot: float | None = None
    fermi: float | None = None
    vacuum: float | None = None
    path_energy: np.ndarray | None = None

    def __post_init__(self) -> None:
        freeze_arrays(self)

    @classmethod
    def of(cls, result: SinglePoint | CrystalPoint) -> Properties:
        """The properties of a finished calculation; orbitals and matrices are left behind."""
        values: dict[str, Any] = {name: getattr(result, name, None) for name in PROPERTY_FIELDS}
        if values["vacuum"] is not None and np.isnan(values["vacuum"]):
            values["vacuum"] = None
        return cls(**values)


PROPERTY_FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Properties))
MATRIX_FIELDS: tuple[str, ...] = ("overlap", "fock", "iao_fock")


def shape_beside_levels(name: str, n_atoms: int) -> tuple[int, ...]:
    """Shape of a property that is no list of levels; that of a number is ()."""
    shapes: dict[str, tuple[int, ...]] = {
        "dipole": (3,),
        "polarizability": (3, 3),
        "polarizability_uncoupled": (3, 3),
        "mulliken_charge": (n_atoms,),
        "lowdin_charge": (n_atoms,),
        "mayer_bond_order": (n_atoms, n_atoms),
    }
    return shapes.get(name, ())


@dataclass(frozen=True, eq=False)
class Reference:
    """One molecule or crystal with the reference values of both bases.

    Attributes:
        structure: geometry and charge.
        n_occ: number of doubly occupied orbitals, of a crystal a cell.
        overlap, fock: in the small AO basis, shape (n_ao, n_ao); of a crystal in real space, (n_T, n_ao, n_ao).
        iao_fock: Fock matrix of the large basis on symmetrically orthogonalised intrinsic atomic
            orbitals, in the order of the small AO basis, shape (n_ao, n_ao), Ha.
        small, large: values of the two calculations.
        mesh: k-points along each reciprocal vector, shape (3,); None for a molecule. Points and cells T are those of
            :func:`hamexplorer.physics.bloch.mesh_points` and ``mesh_translations``.
        path: where ``path_energy`` was computed; None for a molecule.
    """

    structure: Structure
    n_occ: int
    overlap: np.ndarray | None
    fock: np.ndarray | None
    iao_fock: np.ndarray | None
    small: Properties
    large: Properties
    mesh: np.ndarray | None = None
    path: KPath | None = None

    def __post_init__(self) -> None:
        freeze_arrays(self)

    @property
    def one_calculation(self) -> bool:
        """Whether the small basis' calculation is the reference as well."""
        return np.array_equal(self.small.mo_energy, self.large.mo_energy)

    @property
    def k_mesh(self) -> tuple[int, int, int]:
        """``mesh`` as whole numbers; only of a crystal."""
        assert self.mesh is not None, "a molecule has no mesh"
        n1, n2, n3 = (int(n) for n in self.mesh)
        return n1, n2, n3

    def of_small_basis(self) -> Reference:
        """The small basis' calculation alone, as reference too: what its own Fock matrix gives.

        The polarizability is therefore the uncoupled one, as of a fixed matrix. A basis is its own set of intrinsic
        orbitals, so that the projection of a molecule is its own Fock matrix.
        """
        projected = None
        if self.mesh is None and self.fock is not None and self.overlap is not None:
            x = inverse_square_root(self.overlap)
            projected = x @ self.fock @ x
        small = replace(self.small, polarizability=self.small.polarizability_uncoupled)
        return replace(self, small=small, large=small, iao_fock=projected)

    @classmethod
    def of(
        cls, structure: Structure, method: ReferenceMethod, small: SinglePoint, large: SinglePoint
    ) -> Reference:
        """Put the two finished calculations of one molecule together."""
        return cls(
            structure=structure,
            n_occ=small.n_occ,
            overlap=small.overlap,
            fock=small.fock,
            iao_fock=project_on_iaos(structure, method.small_basis, method.large_basis, large),
            small=Properties.of(small),
            large=Properties.of(large),
        )

    @classmethod
    def of_crystal(
        cls, structure: Structure, small: CrystalPoint, large: CrystalPoint, mesh: Sequence[int]
    ) -> Reference:
        """Put the two finished calculations of one crystal together.

        Bands on a path that would be laid otherwise today (by another version of seekpath, say) are left out: their
        labels would be wrong.
        """
        path = standard_path(structure)
        values = [Properties.of(point) for point in (small, large)]
        same = np.shape(path.points) == small.path_points.shape and np.allclose(
            path.points, small.path_points
        )
        if not same:
            values = [replace(each, path_energy=None) for each in values]
        return cls(
            structure=structure,
            n_occ=small.n_electrons // 2,
            overlap=small.overlap,
            fock=small.fock,
            iao_fock=None,
            small=values[0],
            large=values[1],
            mesh=np.array(mesh),
            path=path if same else None,
        )


@dataclass(frozen=True, eq=False)
class ReferenceDataset:
    """Molecules or crystals with reference values of one method, and those that had to be set aside.

    Attributes:
        name: shown in tables and file headers.
        method: how the values were computed.
        references: one entry a finished molecule.
        set_aside: (label, reason) of each molecule that could not be computed.
        provenance: who made this with what, as plain text.
    """

    name: str
    method: ReferenceMethod | CrystalMethod | XTBMethod
    references: tuple[Reference, ...]
    set_aside: tuple[tuple[str, str], ...] = ()
    provenance: dict[str, str] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", tuple(self.references))
        object.__setattr__(self, "set_aside", tuple((str(a), str(b)) for a, b in self.set_aside))
        object.__setattr__(self, "provenance", dict(self.provenance or {}))

    def __len__(self) -> int:
        return len(self.references)

    @property
    def structures(self) -> list[Structure]:
        return [reference.structure for reference in self.references]

    def subset(self, indices: Iterable[int]) -> ReferenceDataset:
        """The molecules with these indices, in this order.

        Raises:
            DatasetError: if an index is out of range.
        """
        chosen = [int(i) for i in indices]
        beyond = [i for i in chosen if not 0 <= i < len(self)]
        if beyond:
            raise DatasetError(
                f"the dataset {self.name!r} has {len(self)} molecules, so there is no index {beyond[0]}; "
                f"indices start at 0"
            )
        return replace(self, references=tuple(self.references[i] for i in chosen))

    def with_targets_of(self, basis: str) -> ReferenceDataset:
        """The same structures with the reference values of the "large" basis (as they are) or of the "small" one."""
        if basis == "large" or self.method.small_basis == self.method.large_basis:
            return self
        assert not isinstance(self.method, XTBMethod), "its two sides are one calculation"
        method = replace(self.method, large_basis=self.method.small_basis)
        return replace(self, method=method, references=tuple(r.of_small_basis() for r in self.references))


def freeze_arrays(record: object) -> None:
    """Make every array of a dataclass instance read-only, so that no consumer can change another's."""
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
