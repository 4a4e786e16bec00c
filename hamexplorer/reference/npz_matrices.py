"""H(T) and S(T) in one ``.npz`` file of plain arrays, which any program can write; no pickle is ever loaded.

Two ways to write the matrices, in one file only one of them:

| arrays | hold |
|---|---|
| ``translations``, ``hamiltonian``, ``overlap`` | whole cells T (n_T, 3) and matrices (n_T, n, n) |
| ``H_0_0_1``, ``S_0_0_1`` … | one (n, n) a cell; ``H(0, 0, 1)``, ``H[0,0,1]`` and, for H, ``(0, 0, 1)`` mean the same |

Row a and column b of the matrix of T is ⟨a in cell 0|H|b in cell T⟩. Of T and -T one may be missing, if so for all.
Without overlap the orbitals are orthonormal. Beside the matrices:

| array | holds |
|---|---|
| ``cell`` (3, 3), ``positions`` (n_atoms, 3), ``numbers`` (n_atoms,) | vectors as rows, Cartesian, atomic numbers |
| ``pbc`` (3,) | optional: along which vectors it repeats; those with neighbours otherwise |
| ``unit`` | optional text ``Ha``, ``eV`` or ``Ry``; hartree otherwise |
| ``length_unit`` | optional text ``angstrom`` or ``bohr``; ångström otherwise |
| ``orbitals`` (n, 3) | optional: atom from 0, l, and m of real harmonics, so that p is y, z, x for m = -1, 0, 1 |
| ``mesh`` (3,) | optional: k-points along each vector, if the matrices were summed over them |
| ``fermi``, ``n_electrons`` | optional: Fermi level in ``unit``; electrons a cell |
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer.basis.layout import standard_m_order
from hamexplorer.errors import DatasetError
from hamexplorer.reference.aside import write_aside
from hamexplorer.reference.matrix_checks import MAX_TRANSLATION, check_size
from hamexplorer.reference.matrix_structure import matrix_structure, repeats
from hamexplorer.reference.plain_arrays import load_plain
from hamexplorer.reference.real_space import Orbital, RealSpaceMatrices, components
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

#: Hartree in each unit.
ENERGY_UNITS = {"Ha": 1.0, "eV": HARTREE_EV, "Ry": 2.0}
#: Bohr in each unit.
LENGTH_UNITS = {"bohr": 1.0, "angstrom": BOHR_ANGSTROM}
#: Name -> shape, -1 for any length.
_SHAPES: dict[str, tuple[int, ...]] = {
    "translations": (-1, 3),
    "hamiltonian": (-1, -1, -1),
    "overlap": (-1, -1, -1),
    "cell": (3, 3),
    "positions": (-1, 3),
    "numbers": (-1,),
    "pbc": (3,),
    "unit": (),
    "length_unit": (),
    "orbitals": (-1, 3),
    "mesh": (3,),
    "fermi": (),
    "n_electrons": (),
}
_NEEDED = ("cell", "positions", "numbers")
_WHOLE = ("translations", "numbers", "orbitals", "mesh", "n_electrons")
_TEXTS = ("unit", "length_unit")
_ONE_CELL = re.compile(
    r"(?P<name>[HS]?)\s*[_(\[]?\s*(-?\d{1,4})\s*[_,]\s*(-?\d{1,4})\s*[_,]\s*(-?\d{1,4})\s*[)\]]?", re.ASCII
)
_HIGHEST_L = 5

_Arrays = dict[str, np.ndarray]


def read_npz(path: str | Path, *, symmetrize: bool = False) -> RealSpaceMatrices:
    """Read a file.

    Args:
        path: as above.
        symmetrize: take the mean of H(T) and H(-T)ᵀ however much they differ.

    Raises:
        DatasetError: naming the file, the array and what is missing, wrong or does not fit.
    """
    path = Path(path)

    def known(name: str) -> bool:
        return name in _SHAPES or _ONE_CELL.fullmatch(name) is not None

    names = f"{', '.join(_SHAPES)}, or names such as H_0_0_1"
    return _matrices(load_plain(path, known, texts=_TEXTS, names=names), path, symmetrize)


def write_npz(path: str | Path, matrices: RealSpaceMatrices) -> None:
    """Write matrices in hartree and bohr; :func:`read_npz` gives exactly Hermitian ones back to the last bit.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    path = Path(path)
    structure = matrices.structure
    arrays: dict[str, Any] = {
        "translations": matrices.translations,
        "hamiltonian": matrices.hamiltonian,
        "cell": structure.cell,
        "positions": structure.positions,
        "numbers": structure.numbers,
        "pbc": np.array(structure.pbc),
        "unit": np.array("Ha"),
        "length_unit": np.array("bohr"),
    }
    optional = {"overlap": matrices.overlap, "fermi": matrices.fermi, "n_electrons": matrices.n_electrons}
    arrays |= {name: np.asarray(value) for name, value in optional.items() if value is not None}
    if matrices.orbitals:
        arrays["orbitals"] = np.array([(o.atom, o.l, _m(o)) for o in matrices.orbitals])
    with write_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _m(orbital: Orbital) -> int:
    place = components(orbital.l).index(orbital.component)
    return int(np.flatnonzero(standard_m_order(orbital.l) == place)[0]) - orbital.l


