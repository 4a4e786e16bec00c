"""How far the small basis itself is from the large one, no model asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.structures.selection import Split
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.paper import Experiment
from hamexplorer.train.planned import own_test
from hamexplorer.train.results import ErrorRow, Results, target_result
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.values import reduce_reference, target_values


def raw_of_seeds(
    datasets: Mapping[str, ReferenceDataset], runs: Iterable[PlannedRun]
) -> dict[int, dict[str, dict[str, ErrorRow]]]:
    """Errors of the raw small basis against the large one, by seed, tested set and target; no model is asked.

    Each on the test part that the seed draws of the set that is learned from, and on whole further sets.

    Raises:
        SettingsError: if the reduction cannot be applied to a set.
    """
    found: dict[int, dict[str, dict[str, ErrorRow]]] = {}
    whole: dict[str, dict[str, ErrorRow]] = {}
    for run in runs:
        settings = run.settings
        if settings.seed in found or Experiment.of(settings).kind != "hybrid":
            continue
        dataset = datasets[run.dataset]
        parts = {own_test(run.dataset): raw_errors(dataset, settings, settings.split(dataset.structures))}
        for name in run.test_on:
            if name not in whole:
                everything = Split((), (), tuple(range(len(datasets[name]))))
                whole[name] = raw_errors(datasets[name], settings, everything)
            parts[name] = whole[name]
        found[settings.seed] = parts
    return found


def raw_errors(dataset: ReferenceDataset, settings: RunSettings, split: Split) -> dict[str, ErrorRow]:
    """How far the small basis' own values are from the large basis' on the test part of a split, energies in Ha."""
    inside = set(split.test)
    values = [
        target_values(ref, *reduce_reference(ref, settings)) if k in inside else ({}, {})
        for k, ref in enumerate(dataset.references)
    ]

    def entry(k: int, name: str):  # type: ignore[no-untyped-def]
        reference, raw = values[k]
        if name not in reference or name not in raw:
            return None
        value, weight = reference[name]
        return value, weight, raw[name], raw[name]

    # The matrix that a direct target learns is the small basis' own: it says nothing here.
    names = [name for name in TARGETS if name != "hamiltonian"]
    targets = {name: target_result(name, [entry(k, name) for k in range(len(values))]) for name in names}
    return Results(0, targets, split, dataset, (None,) * len(values)).errors("test")
