"""One band at one k-point as a wave in space: small basis, learned and reference side by side, in several cells."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.physics.crystal_orbital import CellGrid
from hamexplorer.plots import theme
from hamexplorer.plots.crystals import ZERO_SYMBOLS, band_structure, full_name, set_colour, zero_kind, zero_of
from hamexplorer.plots.plot import PlotContext, run_mark
from hamexplorer.plots.scenes import balls_and_sticks, lobe
from hamexplorer.plots.zone import frame_of
from hamexplorer.structures.paths import KPath
from hamexplorer.structures.structure import Structure
from hamexplorer.train.crystal_state import SHARE, CrystalOrbital, CrystalState

HEIGHT = 400
#: Half of the longest side of a scene in the units of its points, which travel as 16-bit integers.
_HALF = 30_000
#: How large a chain, a layer and a bulk crystal appear, and from where they are seen.
_LARGE = {1: 2.8, 2: 2.65, 3: 2.9}
_EYES = {1: (0.0, -1.2, 0.5), 2: (0.0, -0.85, 1.0), 3: (0.9, 1.1, 0.55)}
_SUBSCRIPTS = "₁₂₃"


def crystal_figure(chosen: CrystalOrbital, context: PlotContext) -> go.Figure:
    """The sets side by side, seen from the same side; they turn together."""
    state, stage = chosen.state, _Stage(chosen.grid)
    names = list(state.sets)
    traces: list[Any] = []
    notes: list[dict[str, Any]] = []
    scenes: dict[str, Any] = {}
    for place, name in enumerate(names):
        scene = f"scene{place + 1 if place else ''}"
        left, right = place / len(names), (place + 1) / len(names)
        scenes[scene] = stage.scene(left, right)
        traces += stage.atoms(scene, context)
        traces += _lobes(chosen, name, stage, scene, context)
        notes += _words(chosen, name, (left + right) / 2, context)
    layout = theme.frame(
        context.palette,
        height=HEIGHT,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 44, "b": 40},
        annotations=notes,
        uirevision=f"{state.structure.key} {names}",
        meta={"together": list(scenes)},
        **scenes,
    )
    return go.Figure(traces, layout)


class _Stage:
    """Coordinates of the shown cells: the first repeating vector to the right, a layer's normal up."""

    def __init__(self, grid: CellGrid) -> None:
        structure = grid.structure
        assert structure.cell is not None
        self.grid, self.structure = grid, structure
        repeats = structure.cell[list(structure.pbc)]
        self.turn = np.eye(3) if len(repeats) == 3 else frame_of(repeats)
        corners = np.array(list(itertools.product((0, 1), repeat=3)))
        edges = grid.steps * (np.array(grid.shape) * grid.copies)[:, None]
        start = grid.corner - grid.steps.sum(0) / 2
        seen = (start + corners @ edges) @ self.turn
        self.middle = (seen.max(0) + seen.min(0)) / 2
        self.half = np.ptp(seen, axis=0) / 2
        self.scale = _HALF / float(self.half.max())

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Bohr, from the middle of the stage."""
        return points @ self.turn - self.middle

    def scene(self, left: float, right: float) -> dict[str, Any]:
        reach = 1.06 * self.half * self.scale
        axes: dict[str, Any] = {
            f"{axis}axis": {"visible": False, "range": [-float(reach[k]), float(reach[k])]}
            for k, axis in enumerate("xyz")
        }
        dimensions = sum(self.structure.pbc)
        eye = np.array(_EYES[dimensions])
        ratio = _LARGE[dimensions] * self.half / np.linalg.norm(self.half)
        return axes | {
            "domain": {"x": [left, right], "y": [0, 1]},
            "aspectmode": "manual",
            "aspectratio": dict(zip("xyz", ratio.tolist(), strict=True)),
            "camera": {
                "eye": dict(zip("xyz", eye.tolist(), strict=True)),
                "up": {"x": 0, "y": 0, "z": 1},
                "projection": {"type": "orthographic"},
            },
            "dragmode": "orbit",
        }

    def atoms(self, scene: str, context: PlotContext) -> list[go.Scatter3d]:
        """Of all shown cells, and the edges of the home cell."""
        index, positions = self.grid.atoms()
        numbers = self.structure.numbers[index]
        drawn = balls_and_sticks(
            numbers, self.seen(positions), scene, context, atom=index, scale=self.scale, size=4
        )
        return [*drawn, self._cell(scene, context)]

    def _cell(self, scene: str, context: PlotContext) -> go.Scatter3d:
        cell = self.structure.cell
        assert cell is not None
        along = [k for k, repeats in enumerate(self.structure.pbc) if repeats]
        start = self.grid.origin - self.grid.steps.sum(0) / 2
        # Along what does not repeat the cell is drawn through the middle of its atoms.
        for axis in set(range(3)) - set(along):
            start = start + self.grid.steps[axis] * self.grid.shape[axis] / 2
        rows: list[np.ndarray] = []
        for corner in itertools.product((0, 1), repeat=len(along)):
            for n, axis in enumerate(along):
                if corner[n] == 0:
                    first = start + sum(
                        (c * cell[a] for c, a in zip(corner, along, strict=True)), np.zeros(3)
                    )
                    rows += [first, first + cell[axis], np.full(3, np.nan)]
        x, y, z = (self.scale * self.seen(np.array(rows))).T
        line = {"color": context.palette.text, "width": 2}
        return go.Scatter3d(
            x=x, y=y, z=z, mode="lines", line=line, hoverinfo="skip", connectgaps=False, scene=scene
        )


def _lobes(
    chosen: CrystalOrbital, name: str, stage: _Stage, scene: str, context: PlotContext
) -> list[go.Mesh3d]:
    colours = (context.palette.learned, context.palette.validation)
    signs = "+−" if context.wave == "real" else "²"
    return [
        lobe(
            np.round(stage.scale * stage.seen(surface.points)).astype(np.int16),
            surface.faces,
            colour,
            f"{name} {sign}",
            scene,
        )
        for surface, colour, sign in zip(chosen.surfaces(name, context.wave), colours, signs, strict=False)
    ]


def _words(chosen: CrystalOrbital, name: str, middle: float, context: PlotContext) -> list[dict[str, Any]]:
    """Name and energy above; likeness with the calculation that is compared with, below."""
    state, band = chosen.state, chosen.band
    head = f"{run_mark(name, context)}<b>{full_name(name, context)}</b><br>{_energy(chosen, name, context)}"
    colour = context.palette.text if run_mark(name, context) else set_colour(name, context)
    font = {"size": 12, "color": colour}
    small = {"size": 11, "color": context.palette.muted}
    said = band_name(band, state.n_occ)
    if name != state.anchor:
        said = _likeness(state, name, band, context)
    return [
        theme.note(head, x=middle, y=1, xanchor="center", yanchor="bottom", font=font),
        theme.note(said, x=middle, y=0, xanchor="center", yanchor="top", font=small),
    ]


def _energy(chosen: CrystalOrbital, name: str, context: PlotContext) -> str:
    """From the zero of the bands plot, so that it is the number that was clicked."""
    energy, bands, symbol = float(chosen.state.sets[name].energy[chosen.band]), band_structure(context), ""
    if bands is not None and name in bands.sets:
        kind = zero_kind(bands, context)
        zero = zero_of(bands, name, kind)
        if np.isfinite(zero):
            energy, symbol = energy - zero, f"<i>E</i> − {ZERO_SYMBOLS[kind]} = "
    value = f"{energy * context.energy_factor + 0.0:.{context.energy_digits}f}".replace("-", "−")
    return f"{symbol}{value} {context.units}"


def _likeness(state: CrystalState, name: str, band: int, context: PlotContext) -> str:
    """How much an orbital is the calculation's of the same place; and if another one is rather, which."""
    shares = state.likeness(name, band)
    other = full_name(state.anchor, context)
    said = f"|⟨ψ|ψ′⟩|² with {other}: {shares[band]:.2f}"
    best = int(shares.argmax())
    if best == band or shares[best] < 2 * shares[band]:
        return said
    return f"{said}<br>its band {best + 1} is more like it: {shares[best]:.2f}"


