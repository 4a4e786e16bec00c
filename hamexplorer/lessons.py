"""Which lessons there are: notebooks named `lesson_N_….ipynb` beside the dashboard's, in order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lesson:
    """A notebook to learn from.

    Attributes:
        name: of the file, without its ending; the last part of its address.
        title: as on top of it.
        about: what one learns, in a sentence.
        minutes: that it takes to read and try.
    """

    name: str
    title: str
    about: str
    minutes: int


def lessons_in(folder: Path) -> list[Lesson]:
    """All lessons of a folder; their metadata say what they are about."""
    found = []
    for path in sorted(folder.glob("lesson_*.ipynb")):
        said = json.loads(path.read_text("utf-8"))["metadata"]
        found.append(Lesson(path.stem, said["title"], said["about"], said["minutes"]))
    return found
