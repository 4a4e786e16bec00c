"""Spectra of the picked molecule: its levels as a density, photoelectrons, and light absorbed."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.physics.spectra import Transitions, broadened, independent_transitions
from hamexplorer.plots import theme
from hamexplorer.plots.columns import CORE_BELOW, level_name
from hamexplorer.plots.orbital import label_of
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext, state_missing
from hamexplorer.train.molecule_state import MoleculeState, OrbitalSet
from hamexplorer.units import HARTREE_EV

#: What can be shown, and its name in the menu.
SPECTRA = {
    "density": "density of states",
    "photoelectron": "photoelectrons",
    "absorption": "absorption, independent particles",
    "tamm_dancoff": "absorption, Tamm-Dancoff",
}
#: Kinds whose lines are transitions.
ABSORBS = ("absorption", "tamm_dancoff")
_HEIGHT, _POINTS = 460, 700
#: Of what is shown at first, Ha: empty levels above the HOMO, and the dearest excitations.
_ABOVE, _DEAREST = 0.6, 0.9
#: Transitions weaker than this are no line that anybody sees.
WEAKEST = 1e-3


@PLOTS.register("spectrum")
class Spectrum(Plot):
    """Curves of small basis, learned and reference; lines of the learned one that can be clicked."""

    label = "Spectrum"
    help = (
        "Each level or transition is a line, drawn as wide as you choose. Photoelectrons: an electron needs as much "
        "energy to leave as its level lies below zero. Absorption: light lifts an electron to an empty orbital; click "
        "a line to see the two orbitals. Independent particles leave out that the electron is held back by the hole."
    )

    def unavailable(self, context: PlotContext) -> str:
        reason = state_missing(context)
        if reason:
            return reason
        if context.spectrum == "tamm_dancoff" and not context.excitations:
            return "The excitations are being worked out: a few seconds for a small molecule."
        assert context.state is not None
        if context.spectrum in ABSORBS and context.state.n_occ >= context.state.layout.n_ao:
            return "This molecule has no empty orbital in the small basis: nothing can be excited."
        return ""

    def figure(self, context: PlotContext) -> go.Figure:
        if context.spectrum in ABSORBS:
            return _absorption(context)
        return _levels(context)


def transitions(context: PlotContext) -> dict[str, Transitions]:
    """Excitations of every set whose empty orbitals mean something; the reference's are not in the data set."""
    state = context.state
    assert state is not None
    if context.spectrum == "tamm_dancoff":
        return dict(context.excitations)
    return {name: _independent(state, state.sets[name]) for name in ("raw", "learned") if name in state.sets}


@functools.lru_cache(maxsize=16)
def _of_orbitals(structure: Any, basis: str, orbitals: OrbitalSet, n_occ: int) -> Transitions:
    state = MoleculeState(structure, basis, n_occ, {"": orbitals})
    coeff = state.orthogonaliser @ orbitals.coeff
    return independent_transitions(structure, basis, orbitals.energy, coeff, n_occ)


def _independent(state: MoleculeState, orbitals: OrbitalSet) -> Transitions:
    return _of_orbitals(state.structure, state.basis, orbitals, state.n_occ)


def listed(found: Transitions, most: int = 12) -> np.ndarray:
    """Indices of the strongest transitions, the cheapest first."""
    seen = np.flatnonzero(found.strength > WEAKEST)
    return np.sort(seen[np.argsort(found.strength[seen])[::-1][:most]])


def name_of(found: Transitions, index: int, n_occ: int) -> str:
    """`HOMO−1 → LUMO`, of a mixture with the share of that pair."""
    ends = (level_name(int(k[index]), n_occ).partition(",")[0] for k in (found.occupied, found.empty))
    share = found.share[index]
    return " → ".join(ends) + (f" ({share:.0%})" if share < 0.995 else "")


def _energies(context: PlotContext) -> dict[str, np.ndarray]:
    """Levels of every set, Ha; the reference's are those of the large basis itself where they are known."""
    state = context.state
    assert state is not None
    found = {name: orbitals.energy for name, orbitals in state.sets.items()}
    if state.large_energy is not None:
        found["reference"] = np.asarray(state.large_energy)
    return found


def _levels(context: PlotContext) -> go.Figure:
    state = context.state
    assert state is not None
    electrons = context.spectrum == "photoelectron"
    factor, width = context.energy_factor, context.spectrum_eV / HARTREE_EV
    sets = _energies(context)
    valence = np.concatenate([e[: state.n_occ][e[: state.n_occ] > CORE_BELOW] for e in sets.values()])
    homo = max(e[state.n_occ - 1] for e in sets.values())
    low, high = float(valence.min()) - 0.1, float(homo) + (0.15 if electrons else _ABOVE)
    at = np.linspace(low, high, _POINTS)
    x = (-at if electrons else at) * factor
    traces = []
    for name, energy in sets.items():
        shown = energy[: state.n_occ] if electrons else energy
        y = broadened(shown, np.ones(len(shown)), at, width) / factor
        traces.append(_curve(x, y, name, context))
    for place, other in enumerate(context.others):
        levels = other.levels_of(state.structure)
        if levels is not None:
            shown = levels[: state.n_occ] if electrons else levels
            line = {"color": theme.of_other(place, context.palette)[0], "width": 1.2, "dash": "dot"}
            y = broadened(shown, np.ones(len(shown)), at, width) / factor
            traces.append(go.Scatter(x=x, y=y, name=other.label, mode="lines", line=line, hoverinfo="name"))
    if not electrons and "learned" in state.sets:
        traces += _shares(state, at, x, width, context)
    if electrons and "learned" in sets:
        traces.append(_photo_lines(sets["learned"], state, context, max(t.y.max() for t in traces)))
    title = "ionization energy" if electrons else "orbital energy"
    per = "electrons" if electrons else "states"
    return go.Figure(traces, _layout(context, f"{title} ({context.units})", f"{per} per {context.units}", x))


