"""The study of Suman et al. (arXiv 2504.01187): its runs as grids, and its authors' figures to set beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hamexplorer.errors import SettingsError
from hamexplorer.model import MODELS, SURROGATES
from hamexplorer.train.grid import Grid, target_set
from hamexplorer.train.planned import own_test
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import PRESETS

#: The paper's.
SEEDS = (42, 87, 250)
#: Target sets that a Hamiltonian learns, of each basis; and the one that the authors give for STO-3G alone.
HYBRID = ("ε", "ε + μ", "ε + μ + α", "ε + μ + α + bond orders")
HYBRID_SMALL = "mo_energy + polarizability"
DIRECT = "the matrix itself"
#: Learned without a Hamiltonian, each by a model of its own, as in the paper.
SURROGATE = ("dipole", "polarizability", "mulliken_charge")
#: What distinguishes the runs of the study, and is therefore no fixed setting of it.
VARIED = ("target_basis", "train_at_most", "seed")


class Experiment(NamedTuple):
    """What the runs of several seeds have in common.

    Attributes:
        kind: "raw" (the small basis itself), "direct" (closed-form fit of the matrix), "hybrid" (a Hamiltonian that
            learns properties) or "surrogate" (properties without a Hamiltonian).
        basis: whose values are learned and compared with, "small" or "large".
        targets: names of the targets; none of the raw small basis.
        train_at_most: structures that are learned from at most; 0 for all of the training part.
    """

    kind: str
    basis: str = "large"
    targets: tuple[str, ...] = ()
    train_at_most: int = 0

    @classmethod
    def of(cls, settings: RunSettings) -> Experiment:
        """Which one a run belongs to."""
        targets = tuple(settings.targets)
        direct = targets == PRESETS[DIRECT] and settings.epochs == 0
        kind = "surrogate" if settings.model in SURROGATES else "direct" if direct else "hybrid"
        return cls(kind, settings.target_basis, targets, settings.train_at_most)


RAW = Experiment("raw")


@dataclass(frozen=True)
class AuthorsFigures:
    """Errors that the authors give, √(mean ‖Δ‖²/N²), by target; levels in eV, the others in atomic units.

    Attributes:
        kind, basis, targets: as of an :class:`Experiment`; basis None where the source does not say it.
        tested_on: "qm7" for the test part of what was learned from, "qm9" for molecules that were not.
        n_train: QM7 molecules that were learned from; 0 where the source does not say it.
    """

    kind: str
    basis: str | None
    targets: tuple[str, ...]
    tested_on: str
    n_train: int
    errors: Mapping[str, float]


_LEVELS_AND_BOTH = ("mo_energy", "dipole", "polarizability")


def _errors(*values: float) -> dict[str, float]:
    return dict(zip(_LEVELS_AND_BOTH, values, strict=True))


#: Source of all that is set beside our figures.
AUTHORS_SOURCE = "Suman et al., arXiv 2504.01187, the authors' public development notebooks"
AUTHORS = (
    AuthorsFigures("hybrid", "large", _LEVELS_AND_BOTH, "qm7", 700, _errors(0.283, 0.0086, 1.136)),
    AuthorsFigures("raw", "large", (), "qm7", 0, _errors(3.085, 0.0225, 3.004)),
    AuthorsFigures("hybrid", "large", _LEVELS_AND_BOTH, "qm9", 700, _errors(0.488, 0.0261, 2.822)),
    AuthorsFigures("raw", "large", (), "qm9", 0, _errors(2.516, 0.0230, 2.566)),
    AuthorsFigures("direct", "small", PRESETS[DIRECT], "qm7", 800, _errors(0.232, 0.0243, 0.371)),
    AuthorsFigures(
        "hybrid", "small", ("mo_energy", "polarizability"), "qm7", 0, _errors(0.316, 0.0169, 0.138)
    ),
    AuthorsFigures("surrogate", None, ("polarizability",), "qm7", 0, {"polarizability": 0.37}),
    AuthorsFigures("surrogate", None, ("polarizability",), "qm9", 0, {"polarizability": 0.9}),
)


def authors_figures(
    experiment: Experiment, dataset: str, tested_on: str, target: str
) -> AuthorsFigures | None:
    """What the authors give for the same experiment; None if they give nothing, or for other molecules.

    Args:
        experiment: of ours.
        dataset: name of the set that was learned from; only QM7 can be compared.
        tested_on: as in :attr:`hamexplorer.train.rows.Row.errors`.
        target: name.
    """
    if "qm7" not in dataset.lower() or experiment.train_at_most:
        return None
    for figures in AUTHORS:
        same_set = (
            tested_on == own_test(dataset) if figures.tested_on == "qm7" else "qm9" in tested_on.lower()
        )
        same = (figures.kind, figures.targets) == (experiment.kind, experiment.targets)
        if same and same_set and figures.basis in (None, experiment.basis) and target in figures.errors:
            return figures
    return None


def paper_grids(
    dataset: str,
    settings: Mapping[str, Any],
    *,
    seeds: Sequence[int] = SEEDS,
    test_on: Sequence[str] = (),
    sizes: Sequence[int] = (),
    sizes_of: str = "ε + μ",
) -> list[Grid]:
    """All runs of the study: a seed after the other, so that a budget ends with all experiments of one seed first.

    Args:
        dataset: name of the set to learn from.
        settings: fixed ones of all runs; the hybrid models' kind under "model".
        seeds: of the runs.
        test_on: further sets that every model is tested on.
        sizes: numbers of training structures of the learning curve, beside all of them.
        sizes_of: target set of that curve, learned from the large basis by a Hamiltonian.

    Raises:
        SettingsError: naming the setting, model or target set that is wrong.
    """
    fixed = dict(settings)
    model = fixed.pop("model", RunSettings().model)
    if model in SURROGATES:
        raise SettingsError(
            f"the study compares Hamiltonians with surrogates, and the model {model!r} has no Hamiltonian; choose one "
            f"of {', '.join(MODELS)}"
        )
    reductions = (fixed.pop("reduction"),) if "reduction" in fixed else ()

    def grid(targets: Sequence[str], kind: str, some_seeds: Sequence[int], **changes: Any) -> Grid:
        return Grid(
            (dataset,),
            tuple(targets),
            reductions,
            (kind,),
            tuple(some_seeds),
            tuple(test_on),
            fixed | changes,
        )

    # The direct fit is the matrix alone, whatever the hybrids add to it.
    direct = {"target_basis": "small", "epochs": 0, "response": "matrix", "committee": 1}
    grids = []
    for seed in seeds:
        grids.append(grid((DIRECT,), "linear", (seed,), **direct))
        grids += [grid(SURROGATE, "surrogate", (seed,), target_basis=basis) for basis in ("large", "small")]
        grids.append(grid(HYBRID, model, (seed,), target_basis="large"))
        grids.append(grid((*HYBRID, HYBRID_SMALL), model, (seed,), target_basis="small"))
    hybrid = [target_set(text).keys() for text in HYBRID]
    whole = [] if not sizes or target_set(sizes_of).keys() in hybrid else [0]
    return grids + [grid((sizes_of,), model, seeds, train_at_most=size) for size in (*sizes, *whole)]
