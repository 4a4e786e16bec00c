"""Checks of output paths, made before hours of work rather than after."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hamexplorer.errors import HamExplorerError


class OutputError(HamExplorerError):
    """A result cannot be written where it was asked for."""


def check_output(path: Path, endings: tuple[str, ...]) -> Path:
    """The path, if a file of one of these kinds can be written there.

    Raises:
        OutputError: if the ending is another one or the folder is missing or read-only.
    """
    if path.suffix.lower() not in endings:
        raise OutputError(f"the output {str(path)!r} must end in {' or '.join(endings)}; choose another name")
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"the folder {str(folder)!r} for the output does not exist; make it first")
    if path.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
        raise OutputError(f"{str(path)!r} cannot be written; choose another place or check your rights")
    return path


def write_all(folder: Path, files: Mapping[str, str]) -> None:
    """Write texts by file name; each appears whole or not at all.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    from hamexplorer.reference.aside import write_aside

    for name, content in files.items():
        with write_aside(folder / name) as aside:
            aside.write_text(content, encoding="utf-8")