def _component(l: int, m: int) -> str:
    return components(l)[int(standard_m_order(l)[l + m])]


def _matrices(arrays: _Arrays, path: Path, symmetrize: bool) -> RealSpaceMatrices:
    missing = [name for name in _NEEDED if name not in arrays]
    if missing:
        raise DatasetError(
            f"{path} lacks {', '.join(missing)}; add the structure: cell, positions and numbers"
        )
    arrays = {name: _checked(name, array, path) for name, array in arrays.items()}
    translations, h, s = _by_cell(arrays, path)
    n = h.shape[-1]
    said = []
    energy, length = (
        _unit(arrays, name, units, default, path)
        for name, units, default in (("unit", ENERGY_UNITS, "Ha"), ("length_unit", LENGTH_UNITS, "angstrom"))
    )
    said.append(
        f".npz file: energies in {energy}{'' if 'unit' in arrays else ' (not said, assumed)'}, lengths in {length}"
        f"{'' if 'length_unit' in arrays else ' (not said, assumed)'}, cell vectors as rows, "
        f"H(T)[a, b] = ⟨a in cell 0|H|b in T⟩"
    )
    if s is None:
        said.append("no overlap: the orbitals are orthonormal")
    numbers = arrays["numbers"]
    if len(arrays["positions"]) != len(numbers) or not len(numbers):
        raise DatasetError(
            f"{path} has {len(numbers)} numbers and {len(arrays['positions'])} positions; give one of each an atom"
        )
    orbitals = _orbitals(arrays.get("orbitals"), n, len(numbers), path)
    said.append(
        "order of orbitals as `orbitals` says, m of real harmonics"
        if orbitals
        else "the order of orbitals is not said, and bands do not need it"
    )
    pbc = tuple(bool(x) for x in arrays["pbc"]) if "pbc" in arrays else repeats(translations)
    neighbours = repeats(translations)
    for axis, letter in enumerate("abc"):
        if neighbours[axis] and not pbc[axis]:
            raise DatasetError(
                f"{path} has matrices of cells along {letter}, and pbc says it does not repeat there; correct pbc"
            )
    structure = matrix_structure(
        numbers,
        arrays["positions"] / LENGTH_UNITS[length],
        arrays["cell"] / LENGTH_UNITS[length],
        pbc,
        path,
    )
    fermi, electrons = arrays.get("fermi"), arrays.get("n_electrons")
    if fermi is not None and not np.isfinite(fermi):
        raise DatasetError(f"{path}: fermi is not finite; correct it or leave it out")
    if electrons is not None and not 0 < electrons <= 2 * n:
        raise DatasetError(
            f"{path}: {n} orbitals hold 1 to {2 * n} electrons, and n_electrons is {electrons:g}; correct it"
        )
    return RealSpaceMatrices.checked(
        structure,
        translations,
        h / ENERGY_UNITS[energy],
        s,
        orbitals=orbitals,
        assumed=said,
        source=str(path),
        mesh=_mesh(arrays, path),
        symmetrize=symmetrize,
        fermi=None if fermi is None else float(fermi) / ENERGY_UNITS[energy],
        n_electrons=None if electrons is None else int(electrons),
    )


def _checked(name: str, array: np.ndarray, path: Path) -> np.ndarray:
    """Real numbers of the right shape, whole ones as integers."""
    shape = _SHAPES.get(name, (-1, -1))
    if array.ndim != len(shape) or any(n not in (-1, m) for n, m in zip(shape, array.shape, strict=True)):
        asked = "(" + ", ".join("n" if n < 0 else str(n) for n in shape) + ")"
        raise DatasetError(f"{path}: {name} has shape {array.shape} instead of {asked}; write it again")
    if name in _TEXTS:
        return array
    if array.dtype.kind == "c":
        if array.size and np.abs(array.imag).max() > 1e-10:
            raise DatasetError(
                f"{path}: {name} is complex, as with spin-orbit coupling or magnetism, which this version does not "
                f"cover"
            )
        array = array.real
    with np.errstate(invalid="ignore", over="ignore"):  # longer floats may hold what none of eight bytes can
        array = array.astype(float, copy=False)
    if name in _WHOLE:
        if not (np.isfinite(array).all() and (array == np.rint(array)).all() and (np.abs(array) < 1e9).all()):
            raise DatasetError(f"{path}: {name} holds numbers that are not whole; correct it")
        return array.astype(int)
    return array


