"""The Hamiltonian of the picked structure as a picture: rows and columns are orbitals, blocks are pairs of atoms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.physics.cell import ALL_ELECTRONS
from hamexplorer.plots import theme
from hamexplorer.plots.matrix_shown import (
    LESS,
    State,
    labels_of,
    made_of,
    matrix_shown,
    pair_texts,
    state_shown,
    where_in_the_zone,
    why_not_known,
)
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, number, scale_of, state_missing
from hamexplorer.train.crystal_state import CrystalState
from hamexplorer.train.molecule_state import MoleculeState

__all__ = ["Matrix", "matrices", "matrix_shown", "said_of_block", "strongest_pull"]

#: What can be shown, and its name in the menu.
_MATRICES = {
    "learned": "learned",
    "reference": "reference",
    "error": "learned − reference",
    "raw": "small-basis SCF",
    "change": "learned − small-basis SCF",
    "pull": "what the error pulls at",
}
#: Blue, white, red of Brewer's RdBu, which all colour visions tell apart; the middle follows the page.
_NEGATIVE, _POSITIVE = "#2166AC", "#B2182B"


def matrices(others: Iterable[str]) -> dict[str, str]:
    """What can be shown, and its name in the menu; others are labels of other runs."""
    return _MATRICES | {
        name: label
        for other in others
        for name, label in ((other, other), (f"{LESS}{other}", f"learned − {other}"))
    }


@PLOTS.register("matrix")
class Matrix(Plot):
    """Heat map of one Hamiltonian, or of what is wrong with it; a click on a block points out its two atoms."""

    label = "Hamiltonian"
    help = (
        "Each square is one number: how strongly two orbitals are coupled, on the diagonal their own energy. Lines "
        "part the atoms. What the error pulls at is |∂L/∂H| of the target in the parity plot: where changing H would "
        "mend most. Click a block to see its two atoms in the structure. Core orbitals are off the colour scale. Of a "
        "crystal it is H(k) at the k-point of the orbital that is shown, its real part where it is complex."
    )

    def unavailable(self, context: PlotContext) -> str:
        state = state_shown(context)
        if state is None:
            return context.why_no_crystal or state_missing(context)
        if context.matrix == "pull":
            if isinstance(state, CrystalState):
                return "What an error pulls at is worked out for molecules only: show another matrix."
            if context.pull is None:
                return "Press Train, or wait: the gradient of the error is being worked out."
            return ""
        for name in made_of(context.matrix):
            if name not in state.sets:
                return why_not_known(state, name)
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        state = state_shown(context)
        assert state is not None
        if context.matrix == "pull":
            assert isinstance(state, MoleculeState)
            return self._pull(context, state)
        matrix = matrix_shown(state, context.matrix) * context.energy_factor
        values = matrix.real
        full = _full_scale(values, state)
        labels = labels_of(state)
        atom = state.layout.atom_of_ao.astype(int)
        pairs = np.stack(np.broadcast_arrays(atom[:, None], atom), axis=-1)
        trace = go.Heatmap(
            z=np.round(values, 5),
            zmin=-full,
            zmax=full,
            colorscale=_scale(context),
            customdata=pairs.tolist(),
            meta={"choose": "atoms"},
            text=pair_texts(labels, matrix, context),
            hovertemplate=f"%{{text}}<br>%{{z:.4f}} {context.units}<extra></extra>",
            colorbar={
                "title": {"text": context.units, "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
                "tickfont": {"color": context.palette.muted, "size": 11},
            },
        )
        figure = go.Figure([trace], self._layout(context, state))
        if isinstance(state, CrystalState):
            figure.add_annotation(
                **theme.note(where_in_the_zone(matrix, context), x=0, y=1, xanchor="left", yanchor="bottom")
            )
        return figure

    def _pull(self, context: PlotContext, state: MoleculeState) -> go.Figure:
        """|∂L/∂H|, from nothing to its largest value."""
        assert context.pull is not None
        target, gradient = context.pull
        size = np.abs(gradient)
        labels = labels_of(state)
        atom = state.layout.atom_of_ao.astype(int)
        low = "#1b1b1b" if context.dark else "#FFFFFF"
        trace = go.Heatmap(
            z=size / max(float(size.max()), 1e-300),
            zmin=0,
            zmax=1,
            colorscale=[[0.0, low], [1.0, context.palette.validation]],
            customdata=np.stack(np.broadcast_arrays(atom[:, None], atom), axis=-1).tolist(),
            meta={"choose": "atoms"},
            text=[[f"{row} – {column}" for column in labels] for row in labels],
            hovertemplate="%{text}<br>%{z:.0%} of the strongest<extra></extra>",
            colorbar={"thickness": 12, "outlinewidth": 0, "tickformat": ".0%"},
        )
        figure = go.Figure([trace], self._layout(context, state))
        label = scale_of(target, context).label
        figure.add_annotation(
            **theme.note(f"of the error in {label.lower()}", x=0, y=1, xanchor="left", yanchor="bottom")
        )
        return figure

    def _layout(self, context: PlotContext, state: State) -> go.Layout:
        edges = state.layout.offsets[1:-1] - 0.5
        n_ao = state.layout.n_ao
        line: dict[str, Any] = {"color": context.palette.line, "width": 1}
        shapes = [
            {"type": "line", "x0": a, "x1": b, "y0": c, "y1": d, "line": line}
            for e in edges.tolist()
            for a, b, c, d in ((e, e, -0.5, n_ao - 0.5), (-0.5, n_ao - 0.5, e, e))
        ]
        shapes += _boxes(state, context)
        middles = ((state.layout.offsets[:-1] + state.layout.offsets[1:] - 1) / 2).tolist()
        names = [f"{symbol}{k + 1}" for k, symbol in enumerate(state.structure.symbols)]
        axis: dict[str, Any] = {
            "tickvals": middles,
            "ticktext": names,
            "showgrid": False,
            "range": [-0.5, n_ao - 0.5],
            "constrain": "domain",
        }
        return theme.frame(
            context.palette,
            height=460,
            uirevision=state.structure.key,
            shapes=shapes,
            xaxis=axis,
            yaxis=axis | {"range": [n_ao - 0.5, -0.5], "scaleanchor": "x"},
        )


def _full_scale(values: np.ndarray, state: State) -> float:
    """End of the colour scale: the largest number between valence orbitals; those of cores are tens of times larger."""
    if isinstance(state, CrystalState) and state.functions.pseudo != ALL_ELECTRONS:  # there are no cores
        return max(float(np.abs(values).max()), 1e-6)
    core = np.array([label.split(" ")[2].startswith("1s") for label in state.layout.labels])
    core &= np.repeat(state.structure.numbers > 2, np.diff(state.layout.offsets))
    valence = values[np.ix_(~core, ~core)]
    return max(float(np.abs(valence if valence.size else values).max()), 1e-6)


def _scale(context: PlotContext) -> list[list[Any]]:
    return [[0.0, _NEGATIVE], [0.5, "#1b1b1b" if context.dark else "#FFFFFF"], [1.0, _POSITIVE]]


def _boxes(state: State, context: PlotContext) -> list[dict[str, Any]]:
    """Frames around the blocks of the atoms that are pointed out: of one atom, all its blocks."""
    atoms = [a for a in context.marked if a < state.structure.n_atoms]
    first, n_ao = state.layout.offsets, state.layout.n_ao
    line = {"color": context.palette.picked, "width": 3}

    def box(rows: tuple[int, int], columns: tuple[int, int]) -> dict[str, Any]:
        ends = {"x0": columns[0] - 0.5, "x1": columns[1] - 0.5, "y0": rows[0] - 0.5, "y1": rows[1] - 0.5}
        return {"type": "rect", "line": line} | ends

    spans = [(int(first[a]), int(first[a + 1])) for a in atoms]
    if len(spans) == 1:
        return [box(spans[0], (0, n_ao)), box((0, n_ao), spans[0])]
    if len(spans) == 2:
        return [box(spans[0], spans[1]), box(spans[1], spans[0])]
    return []


def said_of_block(state: State, marked: tuple[int, ...], context: PlotContext) -> str:
    """A sentence about the pointed-out block: how strong it is, and how wrong."""
    if context.matrix == "pull" and isinstance(state, MoleculeState) and context.pull and not marked:
        return strongest_pull(state, context.pull[1])
    if len(marked) != 2 or max(marked) >= state.structure.n_atoms:
        return ""
    first = state.layout.offsets
    rows, columns = (slice(int(first[a]), int(first[a + 1])) for a in marked)
    names = " – ".join(f"{state.structure.symbols[a]}{a + 1}" for a in marked)
    factor = context.energy_factor
    shown = "learned" if "learned" in state.sets else next(iter(state.sets))
    size = float(np.linalg.norm(state.sets[shown].matrix[rows, columns])) * factor
    said = f"Block {names}: norm {number(size)} {context.units}"
    if shown == "learned" and "reference" in state.sets:
        error = float(np.linalg.norm(matrix_shown(state, "error")[rows, columns])) * factor
        said += f", off the reference by {number(error)} {context.units}"
    return f"{said}."


def strongest_pull(state: MoleculeState, gradient: np.ndarray) -> str:
    """Which block of atoms the error pulls at most, as a sentence."""
    n, first = state.structure.n_atoms, state.layout.offsets
    blocks = np.array(
        [
            [np.linalg.norm(gradient[first[a] : first[a + 1], first[b] : first[b + 1]]) for b in range(n)]
            for a in range(n)
        ]
    )
    a, b = np.unravel_index(blocks.argmax(), blocks.shape)
    names = [f"{state.structure.symbols[k]}{k + 1}" for k in sorted({int(a), int(b)})]
    where = (
        f"the block {names[0]} – {names[1]}" if len(names) == 2 else f"the block of {names[0]} with itself"
    )
    return f"The error pulls most at {where}."
