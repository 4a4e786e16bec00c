"""How long a run of a study may take: told before it starts, so that a budget can be chosen."""

from __future__ import annotations

from hamexplorer.model import SURROGATES
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train.grid import PlannedRun

#: Measured on 2026-11-27 on two slow, busy cores: seconds per epoch and atom that is learned from, of a Hamiltonian
#: 3.5e-3 on `small-molecules` and 3.7e-3 on 150 molecules of QM7, of a surrogate 1.3e-3 on the former; and of what
#: comes before and after, compilation included, 15 to 70.
_PER_ATOM = {False: 3.6e-3, True: 1.3e-3}
_AROUND = 50.0


def estimate_seconds(run: PlannedRun, dataset: ReferenceDataset, *, part: str = "all") -> float:
    """Estimated seconds of a run that does all its epochs; often off by half, as machines differ.

    Args:
        run: of a study.
        dataset: that it learns from.
        part: "all" or "epoch", one epoch alone.
    """
    settings = run.settings
    structures = dataset.structures
    n_atoms = sum(structures[k].n_atoms for k in settings.split(structures).train)
    epoch = _PER_ATOM[settings.model in SURROGATES] * n_atoms
    return epoch if part == "epoch" else _AROUND + settings.epochs * epoch
