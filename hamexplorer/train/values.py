"""Reference values of structures as a run needs them: reduced, weighted, beside those of the raw small basis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hamexplorer.basis.reductions import REDUCTIONS, ReducedReference, SmallAndLarge
from hamexplorer.physics.bloch import bloch_sum, mesh_translations, reduced_mesh
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.properties import Properties, Reference
from hamexplorer.train.frames import Frame, KPoints, TargetValue
from hamexplorer.train.settings import RunSettings

#: A reduced reference, and the small-basis Fock matrix if it is known: of a molecule between Löwdin orbitals,
#: (n_ao, n_ao), of a crystal at its k-points between atomic ones, (n_k, n_ao, n_ao).
Reduced = tuple[ReducedReference, np.ndarray | None]


class OnMesh(NamedTuple):
    """What a calculation with k-points says at those that a frame holds."""

    mo_energy: np.ndarray
    k_weights: np.ndarray


def k_points_of(ref: Reference) -> KPoints | None:
    """Those of a crystal's reference; None for a molecule."""
    return None if ref.mesh is None else KPoints.of_mesh(ref.mesh.tolist())


def reduce_reference(ref: Reference, settings: RunSettings) -> Reduced:
    """The reduced reference, and the small-basis Fock matrix if it is known."""
    k = k_points_of(ref)
    if k is None:
        fock = None
        if ref.fock is not None and ref.overlap is not None:
            x = inverse_square_root(ref.overlap)
            fock = x @ ref.fock @ x
        pair = SmallAndLarge(
            ref.structure.numbers, ref.n_occ, ref.small.mo_energy, ref.large.mo_energy, fock, ref.iao_fock
        )
        return REDUCTIONS[settings.reduction].reduce(pair, settings), fock
    small, large = (_on_mesh(properties, k).mo_energy for properties in (ref.small, ref.large))
    assert k.mesh is not None
    fock = None if ref.fock is None else bloch_sum(ref.fock, mesh_translations(k.mesh), k.points)
    zero = ref.large.fermi or 0.0
    pair = SmallAndLarge(ref.structure.numbers, ref.n_occ, small, large, fock, None, n_core=0, zero=zero)
    reduced = REDUCTIONS[settings.reduction].reduce(pair, settings)
    weighted = reduced.weights * k.weights[:, None]
    return reduced._replace(weights=weighted, k_weights=k.weights), fock


def target_values(
    ref: Reference, reduced: ReducedReference, fock: np.ndarray | None
) -> tuple[dict[str, TargetValue], dict[str, np.ndarray]]:
    """Reference and raw small-basis values of every target that the structure has."""
    k, values, raw = k_points_of(ref), {}, {}
    sides: tuple[Any, Any] = (ref.large, ref.small)
    if k is not None:
        sides = _on_mesh(ref.large, k), _on_mesh(ref.small, k)
    for name, target in TARGETS.items():
        if k is not None and target.band_axes is None:
            continue
        value = target.reference(sides[0], reduced, ref.n_occ)
        if value is None:
            continue
        value = np.asarray(value, dtype=float)
        values[name] = TargetValue(value, np.asarray(target.weights(value, reduced), dtype=float))
        small = target.raw(sides[1], fock, ref.n_occ)
        if small is not None:
            raw[name] = np.asarray(small, dtype=float)
    return values, raw


def _on_mesh(properties: Properties, k: KPoints) -> OnMesh:
    assert k.mesh is not None
    return OnMesh(properties.mo_energy[reduced_mesh(k.mesh)[0]], k.weights)


def variance(frames: Sequence[Frame], name: str) -> float:
    """Variance of a target's scalars over the training molecules, atomic units squared."""
    found = [f.targets[name] for f in frames if name in f.targets]
    scalars = np.concatenate(
        [np.atleast_1d(v.value)[np.atleast_1d(v.weight) > 0] for v in found] or [np.zeros(1)]
    )
    return float(max(scalars.var(), 1e-12))
