"""Colours for partial charges: red where electrons gather, blue where they lack, white in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Ends and middle of the scale, after ColorBrewer's RdBu, which people with any colour vision can read.
_NEGATIVE, _NEUTRAL, _POSITIVE = (202, 0, 32), (240, 240, 240), (5, 113, 176)
#: The same as a scale for NGL.
CHARGE_COLORS: tuple[str, ...] = tuple(
    "#" + "".join(f"{channel:02x}" for channel in color) for color in (_NEGATIVE, _NEUTRAL, _POSITIVE)
)
#: The scale never gets shorter than this (e), so that noise is not shown as a pattern.
SHORTEST = 0.1
#: Nor this short where it shows differences of charges.
SHORTEST_ERROR = 0.01


@dataclass(frozen=True)
class LegendEntry:
    """One line of a legend: text and colour (``#rrggbb``)."""

    label: str
    color: str


def charge_range(charges: np.ndarray, shortest: float = SHORTEST) -> float:
    """The charge (e) that gets the full colour: the largest one, rounded up to a multiple of the shortest scale."""
    largest = float(np.max(np.abs(charges), initial=0.0))
    return round(shortest * max(1.0, float(np.ceil(largest / shortest - 1e-9))), 6)


def charge_colors(charges: np.ndarray, full: float) -> list[str]:
    """``#rrggbb`` of every charge on a scale from -``full`` to ``full``."""
    return [_color(float(np.clip(charge / full, -1.0, 1.0))) for charge in charges]


def charge_legend(full: float) -> tuple[LegendEntry, ...]:
    """Five steps of the scale, most negative first."""
    steps = np.linspace(-full, full, 5)
    digits = 2 if full >= SHORTEST else 3
    labels = [f"{step:+.{digits}f} e".replace("-", "−") if step else "0" for step in steps]
    return tuple(LegendEntry(*pair) for pair in zip(labels, charge_colors(steps, full), strict=True))


def _color(fraction: float) -> str:
    end = _NEGATIVE if fraction < 0 else _POSITIVE
    mixed = (round(low + abs(fraction) * (high - low)) for low, high in zip(_NEUTRAL, end, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)
