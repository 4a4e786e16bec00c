"""Seconds from `import hamexplorer` to the end of the first training step, in a process of its own.

Usage: python first_step.py DATASET; prints one number. The compilation cache is where HAMEXPLORER_CACHE says.
"""

from __future__ import annotations

import sys
import time

began = time.perf_counter()

import hamexplorer as hx  # noqa: E402  the import is part of what is timed
from hamexplorer.train.events import EpochReport  # noqa: E402


class FirstStep(Exception):
    """Raised to leave the run after its first epoch."""


def stop(event: object) -> None:
    if isinstance(event, EpochReport):
        raise FirstStep


dataset = hx.read_dataset(sys.argv[1])
# One batch is one epoch: the first epoch ends with the first step.
settings = hx.settings_for(
    dataset.structures,
    targets={"mo_energy": 1e4, "dipole": 3e1, "polarizability": 1e2},
    batch_size=len(dataset),
)
try:
    hx.train_model(dataset, settings, report=stop)
except FirstStep:
    print(time.perf_counter() - began)
