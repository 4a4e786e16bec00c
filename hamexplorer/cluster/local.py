"""Processes of this machine, one thread each, as Dask workers."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import hamexplorer
from hamexplorer.cluster.workers import ClusterError, Workers, quiet

#: The environment of a worker: parallelism is over tasks, one thread each.
ONE_THREAD: dict[str, str] = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
} | {"VECLIB_MAXIMUM_THREADS": "1"}
#: Seconds given to a worker to end by itself before it is killed.
_PATIENCE = 1.0
#: So many workers in a row that end before they are heard of mean that none can run.
_STILLBORN = 3
#: How much nicer than its parent a worker is: the page of the person who waits comes first.
_NICE = 5
#: Seconds after which a worker ends that finds no scheduler, because its parent was killed meanwhile.
_ALONE = 30
_MODULE = "distributed.cli.dask_worker"


class LocalWorkers(Workers):
    """``jobs`` processes, each of which is replaced when it dies.

    A program of their own rather than `multiprocessing`: they start from scripts, notebooks and terminals alike,
    without importing their main module again. The scheduler is part of this process.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._numbers = itertools.count()
        self._born: set[str] = set()
        self._stillborn = 0

    def __enter__(self) -> LocalWorkers:
        import dask
        from distributed import Client, LocalCluster, Security

        quiet()
        self._security = Security.temporary()
        self._complaints = tempfile.TemporaryFile()
        try:
            # Whoever gave the task decides how often it is tried.
            with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
                self._cluster = LocalCluster(
                    n_workers=0,
                    processes=False,
                    host="127.0.0.1",
                    protocol="tls://",
                    security=self._security,
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                )
        except (OSError, RuntimeError) as error:
            raise ClusterError(
                f"workers of this machine cannot start ({error}); free some space in {tempfile.gettempdir()}, or end "
                "other programs"
            ) from error
        self.client = Client(self._cluster, set_as_default=False)
        for _ in range(self.jobs):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.client.close()
        self._cluster.close()
        self._complaints.close()

    @property
    def at_once(self) -> int:
        return self.jobs

    @property
    def where(self) -> str:
        return "this machine"

    def tend(self) -> None:
        scheduler = self._cluster.scheduler
        assert scheduler is not None  # it is part of this process
        self._born |= {state.name for state in list(scheduler.workers.values())}
        if self._born & set(self.processes):
            self._stillborn = 0
        for name, process in list(self.processes.items()):
            if process.poll() is None:
                continue
            del self.processes[name]
            self._stillborn += name not in self._born
            if self._stillborn >= _STILLBORN:
                self._complaints.seek(0)
                lines = self._complaints.read().decode(errors="replace").strip().splitlines()
                raise ClusterError(
                    f"worker processes cannot start ({lines[-1] if lines else 'no message'}); check that "
                    f"`{sys.executable} -m {_MODULE} --help` runs"
                )
            self._start()

    def _start(self) -> None:
        name = f"worker-{next(self._numbers)}"
        options = ["--nthreads", "1", "--memory-limit", "0", "--no-nanny", "--no-dashboard", "--name", name]
        options += ["--death-timeout", f"{_ALONE}"]
        self.processes[name] = subprocess.Popen(
            [sys.executable, "-m", _MODULE, self._cluster.scheduler_address, *options],
            stdout=self._complaints,
            stderr=self._complaints,
            env=self._environment(),
            # A Ctrl-C in the terminal is for the parent, which decides what it means.
            start_new_session=True,
        )
        with contextlib.suppress(AttributeError, OSError):
            os.setpriority(os.PRIO_PROCESS, self.processes[name].pid, os.nice(0) + _NICE)

    def _environment(self) -> dict[str, str]:
        package_parent = str(Path(hamexplorer.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (package_parent, os.environ.get("PYTHONPATH"))))
        keys: dict[str, Any] = {
            "CA_FILE": self._security.tls_ca_file,
            "WORKER__KEY": self._security.tls_worker_key,
            "WORKER__CERT": self._security.tls_worker_cert,
        }
        secret = {f"DASK_DISTRIBUTED__COMM__TLS__{name}": str(value) for name, value in keys.items()}
        return {**os.environ, **ONE_THREAD, **secret, "PYTHONPATH": path}
