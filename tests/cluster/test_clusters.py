"""References on somebody else's workers: results stream into the store, and deaths cost time alone."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import hamexplorer
from hamexplorer.cluster import (
    ClusterError,
    LocalWorkers,
    QueuedWorkers,
    RemoteWorkers,
    TaskPool,
    local,
    remote,
)
from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.store import ReferenceStore

ROOT = Path(hamexplorer.__file__).resolve().parent.parent


def entries(store) -> set[str]:
    return {path.name for path in store.folder.glob("*/*.h5")}


def test_somebodys_scheduler_gives_what_this_machine_gives(
    somebodys_cluster, hydrogens, quick, store, tmp_path
):
    somebodys_cluster.add_worker()
    somebodys_cluster.add_worker()
    sizes = []
    workers = RemoteWorkers(somebodys_cluster.address)
    there = run_references(
        hydrogens(5),
        quick,
        workers=workers,
        store=store,
        report=lambda progress: sizes.append(len(entries(store))),
    )
    here = run_references(hydrogens(5), quick, jobs=1, store=ReferenceStore(tmp_path / "here"))
    assert [r.structure.key for r in there.references] == [r.structure.key for r in here.references]
    for a, b in zip(there.references, here.references, strict=True):
        np.testing.assert_array_equal(a.large.mo_energy, b.large.mo_energy)
        np.testing.assert_array_equal(a.large.polarizability, b.large.polarizability)
    assert entries(store) == entries(ReferenceStore(tmp_path / "here"))
    assert len(set(sizes)) >= 3  # as they come, not at the end
    assert somebodys_cluster.scheduler.poll() is None  # it is somebody else's, and goes on


@pytest.mark.slow
def test_workers_may_come_late_and_die(somebodys_cluster, hydrogens, quick, store):
    said = []

    def watch(progress):
        said.append(progress.label)
        if progress.label.startswith("waiting") and not somebodys_cluster.workers:
            somebodys_cluster.add_worker()
        if progress.done == 2 and len(somebodys_cluster.workers) == 1:
            somebodys_cluster.workers[0].kill()
            somebodys_cluster.add_worker()

    workers = RemoteWorkers(somebodys_cluster.address)
    dataset = run_references(hydrogens(5), quick, workers=workers, store=store, report=watch)
    assert said[0] == f"waiting for {somebodys_cluster.address}" or any(x.startswith("waiting") for x in said)
    assert len(dataset) == 5
    assert len(entries(store)) == 10
    assert len(somebodys_cluster.workers) == 2


@pytest.mark.slow
def test_a_scheduler_that_ends_is_told_and_what_is_finished_stays(somebodys_cluster, hydrogens, quick, store):
    somebodys_cluster.add_worker()

    def end(progress):
        if progress.done == 2:
            somebodys_cluster.scheduler.kill()

    workers = RemoteWorkers(somebodys_cluster.address)
    with pytest.raises(ClusterError, match=r"has gone; start it again .* what is finished is kept"):
        run_references(hydrogens(50), quick, workers=workers, store=store, report=end)
    assert len(entries(store)) >= 4


def test_nobody_answers(monkeypatch, hydrogens, quick, store):
    monkeypatch.setattr(remote, "_PATIENCE", 1)
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_references(hydrogens(1), quick, workers=RemoteWorkers("tcp://127.0.0.1:9"), store=store)
    with pytest.raises(ClusterError, match="no Dask scheduler answers at nonsense"):
        run_references(hydrogens(1), quick, workers=RemoteWorkers("nonsense"), store=store)


@pytest.mark.slow
def test_jobs_of_a_batch_system(hydrogens, quick, store, tmp_path, monkeypatch):
    """dask-jobqueue's own stand-in for a batch system runs the jobs' scripts on this machine."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    path = tmp_path / "cluster.toml"
    path.write_text(
        textwrap.dedent(
            f"""
            system = "local"
            jobs = 1
            [options]
            cores = 1
            processes = 1
            memory = "2GB"
            log_directory = "{tmp_path}"
            """
        )
    )
    dataset = run_references(hydrogens(3), quick, workers=QueuedWorkers.read(path), store=store)
    assert len(dataset) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("system = 'slurm", "is not valid TOML"),
        ("system = 'mainframe'", "system must be one of slurm, pbs,"),
        ("system = 'slurm'\njobs = 0", "jobs must be a whole number of 1 or more, got 0"),
        ("system = 'slurm'\njobs = true", "got True"),
        ("system = 'slurm'\noptions = 3", "options must be a table"),
        ("system = 'slurm'\ncores = 3", "the entry 'cores' is unknown"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, text, said):
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    with pytest.raises(HamExplorerError, match=said):
        QueuedWorkers.read(path)
    with pytest.raises(ClusterError, match="cannot be read"):
        QueuedWorkers.read(tmp_path / "none.toml")


def test_wrong_options_of_a_batch_system_are_told(hydrogens, quick, store):
    workers = QueuedWorkers("slurm", 1, {"no_such_option": 1})
    with pytest.raises(ClusterError, match=r"jobs of slurm cannot be asked for \(.*\); check \[options\]"):
        run_references(hydrogens(1), quick, workers=workers, store=store)


def test_workers_that_cannot_start_are_told(monkeypatch, hydrogens, quick, store):
    monkeypatch.setattr(local, "_MODULE", "no_such_module")
    with pytest.raises(
        ClusterError, match=r"worker processes cannot start \(.*No module named no_such_module"
    ):
        run_references(hydrogens(1), quick, jobs=1, store=store)


def test_a_task_that_no_worker_can_read_is_told(until, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def answer(): return 1")
    monkeypatch.syspath_prepend(tmp_path)
    with TaskPool(LocalWorkers(1), importlib.import_module("only_here").answer) as pool:
        pool.submit("anything")
        with pytest.raises(ClusterError, match=r"only_here.* same versions of hamexplorer"):
            until(lambda: pool.next_answer(0.1), "the task is answered")


def test_nobody_else_can_give_tasks_to_the_workers_of_this_machine():
    script = "import sys; from distributed import Client; Client(sys.argv[1], timeout=3)"
    with LocalWorkers(1) as workers:
        address = workers.client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        for scheme in ("tls", "tcp"):
            stranger = subprocess.run(
                [sys.executable, "-c", script, address.replace("tls", scheme)],
                capture_output=True,
                check=False,
            )
            assert stranger.returncode == 1
