"""A session whose training is a script: the test says what the thread reports, and when it ends."""

from __future__ import annotations

import dataclasses
import queue
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hamexplorer.session import Session
from hamexplorer.session import training as session_training
from hamexplorer.structures.selection import Split
from hamexplorer.structures.structure import Structure
from hamexplorer.train.events import EpochReport, Finished, Snapshot
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet
from hamexplorer.train.results import Results, TargetResult


class Script:
    """Stands in for :func:`hamexplorer.train.run.train`."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Any] = queue.Queue()
        self.calls: list[SimpleNamespace] = []

    def train(self, dataset: Any, settings: Any, *, controls: Any, report: Callable[[Any], None]) -> Any:
        call = SimpleNamespace(dataset=dataset, settings=settings, controls=controls)
        self.calls.append(call)
        while True:
            event = self.inbox.get(timeout=20)
            if isinstance(event, Exception):
                raise event
            report(event)
            if isinstance(event, Finished):
                return Model()

    def epoch(self, number: int, n_epochs: int = 10) -> None:
        error = {"mo_energy": 0.1 / number}
        self.inbox.put(EpochReport(number, n_epochs, 1.0, 1.0, error, error, 1e-3, 100.0, 5.0))

    def snapshot(self, owner: Any, number: int = 1, model: Any = None) -> None:
        """Results for the dataset of a session or of a call, and the model that gave them."""
        self.inbox.put(Snapshot(number, results_for(owner.dataset, number), model=model))

    def finish(self, number: int = 10) -> None:
        self.inbox.put(Finished(number, number, "all epochs are done"))


class Model:
    """A model that predicts the same for every molecule."""

    has_hamiltonian = True
    #: One run's models share it.
    geometry = "of the run"

    def __init__(self, dipole: float = 0.5) -> None:
        self.dipole = dipole

    def predict(self, structures: list[Structure]) -> list[Any]:
        return [
            SimpleNamespace(
                structure=structure,
                mo_energy=np.array([-0.5, 0.2]),
                n_occ=1,
                dipole=np.array([0.0, 0.0, self.dipole]),
                polarizability=None,
                mulliken_charge=np.zeros(structure.n_atoms),
                lowdin_charge=None,
                mayer_bond_order=None,
                spread=None,
            )
            for structure in structures
        ]

    def molecule_state(self, structure: Structure) -> Any:
        empty = MoleculeState(structure, "sto-3g", 1, {})
        levels = OrbitalSet(np.diag(np.linspace(-0.5, 0.2, empty.layout.n_ao)))
        return dataclasses.replace(empty, sets={"learned": levels})

    def save(self, folder: Any) -> None:
        folder.mkdir(parents=True)
        (folder / "model.json").write_text("{}")


def results_for(dataset: Any, epoch: int) -> Results:
    """Results whose only target is one number a molecule, half as wrong as the raw small basis."""
    count = len(dataset)
    reference = np.linspace(-1.0, 1.0, count)
    target = TargetResult(
        name="homo_lumo_gap",
        label="HOMO-LUMO gap",
        unit="Ha",
        is_energy=True,
        structure=np.arange(count),
        reference=reference,
        predicted=reference + 0.1,
        raw=reference + 0.2,
        weight=np.ones(count),
    )
    third = count // 3
    split = Split(tuple(range(third)), tuple(range(third, 2 * third)), tuple(range(2 * third, count)))
    levels = [entry.small.mo_energy for entry in dataset.references]
    return Results(epoch, {target.name: target}, split, dataset, levels)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script()
    monkeypatch.setattr(session_training, "train", made.train)
    return made


@pytest.fixture
def session(script: Script) -> Iterator[Session]:
    """A session with the ethanes open."""
    made = Session()
    made.open_dataset("ethane")
    made.wait()
    yield made
    if made.running:
        script.finish()
        made.wait()


@pytest.fixture
def until(session: Session) -> Callable[[Callable[[], bool]], None]:
    """Drain the session's queue until a condition holds."""

    def wait(condition: Callable[[], bool]) -> None:
        import threading

        pause = threading.Event()
        for _ in range(2000):
            session.drain()
            if condition():
                return
            pause.wait(0.01)
        raise AssertionError("the condition did not come true within 20 s")

    return wait
