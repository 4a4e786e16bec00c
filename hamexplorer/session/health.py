"""How a run is doing and how far to trust it, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hamexplorer.plots import History
from hamexplorer.plots.columns import level_name
from hamexplorer.session.sign import Sign
from hamexplorer.session.trust import of_structure
from hamexplorer.train.molecule_state import MoleculeState
from hamexplorer.train.results import Results
from hamexplorer.train.spread import Disagreement
from hamexplorer.units import HARTREE_EV

#: Validation loss above its best by this factor is over-fitting; epochs without a better one are a plateau.
_RISEN, _FLAT = 1.3, 30
#: Share of the epochs so far within which the best one is recent.
_FRESH = 0.1
#: Unseen structures come out this many times worse than those learned from.
_UNSEEN = 3.0
#: Ha: a gap that closes, where the reference has one of at least ...; levels so near that their orbitals mix.
_CLOSED, _OPEN, _NEAR = 0.3 / HARTREE_EV, 1.0 / HARTREE_EV, 1e-3
#: Condition number of S above which digits are lost.
_ILL = 1e5
#: Growth of the training loss (twice the error) and of the gradient within some epochs that mean steps too long.
_LOSS_GREW, _GRADIENT_GREW, _RECENT = 4.0, 100.0, 20


def signs(
    history: History,
    results: Results | None,
    state: MoleculeState | None = None,
    novelty: float | None = None,
    doubts: Sequence[Disagreement] = (),
) -> tuple[Sign, ...]:
    """What can be said, the worst first.

    Args:
        history, results: of the run.
        state, novelty: of the picked structure (:class:`hamexplorer.train.novelty.Novelty`), as far as known.
        doubts: how far a committee's members stand apart on it.
    """
    found = [*_of_curves(history), *_of_steps(history)]
    if results is not None:
        found += [*_of_results(results)]
    if state is not None:
        found += [*_of_state(state)]
    found += of_structure(novelty, doubts)
    order = {"bad": 0, "watch": 1, "good": 2}
    return tuple(sorted(found, key=lambda sign: order[sign.level]))


def _of_curves(history: History) -> list[Sign]:
    if len(history) < 5:
        return []
    losses = np.array([report.loss_validation for report in history.reports])
    if not np.isfinite(losses).any():
        return []
    best, last = history.reports[int(np.nanargmin(losses))], history.reports[-1]
    found = []
    if last.loss_validation > _RISEN * best.loss_validation and last.loss_train < best.loss_train:
        times = np.sqrt(last.loss_validation / best.loss_validation)
        found.append(
            Sign(
                "watch",
                f"Over-fitting: since epoch {best.epoch} the training error falls and the validation error has grown "
                f"{times:.1f}-fold. The weights of epoch {best.epoch} are the ones kept; more structures would help.",
            )
        )
    elif last.epoch - best.epoch >= _FLAT:
        found.append(
            Sign(
                "watch",
                f"Plateau: no better validation error for {last.epoch - best.epoch} epochs. Stop, or change targets "
                f"or settings.",
            )
        )
    else:
        fresh = last.epoch - best.epoch <= _FRESH * last.epoch
        more = ": it is still learning." if fresh else f" of {last.epoch}: little is to come."
        found.append(Sign("good", f"The validation error was lowest at epoch {best.epoch}{more}"))
    if last.loss_train > 0 and (times := np.sqrt(last.loss_validation / last.loss_train)) > _UNSEEN:
        found.append(
            Sign(
                "watch",
                f"Unseen structures come out {times:.0f} times worse than those learned from: the model knows them by "
                f"heart. More, or more varied, structures would help.",
            )
        )
    return found


def _of_steps(history: History) -> list[Sign]:
    """Whether steps have become too long: the training loss or the gradient grows instead of shrinking."""
    since = max((mark.epoch for mark in history.marks if mark.kind == "weights"), default=0)
    # Losses of before a change of weights cannot be compared.
    reports = [report for report in history.reports if report.epoch >= since][-_RECENT:]
    if len(reports) < 4:
        return []
    before, last = reports[:-2], reports[-1]
    lowest = min(before, key=lambda report: report.loss_train)
    # The last two epochs: one alone may have met a bad batch.
    risen = min(report.loss_train for report in reports[-2:]) / max(lowest.loss_train, 1e-300)
    norms = [report.gradient_norm for report in reports]
    grown = min(norms[-2:]) / max(
        float(np.median(norms[:-2])), 1e-300
    )  # NaN, of old files, compares as false
    if risen > _LOSS_GREW:
        also = f", its gradient {grown:.0f}-fold" if grown > _LOSS_GREW else ""
        text = f"Exploding steps: the training error has grown {risen**0.5:.1f}-fold since epoch {lowest.epoch}{also}."
    elif grown > _GRADIENT_GREW:
        text = f"The gradient has grown {grown:.0f}-fold within {len(reports)} epochs: steps are about to explode."
    else:
        return []
    cure = (
        f"Stop, lower the learning rate from {last.learning_rate:.1g} to {last.learning_rate / 10:.1g}, and train "
        f"again; until then the weights of the best epoch are kept."
    )
    return [Sign("bad" if risen > _LOSS_GREW else "watch", f"{text} {cure}")]


def _of_results(results: Results) -> list[Sign]:
    rows = results.errors("test")
    found = []
    for row in rows.values():
        if np.isfinite(row.raw_mae) and 0 < row.raw_mae < row.mae:
            found.append(
                Sign(
                    "bad",
                    f"{row.label}: {row.mae / row.raw_mae:.1f} times worse than the raw small basis on test "
                    f"structures. Do not use it; give it more weight, or leave it to the small basis.",
                )
            )
    found += _worst(results)
    closed = _closed_gaps(results)
    if closed:
        labels = ", ".join(results.dataset.structures[k].label for k in closed[:3])
        more = f" and {len(closed) - 3} more" if len(closed) > 3 else ""
        found.append(
            Sign(
                "bad",
                f"The gap closes where the reference has one: {labels}{more}. Response properties explode there.",
            )
        )
    return found


def _worst(results: Results) -> list[Sign]:
    """The test structure that sticks out."""
    if not results.targets:
        return []
    target = next(iter(results.targets.values()))
    test = results.indices("test")
    inside = np.isin(target.structure, test)
    if len(test) < 4 or not inside.any():
        return []
    error = np.abs(target.predicted - target.reference) * target.weight
    total = np.bincount(target.structure[inside], error[inside], minlength=len(results.dataset))
    weight = np.bincount(target.structure[inside], target.weight[inside], minlength=len(results.dataset))
    mean = total[test] / np.maximum(weight[test], 1e-300)
    times = mean.max() / max(float(np.median(mean)), 1e-300)
    if times < _UNSEEN:
        return []
    label = results.dataset.structures[test[mean.argmax()]].label
    return [
        Sign(
            "watch",
            f"{label} sticks out of the test set: its error in {target.label.lower()} is {times:.0f} times the usual.",
        )
    ]


def _closed_gaps(results: Results) -> list[int]:
    found = []
    for k, (levels, reference) in enumerate(zip(results.mo_energy, results.dataset.references, strict=True)):
        n_occ = reference.n_occ
        if levels is None or np.ndim(levels) != 1 or not 0 < n_occ < len(levels):
            continue
        true, said = (np.sort(e[np.isfinite(e)]) for e in (np.asarray(reference.large.mo_energy), levels))
        if (
            len(true) > n_occ
            and true[n_occ] - true[n_occ - 1] > _OPEN
            and said[n_occ] - said[n_occ - 1] < _CLOSED
        ):
            found.append(k)
    return found


def _of_state(state: MoleculeState) -> list[Sign]:
    found = []
    eigen = np.linalg.eigvalsh(state.orthogonaliser) ** -2
    condition = float(eigen.max() / eigen.min())
    if condition > _ILL:
        found.append(
            Sign(
                "watch",
                f"The orbitals of {state.structure.label} nearly depend on each other: the overlap's condition number "
                f"is {condition:.0e}, and as many digits are lost.",
            )
        )
    learned = state.sets.get("learned")
    if learned is not None:
        edges = range(max(0, state.n_occ - 3), min(len(learned.energy) - 1, state.n_occ + 2))
        near = [
            k for k in edges if learned.energy[k + 1] - learned.energy[k] < _NEAR and k != state.n_occ - 1
        ]
        if near:
            pair = " and ".join(level_name(k, state.n_occ).partition(",")[0] for k in (near[0], near[0] + 1))
            apart = 1000 * HARTREE_EV * (learned.energy[near[0] + 1] - learned.energy[near[0]])
            found.append(
                Sign(
                    "watch",
                    f"{pair} of {state.structure.label} lie {apart:.0f} meV apart: each alone means little, since a "
                    f"small change mixes them.",
                )
            )
    return found
