"""The part of the session that tells what is known and predicted of each molecule."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets

from hamexplorer.physics.spectra import Transitions
from hamexplorer.session.training import Training
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.molecule_state import MoleculeState, calculated_state, excitations_of
from hamexplorer.train.novelty import Novelty
from hamexplorer.train.results import Results
from hamexplorer.train.trained import Prediction

#: What is told of one molecule beside its orbital energies.
PROPERTIES = ("dipole", "polarizability", "mulliken_charge", "lowdin_charge", "mayer_bond_order")


class Findings(Training):
    """Connects loaded structures with rows of the results, and predicts those that are in none."""

    predictions = traitlets.Dict(help="structure key -> Prediction, for structures without references")
    state_of_picked = traitlets.Any(
        None, allow_none=True, help="MoleculeState of the picked molecule, or None"
    )
    excitations = traitlets.Dict(
        help='"raw" and "learned" -> Tamm-Dancoff transitions of the picked molecule'
    )
    pull = traitlets.Any(
        None, allow_none=True, help="(target, matrix): gradient of its error at the picked molecule"
    )
    novelty = traitlets.Float(
        None,
        allow_none=True,
        help="how unlike the training set the picked structure is; 1 is usual, None not known",
    )
    orbital = traitlets.Int(0, help="the orbital that every view shows, counted from the HOMO (0); LUMO is 1")
    marked = traitlets.Tuple(help="atoms that every view points out: one, or the two of a block")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observe(self._forget_predictions, "model")
        self._states: dict[str, MoleculeState] = {}
        self._exciting, self._excited = False, None
        self._pulling, self._pulled = False, (None, "")
        self.observe(lambda _: setattr(self, "pull", None), "picked")
        self.observe(self._predict_picked, ["picked", "model", "structures"])
        self.observe(self._find_state, ["picked", "results", "structures", "dataset", "predictions"])
        self._novelty: tuple[Any, Novelty] | None = None
        self.observe(self._judge_novelty, ["picked", "results", "structures"])
        self.observe(lambda _: self.mark(()), "picked")

    def row_of(self, index: int) -> int | None:
        """Where the results have this structure; None if it is not part of the run."""
        if self.results is None or not 0 <= index < len(self.structures):
            return None
        return _rows(self.results.dataset).get(self.structures[index].key)

    def pick_row(self, row: int) -> None:
        """Pick the structure of a row of the results."""
        if self.results is None:
            return
        wanted = self.results.dataset.structures[row].key
        for index, structure in enumerate(self.structures):
            if structure.key == wanted:
                self.pick(index)
                return
        self.say("this molecule was closed since the training began; open its dataset again", "warning")

    def bands_of(self, index: int) -> BandStructure | None:
        """Bands of a crystal that is in no run: predicted by the model, or read with its matrices; else None."""
        if not 0 <= index < len(self.structures) or self.row_of(index) is not None:
            return None
        return self.bands.get(self.structures[index].key)

    def known(self, index: int) -> dict[str, dict[str, Any]]:
        """Properties of a structure: "small", "learned", "large" -> {target name: value}, atomic units."""
        if not 0 <= index < len(self.structures):
            return {}
        prediction = self.predictions.get(self.structures[index].key)
        if not self.has_reference(index):
            return {} if prediction is None else {"learned": _values(prediction, prediction.n_occ)}
        entry, row = self.dataset.references[index], self.row_of(index)
        found = {"small": _values(entry.small, entry.n_occ), "large": _values(entry.large, entry.n_occ)}
        if row is not None and self.results is not None:
            learned = _learned(self.results, row, entry.n_occ)
            found = {"small": found["small"], "learned": learned, "large": found["large"]}
        return found

    def choose_orbital(self, from_homo: int) -> None:
        """Show another orbital: 0 is the HOMO, 1 the LUMO, negative ones lie below; others are ignored."""
        state = self.state_of_picked
        n_ao = len(next(iter(state.sets.values())).energy) if state is not None else 0
        if state is not None and 0 <= state.n_occ - 1 + from_homo < n_ao:
            self.orbital = from_homo

    def excite(self) -> None:
        """Work out the excitations of the picked molecule; what was asked last counts, and none is worked out twice."""
        state = self.state_of_picked
        if state is None or state is self._excited:
            return
        if self._exciting:
            return  # the worker looks again when it is done
        self._exciting = True
        started = state
        if self._excited is None or self._excited.structure is not started.structure:
            self.excitations = {}

        def work() -> dict[str, Transitions]:
            wanted = [name for name in ("raw", "learned") if name in started.sets]
            return {name: excitations_of(started, name) for name in wanted}

        def done(found: list[dict[str, Transitions]]) -> None:
            self._exciting, self._excited = False, started
            current = self.state_of_picked
            if current is not None and current.structure is started.structure:
                self.excitations = found[-1]
            # While it trains, states come faster than this: the next one is asked for by whoever looks then.
            if current is not None and current.structure is not started.structure:
                self.excite()

        def failed(sentences: list[str]) -> None:
            self._exciting, self._excited = False, started
            self.say(sentences[-1], "warning", "training")

        self.pump.start(work, done=done, failed=failed)

    def find_pull(self, target: str) -> None:
        """Work out how the error of a target changes with the Hamiltonian of the picked molecule."""
        state, results, row = self.state_of_picked, self.results, self.row_of(self.picked)
        if state is None or "learned" not in state.sets or results is None or row is None or self._pulling:
            return
        if results.gradients is None or (self._pulled == (state, target) and self.pull is not None):
            return
        self._pulling = True
        gradients, matrix = results.gradients, state.sets["learned"].matrix

        def done(found: list[np.ndarray]) -> None:
            self._pulling, self._pulled = False, (state, target)
            current = self.state_of_picked
            if current is not None and current.structure is state.structure:
                self.pull = (target, found[-1])

        def failed(sentences: list[str]) -> None:
            self._pulling, self._pulled = False, (state, target)
            self.pull = None
            self.say(sentences[-1], "warning", "training")

        self.pump.start(lambda: gradients(row, target, matrix), done=done, failed=failed)

    def mark(self, atoms: Sequence[int]) -> None:
        """Point out one atom, or two whose block is meant; the same two again, or nothing, end it."""
        wanted = tuple(dict.fromkeys(int(a) for a in atoms))[:2]
        self.marked = () if wanted == self.marked else wanted

    def _judge_novelty(self, change: Any = None) -> None:
        """How unlike the training set the picked structure is; the set is looked through once a run."""
        results, index = self.results, self.picked
        if results is None or not 0 <= index < len(self.structures) or not len(results.split.train) > 1:
            self.novelty = None
            return
        if change is not None and change["name"] == "results" and self.novelty is not None:
            return  # another epoch of the same run, most likely; picking asks again
        structure, split = self.structures[index], results.split
        known = self._novelty[1] if self._novelty is not None and self._novelty[0] is split else None

        def judge() -> tuple[Novelty, float]:
            found = known or Novelty([results.dataset.structures[k] for k in split.train])
            return found, found.of(structure)

        def judged(values: list[tuple[Novelty, float]]) -> None:
            self._novelty = (split, values[-1][0])
            if self.picked == index:
                self.novelty = values[-1][1]

        self.pump.start(judge, done=judged, failed=lambda _: None)

    def _find_state(self, _: Any = None) -> None:
        """Know the Hamiltonian of the picked molecule: at once if it was worked out, else when a worker has done it."""
        index = self.picked
        if not 0 <= index < len(self.structures) or self.structures[index].is_crystal:
            self.state_of_picked = None
            return
        row, results = self.row_of(index), self.results
        if row is None or results is None or results.states is None:
            self.state_of_picked = self._state_without_run(index)
            return
        known = results.known_molecule_state(row)
        if known is not None:
            self.state_of_picked = known
            return

        def found(states: list[MoleculeState | None]) -> None:
            if self.picked == index and self.row_of(index) == row:
                self.state_of_picked = states[-1]

        def failed(sentences: list[str]) -> None:
            self.say(
                f"the Hamiltonian of {self.structures[index].label} cannot be shown: {sentences[-1]}",
                "warning",
            )

        self.pump.start(lambda: results.molecule_state(row), done=found, failed=failed)

    def _state_without_run(self, index: int) -> MoleculeState | None:
        key = self.structures[index].key
        if key in self._states:
            return self._states[key]
        if not self.has_reference(index):
            return None
        method = self.dataset.method
        return calculated_state(
            self.dataset.references[index], method.small_basis, getattr(method, "xc", "hf")
        )

    def _predict_picked(self, _: Any = None) -> None:
        """Predict the picked structure if it has no reference, so that its levels can be shown."""
        if (
            self.model is None
            or not 0 <= self.picked < len(self.structures)
            or self.has_reference(self.picked)
        ):
            return
        structure, model = self.structures[self.picked], self.model
        if structure.key in self.predictions:
            return

        def predict() -> tuple[Prediction, Any]:
            (prediction,) = model.predict([structure])
            # Bands of a crystal, orbitals of a molecule.
            more = model.band_structure if structure.is_crystal else model.molecule_state
            return prediction, more(structure)

        def predicted(values: list[tuple[Prediction, Any]]) -> None:
            if self.model is not model:
                return
            prediction, more = values[-1]
            if not structure.is_crystal:
                self._states[structure.key] = more
            self.predictions = {**self.predictions, structure.key: prediction}
            if structure.is_crystal:
                self.bands = {**self.bands, structure.key: more}

        def failed(sentences: list[str]) -> None:
            self.say(f"{structure.label} cannot be predicted: {sentences[-1]}", "warning")

        self.pump.start(predict, done=predicted, failed=failed)

    def _forget_predictions(self, _: Any) -> None:
        self.predictions, self._states = {}, {}
        # What was read with matrices from elsewhere is no prediction.
        self.bands = {key: bands for key, bands in self.bands.items() if "learned" not in bands.sets}


@functools.lru_cache(maxsize=4)
def _rows(dataset: Any) -> dict[str, int]:
    """Structure key -> position; datasets are immutable and compared by identity."""
    return {structure.key: row for row, structure in reversed(list(enumerate(dataset.structures)))}


def _values(properties: Any, n_occ: int) -> dict[str, Any]:
    """The properties of one molecule that are there, by target name."""
    values = {name: getattr(properties, name, None) for name in PROPERTIES}
    found = {name: value for name, value in values.items() if value is not None}
    return found | _gap(properties.mo_energy, n_occ)


def _learned(results: Results, row: int, n_occ: int) -> dict[str, Any]:
    """What the model under training predicts for one molecule, as far as that is in the results."""
    shapes = {"dipole": (3,), "polarizability": (3, 3), "mulliken_charge": (-1,), "lowdin_charge": (-1,)}
    found = {}
    for name, shape in shapes.items():
        if name in results.targets:
            target = results.targets[name]
            values = target.predicted[target.structure == row]
            if values.size:
                found[name] = values.reshape(shape)
    return found | _gap(results.mo_energy[row], n_occ)


def _gap(mo_energy: Any, n_occ: int) -> dict[str, float]:
    if mo_energy is None:
        return {}
    energies = np.asarray(mo_energy, dtype=float)
    if energies.ndim == 2:  # bands: of a metal they overlap, and there is no gap
        if not 0 < n_occ < energies.shape[1]:
            return {}
        gap = np.nanmin(energies[:, n_occ]) - np.nanmax(energies[:, n_occ - 1])
        return {"homo_lumo_gap": max(0.0, float(gap))}
    levels = np.sort(energies[np.isfinite(energies)])
    return {"homo_lumo_gap": float(levels[n_occ] - levels[n_occ - 1])} if n_occ < len(levels) else {}
