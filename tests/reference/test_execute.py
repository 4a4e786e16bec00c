"""Batches in worker processes: saved at once, resumed for free, and nothing stops for one molecule."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from hamexplorer.cluster import LocalWorkers
from hamexplorer.errors import DatasetError, ReferenceCalculationError, SettingsError
from hamexplorer.reference import execute
from hamexplorer.reference.execute import estimate_seconds, run_references
from hamexplorer.reference.kinds import KINDS
from hamexplorer.reference.single_point import SinglePoint, calculate
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.reference.worker import answer, encode_task


def entries(store) -> dict[str, int]:
    """Name and time of writing of everything in the store."""
    return {p.name: p.stat().st_mtime_ns for p in store.folder.glob("*/*.h5")}


def test_a_batch_is_computed_saved_and_not_computed_again(molecule, quick, store, monkeypatch):
    structures = [
        molecule("H2"),
        molecule("UH2"),
        molecule("He"),
        molecule("OH"),
        molecule("H2").renamed("twin"),
    ]
    reports = []
    dataset = run_references(structures, quick, jobs=1, store=store, name="batch", report=reports.append)
    assert [s.label for s in dataset.structures] == ["H2", "He", "twin"]
    assert dict(dataset.set_aside).keys() == {"UH2", "OH"}
    assert "no functions for U" in dict(dataset.set_aside)["UH2"]
    assert (dataset.name, dataset.method) == ("batch", quick)
    assert "pyscf" in dataset.provenance
    expected = calculate(molecule("H2"), quick.large)
    np.testing.assert_allclose(dataset.references[0].large.mo_energy, expected.mo_energy, atol=1e-9)

    assert (reports[0].done, reports[0].total) == (2, 4)
    assert (reports[-1].done, reports[-1].seconds_left) == (4, 0.0)
    assert reports[0].seconds_left > 0
    assert [r.done for r in reports] == sorted(r.done for r in reports)

    before = entries(store)
    assert len(before) == 4
    monkeypatch.setattr(execute, "LocalWorkers", None)  # a second run must not even start a process
    reports.clear()
    again = run_references(structures, quick, jobs=1, store=store, report=reports.append)
    assert len(again) == 3
    assert (reports[-1].done, reports[-1].seconds_left) == (4, 0.0)
    assert entries(store) == before
    assert estimate_seconds(structures, quick, jobs=1, store=store) == 0.0


def test_cancel_keeps_what_is_finished_and_a_second_run_goes_on(hydrogens, quick, store):
    structures = hydrogens(6)
    cancel = threading.Event()

    def stop_after_one(progress):
        if progress.done:
            cancel.set()

    first = run_references(structures, quick, jobs=1, store=store, report=stop_after_one, cancel=cancel)
    assert 1 <= len(first) < 6
    assert first.set_aside == ()
    before = entries(store)
    second = run_references(structures, quick, jobs=2, store=store)
    assert [s.label for s in second.structures] == [s.label for s in structures]
    assert before.items() <= entries(store).items()


def test_cancelled_before_it_starts(hydrogens, quick, store):
    cancel = threading.Event()
    cancel.set()
    assert len(run_references(hydrogens(2), quick, store=store, cancel=cancel)) == 0


def test_nothing_to_do(quick, store):
    assert len(run_references([], quick, store=store)) == 0


def dying(name: str, times: int, folder: Path):
    """A worker that is killed with -9 when it begins with this molecule, so many times; a file tells of each."""

    def run(line):
        import os

        deaths = len(list(folder.glob("death-*")))
        if json.loads(line)["name"] == name and deaths < times:
            (folder / f"death-{deaths}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return answer(line)

    return run


def test_a_killed_worker_costs_one_retry(hydrogens, quick, store, monkeypatch, tmp_path):
    monkeypatch.setattr(execute, "answer", dying("H2 1", 1, tmp_path))
    dataset = run_references(hydrogens(3), quick, jobs=1, store=store)
    assert len(list(tmp_path.glob("death-*"))) == 1
    assert len(dataset) == 3
    assert dataset.set_aside == ()


def test_what_kills_its_worker_every_time_is_set_aside(hydrogens, quick, store, monkeypatch, tmp_path):
    monkeypatch.setattr(execute, "answer", dying("H2 0", 99, tmp_path))
    dataset = run_references(hydrogens(3), quick, jobs=2, store=store)
    assert len(list(tmp_path.glob("death-*"))) == 2
    assert [s.label for s in dataset.structures] == ["H2 1", "H2 2"]
    ((label, reason),) = dataset.set_aside
    assert label == "H2 0"
    assert "ended from outside 2 times" in reason


def test_an_exception_in_the_report_ends_the_workers(hydrogens, quick, store):
    workers = LocalWorkers(1)
    processes = []

    def interrupt(progress):
        processes.extend(workers.processes.values())
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_references(hydrogens(3), quick, workers=workers, store=store, report=interrupt)
    assert processes
    assert all(p.poll() is not None for p in processes)
    assert len(entries(store)) >= 2


def test_workers_answer_with_a_sentence(molecule, quick, monkeypatch):
    def ask(version=""):
        task = json.loads(encode_task(molecule("H2"), quick, [1]))
        return answer(json.dumps(task | ({"pyscf": version} if version else {})))

    def explode(*_):
        raise ZeroDivisionError("secret")

    def too_big(*_):
        raise MemoryError

    kind = KINDS["ReferenceMethod"]
    monkeypatch.setitem(KINDS, "ReferenceMethod", replace(kind, calculate=explode))
    assert "PySCF gave up on H2 (ZeroDivisionError: secret); check" in ask()["reason"]
    monkeypatch.setitem(KINDS, "ReferenceMethod", replace(kind, calculate=too_big))
    assert "does not fit in memory" in ask()["reason"]
    monkeypatch.undo()
    assert "a worker has PySCF" in ask(version="1.0")["fatal"]
    given = ask()
    assert list(given["points"]) == [1]
    assert isinstance(given["points"][1], SinglePoint)
    assert given["seconds"] > 0


def test_workers_of_another_pyscf_stop_the_run(hydrogens, quick, store, monkeypatch):
    monkeypatch.setattr("hamexplorer.reference.batch.encode_task", lambda *task: of_old_pyscf(*task))
    with pytest.raises(ReferenceCalculationError, match="install the same version on both"):
        run_references(hydrogens(1), quick, jobs=1, store=store)
    assert entries(store) == {}


def of_old_pyscf(*task) -> str:
    return json.dumps(json.loads(encode_task(*task)) | {"pyscf": "1.0"})


def test_a_store_that_cannot_be_written_stops_the_run(hydrogens, quick, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot be written"):
        run_references(hydrogens(1), quick, jobs=1, store=ReferenceStore(tmp_path / "file" / "store"))


def test_a_run_killed_with_9_loses_nothing_that_was_finished(hydrogens, quick, store, tmp_path):
    script = f"""
