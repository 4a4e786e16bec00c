"""Errors that a person can act on: one sentence with the fact, the value and the cure.

Every error is also a :class:`ValueError`, so that code which does not know this package
can still catch it. The interface and the command line show ``str(error)`` and nothing else.
"""

from __future__ import annotations


class HamExplorerError(ValueError):
    """Base of every error that this package raises on purpose."""


class StructureError(HamExplorerError):
    """A structure cannot be used: unreadable, unphysical or outside what the model covers."""


class BasisError(HamExplorerError):
    """A basis set is unknown, or has no functions for an element."""


class LayoutError(HamExplorerError):
    """Two arrays that should describe the same orbitals differ in size."""


class ReferenceCalculationError(HamExplorerError):
    """A reference calculation could not be finished; the rest of a batch goes on."""


class DatasetError(HamExplorerError):
    """A dataset file is missing, damaged or lacks what was asked of it."""


class SettingsError(HamExplorerError):
    """A setting is unknown or out of bounds."""


class TrainingError(HamExplorerError):
    """Training cannot start or had to stop; the last good state is kept."""


class CheckpointError(HamExplorerError):
    """A checkpoint cannot be read: damaged, or written by a newer version."""


class SessionFileError(HamExplorerError):
    """A session file cannot be read: something else, damaged, or written by a newer version."""


def quoted(value: object, most: int = 60) -> str:
    """What a file or a person wrote, as a sentence can quote it: printable, on one line, no longer than ``most``."""
    try:
        text = repr(value[: most + 1] if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # of whole numbers with thousands of digits, Python writes none
        return "something too long to write here"
    text = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def plain_text(text: str, most: int = 200) -> str:
    """A name from a file as tables, plots and files can hold it: one line, no control characters or halves of pairs."""
    kept = "".join(c if c.isprintable() else " " for c in text[: 4 * most])
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"