def band_name(band: int, n_occ: int) -> str:
    """``band 4, the highest occupied``; counted from one."""
    return f"band {band + 1}{_edge(band, n_occ)}"


def _edge(band: int, n_occ: int) -> str:
    return {n_occ - 1: ", the highest occupied", n_occ: ", the lowest empty"}.get(band, "")


def k_name(path: KPath, place: int) -> str:
    """``at K, k = (1/3, 1/3, 0)``, or ``between Γ and K, …``."""
    name = path.name(place)
    where = name if name.startswith("between") else f"at {name}"
    return f"{where}, k = ({', '.join(_fraction(x) for x in path.points[place])})"


def _fraction(x: float) -> str:
    nearest = Fraction(float(x)).limit_denominator(12)
    return str(nearest) if abs(float(nearest) - x) < 1e-6 else f"{x:.3f}".replace("-", "−")


def orbital_words(context: PlotContext) -> list[str]:
    """Which wave is shown, how it turns from cell to cell, which levels are shared, and what is not known."""
    chosen, bands = context.crystal, band_structure(context)
    if chosen is None or bands is None:
        return []
    state = chosen.state
    found = [
        f"Band {chosen.band + 1} of {state.n_bands}{_edge(chosen.band, state.n_occ)}, "
        f"{k_name(bands.path, chosen.place)}. "
        f"{_turning(state.structure, state.k)} The surfaces hold {SHARE:.0%} of an electron."
    ]
    for name in state.sets:
        shared = state.same_level(name, chosen.band)
        if len(shared) > 1:
            numbers = [str(band + 1) for band in shared]
            found.append(
                f"In {full_name(name, context)} bands {', '.join(numbers[:-1])} and {numbers[-1]} share this level, "
                f"and any mixture of them is as good; {_mixture(state, name, context)}."
            )
    return [*found, *state.why_not.values(), *state.about]


def _mixture(state: CrystalState, name: str, context: PlotContext) -> str:
    if name == state.anchor:
        return "shown is the one that lies most on one atomic orbital, or at right angles to that"
    return f"shown is the one most like that of {full_name(state.anchor, context)}"


def _turning(structure: Structure, k: np.ndarray) -> str:
    """By what angle the phase changes along each vector that repeats."""
    angles = [
        f"{round((360 * k[axis] + 180) % 360 - 180)}° along a{_SUBSCRIPTS[axis]}".replace("-", "−")
        for axis, repeats in enumerate(structure.pbc)
        if repeats
    ]
    whole = np.abs(np.exp(2j * np.pi * k) - 1).max() < 1e-6
    if whole:
        return "Every cell is like the next."
    said = ", ".join(angles).replace("−180°", "180°")
    return f"From cell to cell its phase turns by {said}."