def _shares(
    state: MoleculeState, at: np.ndarray, x: np.ndarray, width: float, context: PlotContext
) -> list[go.Scatter]:
    """How much of the learned density lies on each element (Löwdin populations)."""
    learned = state.sets["learned"]
    numbers = state.structure.numbers[state.layout.atom_of_ao.astype(int)]
    symbols = dict(zip(state.structure.numbers.tolist(), state.structure.symbols, strict=True))
    traces = []
    for place, (z, symbol) in enumerate(sorted(symbols.items())):
        weight = (learned.coeff[numbers == z] ** 2).sum(0)
        y = broadened(learned.energy, weight, at, width) / context.energy_factor
        # Not the colours of other runs.
        colour, _ = theme.of_other(len(context.others) + place, context.palette)
        line = {"color": colour, "width": 1.4, "dash": ("dash", "dot", "dashdot")[place % 3]}
        traces.append(_line(x, y, f"learned, on {symbol}", line, context))
    return traces


def _photo_lines(energy: np.ndarray, state: MoleculeState, context: PlotContext, top: float) -> go.Scatter:
    """Where each electron comes from; a click shows its orbital."""
    occupied = energy[: state.n_occ]
    return go.Scatter(
        x=-occupied * context.energy_factor,
        y=np.full(len(occupied), 0.03 * top),
        mode="markers",
        name="learned levels",
        showlegend=False,
        marker={"symbol": "line-ns-open", "size": 14, "color": context.palette.learned},
        customdata=[index - state.n_occ + 1 for index in range(state.n_occ)],
        meta={"choose": "orbital"},
        text=[level_name(index, state.n_occ) for index in range(state.n_occ)],
        hovertemplate=f"%{{text}}<br>%{{x:.2f}} {context.units}<extra></extra>",
    )


def _absorption(context: PlotContext) -> go.Figure:
    state = context.state
    assert state is not None
    factor, width = context.energy_factor, context.spectrum_eV / HARTREE_EV
    found = transitions(context)
    cheapest = min(float(each.energy[0]) for each in found.values())
    dearest = max(_DEAREST, cheapest + 0.3)
    if context.spectrum == "tamm_dancoff":
        dearest = max(float(each.energy[-1]) for each in found.values()) + 3 * width
    at = np.linspace(max(0.0, cheapest - 4 * width), dearest, _POINTS)
    traces = [
        _curve(at * factor, broadened(each.energy, each.strength, at, width) / factor, name, context)
        for name, each in found.items()
    ]
    if "learned" in found:
        learned = traces[list(found).index("learned")]
        traces += _sticks(found["learned"], dearest, state, context, float(np.max(learned.y)))
    layout = _layout(
        context, f"photon energy ({context.units})", f"oscillator strength per {context.units}", at * factor
    )
    return go.Figure(traces, layout)


def _sticks(
    found: Transitions, dearest: float, state: MoleculeState, context: PlotContext, top: float
) -> list[go.Scatter]:
    """The learned transitions as lines, as high as they are strong, the strongest as high as their curve."""
    seen = np.flatnonzero((found.strength > WEAKEST) & (found.energy < dearest))
    x = found.energy[seen] * context.energy_factor
    y = found.strength[seen] / max(float(found.strength[seen].max()), 1e-12) * top if len(seen) else x
    stems = np.column_stack([x, x, np.full(len(x), np.nan)]).ravel()
    heights = np.column_stack([np.zeros(len(x)), y, np.full(len(x), np.nan)]).ravel()
    line = {"color": context.palette.learned, "width": 1}
    text = [f"{name_of(found, int(k), state.n_occ)}<br>f = {found.strength[k]:.3f}" for k in seen]
    pairs = [[int(found.occupied[k]), int(found.empty[k])] for k in seen]
    return [
        go.Scatter(x=stems, y=heights, mode="lines", line=line, hoverinfo="skip", showlegend=False),
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            name="learned transitions",
            showlegend=False,
            marker={"size": 7, "color": context.palette.learned},
            text=text,
            customdata=pairs,
            meta={"choose": "transition"},
            hovertemplate=f"%{{text}}<br>%{{x:.2f}} {context.units}<extra></extra>",
        ),
    ]


def _curve(x: np.ndarray, y: np.ndarray, name: str, context: PlotContext) -> go.Scatter:
    colour = getattr(context.palette, name)
    line = {"color": colour, "width": 2.2 if name == "learned" else 1.6}
    if name == "raw":
        line["dash"] = "dash"
    return _line(x, y, label_of(name, context), line, context)


def _line(x: np.ndarray, y: np.ndarray, name: str, line: dict[str, Any], context: PlotContext) -> go.Scatter:
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines",
        line=line,
        hovertemplate=f"{name}<br>%{{x:.2f}} {context.units}: %{{y:.3g}}<extra></extra>",
    )


def _layout(context: PlotContext, x: str, y: str, places: np.ndarray) -> go.Layout:
    assert context.state is not None
    return theme.frame(
        context.palette,
        height=_HEIGHT,
        uirevision=f"{context.spectrum} {context.units} {context.state.structure.key}",
        xaxis={"title": {"text": x}, "range": [float(places.min()), float(places.max())]},
        yaxis={"title": {"text": y}, "rangemode": "tozero"},
    )
