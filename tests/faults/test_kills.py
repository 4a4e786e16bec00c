"""kill -9 at random moments: what was finished stays, nothing half written is read, and training goes on bit for bit.

Fifty kills at moments drawn from a seed, and one before each time that a writing process asks the system to change a
file. Each is counted only if it hit a living process in the midst of its work.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from hamexplorer.reference.execute import run_references
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.session.archive import read_session
from hamexplorer.train.checkpoint import read_checkpoint

pytestmark = pytest.mark.slow

#: Kills at random moments: fifty in all.
KILLS = {"references": 8, "training": 4, "checkpoint": 19, "session": 19}
#: A kill that comes just between two files says nothing and is tried again; this often in all.
MOST_TRIES = 80
#: File operations of a writer are tried one by one until it has finished a turn; none takes this many.
MOST_STEPS = 100
METHOD = ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")


# ---- checkpoints and sessions --------------------------------------------------------------------------


def newest(what: str, folder: Path, victim: Any) -> int:
    """Which turn can be read, whole; 0 before the first."""
    if what == "checkpoint":
        if not list(folder.glob("run.*")):
            return 0
        header, arrays = read_checkpoint(folder, "run")
        for found, expected in zip(arrays, victim.arrays_of(header["epoch"]), strict=True):
            np.testing.assert_array_equal(found, expected)
        return header["epoch"]
    path = folder / "mine.hxsession"
    if not path.exists():
        return 0
    saved = read_session(path.read_bytes())
    assert len(saved.loaded) == 100 and saved.settings.seed == 3
    return saved.picked


def killed_once(server: Any, what: str, first: int, draw: random.Random) -> tuple[int, int]:
    """Kill a writer a while after it began a turn; the last turns that it began and that it finished."""
    server.ask(what, first, -1)
    began, ended, child = first - 1, first - 1, 0
    patience, wait = draw.randrange(1, 5), draw.uniform(0.0, 0.04)
    while not child or patience:
        word, number = server.wait_for("child", "begin", "end")
        child = number if word == "child" else child
        patience = max(patience - (word == "begin"), 0)
        began, ended = (number if word == name else old for name, old in (("begin", began), ("end", ended)))
    time.sleep(wait)  # the random moment; nothing is waited for
    os.kill(child, signal.SIGKILL)
    while True:
        word, number = server.wait_for("begin", "end", "killed", "ended")
        assert word != "ended", "it had ended by itself"
        if word == "killed":
            return began, ended
        began, ended = (number if word == name else old for name, old in (("begin", began), ("end", ended)))


@pytest.mark.parametrize("what", ["checkpoint", "session"])
def test_killed_while_writing(served, victim, draw, what):
    server, folder = served
    hits = tries = 0
    reached = newest(what, folder, victim)
    while hits < KILLS[what]:
        tries += 1
        assert tries < MOST_TRIES, f"only {hits} of {tries} kills hit a process that was writing"
        began, ended = killed_once(server, what, reached + 1, draw)
        assert began > reached, "it had not begun"
        reached = newest(what, folder, victim)
        assert ended <= reached <= began  # what it said was finished is there, and whole
        hits += began > ended
    names = {p.name for p in folder.iterdir() if p.is_file()}
    assert {n for n in names if not n.startswith(".")} <= {"run.json", "run.npz", "mine.hxsession"}
    assert any(n.startswith(".") for n in names), "no kill left anything half written"


@pytest.mark.parametrize("what", ["checkpoint", "session"])
def test_killed_before_each_change_of_a_file(served, victim, draw, what):
    server, folder = served
    if newest(what, folder, victim) == 0:
        killed_once(server, what, 1, draw)
    found: list[tuple[int, int]] = []
    while not found or not found[-1][0]:
        step = len(found)
        assert step < MOST_STEPS
        before = newest(what, folder, victim)
        server.ask(what, before + 1, step)
        ended = before
        while True:
            word, number = server.wait_for("step", "end", "killed", "ended")
            assert word != "ended", f"step {step} was never reached"
            if word == "killed":
                break
            ended = number if word == "end" else ended
        after = newest(what, folder, victim)
        assert ended <= after <= ended + 1
        found.append((ended - before, after - before))
    # Before the first rename nothing has changed, and after it all has; the last kill came in a second turn.
    assert found[0] == (0, 0) and (0, 1) in found
    assert found == sorted(found) and len(found) > 5


# ---- training ------------------------------------------------------------------------------------------

#: What a run says of the clock.
_TIMES = {"molecules_per_second", "seconds_left"}


def test_a_training_killed_again_and_again_ends_as_an_undisturbed_one(start, tmp_path, draw):
    n_epochs = 3 * KILLS["training"] + 2
    undisturbed, reached = start("train", tmp_path / "whole", n_epochs), 0
    folder = tmp_path / "killed"
    for _ in range(KILLS["training"]):
        said, more, wait = reached, draw.randrange(1, 3), draw.uniform(0.0, 0.15)
        # However fast the machine is, it cannot finish before the kill comes.
        trainer = start("train", folder, n_epochs, reached + more + 2)
        for turn in range(more):
            _, said = trainer.wait_for("epoch")
            assert said == reached + 1 + turn  # it goes on where the checkpoint stands
        time.sleep(wait)  # the random moment; nothing is waited for
        trainer.process.send_signal(signal.SIGKILL)
        assert trainer.process.wait() == -signal.SIGKILL
        while (heard := trainer.hear()) is not None:
            assert heard[0] == "epoch"
            said = heard[1]
        if said > 1 or list(folder.glob("run.*")):
            reached = read_checkpoint(folder, "run")[0]["epoch"]
            read_checkpoint(folder, "model")
        # An epoch is told first and saved then: the one before is safe.
        assert said - 1 <= reached <= said
    start("train", folder, n_epochs).wait_for("finished")
    undisturbed.wait_for("finished")
    for name in ("run", "model"):
        (header, arrays), (expected, others) = (
            read_checkpoint(tmp_path / each, name) for each in ("killed", "whole")
        )
        assert without_times(header) == without_times(expected)
        assert len(arrays) == len(others) > 3
        for array, other in zip(arrays, others, strict=True):
            assert array.dtype == other.dtype and array.tobytes() == other.tobytes()
    assert len(read_checkpoint(folder, "run")[0]["history"]) == n_epochs


def without_times(header: dict[str, Any]) -> dict[str, Any]:
    """A header without what the clock decides: archives carry the history, and hashes follow it."""
    kept = {key: value for key, value in header.items() if key != "sha256"}
    if "history" in kept:
        kept["history"] = [{k: v for k, v in entry.items() if k not in _TIMES} for entry in kept["history"]]
    return kept


# ---- reference calculations ----------------------------------------------------------------------------


def entries(store: ReferenceStore) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in store.folder.glob("??/*.h5") if not p.name.startswith(".")}


def n_whole(store: ReferenceStore, structures: list[Any]) -> int:
    """How many entries can be read; reading would remove a damaged one."""
    levels = (METHOD.small, METHOD.large)
    return sum(store.get(structure, level) is not None for structure in structures for level in levels)


def test_reference_calculations_killed_again_and_again_lose_nothing(served, victim, draw):
    server, folder = served
    store, structures = ReferenceStore(folder / "store"), victim.hydrogens()
    running, kills = 0, {"worker": 0, "run": 0}
    for kill in range(KILLS["references"]):
        if not running:
            server.ask("references", 2, -1)
            _, running = server.wait_for("child")
        # Something is computed after the last kill, before the next one.
        _, done = server.wait_for("done")
        enough = done + draw.randrange(1, 3)
        while done < enough:
            word, done = server.wait_for("done", "finished")
            assert word == "done", "it had finished"
        time.sleep(draw.uniform(0.0, 0.1))  # the random moment; nothing is waited for
        before, workers = entries(store), psutil.Process(running).children()
        assert before and workers
        kind = "worker" if kill % 2 == 0 else "run"
        if kind == "worker":
            killed = draw.choice(workers)
            killed.kill()
            assert gone(killed)
        else:
            os.kill(running, signal.SIGKILL)
            assert server.wait_for("killed", "ended")[0] == "killed"
            # Without a parent workers finish their molecule and end.
            assert all(map(gone, workers))
            running = 0
        kills[kind] += 1
        after = entries(store)
        assert before.items() <= after.items()
        if kind == "run":
            assert n_whole(store, structures) == len(after) == len(entries(store))
    assert kills == {"worker": 4, "run": 4}
    assert len(entries(store)) < 2 * len(structures), "nothing was left to be done"
    before = entries(store)
    survived = run_references(structures, METHOD, jobs=2, store=store)
    undisturbed = run_references(
        structures[::4], METHOD, jobs=1, store=ReferenceStore(folder / "undisturbed")
    )
    assert before.items() <= entries(store).items()
    assert len(survived) == len(structures) and survived.set_aside == () and len(undisturbed) > 5
    for one, other in zip(survived.references[::4], undisturbed.references, strict=True):
        for name in ("mo_energy", "dipole", "polarizability", "e_tot"):
            np.testing.assert_array_equal(getattr(one.large, name), getattr(other.large, name))
        np.testing.assert_array_equal(one.fock, other.fock)


def gone(process: psutil.Process) -> bool:
    """Wait until a process has ended; one whose parent is dead may stay in the table of processes for ever."""
    _, alive = psutil.wait_procs([process], timeout=60)
    return not alive or process.status() == psutil.STATUS_ZOMBIE
