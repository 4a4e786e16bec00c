"""Numbers that are not numbers: found before a run begins, and named when one breaks."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from hamexplorer.errors import TrainingError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import ReferenceDataset


def check_references(dataset: ReferenceDataset) -> None:
    """Refuse a data set with NaN or infinity in it: one such value would spoil means, variances and the start.

    Raises:
        TrainingError: naming the value and the molecule.
    """
    for reference in dataset.references:
        found = {field.name: getattr(reference.large, field.name) for field in fields(reference.large)}
        found |= {
            "Fock matrix": reference.fock,
            "overlap": reference.overlap,
            "projection": reference.iao_fock,
        }
        for name, value in found.items():
            if value is not None and not np.isfinite(value).all():
                what = TARGETS[name].label.lower() if name in TARGETS else name.replace("_", " ")
                raise TrainingError(
                    f"the reference value of {what} of {reference.structure.label} is not a finite number; "
                    f"leave that structure out or compute its reference again"
                )