def _by_cell(arrays: _Arrays, path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Translations, H and S of either way of writing."""
    single: dict[str, dict[tuple[int, ...], np.ndarray]] = {"H": {}, "S": {}}
    for name, array in arrays.items():
        match = None if name in _SHAPES else _ONE_CELL.fullmatch(name)
        if match:
            cell = tuple(int(text) for text in match.groups()[1:])
            if single[match["name"] or "H"].setdefault(cell, array) is not array:
                raise DatasetError(f"{path} holds {match['name'] or 'H'} of T = {cell} twice; write it once")
    stacked = "hamiltonian" in arrays
    if stacked and (single["H"] or single["S"]):
        raise DatasetError(
            f"{path} holds `hamiltonian` and matrices of single cells as well; write one of them"
        )
    if stacked:
        if "translations" not in arrays:
            raise DatasetError(
                f"{path} lacks translations; say which cell each matrix of `hamiltonian` belongs to"
            )
        cells, h, s = arrays["translations"], arrays["hamiltonian"], arrays.get("overlap")
    else:
        cells, h, s = _stacked(single, path)
    sets = {"hamiltonian": h} if s is None else {"hamiltonian": h, "overlap": s}
    for name, matrices in sets.items():
        if matrices.shape != (len(cells), h.shape[-1], h.shape[-1]):
            raise DatasetError(
                f"{path}: {name} has shape {matrices.shape} for {len(cells)} cells of {h.shape[-1]} orbitals; write "
                f"one square matrix of one size a cell"
            )
    if len(cells) and np.abs(cells).max() > MAX_TRANSLATION:
        raise DatasetError(f"{path}: a T is more than {MAX_TRANSLATION} cells away; correct translations")
    check_size(len(cells), h.shape[-1], str(path))
    return cells, h, s


def _stacked(
    single: dict[str, dict[tuple[int, ...], np.ndarray]], path: Path
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Translations, H and S from one matrix a cell."""
    if not single["H"]:
        raise DatasetError(
            f"{path} has no Hamiltonian; name its arrays translations and hamiltonian, or H_0_0_0, H_0_0_1 …"
        )
    n = len(next(iter(single["H"].values())))
    cells = sorted(set(single["H"]) | set(single["S"]))
    check_size(len(cells), n, str(path))
    for name, matrices in single.items():
        for cell, matrix in matrices.items():
            if matrix.shape != (n, n):
                raise DatasetError(
                    f"{path}: {name} of T = {cell} has shape {matrix.shape} instead of {(n, n)}; write square "
                    f"matrices of one size"
                )
    if single["S"]:
        lonely = [cell for cell in cells if (cell in single["H"]) != (cell in single["S"])]
        if lonely:
            raise DatasetError(
                f"{path} has only one of H and S for T = {lonely[0]}; write both for each cell, zeros if need be"
            )
    h, s = (np.array([single[name].get(cell, np.zeros((n, n))) for cell in cells]) for name in "HS")
    return np.array(cells), h, s if single["S"] else None


def _unit(arrays: _Arrays, name: str, units: dict[str, float], default: str, path: Path) -> str:
    if name not in arrays:
        return default
    said = str(arrays[name][()])
    for unit in units:
        if said.casefold() == unit.casefold():
            return unit
    raise DatasetError(f"{path}: {name} is {said[:20]!r}; write one of {', '.join(units)}")


def _mesh(arrays: _Arrays, path: Path) -> Sequence[int] | None:
    if "mesh" not in arrays:
        return None
    mesh = [int(n) for n in arrays["mesh"]]
    if min(mesh) < 1 or max(mesh) > MAX_TRANSLATION:
        raise DatasetError(f"{path}: mesh is {mesh}; write three numbers of k-points, each at least 1")
    return mesh


def _orbitals(table: np.ndarray | None, n: int, n_atoms: int, path: Path) -> list[Orbital]:
    if table is None:
        return []
    if len(table) != n:
        raise DatasetError(f"{path}: orbitals has {len(table)} lines and H {n} rows; write one line a row")
    for k, (atom, l, m) in enumerate(table.tolist()):
        if not (0 <= atom < n_atoms and 0 <= l <= _HIGHEST_L and abs(m) <= l):
            raise DatasetError(
                f"{path}: orbital {k + 1} is atom {atom}, l {l}, m {m}; atoms count from 0 to {n_atoms - 1}, l to "
                f"{_HIGHEST_L}, m from -l to l"
            )
    return [Orbital(atom, l, _component(l, m)) for atom, l, m in table.tolist()]
