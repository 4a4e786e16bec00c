"""Reference values of molecules as a run needs them: reduced, weighted, beside those of the raw small basis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamexplorer.basis.reductions import REDUCTIONS, ReducedReference, SmallAndLarge
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import Reference
from hamexplorer.train.frames import Frame, TargetValue
from hamexplorer.train.settings import RunSettings

#: A reduced reference, and the small-basis Fock matrix in Löwdin orbitals if it is known.
Reduced = tuple[ReducedReference, np.ndarray | None]


def reduce_reference(ref: Reference, basis: str, settings: RunSettings) -> Reduced:
    """The reduced reference, and the small-basis Fock matrix in Löwdin orbitals if it is known."""
    fock = None
    if ref.fock is not None and ref.overlap is not None:
        x = inverse_square_root(ref.overlap)
        fock = x @ ref.fock @ x
    pair = SmallAndLarge(
        ref.structure.numbers, ref.n_occ, ref.small.mo_energy, ref.large.mo_energy, fock, ref.iao_fock
    )
    return REDUCTIONS[settings.reduction].reduce(pair, settings), fock


def target_values(
    ref: Reference, reduced: ReducedReference, fock: np.ndarray | None
) -> tuple[dict[str, TargetValue], dict[str, np.ndarray]]:
    """Reference and raw small-basis values of every target that the molecule has."""
    values, raw = {}, {}
    for name, target in TARGETS.items():
        value = target.reference(ref.large, reduced, ref.n_occ)
        if value is None:
            continue
        value = np.asarray(value, dtype=float)
        values[name] = TargetValue(value, np.asarray(target.weights(value, reduced), dtype=float))
        small = target.raw(ref.small, fock, ref.n_occ)
        if small is not None:
            raw[name] = np.asarray(small, dtype=float)
    return values, raw


def variance(frames: Sequence[Frame], name: str) -> float:
    """Variance of a target's scalars over the training molecules, atomic units squared."""
    found = [f.targets[name] for f in frames if name in f.targets]
    scalars = np.concatenate(
        [np.atleast_1d(v.value)[np.atleast_1d(v.weight) > 0] for v in found] or [np.zeros(1)]
    )
    return float(max(scalars.var(), 1e-12))
