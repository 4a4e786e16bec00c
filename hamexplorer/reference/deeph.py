"""Folders of H(T) and S(T) as DeepH-pack keeps them, whatever program made them.

| file | holds |
|---|---|
| ``hamiltonians.h5`` | ⟨i in cell 0|H|j in cell T⟩, one matrix a pair, named ``[T1, T2, T3, i, j]``, atoms from 1; eV |
| ``overlaps.h5`` | the same of the overlap |
| ``lat.dat``, ``rlat.dat`` | vectors of the lattice (Å) and of the reciprocal lattice (1/Å, with 2π) as columns |
| ``site_positions.dat`` | Cartesian coordinates, one atom a column, Å |
| ``element.dat`` | atomic numbers, one a line |
| ``orbital_types.dat`` | l of the shells of each atom, one atom a line |
| ``info.json`` | optional: ``fermi_level`` (eV), ``isspinful``, ``isorthogonal``, ``nsites`` |

Within a shell the components follow OpenMX, into which the interfaces to ABACUS, FHI-aims and SIESTA bring theirs,
signs included: p as x, y, z; d as z², x²-y², xy, xz, yz; f as z³, xz², yz², z(x²-y²), xyz, x(x²-3y²), y(3x²-y²).
SIESTA's f alone come out in another order there, which moves no band.

Source: github.com/mzjb/DeepH-pack, ``deeph/preprocess/*_get_data.*``, ``deeph/rotate.py`` and
``deeph/inference/dense_calc.py`` (read for the facts; nothing is copied).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer.errors import DatasetError, HamExplorerError
from hamexplorer.reference.deeph_blocks import Key, read_blocks
from hamexplorer.reference.matrix_checks import check_size
from hamexplorer.reference.matrix_structure import matrix_structure, repeats
from hamexplorer.reference.real_space import Orbital, RealSpaceMatrices
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

#: Components of each shell in the order of the files, by l.
COMPONENTS: dict[int, tuple[str, ...]] = {
    0: ("",),
    1: ("x", "y", "z"),
    2: ("z²", "x²-y²", "xy", "xz", "yz"),
    3: ("z³", "xz²", "yz²", "z(x²-y²)", "xyz", "x(x²-3y²)", "y(3x²-y²)"),
}
ASSUMED = (
    "DeepH folder: energies in eV, lengths in Å, vectors as columns, atoms counted from 1; within a shell OpenMX's "
    "order, p as x, y, z, d as z², x²-y², xy, xz, yz, f as z³, xz², yz², z(x²-y²), xyz, x(x²-3y²), y(3x²-y²)"
)
#: What must be there beside a Hamiltonian.
NEEDED = ("lat.dat", "site_positions.dat", "element.dat", "orbital_types.dat")
#: The Hamiltonian, and the one that a network predicted, which is taken where the first is missing.
HAMILTONIANS = ("hamiltonians.h5", "hamiltonians_pred.h5")
#: Bytes of a text file beyond which it is none of these.
_LARGEST_TEXT = 2**24
#: rlat.dat may be written with few digits.
_RECIPROCAL = 1e-4


def read_deeph(
    folder: str | Path, *, symmetrize: bool = False, orthonormal: bool = False
) -> RealSpaceMatrices:
    """Read a folder.

    Args:
        folder: with the files above.
        symmetrize: take the mean of H(T) and H(-T)ᵀ however much they differ.
        orthonormal: read no overlap: the orbitals are orthonormal.

    Raises:
        DatasetError: naming the file and what is missing, wrong or does not fit.
    """
    folder = Path(folder)
    try:
        return _read(folder, symmetrize, orthonormal)
    except HamExplorerError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError) as error:
        brief = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DatasetError(
            f"{folder} cannot be read ({brief}); write the folder again, or check your rights to it"
        ) from error


def _read(folder: Path, symmetrize: bool, orthonormal: bool) -> RealSpaceMatrices:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; choose one with {', '.join((HAMILTONIANS[0], *NEEDED))}")
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    hamiltonian = next((folder / name for name in HAMILTONIANS if (folder / name).is_file()), None)
    if missing or hamiltonian is None:
        raise DatasetError(
            f"{folder} lacks {', '.join(missing or [HAMILTONIANS[0]])}; copy the whole folder that DeepH's "
            f"preprocessing wrote"
        )
    said = [ASSUMED]
    if hamiltonian.name != HAMILTONIANS[0]:
        said.append(f"H is the predicted one of {hamiltonian.name}, since there is no {HAMILTONIANS[0]}")
    numbers, positions, cell = _atoms(folder)
    said += _check_reciprocal(folder, cell)
    info = _info(folder, len(numbers))
    shells = _shells(folder, len(numbers))
    sizes = [sum(2 * l + 1 for l in of_atom) for of_atom in shells]
    h = read_blocks(hamiltonian, sizes)
    for atom in range(len(sizes)):
        if (0, 0, 0, atom, atom) not in h:
            raise DatasetError(
                f"{hamiltonian} has no block [0, 0, 0, {atom + 1}, {atom + 1}]; write H of every atom with itself"
            )
    s: dict[Key, np.ndarray] | None = None
    if orthonormal or info.get("isorthogonal"):
        said.append("the orbitals are orthonormal")
    elif not (folder / "overlaps.h5").is_file():
        raise DatasetError(
            f"{folder} lacks overlaps.h5, without which H gives no bands; write the overlaps, or say that the orbitals "
            f"are orthonormal"
        )
    else:
        s = read_blocks(folder / "overlaps.h5", sizes)
    cells = {key[:3] for blocks in (h, s or {}) for key in blocks}
    translations = np.array(sorted(cells | {(-a, -b, -c) for a, b, c in cells}), dtype=int)
    check_size(len(translations), sum(sizes), str(folder))
    structure: Structure = matrix_structure(
        numbers, positions / BOHR_ANGSTROM, cell / BOHR_ANGSTROM, repeats(translations), folder
    )
    fermi = info.get("fermi_level")
    return RealSpaceMatrices.checked(
        structure,
        translations,
        _dense(h, translations, sizes) / HARTREE_EV,
        None if s is None else _dense(s, translations, sizes),
        orbitals=[
            Orbital(atom, l, name)
            for atom, of_atom in enumerate(shells)
            for l in of_atom
            for name in COMPONENTS[l]
        ],
        assumed=[*said, *_filled(h, s)],
        source=str(folder),
        symmetrize=symmetrize,
        fermi=None if fermi is None else float(fermi) / HARTREE_EV,
    )


def _atoms(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Atomic numbers, positions and cell (rows), Å."""
    numbers = _table(folder / "element.dat").ravel()
    positions = _table(folder / "site_positions.dat")
    cell = _table(folder / "lat.dat")
    if positions.shape != (3, len(numbers)):
        raise DatasetError(
            f"{folder / 'site_positions.dat'} has {positions.shape[0]} lines of {positions.shape[1]} numbers, and "
            f"element.dat {len(numbers)} atoms; write three lines with one column an atom"
        )
    if cell.shape != (3, 3):
        raise DatasetError(
            f"{folder / 'lat.dat'} is no 3 × 3 table; write the three lattice vectors as columns"
        )
    return numbers, positions.T, cell.T


