"""Compiles what dashboard and lessons need first, and keeps it with the baselines in the user's cache folder."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from hamexplorer.app import build
from hamexplorer.launch import notebook_path
from hamexplorer.lessons import lessons_in
from hamexplorer.session import Session

#: Enough for everything that a training compiles.
EPOCHS = 2
#: Seconds for all of a training, and for a lesson's slowest cell, on a slow machine.
PATIENCE = 1800


def dashboard() -> None:
    """What a visitor sees first: the default data set, and a short training of it."""
    session = Session()
    build(session=session)
    session.wait(PATIENCE)
    session.settings = dataclasses.replace(session.settings, epochs=EPOCHS)
    session.start()
    session.wait(PATIENCE)
    if session.state != "finished":
        raise SystemExit(
            f"the training did not finish, its state is {session.state!r}; see what is printed above"
        )


def lesson(path: Path) -> None:
    """All cells of a lesson, as its page runs them."""
    NotebookClient(nbformat.read(path, as_version=4), timeout=PATIENCE).execute()


def main(lessons: bool) -> None:
    """The dashboard and, if wanted, all lessons, with what each of them took."""
    folder = notebook_path().parent
    paths = [folder / f"{one.name}.ipynb" for one in lessons_in(folder)] if lessons else []
    for name, work in [
        ("dashboard", dashboard),
        *((path.stem, lambda path=path: lesson(path)) for path in paths),
    ]:
        began = time.monotonic()
        try:
            work()
        except Exception as error:  # an image in which one lesson begins slowly is better than none
            print(f"{name}: not warmed ({type(error).__name__}: {error})", flush=True)
        else:
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main(lessons="--no-lessons" not in sys.argv[1:])
