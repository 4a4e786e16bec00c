"""What matrices in real space must be before bands come of them: every T with its −T, Hermitian, S positive.

$$ H(-\\mathbf T) = H(\\mathbf T)^{\\mathsf T}, \\qquad S(\\mathbf k) > 0 $$

The first is the same as a Hermitian H(k) at every k, for real matrices. What is missing is filled in where there is one
way to do so; otherwise a sentence names the worst T or k, its value, and a cure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hamexplorer.errors import DatasetError
from hamexplorer.physics.bloch import bloch_sum, mesh_points, symmetric_translations

#: Numbers that one set of matrices may hold: all here is dense, and H and S with what checks them take a gigabyte
#: then. A file of zeros claims as many in a quarter of a megabyte.
MAX_NUMBERS = 15_000_000
#: Farthest cell, in cells, that is taken for meant.
MAX_TRANSLATION = 1000
#: Largest difference between H(T) and H(-T)ᵀ that counts as rounding, Ha: one millielectronvolt. Networks that predict
#: H block by block leave about that.
ASYMMETRY = 4e-5
#: The same for S, which is computed, in single precision by some.
OVERLAP_ASYMMETRY = 1e-5
#: Smallest eigenvalue that S(k) may have: below, the levels are made of rounding.
POSITIVE = 1e-6
#: Overlap with the farthest cells from which on a sentence says so. Graphene in gth-szv: 0.06 on a mesh of 5×5, where
#: bands between the mesh's points are off by up to 2 eV, 4e-6 on 8×8, where they are right.
_FAR_OVERLAP = 1e-2
#: Largest relative error with which matrices are recognised as those of a k-mesh.
_ON_A_MESH = 1e-6


def check_size(n_translations: int, n_orbitals: int, where: str) -> None:
    """Refuse what would not fit into memory, before it is asked for.

    Raises:
        DatasetError: starting with ``where``.
    """
    if n_translations < 1 or n_orbitals < 1:
        raise DatasetError(
            f"{where} holds {n_translations} cells of {n_orbitals} orbitals; write at least one of each"
        )
    if n_translations * n_orbitals**2 > MAX_NUMBERS:
        raise DatasetError(
            f"{where} holds {n_translations} cells of {n_orbitals} × {n_orbitals} numbers, more than the "
            f"{MAX_NUMBERS:,} that fit here; take a smaller unit cell, or leave out cells where H and S vanish"
        )


def complete(
    translations: np.ndarray, matrices: Sequence[np.ndarray], where: str, mesh: Sequence[int] | None = None
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """The same matrices with every T beside its -T.

    Matrices of a k-mesh know T only modulo the mesh, whatever cell they are written for: they are recognised by filling
    a box, or by ``mesh``, moved to the nearest cells and shared between equally near ones. Of other sets one half may
    be missing as a whole.

    Args:
        translations: cells T, shape (n_T, 3), T = 0 among them.
        matrices: H(T) and, if there is one, S(T), each of shape (n_T, n, n).
        where: how a sentence starts.
        mesh: k-points along each reciprocal vector, if the matrices come from a mesh.

    Returns:
        Translations (n_T', 3), matrices (n_T', n, n), and a sentence about each thing that was done.

    Raises:
        DatasetError: if a T occurs twice, T = 0 is missing, or the other half is missing here and there.
    """
    place = {tuple(cell): k for k, cell in enumerate(translations.tolist())}
    if len(place) != len(translations):
        raise DatasetError(f"{where} holds the same T twice; write one matrix for each cell")
    if (0, 0, 0) not in place:
        raise DatasetError(f"{where} has no matrix for T = (0, 0, 0); write the cell's own block, too")
    if mesh is not None:
        return _unfolded(translations, matrices, tuple(int(n) for n in mesh), where)
    lonely = [cell for cell in place if _negative(cell) not in place]
    if not lonely:
        return translations, list(matrices), []
    box = np.ptp(translations, axis=0) + 1
    full = int(math.prod(box.tolist())) == len(translations)
    if full and len(translations) > 2 and all(_periodic(translations, m, box) for m in matrices):
        return _unfolded(translations, matrices, tuple(box.tolist()), where)
    if len(lonely) < len(place) - 1:
        raise DatasetError(
            f"{where} has a matrix for T = {_text(lonely[0])} but none for -T, and both for others; write both, or "
            f"one half of all, or give `mesh` if they come from a mesh of k-points"
        )
    cells = np.array(lonely)
    found = [np.concatenate([m, m[[place[cell] for cell in lonely]].transpose(0, 2, 1)]) for m in matrices]
    said = f"M(-T) was filled in as M(T)ᵀ for {len(cells)} cells of which only one half is written"
    return np.concatenate([translations, -cells]), found, [said]


def _unfolded(
    translations: np.ndarray, matrices: Sequence[np.ndarray], mesh: tuple[int, ...], where: str
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    n = np.array(mesh)
    nearest = (translations + n // 2) % n - n // 2
    if len({tuple(cell) for cell in nearest.tolist()}) != len(nearest) or len(nearest) != n.prod():
        raise DatasetError(
            f"{where}: a mesh of {'×'.join(map(str, mesh))} tells {n.prod()} cells apart, and the {len(nearest)} T are "
            f"not those; correct `mesh` or leave it out"
        )
    cube = (mesh[0], mesh[1], mesh[2])
    shared = [symmetric_translations(m, nearest, cube) for m in matrices]
    said = (
        f"the T were taken modulo a mesh of {'×'.join(map(str, mesh))} k-points, in the nearest cells, the far ones "
        f"shared between their images"
    )
    return shared[0][1], [found for found, _ in shared], [said]


def _periodic(translations: np.ndarray, matrices: np.ndarray, box: np.ndarray) -> bool:
    """Whether M(-T modulo the box) = M(T)ᵀ, as of a mesh."""
    place = {tuple(cell): k for k, cell in enumerate((translations % box).tolist())}
    partner = [place[tuple(cell)] for cell in (-translations % box).tolist()]
    scale = _ON_A_MESH * max(np.abs(matrices).max(), 1e-300)
    return bool(np.abs(matrices - matrices[partner].transpose(0, 2, 1)).max() <= scale)


def hermitian(
    translations: np.ndarray,
    matrices: np.ndarray,
    name: str,
    where: str,
    *,
    limit: float,
    unit: str = "",
    symmetrize: bool = False,
) -> tuple[np.ndarray, list[str]]:
    """(M(T) + M(-T)ᵀ)/2 where both differ by no more than rounding.

    Args:
        translations: with every T its -T, shape (n_T, 3).
        matrices: shape (n_T, n, n).
        name: H or S.
        where: how a sentence starts.
        limit: largest difference that is rounding, in the matrices' unit.
        unit: of the matrices, for the sentence.
        symmetrize: take the mean however large the difference.

    Returns:
        The matrices, exactly Hermitian at every k, and a sentence if that changed them.

    Raises:
        DatasetError: naming the worst T, the two orbitals and the worst k-point.
    """
    place = {tuple(cell): k for k, cell in enumerate(translations.tolist())}
    partner = [place[_negative(cell)] for cell in place]
    off = matrices - matrices[partner].transpose(0, 2, 1)
    t, a, b = np.unravel_index(int(np.abs(off).argmax()), off.shape)
    worst = float(abs(off[t, a, b]))
    if worst > limit and not symmetrize:
        k_points = _mesh_of(translations, matrices.shape[-1])
        at_k = [float(np.abs(bloch_sum(off, translations, k[None])).max()) for k in k_points]
        raise DatasetError(
            f"{where}: {name}(T) and {name}(-T)ᵀ differ by {worst:.2g}{unit and ' ' + unit} at T = "
            f"{_text(translations[t])}, orbitals {a + 1} and {b + 1}, so {name}(k) is not Hermitian, worst at k = "
            f"{_text(k_points[int(np.argmax(at_k))])}; write both from one calculation, or ask for their mean "
            f"(symmetrize)"
        )
    mean = (matrices + matrices[partner].transpose(0, 2, 1)) / 2
    if worst < limit * 1e-6:
        return mean, []
    return mean, [
        f"{name} is the mean of {name}(T) and {name}(-T)ᵀ, which differed by up to {worst:.1g}{unit and ' ' + unit}"
    ]


def check_positive(translations: np.ndarray, overlap: np.ndarray, where: str) -> None:
    """Refuse an overlap that is not positive definite on a mesh with Γ and the zone's faces.

    Raises:
        DatasetError: naming the worst k-point and its smallest eigenvalue.
    """
    k_points = _mesh_of(translations, overlap.shape[-1])
    floor = POSITIVE * np.eye(overlap.shape[-1])
    for k in k_points:
        try:
            np.linalg.cholesky(bloch_sum(overlap, translations, k[None])[0] - floor)
        except np.linalg.LinAlgError:
            break
    else:
        return
    lowest = [float(np.linalg.eigvalsh(bloch_sum(overlap, translations, k[None])[0])[0]) for k in k_points]
    worst = int(np.argmin(lowest))
    raise DatasetError(not_positive(k_points[worst], lowest[worst], where))


def far_overlap(translations: np.ndarray, overlap: np.ndarray) -> list[str]:
    """A sentence where S has not fallen off in the farthest cells: it may have been cut off there."""
    reach = np.abs(translations).max(0)
    far = ((np.abs(translations) == reach) & (reach > 0)).any(1)
    largest = float(np.abs(overlap[far]).max()) if far.any() else 0.0
    if largest < _FAR_OVERLAP:
        return []
    return [
        f"S is still {largest:.2g} in the farthest cells: if it goes on beyond them, or was summed over so coarse a "
        f"mesh, bands between that mesh's points may be off by electronvolts"
    ]


def not_positive(k: np.ndarray, lowest: float, where: str) -> str:
    """The sentence about an overlap that is not positive at k."""
    return (
        f"{where}: S(k) is not positive at k = {_text(k)}, where its smallest eigenvalue is {lowest:.2g}; overlaps "
        f"with far cells are missing or wrong (write more T, or use a denser mesh), or the basis is overcomplete"
    )


def _mesh_of(translations: np.ndarray, n_orbitals: int) -> np.ndarray:
    """Even meshes along the directions with neighbours; coarser for many orbitals. Half of them: -k is like k."""
    reach = np.abs(translations).max(0)
    finest = 8 if n_orbitals <= 60 else 4 if n_orbitals <= 250 else 2
    n = np.where(reach == 0, 1, np.clip(2 * reach + 2, 2, finest))
    points = mesh_points((int(n[0]), int(n[1]), int(n[2])))
    mirrored = (-points) % 1.0
    return points[[tuple(p) <= tuple(m) for p, m in zip(points.tolist(), mirrored.tolist(), strict=True)]]


def _negative(cell: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-x for x in cell)


def _text(vector: Sequence[float] | np.ndarray) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in np.asarray(vector).tolist()) + ")"
