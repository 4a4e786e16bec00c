"""One orbital in space: small basis, learned and reference side by side."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.physics.orbital_grid import OrbitalGrid, enclosing_value, surface_of
from hamexplorer.plots import theme
from hamexplorer.plots.columns import level_name
from hamexplorer.plots.crystal_orbital import crystal_figure
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, run_mark, state_missing
from hamexplorer.plots.scenes import balls_and_sticks, lobe
from hamexplorer.structures.orientation import broadest_view
from hamexplorer.structures.structure import Structure
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet

HEIGHT = 330
#: Share of the electron inside the surfaces.
SHARE = 0.8


@PLOTS.register("orbital")
class Orbital(Plot):
    """Surfaces of one orbital in every set, seen from the same side; they turn together."""

    label = "Orbital"
    help = (
        "The surfaces hold 80 % of an electron in the chosen orbital; blue and orange are its two signs. Click a level "
        "to choose another. The reference is the large basis' orbital as far as the small basis' functions can "
        "show it. Of a crystal it is the wave of one band at one k-point in several cells, with 70 % of the electron "
        "inside: click a band to choose it."
    )

    def unavailable(self, context: PlotContext) -> str:
        return "" if context.crystal is not None else context.why_no_crystal or state_missing(context)

    def figure(self, context: PlotContext) -> go.Figure:
        if context.crystal is not None:
            return crystal_figure(context.crystal, context)
        assert context.state is not None
        # Of the runs of before one has room.
        state = context.state.beside(dict(list(context.states_of_others.items())[-1:]))
        index, names = context.orbital_index, list(state.sets)
        traces: list[Any] = []
        notes = []
        scenes: dict[str, Any] = {}
        for place, name in enumerate(names):
            scene = f"scene{place + 1 if place else ''}"
            left, right = place / len(names), (place + 1) / len(names)
            scenes[scene] = _scene(left, right, state.structure)
            seen = state.structure.positions @ broadest_view(state.structure.positions).T
            traces += balls_and_sticks(state.structure.numbers, seen, scene, context)
            traces += _lobes(state, name, index, scene, context)
            notes += _words(state, name, index, (left + right) / 2, context)
        layout = theme.frame(
            context.palette,
            height=HEIGHT,
            showlegend=False,
            margin={"l": 0, "r": 0, "t": 44, "b": 36},
            annotations=notes,
            uirevision=f"{state.structure.key} {names}",
            # The browser turns these scenes together, and puts them below each other where there is no room.
            meta={"together": list(scenes)},
            **scenes,
        )
        return go.Figure(traces, layout)


def label_of(name: str, context: PlotContext) -> str:
    """What a set of orbitals is called on the page."""
    if name == "raw":
        return f"raw {context.small_basis}"
    large = context.large_basis
    return f"reference {large}" if name == "reference" and large != "reference" else name


def _scene(left: float, right: float, structure: Structure) -> dict[str, Any]:
    seen = structure.positions @ broadest_view(structure.positions).T
    middle = (seen.max(0) + seen.min(0)) / 2
    half = np.ptp(seen, axis=0).max() / 2 + 2.5
    hidden = {
        f"{axis}axis": {"visible": False, "range": [float(middle[k] - half), float(middle[k] + half)]}
        for k, axis in enumerate("xyz")
    }
    camera = {
        "eye": {"x": 0.0, "y": 0.0, "z": 1.25},
        "up": {"x": 0, "y": 1, "z": 0},
        "projection": {"type": "orthographic"},
    }
    return hidden | {
        "domain": {"x": [left, right], "y": [0, 1]},
        "aspectmode": "manual",
        "aspectratio": dict.fromkeys("xyz", 1.7),
        "camera": camera,
        "dragmode": "orbit",
    }


def _lobes(state: MoleculeState, name: str, index: int, scene: str, context: PlotContext) -> list[go.Mesh3d]:
    """The orbital's surfaces, its sign chosen to agree with the last set, so that colours can be compared."""
    last = list(state.sets)[-1]
    orbitals = state.sets[name]
    agrees = orbitals.coeff[:, index] @ state.sets[last].coeff[:, index]
    meshes = surfaces(state.structure, state.basis, orbitals, index)
    colours = (context.palette.learned, context.palette.validation)
    drawn = []
    for (points, faces), colour, sign in zip(
        meshes, colours if agrees >= 0 else colours[::-1], "+−", strict=True
    ):
        seen = points @ broadest_view(state.structure.positions).T
        drawn.append(lobe(seen.astype(np.float32), faces, colour, f"{name} {sign}", scene))
    return drawn


@functools.lru_cache(maxsize=32)
def surfaces(
    structure: Structure, basis: str, orbitals: OrbitalSet, index: int
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Points (bohr, (n, 3)) and triangles ((m, 3)) of an orbital's positive and negative surface.

    Kept for a while: only the learned orbital changes from epoch to epoch.
    """
    state = MoleculeState(structure, basis, 0, {"": orbitals})
    grid = OrbitalGrid.around(structure, broadest_view(structure.positions))
    (values,) = grid.evaluate(structure, basis, state.orbital("", index)[:, None])
    level = enclosing_value(values, SHARE)
    positive, negative = (surface_of(sign * values, level, grid.origin, grid.axes) for sign in (1, -1))
    return positive, negative


def _words(
    state: MoleculeState, name: str, index: int, middle: float, context: PlotContext
) -> list[dict[str, Any]]:
    """Name and energy above, likeness with the reference below."""
    energy = state.sets[name].energy[index] * context.energy_factor
    colours = {"raw": context.palette.muted, "learned": context.palette.learned}
    shown = f"{energy:.{context.energy_digits}f} {context.units}".replace("-", "−")
    head = f"{run_mark(name, context)}<b>{label_of(name, context)}</b><br>{shown}"
    style = {"font": {"size": 12, "color": colours.get(name, context.palette.text)}}
    notes = [theme.note(head, x=middle, y=1, xanchor="center", yanchor="bottom", **style)]
    if name == "reference" or "reference" not in state.sets:
        said = level_name(index, state.n_occ)
    else:
        said = _likeness(np.abs(state.overlap(name, "reference")[index]), index, state.n_occ)
    small = {"size": 11, "color": context.palette.muted}
    return [*notes, theme.note(said, x=middle, y=0, xanchor="center", yanchor="top", font=small)]


def _likeness(overlaps: np.ndarray, index: int, n_occ: int) -> str:
    """How much an orbital is the reference's of the same place; and if it is rather another one, which."""
    said = f"overlap with the reference {overlaps[index]:.2f}"
    best = int(overlaps.argmax())
    if best == index or overlaps[best] < 2 * overlaps[index]:
        return said
    other = level_name(best, n_occ).partition(",")[0]
    return f"{said}<br>with its {other} {overlaps[best]:.2f}"
