"""Widgets: each panel calls the session's verbs and observes its traits; none knows another.

For lessons and pages of one's own there is :class:`Panels`.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["Panels"]


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: every panel imports this package.
    if name not in __all__:
        raise AttributeError(f"module 'hamexplorer.panels' has no attribute {name!r}")
    return importlib.import_module("hamexplorer.panels.one_by_one").Panels