def _check_reciprocal(folder: Path, cell: np.ndarray) -> list[str]:
    if not (folder / "rlat.dat").is_file():
        return ["there was no rlat.dat to check lat.dat with"]
    reciprocal = _table(folder / "rlat.dat")
    if reciprocal.shape != (3, 3):
        raise DatasetError(f"{folder / 'rlat.dat'} is no 3 × 3 table; write the three vectors as columns")
    if not np.isfinite(cell).all():
        raise DatasetError(f"{folder / 'lat.dat'} holds a number that is not finite; write it again")

    def off(product: np.ndarray) -> float:
        return float(np.abs(product - np.eye(3)).max())

    scale = 2 * np.pi
    wrong = off(cell @ reciprocal / scale)
    if wrong <= _RECIPROCAL:
        return []
    cure = "write both from one lattice"
    if off(cell @ reciprocal) <= _RECIPROCAL:
        cure = "rlat.dat lacks the factor 2π"
    elif off(cell.T @ reciprocal / scale) <= _RECIPROCAL:
        cure = "one of them holds its vectors as rows; write columns in both"
    raise DatasetError(
        f"{folder}: lattice and reciprocal vectors do not fit, latᵀ·rlat is off 2π by {wrong:.2g} parts; {cure}"
    )


def _info(folder: Path, n_atoms: int) -> dict[str, Any]:
    path = folder / "info.json"
    if not path.is_file():
        return {}
    try:
        info = json.loads(_text(path))
        if not isinstance(info, dict):
            raise TypeError("no object")
        fermi = info.get("fermi_level")
        if fermi is not None and not (isinstance(fermi, int | float) and np.isfinite(fermi)):
            raise TypeError("fermi_level is no number")
    except (ValueError, TypeError, RecursionError) as error:
        brief = (str(error).splitlines() or ["damaged"])[0][:80]
        raise DatasetError(f"{path} is no JSON of DeepH ({brief}); correct it or take it out") from error
    if info.get("isspinful"):
        raise DatasetError(
            f"{folder} was made with spinors (isspinful), which are outside what this version covers; calculate "
            f"without spin-orbit coupling"
        )
    if info.get("nsites", n_atoms) != n_atoms:
        raise DatasetError(
            f"{path} says {str(info['nsites'])[:20]} atoms and element.dat {n_atoms}; copy all files from one "
            f"calculation"
        )
    return info


