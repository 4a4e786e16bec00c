"""Files that appear whole or not at all, and are still there after a power cut: write aside, fsync, rename, fsync."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hamexplorer.errors import DatasetError

#: A file written aside that is older than this belongs to a process that was killed.
LEFTOVER_SECONDS = 3600
#: What file systems answer that cannot, or need not, flush a folder.
_NO_FOLDER_FSYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR}


@contextlib.contextmanager
def write_aside(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that replaces it when the block ends without an error.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    try:
        made = _make(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
        os.close(handle)
    except OSError as error:
        raise DatasetError(
            f"{path.parent} cannot be written ({error.strerror}); choose another folder or free some space"
        ) from error
    aside = Path(name)
    try:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; a finished file follows the user's umask like any other.
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        aside.replace(path)
        # The rename itself is an entry of the folder, and a new folder is one of the folder above.
        for folder in (path.parent, *(new.parent for new in made)):
            _flush_folder(folder)
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be written ({error.strerror or error}); choose another folder or free some space"
        ) from error
    finally:
        # A folder that is gone, or became read-only, is what the error above tells of.
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
    remove_leftovers(path.parent.glob(f"{glob.escape(_prefix(path))}*"))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        DatasetError: if the folder cannot be written.
    """
    with write_aside(path) as aside:
        aside.write_bytes(content)


def remove_leftovers(asides: Iterator[Path]) -> None:
    """Remove what killed processes left half written, once it is an hour old: younger ones may still be written."""
    with contextlib.suppress(OSError):
        for aside in asides:
            with contextlib.suppress(OSError):
                if time.time() - aside.stat().st_mtime > LEFTOVER_SECONDS:
                    aside.unlink()


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; which of them are new, the lowest first."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return new


def _flush_folder(folder: Path) -> None:
    """fsync of a folder, where the system can do that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NO_FOLDER_FSYNC:
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FSYNC:
            raise
    finally:
        os.close(descriptor)
