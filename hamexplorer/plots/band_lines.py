"""Traces of the bands: lines, and marks as wide as a group of orbitals has a share in the state."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots.band_view import BandView, line_of
from hamexplorer.plots.crystals import set_name
from hamexplorer.plots.dos import group_shares
from hamexplorer.plots.gaps import Gap
from hamexplorer.train.bands import BandSet
from hamexplorer.units import HARTREE_EV

#: How far above the window empty bands are drawn, and their marks, Ha.
BEYOND, MARKS_BEYOND = 15 / HARTREE_EV, 5 / HARTREE_EV
#: Shares below this get no mark; pixels of a mark of share 0 and 1; no more marks than this are drawn.
LEAST_SHARE, SMALLEST, LARGEST, MOST_MARKS = 0.05, 2.0, 13.0, 1500


def band_lines(view: BandView) -> list[go.Scatter]:
    """All bands of a set as one line, which ends where the path jumps and after each band."""
    return [_line(view, name, each) for name, each in view.sets.items()]


def _line(view: BandView, name: str, each: BandSet) -> go.Scatter:
    context, starts = view.context, list(view.bands.path.starts[1:])
    energy = each.path_energy - view.zeros[name]
    kept = _kept(view, energy)
    n_points = len(view.along)
    x = np.append(np.insert(view.along, starts, np.nan), np.nan)
    y = np.vstack([np.insert(energy[:, kept], starts, np.nan, axis=0), np.full((1, len(kept)), np.nan)])
    place = np.append(np.insert(np.arange(n_points), starts, -1), -1)
    numbers = np.repeat(kept + 1, len(place))
    gap = Gap.of(each, view.bands.path).short(context.energy_factor, context.units, context.energy_digits)
    label = set_name(name, context)
    return go.Scatter(
        uid=f"bands {name}",
        x=np.tile(x, len(kept)).astype(np.float32),
        y=(y.T.ravel() * context.energy_factor).astype(np.float32),
        customdata=np.stack([np.tile(place, len(kept)), numbers], axis=1).astype(np.int16),
        meta={"link": "points", "set": name},
        name=f"{label}: {gap}" if gap else label,
        legendgroup=name,
        mode="lines",
        connectgaps=False,
        line=line_of(name, context),
        hovertemplate=f"<b>{label}</b> · band %{{customdata[1]}}<br>%{{y:.3f}} {context.units}<extra></extra>",
    )


def _kept(view: BandView, energy: np.ndarray) -> np.ndarray:
    """Places of the bands that are drawn: all but those far above."""
    return np.flatnonzero(energy.min(axis=0) < view.window[1] + BEYOND)


def fat_bands(view: BandView) -> list[go.Scatter]:
    """Marks on the bands of the set with orbitals, as wide as a group's share in the state."""
    if not view.groups:
        return []
    each = view.sets[view.shown_in]
    assert each.path_character is not None
    energy = each.path_energy - view.zeros[view.shown_in]
    low, high = view.window
    share = group_shares(each.path_character, view.groups)
    seen = (share > LEAST_SHARE) & ((energy > low) & (energy < high + MARKS_BEYOND))[:, :, None]
    every = max(1, -(-int(seen.sum()) // MOST_MARKS))
    seen[np.arange(len(energy)) % every > 0] = False
    traces = []
    for place, group in enumerate(view.groups):
        at, band = np.nonzero(seen[:, :, place])
        size = SMALLEST + (LARGEST - SMALLEST) * np.clip(share[at, band, place], 0, 1)
        marker = {
            "color": view.group_colour(place),
            "size": size.astype(np.float32),
            "line": {"width": 0},
        }
        traces.append(
            go.Scatter(
                uid=f"fat {place}",
                x=view.along[at].astype(np.float32),
                y=(energy[at, band] * view.context.energy_factor).astype(np.float32),
                name=view.group_name(group),
                legendgroup=f"group {group}",
                mode="markers",
                marker=marker | {"opacity": 0.45, "sizemode": "diameter"},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    return traces