def _shells(folder: Path, n_atoms: int) -> list[tuple[int, ...]]:
    path = folder / "orbital_types.dat"
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    if len(lines) != n_atoms:
        raise DatasetError(
            f"{path} has {len(lines)} lines and element.dat {n_atoms} atoms; write one line an atom"
        )
    for k, words in enumerate(lines):
        wrong = [word for word in words if word not in ("0", "1", "2", "3")]
        if wrong:
            raise DatasetError(
                f"{path}, line {k + 1}: {wrong[0][:20]!r} is no shell that DeepH has an order for; write l as 0, 1, 2 "
                f"or 3"
            )
    return [tuple(int(word) for word in words) for words in lines]


def _dense(blocks: dict[Key, np.ndarray], translations: np.ndarray, sizes: list[int]) -> np.ndarray:
    """M(T), shape (n_T, n, n); a missing block is the transpose of its partner, or zero."""
    place = {tuple(cell): k for k, cell in enumerate(translations.tolist())}
    start = np.concatenate([[0], np.cumsum(sizes)])
    found = np.zeros((len(translations), start[-1], start[-1]))
    for key, block in blocks.items():
        t1, t2, t3, i, j = key
        found[place[t1, t2, t3], start[i] : start[i + 1], start[j] : start[j + 1]] = block
        partner = (-t1, -t2, -t3)
        if (*partner, j, i) not in blocks:
            found[place[partner], start[j] : start[j + 1], start[i] : start[i + 1]] = block.T
    return found


def _filled(*sets: dict[Key, np.ndarray] | None) -> list[str]:
    missing = sum(
        (-t1, -t2, -t3, j, i) not in blocks for blocks in sets if blocks for t1, t2, t3, i, j in blocks
    )
    return [f"{missing} blocks without partner were filled in as its transpose"] if missing else []


def _table(path: Path) -> np.ndarray:
    """A table of numbers, shape (lines, columns)."""
    lines = [line.split() for line in _text(path).splitlines() if line.strip()]
    if not lines:
        raise DatasetError(f"{path} is empty; write it again")
    for k, words in enumerate(lines):
        if len(words) != len(lines[0]):
            raise DatasetError(
                f"{path}, line {k + 1} has {len(words)} numbers and the first {len(lines[0])}; write lines of one "
                f"length"
            )
        for word in words:
            try:
                float(word)
            except ValueError:
                raise DatasetError(f"{path}, line {k + 1}: {word[:20]!r} is no number; correct it") from None
    return np.array(lines, dtype=float)


def _text(path: Path) -> str:
    if path.stat().st_size > _LARGEST_TEXT:
        raise DatasetError(
            f"{path} is larger than {_LARGEST_TEXT >> 20} MB, so it is no file of DeepH; choose another folder"
        )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no text file; write it again") from error
