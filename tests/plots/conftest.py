"""Made-up runs of twelve molecules, and of crystals known by formula, in the shape of `train.results.Results`."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.plots import History, PlotContext
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet, calculated_state
from hamexplorer.train.results import ErrorRow
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
    spread: np.ndarray | None = None


@dataclass(frozen=True)
class Results:
    epoch: int
    targets: dict[str, Target]
    split: SimpleNamespace
    dataset: SimpleNamespace
    mo_energy: list[np.ndarray | None]

    def band_structure(self, k: int):
        return self.dataset.bands[k] if hasattr(self.dataset, "bands") else None

    def errors(self, part: str, units: str = "Ha") -> dict[str, ErrorRow]:
        every = range(len(self.dataset.structures))
        members = list(every) if part == "all" else list(getattr(self.split, part))
        return {name: _row(target, members, units) for name, target in self.targets.items()}


def _row(target: Target, members: list[int], units: str) -> ErrorRow:
    here = np.isin(target.structure, members)
    factor = energy_factor(units) if target.is_energy else 1.0
    learned = np.abs(target.predicted - target.reference)[here] * factor
    raw = np.abs(target.raw - target.reference)[here] * factor
    means = [float(x.mean()) if len(x) else np.nan for x in (learned, raw)]
    return ErrorRow(
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
    structures = tuple(
        SimpleNamespace(label=f"molecule {i}", key=f"molecule {i}", is_crystal=False)
        for i in range(N_MOLECULES)
    )
    references = [
        SimpleNamespace(
            structure=structure,
            n_occ=N_OCC,
            small=SimpleNamespace(mo_energy=np.concatenate([own + 0.1, free[: N_SMALL - N_OCC] + 0.2])),
            large=SimpleNamespace(mo_energy=np.concatenate([own, free])),
        )
        for structure, own, free in zip(structures, levels, empty, strict=True)
    ]
    dataset = SimpleNamespace(
        references=tuple(references),
        structures=structures,
        method=SimpleNamespace(small_basis="sto-3g", large_basis="def2-tzvp"),
    )
    return Results(
        epoch=5,
        targets={target.name: target for target in targets},
        split=SimpleNamespace(train=tuple(range(8)), validation=(8, 9), test=(10, 11)),
        dataset=dataset,
        mo_energy=[*(entry.large.mo_energy[:N_SMALL] + 0.01 for entry in references[:-1]), None],
    )


def make_crystals(*bands) -> Results:
    """A run on crystals, trained on their reference bands on the mesh."""
    sizes = [each.sets["reference"].mesh_energy.size for each in bands]
    values = {
        name: np.concatenate([each.sets[name].mesh_energy.ravel() for each in bands])
        for name in ("reference", "learned", "raw")
    }
    owner = np.repeat(np.arange(len(bands)), sizes)
    target = Target(
        "mo_energy",
        "Orbital energies",
        "Ha",
        True,
        owner,
        values["reference"],
        values["learned"],
        values["raw"],
    )
    dataset = SimpleNamespace(
        references=tuple(SimpleNamespace(structure=each.structure) for each in bands),
        structures=tuple(each.structure for each in bands),
        bands=bands,
        method=SimpleNamespace(small_basis="sto-3g", large_basis="def2-svp"),
    )
    split = SimpleNamespace(train=(0,), validation=(1,), test=tuple(range(2, len(bands))))
    return Results(
        5, {"mo_energy": target}, split, dataset, [each.sets["learned"].mesh_energy for each in bands]
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


@pytest.fixture(scope="session")
def textbook():
    """Crystals by formula; a module of its own, since the page that the browser test opens needs it, too."""
    spec = importlib.util.spec_from_file_location("textbook", Path(__file__).with_name("textbook.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["textbook"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def crystal_context(textbook) -> PlotContext:
    """Diamond is picked; graphene is 1 and the chain 2."""
    crystals = make_crystals(*(make() for make in textbook.CRYSTALS.values()))
    return PlotContext(history=make_history(20, "mo_energy"), results=crystals, picked=0)


@pytest.fixture
def results() -> Results:
    return make_results(
        make_target("mo_energy", "MO energies", "Ha", 6), make_target("dipole", "Dipole", "e·bohr", 3, seed=1)
    )


@pytest.fixture
def context(results: Results, state: MoleculeState) -> PlotContext:
    history = make_history(20, "mo_energy", "dipole")
    return PlotContext(history=history, results=results, picked=10, state=state)


@pytest.fixture(scope="session")
def state() -> MoleculeState:
    """Ethane, with a learned matrix half-way between the two calculations."""
    found = calculated_state(read_dataset("ethane").references[0], "sto-3g")
    middle = (found.sets["raw"].matrix + found.sets["reference"].matrix) / 2
    sets = {"raw": found.sets["raw"], "learned": OrbitalSet(middle), "reference": found.sets["reference"]}
    return replace(found, sets=sets)
