"""Reference calculations: methods, their execution and store, and dataset files.

Names are looked up when they are first used: whoever only reads a dataset does not import the SCF.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "SHIPPED": "dataset",
    "Properties": "properties",
    "Reference": "properties",
    "ReferenceDataset": "properties",
    "ReferenceMethod": "method",
    "ReferenceProgress": "execute",
    "ReferenceStore": "store",
    "estimate_seconds": "execute",
    "read_dataset": "dataset",
    "run_references": "execute",
    "write_dataset": "dataset",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
