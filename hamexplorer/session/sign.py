"""One sentence about a run, and how serious it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sign:
    """One sentence; ``level`` is "good", "watch" or "bad"."""

    level: str
    text: str
