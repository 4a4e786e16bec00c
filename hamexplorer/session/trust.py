"""Whether to trust the prediction of one structure: how new it is, and how far a committee disagrees about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamexplorer.session.sign import Sign
from hamexplorer.train.novelty import NOVEL
from hamexplorer.train.spread import Disagreement
from hamexplorer.units import HARTREE_EV

#: Spread, in units of the validation structures', above which members disagree; and above which they contradict.
_APART, _CONTRARY = 2.0, 4.0


def of_structure(novelty: float | None, doubts: Sequence[Disagreement]) -> list[Sign]:
    """What novelty and a committee say of the picked structure, each alone and both together."""
    found = [] if novelty is None else [_of_novelty(novelty)]
    if not doubts or (novelty is not None and not np.isfinite(novelty)):
        return found
    worst = max(doubts, key=lambda doubt: doubt.times)
    found.append(_of_committee(worst))
    new, apart = novelty is not None and novelty > NOVEL, worst.times > _APART
    if new and apart:
        found.append(
            Sign(
                "bad",
                "Do not trust the prediction of the picked structure: it is unlike the training set, and the members "
                "disagree about it. Compute a reference of it, and of some like it, and train with them.",
            )
        )
    elif new:
        found.append(
            Sign(
                "watch",
                "The members agree about a structure that is unlike the training set: that proves little, since all of "
                "them learned from the same structures.",
            )
        )
    return found


def _of_novelty(novelty: float) -> Sign:
    if not np.isfinite(novelty):
        return Sign("bad", "The picked structure holds an element that was not in training: no prediction.")
    if novelty > NOVEL:
        return Sign(
            "bad" if novelty > 3 * NOVEL else "watch",
            f"The picked structure is unlike the training set: an atom's surroundings are {novelty:.0f} times as far "
            f"from the nearest known ones as usual. Its prediction extrapolates: train on structures like it before "
            f"you believe a number.",
        )
    return Sign("good", "The picked structure resembles what was learned from.")


def _of_committee(worst: Disagreement) -> Sign:
    what = worst.label.lower() if not worst.label.isupper() else worst.label
    spread, expected = (_amount(value, worst) for value in (worst.spread, worst.expected))
    if worst.times <= _APART:
        return Sign(
            "good",
            f"The members of the committee agree about the picked structure as they do about validation structures: "
            f"{what} within {spread}, where errors of {expected} are usual.",
        )
    return Sign(
        "bad" if worst.times > _CONTRARY else "watch",
        f"The members of the committee disagree by {spread} in {what} of the picked structure, {worst.times:.1f} "
        f"times as much as on validation structures: expect errors of {expected}, not the usual "
        f"{_amount(worst.error, worst)}.",
    )


def _amount(value: float, doubt: Disagreement) -> str:
    if doubt.is_energy:
        value, unit = value * HARTREE_EV, "eV"
        if value < 0.1:
            value, unit = value * 1000, "meV"
    else:
        unit = doubt.unit
    return f"{value:.2g} {unit}".strip()
