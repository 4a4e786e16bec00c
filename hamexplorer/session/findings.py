"""The part of the session that tells what is known and predicted of each molecule."""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
import traitlets

from hamexplorer.session.training import Training
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.molecule_state import MoleculeState
from hamexplorer.train.prediction import Prediction
from hamexplorer.train.results import Results
from hamexplorer.train.spread import Disagreement, disagreements, spread_among, spread_of_prediction
from hamexplorer.train.trained import TrainedModel

#: What is told of one molecule beside its orbital energies.
PROPERTIES = ("dipole", "polarizability", "mulliken_charge", "lowdin_charge", "mayer_bond_order")


#: Least seconds between two predictions of one structure by a model that still learns.
_SELDOM = 1.5


class Findings(Training):
    """Connects loaded structures with rows of the results, and predicts those that are in none."""

    predictions = traitlets.Dict(help="structure key -> Prediction, for structures without references")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.observe(self._forget_predictions, "model")
        self._states: dict[str, MoleculeState] = {}
        #: Structure key -> the model that predicted it, and when a model that still learns did so last.
        self._predicted_by: dict[str, TrainedModel] = {}
        self._predicting, self._predicted_at = False, 0.0
        self._refused: set[str] = set()
        self.observe(self._predict_picked, ["picked", "model", "learning", "structures"])

    @property
    def where_predicted(self) -> str:
        """The panel that hears when a structure cannot be predicted."""
        return "structures"

    @property
    def predictor(self) -> TrainedModel | None:
        """The model that predicts structures without references: of the last run, or of the one under way."""
        return self.learning if self.model is None else self.model

    def row_of(self, index: int) -> int | None:
        """Where the results have this structure; None if it is not part of the run."""
        if self.results is None or not 0 <= index < len(self.structures):
            return None
        return rows_of(self.results.dataset).get(self.structures[index].key)

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

    @property
    def compared_with(self) -> str:
        """Whose values the results that are shown are compared with: those of the "large" or the "small" basis."""
        method = None if self.results is None else self.results.dataset.method
        return "small" if method is not None and method.small_basis == method.large_basis else "large"

    def known(self, index: int) -> dict[str, dict[str, Any]]:
        """Properties of a structure: "small", "learned", "large" -> {target name: value}, atomic units."""
        if not 0 <= index < len(self.structures):
            return {}
        prediction = self.predictions.get(self.structures[index].key)
        learned = {} if prediction is None else {"learned": properties_of(prediction, prediction.n_occ)}
        if not self.has_reference(index):
            return learned
        entry, row = self.dataset.references[index], self.row_of(index)
        found = {
            "small": properties_of(entry.small, entry.n_occ),
            **learned,
            "large": properties_of(entry.large, entry.n_occ),
        }
        if row is not None and self.results is not None:
            learned = _learned(self.results, row, entry.n_occ)
            # As the run means it: where it learns the small basis, the polarizability is the uncoupled one.
            small = properties_of(self.results.dataset.references[row].small, entry.n_occ)
            found = {"small": small, "learned": learned, "large": found["large"]}
        return found

    @property
    def doubts(self) -> tuple[Disagreement, ...]:
        """How far the members of a committee stand apart on the picked structure, about each property that was trained.

        Empty without a committee.
        """
        if self.results is None or not 0 <= self.picked < len(self.structures):
            return ()
        row = self.row_of(self.picked)
        prediction = self.predictions.get(self.structures[self.picked].key)
        if row is not None:
            spread = spread_among(self.results, row)
        elif prediction is not None and self.predictor is not None:
            spread = spread_of_prediction(prediction, self.predictor.settings)
        else:
            return ()
        found = disagreements(self.results, spread)
        # Results of a model that was opened hold every property that the data set has. There is no model in training.
        trained = self.results.targets if self.model is None else self.model.settings.targets
        return tuple(doubt for doubt in found if doubt.target in trained)

    def _predict_picked(self, _: Any = None) -> None:
        """Predict the picked structure if it is in no run, so that its levels can be shown.

        A model that still learns is asked again every now and then.
        """
        model = self.predictor
        if model is None or not 0 <= self.picked < len(self.structures):
            return
        structure, referred = self.structures[self.picked], self.has_reference(self.picked)
        if referred and (structure.is_crystal or self.row_of(self.picked) is not None):
            return
        by = self._predicted_by.get(structure.key)
        if by is model or self._predicting or structure.key in self._refused:
            return
        if by is not None and model is self.learning and time.monotonic() - self._predicted_at < _SELDOM:
            return
        self._predicting, self._predicted_at = True, time.monotonic()

        def predict() -> tuple[Prediction, Any]:
            (prediction,) = model.predict([structure])
            # Bands of a crystal, orbitals of a molecule.
            more = model.band_structure if structure.is_crystal else model.molecule_state
            return prediction, more(structure) if model.has_hamiltonian else None

        def predicted(values: list[tuple[Prediction, Any]]) -> None:
            self._predicting = False
            current = self.predictor
            if current is not model and (current is None or current.geometry is not model.geometry):
                self._predict_picked()  # this one was of another run
                return
            prediction, more = values[-1]
            self._predicted_by[structure.key] = model
            if not structure.is_crystal and more is not None:
                self._states[structure.key] = more
            self.predictions = {**self.predictions, structure.key: prediction}
            if structure.is_crystal:
                self.bands = {**self.bands, structure.key: more}
            self._predict_picked()

        def failed(sentences: list[str]) -> None:
            self._predicting = False
            self._refused.add(structure.key)
            if referred:
                return  # of another data set, about which nobody asked
            self.say(
                f"{structure.label} cannot be predicted: {sentences[-1]}", "warning", self.where_predicted
            )

        self.pump.start(predict, done=predicted, failed=failed)

    def _forget_predictions(self, change: Any) -> None:
        """Another model: what the one before said counts no more, unless that is the same and has finished learning."""
        self._refused.clear()
        finished = change["old"] is None and change["new"] is not None
        if finished and any(by.geometry is change["new"].geometry for by in self._predicted_by.values()):
            return  # shown until it is predicted anew, in a moment
        self.predictions, self._states = {}, {}
        self._predicted_by.clear()
        # What was read with matrices from elsewhere is no prediction.
        self.bands = {key: bands for key, bands in self.bands.items() if "learned" not in bands.sets}


@functools.lru_cache(maxsize=4)
def rows_of(dataset: Any) -> dict[str, int]:
    """Structure key -> position; datasets are immutable and compared by identity."""
    return {structure.key: row for row, structure in reversed(list(enumerate(dataset.structures)))}


def properties_of(properties: Any, n_occ: int) -> dict[str, Any]:
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
