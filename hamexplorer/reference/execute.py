"""Run reference calculations in worker processes or on a cluster; every finished molecule is saved at once.

Nothing finished is computed twice or lost: workers write into the content-addressed store, and a run, also
one after a crash, starts by taking from there what it needs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hamexplorer.cluster import LocalWorkers, TaskPool, Workers
from hamexplorer.errors import SettingsError
from hamexplorer.reference.batch import Batch, ReferenceProgress
from hamexplorer.reference.costs import estimate_seconds
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.properties import ReferenceDataset
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.reference.worker import answer
from hamexplorer.structures.structure import Structure

__all__ = ["ReferenceProgress", "estimate_seconds", "run_references"]


def run_references(
    structures: Sequence[Structure],
    method: Method,
    *,
    jobs: int = 2,
    workers: Workers | None = None,
    store: ReferenceStore | None = None,
    name: str = "",
    report: Callable[[ReferenceProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> ReferenceDataset:
    """Compute, or take from the store, the reference values of every structure.

    A molecule that cannot be computed is set aside with its reason and the rest goes on.

    Args:
        structures: the molecules wanted; equal ones are computed once.
        method: what to compute.
        jobs: worker processes of this machine, each with one thread.
        workers: who computes instead of those, for example of a cluster.
        store: where finished calculations are kept; the user's own if None.
        name: name of the dataset.
        report: called in this thread at every finished molecule and about once a second.
        cancel: when set, workers end at once and what is finished is returned.

    Raises:
        SettingsError: if ``jobs`` is not positive.
        DatasetError: if the store cannot be written.
        ClusterError: if worker processes cannot start at all, or the cluster cannot be reached.
        ReferenceCalculationError: if workers have another version of PySCF than this machine.
    """
    if jobs < 1:
        raise SettingsError(
            f"the number of jobs must be 1 or more, got {jobs}; one a processor core is a good start"
        )
    batch = Batch(list(structures), method, store or ReferenceStore(), report or (lambda progress: None))
    cancel = cancel or threading.Event()
    batch.store.sweep()
    batch.take_from_store(cancel)
    if cancel.is_set():
        return batch.dataset(name)
    if batch.waiting:
        with TaskPool(workers or LocalWorkers(min(jobs, len(batch.waiting))), answer) as pool:
            batch.work(pool, cancel)
    elif batch.structures:
        batch.tell(batch.structures[-1].label, 0.0)
    return batch.dataset(name)
