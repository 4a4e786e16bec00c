"""What scenes of orbitals are made of: atoms as balls and sticks, and lobes."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from ase.data import chemical_symbols, covalent_radii
from ase.data.colors import jmol_colors

from hamexplorer.plots.plot import PlotContext
from hamexplorer.units import BOHR_ANGSTROM

#: Atoms closer than this many sums of their covalent radii are drawn bonded.
_BONDED = 1.2


def balls_and_sticks(
    numbers: np.ndarray,
    seen: np.ndarray,
    scene: str,
    context: PlotContext,
    *,
    atom: np.ndarray | None = None,
    scale: float = 1.0,
    size: float = 6,
) -> list[go.Scatter3d]:
    """Atoms and bonds.

    Args:
        numbers: atomic numbers, shape (n,).
        seen: places as they are seen, bohr, shape (n, 3).
        scene: of the figure.
        atom: which atom of the structure each is, for copies of a cell; 0, 1, … if None.
        scale: units of the scene in a bohr.
        size: of a ball, pixels.
    """
    atom = np.arange(len(numbers)) if atom is None else atom
    distance = np.linalg.norm(seen[:, None] - seen, axis=2)
    reach = _BONDED * (covalent_radii[numbers][:, None] + covalent_radii[numbers]) / BOHR_ANGSTROM
    ends = np.argwhere(np.triu(distance < reach, 1))
    rows = [row for i, j in ends for row in (seen[i], seen[j], np.full(3, np.nan))]
    sticks = scale * np.array(rows).reshape(-1, 3)
    colours = ["#{:02x}{:02x}{:02x}".format(*(int(255 * c) for c in jmol_colors[z])) for z in numbers]
    labels = [f"{chemical_symbols[z]}{k + 1}" for z, k in zip(numbers, atom.tolist(), strict=True)]
    ball: dict[str, Any] = {
        "size": size,
        "color": colours,
        "line": {"color": context.palette.muted, "width": 1},
    }
    return [
        go.Scatter3d(
            **_axes(sticks),
            mode="lines",
            line={"color": context.palette.muted, "width": 4},
            hoverinfo="skip",
            connectgaps=False,
            scene=scene,
        ),
        go.Scatter3d(
            **_axes(scale * seen),
            mode="markers",
            marker=ball,
            text=labels,
            hovertemplate="%{text}<extra></extra>",
            scene=scene,
        ),
    ]


def lobe(seen: np.ndarray, faces: np.ndarray, colour: str, name: str, scene: str) -> go.Mesh3d:
    """A surface; its points' type is that of the message, its corners' as small as they fit."""
    kind = np.uint16 if len(seen) < 2**16 else np.int32
    i, j, k = faces.astype(kind).T
    return go.Mesh3d(
        **_axes(seen),
        i=i,
        j=j,
        k=k,
        color=colour,
        # Not transparent: plotly paints such surfaces one after the other, and the last would lie in front.
        flatshading=False,
        lighting={"ambient": 0.7, "diffuse": 0.7, "specular": 0.2},
        name=name,
        hoverinfo="skip",
        scene=scene,
    )


def _axes(points: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip("xyz", np.ascontiguousarray(points.T), strict=True))
