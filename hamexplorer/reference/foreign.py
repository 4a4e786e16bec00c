"""Reference values made elsewhere: extended xyz files with two sets of prefixed keys.

In each frame's comment line ``nocc`` and, for the prefixes ``sto_`` (STO-3G) and ``tz_`` (def2-TZVP):
``mo_energy`` (Ha, ascending), ``dipole`` (e·bohr, origin 0), ``alpha_coupled`` and ``alpha_uncoupled``
(bohr³), ``mayer``, ``e_tot`` (Ha); as columns ``mulliken`` and ``lowdin`` (e). Only the two ``mo_energy`` and
``dipole`` must be there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms

from hamexplorer.errors import DatasetError, StructureError, plain_text, quoted
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.properties import Properties, Reference, ReferenceDataset, shape_beside_levels
from hamexplorer.structures.checks import check_atoms, check_count
from hamexplorer.structures.files import MAX_BYTES
from hamexplorer.structures.structure import Structure

#: Property -> (key behind the prefix, number of dimensions, required).
_KEYS: dict[str, tuple[str, int, bool]] = {
    "mo_energy": ("mo_energy", 1, True),
    "dipole": ("dipole", 1, True),
    "polarizability": ("alpha_coupled", 2, False),
    "polarizability_uncoupled": ("alpha_uncoupled", 2, False),
    "mulliken_charge": ("mulliken", 1, False),
    "lowdin_charge": ("lowdin", 1, False),
    "mayer_bond_order": ("mayer", 2, False),
    "e_tot": ("e_tot", 0, False),
}
#: Prefix of each side and the basis that it stands for.
PREFIXES = {"small": ("sto_", "sto-3g"), "large": ("tz_", "def2-tzvp")}


#: A number of columns, and the most of one kind: bond orders of the largest molecule.
_COLUMNS, _MOST_COLUMNS = re.compile(rb":[RISL]:\s*([-+]?\d+)"), 1000


def read_reference_xyz(path: str | Path) -> ReferenceDataset:
    """Read an extended xyz file with reference values; overlap and Fock matrices are None.

    Raises:
        DatasetError: naming the file, the frame and what is missing or wrong.
    """
    path = Path(path)
    try:
        _check_claims(path)
        # Without the last option, what follows an @ in a name is taken for the number of a frame.
        frames = ase.io.read(path, ":", format="extxyz", do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise whatever they stumble over
        raise DatasetError(
            f"{path} cannot be read as extended xyz; check the last frame for missing lines and the comment "
            f"lines for unbalanced quotes"
        ) from error
    if not frames:
        raise DatasetError(f"{path} has no frame; choose a file with at least one molecule")
    check_count(len(frames), str(path))
    references = tuple(_reference(path, k, atoms) for k, atoms in enumerate(frames))
    return ReferenceDataset(
        name=plain_text(path.stem) or "references",
        method=ReferenceMethod(small_basis=PREFIXES["small"][1], large_basis=PREFIXES["large"][1]),
        references=references,
        provenance={
            "source": plain_text(path.name),
            "note": "made elsewhere; functional and grid as B3LYP by convention",
        },
    )


def _check_claims(path: Path) -> None:
    """Refuse what ASE's reader would make room for, or would search for minutes.

    Raises:
        ValueError: if the file is too large, or a line names columns of any number.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError("the file is too large")
    with path.open("rb") as file:
        for line in file:
            # ASE goes through as many lines as a frame promises, be they there or not.
            if line.strip().isdigit() and len(line.strip()) > 5:
                raise ValueError("more atoms than a molecule can have")
            for columns in _COLUMNS.findall(line):
                if len(columns) > 5 or int(columns) > _MOST_COLUMNS:
                    raise ValueError("more columns than an atom can have")


def _reference(path: Path, frame: int, atoms: Atoms) -> Reference:
    where = f"{path}, frame {frame}"
    charge = _charge(where, atoms)
    try:
        check_atoms(atoms.numbers.tolist(), atoms.positions, charge, where)
    except StructureError as error:
        raise DatasetError(str(error)) from error
    structure = Structure.from_ase(
        atoms,
        charge=charge,
        name=plain_text(str(atoms.info.get("name", ""))),
        source=plain_text(f"{path.name} frame {frame}"),
    )
    sides = {side: _properties(where, atoms, prefix) for side, (prefix, _) in PREFIXES.items()}
    n_occ = structure.n_electrons // 2
    if str(atoms.info.get("nocc", n_occ)) != str(n_occ):
        raise DatasetError(
            f"{where}: nocc is {plain_text(str(atoms.info['nocc']), 40)} but {structure.label} has {n_occ} doubly "
            f"occupied orbitals; correct nocc or charge, or take the frame out (core potentials are not covered)"
        )
    fewest = min(len(side.mo_energy) for side in sides.values())
    if fewest < n_occ:
        raise DatasetError(
            f"{where}: only {fewest} orbital energies for {n_occ} occupied orbitals; write all of them"
        )
    small, large = sides["small"], sides["large"]
    return Reference(structure, n_occ, overlap=None, fock=None, iao_fock=None, small=small, large=large)


def _charge(where: str, atoms: Atoms) -> int:
    value = atoms.info.get("charge", 0)
    try:
        if int(value) == float(value) and abs(int(value)) <= 1000:
            return int(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DatasetError(
        f"{where}: the charge must be a whole number, got {quoted(value)}; correct the comment line"
    )


def _properties(where: str, atoms: Atoms, prefix: str) -> Properties:
    return Properties(
        **{
            name: _value(where, atoms, name, prefix + key, n_dim, required)
            for name, (key, n_dim, required) in _KEYS.items()
        }
    )


def _value(where: str, atoms: Atoms, name: str, key: str, n_dim: int, required: bool) -> Any:
    raw = atoms.info.get(key, atoms.arrays.get(key))
    if raw is None:
        if required:
            raise DatasetError(
                f"{where} lacks {key}; a reference file needs sto_ and tz_ mo_energy and dipole"
            )
        return None
    try:
        # A molecule with one orbital has its list written as a single number.
        value = np.array(raw, dtype=float, ndmin=n_dim)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{where}: {key} is not numeric; write numbers only") from error
    expected = None if name == "mo_energy" else shape_beside_levels(name, len(atoms))
    if value.ndim != n_dim or (expected is not None and value.shape != expected):
        raise DatasetError(
            f"{where}: {key} has shape {value.shape} instead of {expected or '(n,)'}; "
            f"check how it was written"
        )
    if not np.all(np.isfinite(value)):
        raise DatasetError(
            f"{where}: {key} holds values that are not finite; take the frame out or compute it again"
        )
    if name == "mo_energy" and np.any(np.diff(value) < 0):
        raise DatasetError(f"{where}: {key} is not ascending; write the energies from lowest to highest")
    return float(value) if n_dim == 0 else value
