"""What the tests of kills start and kill: it works, says each beginning and end, and never ends by itself.

`python victim.py FOLDER` reads what to do from its input, forks a child for it, and answers with the child's number;
`python victim.py train FOLDER EPOCHS [LAST]` trains, and waits to be killed once it has told of epoch LAST. A fork is
ready at once, while importing takes seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

#: Numbers in a checkpoint: enough that writing takes a while.
N_NUMBERS = 20_000


def say(word: str, number: int = 0) -> None:
    """One line at once, also when the next moment is the last."""
    os.write(1, f"{word} {number}\n".encode())


def arrays_of(turn: int) -> list[np.ndarray]:
    """What the checkpoint of a turn holds."""
    return [np.full(N_NUMBERS, float(turn)), np.arange(7) + turn]


def write_checkpoints(folder: Path, first: int) -> None:
    from hamexplorer.train.checkpoint import write_checkpoint

    for turn in range(first, 10**9):
        say("begin", turn)
        write_checkpoint(folder, "run", {"epoch": turn}, arrays_of(turn))
        say("end", turn)


def save_sessions(folder: Path, first: int, saved: Any) -> None:
    import dataclasses

    from hamexplorer.reference.aside import write_whole
    from hamexplorer.session.archive import write_session

    for turn in range(first, 10**9):
        say("begin", turn)
        write_whole(folder / "mine.hxsession", write_session(dataclasses.replace(saved, picked=turn)))
        say("end", turn)


def calculate(folder: Path, jobs: int) -> None:
    """Reference calculations of hydrogen molecules, each of another length."""
    from hamexplorer.reference.execute import run_references
    from hamexplorer.reference.method import ReferenceMethod
    from hamexplorer.reference.store import ReferenceStore

    method = ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")
    run_references(
        hydrogens(), method, jobs=jobs, store=ReferenceStore(folder), report=lambda p: say("done", p.done)
    )
    say("finished")


def hydrogens() -> list[Any]:
    from hamexplorer.structures.structure import Structure

    return [
        Structure(np.array([1, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.2 + 0.01 * k]]), name=f"H2 {k}")
        for k in range(40)
    ]


def train(folder: Path, epochs: int, last: int = 0) -> None:
    """Train on eight ethanes, from where the folder's last checkpoint stands; never further than `last`, if given."""
    from hamexplorer.model import MODELS, NetworkSettings
    from hamexplorer.reference.dataset import read_dataset
    from hamexplorer.train.events import EpochReport
    from hamexplorer.train.run import train as train_model
    from hamexplorer.train.settings import RunSettings

    type(MODELS["network"]).settings = NetworkSettings(channels=4, hidden=8)
    settings = RunSettings(
        targets={"mo_energy": 1e4, "dipole": 1e3},
        model="network",
        baseline="sap",
        response="matrix",
        epochs=epochs,
        batch_size=2,
        train_fraction=0.5,
        validation_fraction=0.25,
        seed=7,
        checkpoint_every=1,
    )
    dataset = read_dataset("ethane").subset(range(8))
    resume = folder if (folder / "run.json").exists() or (folder / "run.npz").exists() else None

    def report(event: Any) -> None:
        if isinstance(event, EpochReport):
            say("epoch", event.epoch)
            while event.epoch == last:
                signal.pause()

    train_model(dataset, settings, folder=folder, resume=resume, snapshots=False, report=report)
    say("finished")


def killed_at(step: int) -> Callable[[str, Any], None]:
    """An audit hook that kills its process before the n-th time that it asks the system to change a file."""
    left = [step]

    def hook(event: str, _: Any) -> None:
        if event in ("open", "os.rename", "os.chmod", "os.remove", "os.mkdir", "tempfile.mkstemp"):
            left[0] -= 1
            if left[0] < 0:
                say("step", step)
                os.kill(os.getpid(), 9)

    return hook


def serve(folder: Path) -> None:
    """Fork a child for each line: WHAT FIRST STEP, the last -1 if it works until it is killed from outside."""
    import hamexplorer.session.archive
    from hamexplorer.reference.dataset import read_dataset
    from hamexplorer.reference.store import ReferenceStore
    from hamexplorer.session.archive import Saved
    from hamexplorer.session.state import Selection
    from hamexplorer.train.checkpoint import write_checkpoint
    from hamexplorer.train.settings import RunSettings

    del hamexplorer, ReferenceStore, write_checkpoint
    ethanes = read_dataset("ethane")
    saved = Saved(None, ethanes.structures, Selection(), 0, RunSettings(seed=3), (), None)
    # JAX warns of forks; the children never call it.
    warnings.simplefilter("ignore", RuntimeWarning)
    say("ready")
    for line in sys.stdin:
        what, first, step = line.split()
        child = os.fork()
        if child == 0:
            if int(step) >= 0:
                sys.addaudithook(killed_at(int(step)))
            if what == "checkpoint":
                write_checkpoints(folder, int(first))
            elif what == "session":
                save_sessions(folder, int(first), saved)
            else:
                calculate(folder / "store", int(first))
            os._exit(0)
        say("child", child)
        _, status = os.waitpid(child, 0)
        say("killed" if os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9 else "ended", status)


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(Path(sys.argv[2]), *map(int, sys.argv[3:]))
    else:
        serve(Path(sys.argv[1]))
