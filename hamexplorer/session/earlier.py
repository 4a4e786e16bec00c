"""The part of the session that asks earlier runs about the picked structure, so that plots can show them beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.session.findings import Findings, rows_of
from hamexplorer.session.runs import Run
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.crystal_state import CrystalState
from hamexplorer.train.molecule_state import MoleculeState

#: Runs beside the one that is shown: in curves and points, and in bands, orbitals and matrices, which take more room.
MOST_OTHERS, MOST_BESIDE = 4, 2


class Earlier(Findings):
    """Asks in a worker, for the structure that is picked; a run that cannot take it is left out."""

    bands_of_others = traitlets.Dict(help="label of an earlier run -> BandStructure of the picked crystal")
    states_of_others = traitlets.Dict(help="label of an earlier run -> MoleculeState of the picked molecule")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._asking = False
        self._asked: tuple[str, tuple[Run, ...]] = ("", ())
        self.observe(self._ask_others, ["picked", "structures", "runs", "shown_run"])

    @property
    def other_runs(self) -> tuple[Run, ...]:
        """Finished runs of the same data set that are not shown, the latest last."""
        shown = next((run.dataset for run in self.runs if run.number == self.shown_run), None)
        of = shown or ("" if self.dataset is None else self.dataset.name)
        others = (run for run in self.runs if run.number != self.shown_run and run.dataset == of)
        return tuple(others)[-MOST_OTHERS:]

    @property
    def runs_beside(self) -> tuple[Run, ...]:
        """Those of them that know Hamiltonians."""
        return tuple(run for run in self.other_runs if _looks_into(run))[-MOST_BESIDE:]

    def _ask_others(self, _: Any = None) -> None:
        """Know what they say of the picked structure, when a worker has asked them."""
        structure = self.structures[self.picked] if 0 <= self.picked < len(self.structures) else None
        runs = self.runs_beside
        wish = ("" if structure is None else structure.key, runs)
        if self._asking or wish == self._asked:
            return
        self._asked = wish
        self.bands_of_others, self.states_of_others = {}, {}
        if structure is None or not runs:
            return
        self._asking = True

        def found(answers: list[dict[str, Any]]) -> None:
            self._asking = False
            if structure.is_crystal:
                self.bands_of_others = answers[-1]
            else:
                self.states_of_others = answers[-1]
            self._ask_others()  # if something else is wanted by now, this is forgotten

        def failed(_: list[str]) -> None:
            self._asking = False
            self._ask_others()

        self.pump.start(lambda: answers_of(runs, structure, _known), done=found, failed=failed)


def answers_of(
    runs: tuple[Run, ...], structure: Structure, ask: Callable[[Run, Structure], Any]
) -> dict[str, Any]:
    """What each run answers about a structure, by its label; without those that cannot take it."""
    found = {}
    for run in runs:
        try:
            answer = ask(run, structure)
        except HamExplorerError:
            continue  # such as an element that it never met: the others have something to say
        if answer is not None:
            found[run.label] = answer
    return found


def state_at(run: Run, crystal: Structure, place: int, k: np.ndarray) -> CrystalState | None:
    """What a run knows of a crystal at a k-point, which has this place on the crystal's path; None if nothing."""
    row = _row(run, crystal)
    if run.results is not None and row is not None:
        return run.results.crystal_state(row, place)
    return None if run.model is None else run.model.crystal_state(crystal, k)


def _looks_into(run: Run) -> bool:
    return run.model is not None and run.model.has_hamiltonian


def _row(run: Run, structure: Structure) -> int | None:
    return None if run.results is None else rows_of(run.results.dataset).get(structure.key)


def _known(run: Run, structure: Structure) -> BandStructure | MoleculeState | None:
    """A run's bands of a crystal, or its Hamiltonian of a molecule; of its own structures as in its results."""
    row = _row(run, structure)
    if run.results is not None and row is not None:
        return run.results.band_structure(row) or run.results.molecule_state(row)
    if run.model is None:
        return None
    return (
        run.model.band_structure(structure) if structure.is_crystal else run.model.molecule_state(structure)
    )
