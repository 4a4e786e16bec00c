"""How far the members of a committee stand apart on one structure, and what that has meant where the answer is known.

Members agree more than they are right: what they share, the start and the form of the model, errs alike in all. The
validation structures tell by how much, and one factor a property brings the spread to the size of the error.

Source: Imbalzano et al., J. Chem. Phys. 154, 074102 (2021), sec. II B.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hamexplorer.basis.reductions import REDUCTIONS, SmallAndLarge
from hamexplorer.train.prediction import Prediction
from hamexplorer.train.results import Results
from hamexplorer.train.settings import RunSettings


@dataclass(frozen=True)
class Disagreement:
    """Of a committee about one property of one structure; atomic units.

    Attributes:
        target, label, unit, is_energy: of the property.
        spread: between the members, root mean square over the property's values.
        usual: the same over all validation structures.
        error: root mean square error over the validation structures.
    """

    target: str
    label: str
    unit: str
    is_energy: bool
    spread: float
    usual: float
    error: float

    @property
    def times(self) -> float:
        """How many times as far apart as on validation structures."""
        return self.spread / self.usual

    @property
    def expected(self) -> float:
        """The error to be expected: the spread times what error over spread was on validation structures."""
        return self.times * self.error


def disagreements(results: Results, spread: Mapping[str, float]) -> tuple[Disagreement, ...]:
    """Spreads of one structure by property, as far as validation structures tell what they mean."""
    found = []
    for name, target in results.targets.items():
        calibration = results.calibration(name)
        value = spread.get(name, float("nan"))
        if calibration is not None and np.isfinite(value):
            found.append(
                Disagreement(name, target.label, target.unit, target.is_energy, float(value), *calibration)
            )
    return tuple(found)


def spread_among(results: Results, k: int) -> dict[str, float]:
    """Of structure k of a data set by property, root mean square over its values; empty without a committee."""
    found = {}
    for name, target in results.targets.items():
        mine = target.structure == k
        if target.spread is not None and mine.any():
            found[name] = float(np.sqrt(np.average(target.spread[mine] ** 2, weights=target.weight[mine])))
    return found


def spread_of_prediction(prediction: Prediction, settings: RunSettings) -> dict[str, float]:
    """The same of a prediction; of the levels those count that the model was to match.

    Args:
        prediction: by a committee.
        settings: of the model.
    """
    found = {}
    for name, values in (prediction.spread or {}).items():
        weights = (
            _weights_of_levels(prediction, settings) if name == "mo_energy" else np.ones(np.shape(values))
        )
        if weights.sum() > 0:
            found[name] = float(np.sqrt(np.average(np.square(values), weights=weights)))
    return found


def _weights_of_levels(prediction: Prediction, settings: RunSettings) -> np.ndarray:
    """As the run's reduction chooses levels, the predicted ones standing for those of both calculations."""
    energy, n_occ = prediction.mo_energy, prediction.n_occ
    crystal = prediction.k_weights is not None
    zero = float(energy[..., n_occ - 1].max()) if crystal and n_occ else 0.0
    pair = SmallAndLarge(
        prediction.structure.numbers, n_occ, energy, energy, None, None, 0 if crystal else None, zero
    )
    weights = REDUCTIONS[settings.reduction].weights(pair, settings).astype(float)
    return weights * prediction.k_weights[:, None] if prediction.k_weights is not None else weights
