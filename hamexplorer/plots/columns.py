"""Columns of orbital levels: which to show, and where each level lies in its column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Levels below this (Ha) belong to cores and are left out of the first view.
CORE_BELOW = -2.2
#: How far above the highest LUMO the first view reaches, Ha.
HEADROOM = 0.25
#: Levels closer than this (Ha) are drawn side by side: 0.05 eV, about a line's width.
SIDE_BY_SIDE = 2e-3
#: Half the width of a level in units of the distance between columns.
HALF = 0.3


@dataclass(frozen=True)
class Column:
    """One set of levels: heading, energies (Ha, ascending), number of occupied ones and colour."""

    label: str
    mo_energy: np.ndarray
    n_occ: int
    colour: str

    @property
    def homo(self) -> float:
        return float(self.mo_energy[self.n_occ - 1])

    @property
    def lumo(self) -> float:
        """The lowest empty level; NaN if the basis has none."""
        return float(self.mo_energy[self.n_occ]) if self.n_occ < len(self.mo_energy) else np.nan


def window(columns: tuple[Column, ...]) -> tuple[float, float]:
    """Energies (Ha) to show at first: valence levels and the lowest empty ones, no cores."""
    occupied = np.concatenate([column.mo_energy[: column.n_occ] for column in columns])
    valence = occupied[occupied > CORE_BELOW]
    low = float((valence if len(valence) else occupied).min())
    edges = [column.lumo for column in columns if np.isfinite(column.lumo)]
    high = max([*edges, float(occupied.max())]) + HEADROOM
    margin = 0.04 * (high - low)
    return low - margin, high + margin


def side_by_side(mo_energy: np.ndarray, tolerance: float = SIDE_BY_SIDE) -> list[list[int]]:
    """Indices of ascending levels in groups that lie within ``tolerance`` of the first of their group."""
    groups: list[list[int]] = []
    for index, energy in enumerate(mo_energy):
        if groups and energy - mo_energy[groups[-1][0]] < tolerance:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def segments(column: Column, place: int, high: float) -> list[tuple[int, float, float]]:
    """Level index, left and right end of every level up to just above the window."""
    segments = []
    levels = column.mo_energy[column.mo_energy < high + 1.0]
    for group in side_by_side(levels):
        width = 2 * HALF / len(group)
        gap = 0.12 * width if len(group) > 1 else 0.0
        for turn, index in enumerate(group):
            left = place - HALF + turn * width
            segments.append((index, left + gap / 2, left + width - gap / 2))
    return segments


def level_name(index: int, n_occ: int) -> str:
    """`HOMO−1`, `LUMO+2`, with the number of the level."""
    below = n_occ - 1 - index
    if below >= 0:
        return f"HOMO{f'−{below}' if below else ''}, level {index + 1}"
    return f"LUMO{f'+{-below - 1}' if below < -1 else ''}, level {index + 1}"