import json, os, signal, sys
from hamexplorer.cluster import LocalWorkers
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure
structures = [Structure([1, 1], [[0, 0, 0], [0, 0, z]]) for z in json.loads(sys.argv[1])]
def die(progress):
    if progress.done == 2:
        print(workers.client.scheduler.address, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
method = ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")
workers = LocalWorkers(1)
run_references(structures, method, workers=workers, store=ReferenceStore({str(store.folder)!r}), report=die)
"""
    structures = hydrogens(4)
    lengths = json.dumps([s.positions[1, 2] for s in structures])
    # Into a file: a worker that outlived its parent would keep a pipe open.
    with (tmp_path / "told").open("w") as told:
        ended = subprocess.run([sys.executable, "-c", script, lengths], stdout=told, check=False)
    assert ended.returncode == -signal.SIGKILL
    address = (tmp_path / "told").read_text().strip()
    left = [p for p in psutil.process_iter(["cmdline"]) if address in (p.info["cmdline"] or [])]
    assert psutil.wait_procs(left, timeout=60)[1] == []  # workers end with the one who asked
    before = entries(store)
    assert len(before) >= 4  # two molecules, two bases
    assert len(run_references(structures, quick, jobs=1, store=store)) == 4
    assert before.items() <= entries(store).items()


def test_jobs_must_be_positive(hydrogens, quick, store):
    with pytest.raises(SettingsError, match="got 0"):
        run_references(hydrogens(1), quick, jobs=0, store=store)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
def test_workers_use_one_thread(hydrogens, quick, store, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    with LocalWorkers(1) as workers:
        (process,) = workers.processes.values()
        told, until = Path(f"/proc/{process.pid}/environ"), time.monotonic() + 20
        # Between being born and becoming another program a process has none.
        while not (environment := told.read_text()) and time.monotonic() < until:
            pass
    assert "OMP_NUM_THREADS=1" in environment.split("\0")
