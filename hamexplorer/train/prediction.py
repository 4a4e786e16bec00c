"""What a model says of structures for which nothing was calculated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hamexplorer.physics.targets import TARGETS
from hamexplorer.structures.structure import Structure
from hamexplorer.train.frames import Frame

#: Properties that need no reference and are no long tables.
PREDICTED = tuple(name for name in TARGETS if name not in ("mo_energy", "hamiltonian", "dos"))


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one structure; atomic units, shapes as in `reference.Properties`.

    A crystal has levels at the k-points of its mesh (one of k and -k each, in fractions of the reciprocal vectors, with
    their shares), (n_k, n_bands), and their gap; nothing else. A surrogate predicts the targets of its run alone: its
    levels are empty and the gap is NaN.

    ``spread`` is of a committee: how far its members stand apart in each value, by the value's name. ``others`` holds
    the targets that other packages brought, by their names.
    """

    structure: Structure
    n_occ: int
    mo_energy: np.ndarray
    homo_lumo_gap: float = math.nan
    dipole: np.ndarray | None = None
    polarizability: np.ndarray | None = None
    mulliken_charge: np.ndarray | None = None
    lowdin_charge: np.ndarray | None = None
    mayer_bond_order: np.ndarray | None = None
    spread: Mapping[str, np.ndarray] | None = None
    k_points: np.ndarray | None = None
    k_weights: np.ndarray | None = None
    others: Mapping[str, float | np.ndarray] | None = None

    @classmethod
    def of(
        cls,
        frame: Frame,
        energy: np.ndarray | None,
        values: Mapping[str, np.ndarray],
        spread: Mapping[str, np.ndarray],
    ) -> Prediction:
        """What came of one frame: its levels, None of a surrogate, and its properties by name."""
        points: dict[str, Any] = (
            {} if frame.k is None else {"k_points": frame.k.points, "k_weights": frame.k.weights}
        )
        plain: dict[str, Any] = {
            name: float(value) if np.ndim(value) == 0 else value for name, value in values.items()
        }
        own = {field.name for field in fields(cls)}
        others = {name: plain.pop(name) for name in list(plain) if name not in own}
        return cls(
            frame.structure,
            int(frame.integrals.n_occ),
            np.zeros(0) if energy is None else np.asarray(energy),
            **plain,
            **points,
            others=others or None,
            spread=spread or None,
        )
