"""A made-up run of twelve molecules, in the shape of `train.results.Results`."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.plots import History, PlotContext
from hamexplorer.units import energy_factor

N_MOLECULES, N_OCC, N_SMALL, N_LARGE = 12, 3, 6, 20


@dataclass(frozen=True)
class Report:
    epoch: int
    train: dict[str, float]
    validation: dict[str, float]


@dataclass(frozen=True)
class Target:
    name: str
    label: str
    unit: str
    is_energy: bool
    structure: np.ndarray
    reference: np.ndarray
    predicted: np.ndarray
    raw: np.ndarray


@dataclass(frozen=True)
class Results:
    epoch: int
    targets: dict[str, Target]
    split: SimpleNamespace
    dataset: SimpleNamespace
    mo_energy: list[np.ndarray | None]

    def errors(self, part: str, units: str = "Ha") -> dict[str, SimpleNamespace]:
        every = range(N_MOLECULES)
        members = list(every) if part == "all" else list(getattr(self.split, part))
        return {name: _row(target, members, units) for name, target in self.targets.items()}


def _row(target: Target, members: list[int], units: str) -> SimpleNamespace:
    here = np.isin(target.structure, members)
    factor = energy_factor(units) if target.is_energy else 1.0
    learned = np.abs(target.predicted - target.reference)[here] * factor
    raw = np.abs(target.raw - target.reference)[here] * factor
    means = [float(x.mean()) if len(x) else np.nan for x in (learned, raw)]
    return SimpleNamespace(
        target=target.name,
        label=target.label,
        unit=units if target.is_energy else target.unit,
        mae=means[0],
        rmse=means[0] * 1.2,
        rmse_per_atom=means[0] / 8,
        raw_mae=means[1],
        raw_rmse=means[1] * 1.2,
        raw_rmse_per_atom=means[1] / 6,
        n=int(here.sum()),
    )


def make_target(name: str, label: str, unit: str, each: int, error: float = 0.02, seed: int = 0) -> Target:
    """``each`` values a molecule, raw errors of 0.3 and learned ones of ``error``."""
    random = np.random.default_rng(seed)
    structure = np.repeat(np.arange(N_MOLECULES), each)
    reference = np.sort(random.normal(-0.3, 0.4, size=(N_MOLECULES, each))).ravel()
    predicted = reference + random.normal(0, error, structure.shape)
    raw = reference + random.normal(0.1, 0.3, structure.shape)
    return Target(name, label, unit, unit == "Ha", structure, reference, predicted, raw)


def make_results(*targets: Target) -> Results:
    random = np.random.default_rng(7)
    levels = np.sort(random.uniform(-0.6, -0.3, (N_MOLECULES, N_OCC)))
    levels[:, 0] = -10.0  # a core
    levels[:, 2] = levels[:, 1]  # a degenerate pair
    empty = np.sort(random.uniform(0.05, 0.6, (N_MOLECULES, N_LARGE)))
    references = [
        SimpleNamespace(
            n_occ=N_OCC,
            small=SimpleNamespace(mo_energy=np.concatenate([own + 0.1, free[: N_SMALL - N_OCC] + 0.2])),
            large=SimpleNamespace(mo_energy=np.concatenate([own, free])),
        )
        for own, free in zip(levels, empty, strict=True)
    ]
    dataset = SimpleNamespace(
        references=tuple(references),
        structures=tuple(SimpleNamespace(label=f"molecule {i}") for i in range(N_MOLECULES)),
        method=SimpleNamespace(small_basis="sto-3g", large_basis="def2-tzvp"),
    )
    return Results(
        epoch=5,
        targets={target.name: target for target in targets},
        split=SimpleNamespace(train=tuple(range(8)), validation=(8, 9), test=(10, 11)),
        dataset=dataset,
        mo_energy=[*(entry.large.mo_energy[:N_SMALL] + 0.01 for entry in references[:-1]), None],
    )


def make_history(n_epochs: int, *targets: str) -> History:
    history = History()
    for epoch in range(1, n_epochs + 1):
        values = dict.fromkeys(targets, 0.01 * 0.99**epoch)
        history = history.with_epoch(Report(epoch, values, {name: 1.3 * x for name, x in values.items()}))
    return history


@pytest.fixture
def fakes() -> SimpleNamespace:
    """The makers of this file, for tests that need another run than the usual one."""
    return SimpleNamespace(
        n_molecules=N_MOLECULES, report=Report, results=make_results, target=make_target, history=make_history
    )


@pytest.fixture
def results() -> Results:
    return make_results(
        make_target("mo_energy", "MO energies", "Ha", 6), make_target("dipole", "Dipole", "e·bohr", 3, seed=1)
    )


@pytest.fixture
def context(results: Results) -> PlotContext:
    return PlotContext(history=make_history(20, "mo_energy", "dipole"), results=results, picked=10)
