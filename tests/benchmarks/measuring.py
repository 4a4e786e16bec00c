"""What all measurements share: rows of the table, interleaved timing, memory, where it was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

#: Packages that decide how long things take.
PACKAGES = ("jax", "jaxlib", "pyscf", "pyscfad", "numpy", "scipy", "equinox")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: was measured.
        ours, against: with their units.
        ratio: theirs over ours, or what the line is about; NaN where it is no ratio.
        goal: in words; empty without one.
        reached: None without a goal.
    """

    what: str
    ours: str = ""
    against: str = ""
    ratio: float = float("nan")
    goal: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        tiny: only that the pieces run: seconds in place of minutes, and figures that mean nothing.
        repeats: of what takes less than a second.
    """

    tiny: bool = False
    repeats: int = 7

    def few(self, n: int, tiny: int = 1) -> int:
        """``n``, or the smaller number where only the pieces are tried."""
        return tiny if self.tiny else n


def medians(calls: Mapping[str, Callable[[], Any]], repeats: int, *, warm: bool = True) -> dict[str, float]:
    """Median seconds of several calls that take turns, so that what else the machine does meets them alike.

    Args:
        calls: by name.
        repeats: turns.
        warm: each is called once before, unmeasured: to compile, and to fill caches.
    """
    if warm:
        for call in calls.values():
            jax.block_until_ready(call())
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].append(seconds(call))
    return {name: float(np.median(each)) for name, each in times.items()}


def seconds(call: Callable[[], Any]) -> float:
    """Of one call, by the clock, until its arrays are there."""
    began = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - began


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """p of cost ∝ size^p, by least squares in the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def peak_memory() -> float:
    """Largest resident memory of this process so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def in_ms(value: float) -> str:
    return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.3g} s"


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine() -> str:
    """Processor, cores, system and versions, as one sentence."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"{_processor()}, {n} cores, {platform.system()}; Python {platform.python_version()}, {versions}; load "
        f"{os.getloadavg()[0]:.1f} when it began"
    )


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
