"""Workers that somebody else runs: behind the address of a Dask scheduler, or as jobs of a batch system."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamexplorer._plain import read_toml
from hamexplorer.cluster.workers import ClusterError, Workers, quiet

#: Seconds after which a scheduler that does not answer counts as absent.
_PATIENCE = 15
#: Seconds between two questions to a scheduler how many workers it has.
_ASK_EVERY = 1.0
#: Batch systems that dask-jobqueue knows -> its class; "local" runs the jobs' scripts on this machine, to try them.
SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
    "local": "local.LocalCluster",
}


class RemoteWorkers(Workers):
    """Those of a scheduler that runs already, for example by ``dask scheduler``.

    Attributes:
        address: ``tcp://HOST:PORT``, or ``tls://…`` with the certificates that Dask's own configuration names.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._at_once, self._asked = 0, -math.inf

    def __enter__(self) -> RemoteWorkers:
        from distributed import Client

        quiet()
        try:
            self.client = Client(self.address, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TypeError, ValueError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ClusterError(
                f"no Dask scheduler answers at {self.address} ({first}); start one with `dask scheduler` and give the "
                "address that it prints, for example tcp://10.0.0.1:8786"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def at_once(self) -> int:
        if time.monotonic() - self._asked > _ASK_EVERY:
            # A connection that is lost just now is told by `tend`.
            with contextlib.suppress(OSError):
                self._at_once = sum(self.client.nthreads().values())
            self._asked = time.monotonic()
        return self._at_once

    @property
    def where(self) -> str:
        return self.address

    def tend(self) -> None:
        if self.client.status != "running":
            raise ClusterError(
                f"the scheduler at {self.address} has gone; start it again and repeat the command: what is finished is "
                "kept"
            )


@dataclass
class QueuedWorkers(Workers):
    """Jobs of a batch system, which come when it lets them, and end with this block.

    Attributes:
        system: of :data:`SYSTEMS`.
        jobs: how many are asked for.
        options: of dask-jobqueue's class, such as cores, processes, memory, walltime, queue.
    """

    system: str
    jobs: int
    options: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path | str) -> QueuedWorkers:
        """From a TOML file with ``system``, ``jobs`` and a table ``options``.

        Raises:
            ClusterError: naming what is wrong in it.
            SettingsError: if it is no TOML.
        """
        path = Path(path)
        try:
            values = read_toml(path)
        except OSError as error:
            raise ClusterError(
                f"the cluster file {str(path)!r} cannot be read ({error.strerror}); check the path"
            ) from error
        unknown = sorted(set(values) - {"system", "jobs", "options"})
        if unknown:
            raise ClusterError(
                f"{path}: the entry {unknown[0]!r} is unknown; there are system, jobs and [options]"
            )
        system, jobs, options = values.get("system"), values.get("jobs", 1), values.get("options", {})
        if system not in SYSTEMS:
            raise ClusterError(f"{path}: system must be one of {', '.join(SYSTEMS)}, got {system!r}")
        if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1:
            raise ClusterError(f"{path}: jobs must be a whole number of 1 or more, got {jobs!r}")
        if not isinstance(options, dict):
            raise ClusterError(f"{path}: options must be a table, for example with cores = 8")
        return cls(system, jobs, options)

    def __enter__(self) -> QueuedWorkers:
        from distributed import Client

        quiet()
        try:
            self._cluster = _cluster_class(self.system)(**self.options)
            self._cluster.scale(jobs=self.jobs)
        except (TypeError, ValueError, OSError, RuntimeError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            raise ClusterError(
                f"jobs of {self.system} cannot be asked for ({first}); check [options] against the documentation of "
                f"dask-jobqueue's {SYSTEMS[self.system]}"
            ) from error
        self.client = Client(self._cluster, set_as_default=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._cluster.close()

    @property
    def at_once(self) -> int:
        return sum(state.nthreads for state in list(self._cluster.scheduler.workers.values()))

    @property
    def where(self) -> str:
        return f"jobs of {self.system}"

    def tend(self) -> None:
        """Nothing: the batch system decides which jobs run."""


def _cluster_class(system: str) -> Any:
    try:
        import dask_jobqueue
        import dask_jobqueue.local
    except ImportError as error:
        raise ClusterError(
            "a batch system needs the package dask-jobqueue, which is missing; install it with "
            "`pip install hamexplorer[cluster]`"
        ) from error
    found: Any = dask_jobqueue
    for name in SYSTEMS[system].split("."):
        found = getattr(found, name)
    return found
