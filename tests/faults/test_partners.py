"""Two processes on one store, and a store that goes in the middle of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hamexplorer.reference.execute import run_references


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_store_that_goes_in_the_middle_of_a_run_is_made_again(faults, quick, store):
    removed = []

    def remove(progress) -> None:
        if progress.done == 1 and not removed:
            removed.append(everything(store.folder))
            shutil.rmtree(store.folder)

    structures = [faults.hydrogen(1.3 + 0.1 * k) for k in range(3)]
    dataset = run_references(structures, quick, jobs=1, store=store, report=remove)
    assert removed[0] and len(dataset) == 3 and dataset.set_aside == ()
    again = run_references(structures[1:], quick, jobs=1, store=store)
    for one, other in zip(again.references, dataset.references[1:], strict=True):
        assert one.large.e_tot == pytest.approx(other.large.e_tot, abs=1e-10)


#: Puts and gets the same few entries over and over, and prints how often it found them; a wrong number ends it.
PARTNER = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("faults", sys.argv[1])
faults = importlib.util.module_from_spec(spec)
spec.loader.exec_module(faults)
store, level = faults.ReferenceStore(sys.argv[2]), faults.ENTRIES["molecule"][0]
structures = [faults.hydrogen(1.0 + k) for k in range(4)]
print("ready", flush=True)
sys.stdin.readline()
found = 0
for turn in range(20):
    for k, structure in enumerate(structures):
        expected = faults.made_point(k)
        there = store.get(structure, level)
        assert there is None or faults.same_point(there, expected), k
        found += there is not None
        if turn % 5 == 4:  # a bad disk: both may find it, and neither may remove what the other has mended
            path = store.path(structure, level)
            path.write_bytes(path.read_bytes()[:-7]) if path.exists() else None
        else:
            store.put(structure, level, expected)
print(json.dumps(found), flush=True)
"""


def test_two_processes_on_one_store(faults, store):
    conftest = str(Path(__file__).with_name("conftest.py"))
    words = [sys.executable, "-c", PARTNER, conftest, str(store.folder)]
    both = [
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for each in both:
            assert each.stdout.readline() == "ready\n", each.stderr.read()
        for each in both:  # both are ready: they work at the same time
            each.stdin.write("go\n")
            each.stdin.flush()
        for each in both:
            said, complaints = each.communicate(timeout=120)
            assert each.returncode == 0, complaints
            assert json.loads(said) > 20
    finally:
        for each in both:
            each.kill()
            each.wait()
    level = faults.entries["molecule"][0]
    for k in range(4):
        structure = faults.hydrogen(1.0 + k)
        store.put(structure, level, faults.made_point(k))
        assert faults.same_point(store.get(structure, level), faults.made_point(k))
    assert len(everything(store.folder)) == 4  # and nothing half written


def test_two_batches_on_one_store_compute_the_same(faults, quick, store):
    """A second run starts in the middle of the first, on the same molecules."""
    structures = [faults.hydrogen(1.3 + 0.1 * k) for k in range(3)]
    inner = []

    def second(progress) -> None:
        if progress.done == 1 and not inner:
            inner.append(run_references(structures, quick, jobs=1, store=store))

    outer = run_references(structures, quick, jobs=1, store=store, report=second)
    assert len(outer) == len(inner[0]) == 3
    for one, other in zip(outer.references, inner[0].references, strict=True):
        np.testing.assert_array_equal(one.large.mo_energy, other.large.mo_energy)
