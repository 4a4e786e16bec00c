"""First Brillouin zone of the picked crystal, with the path of its bands."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer.plots import theme
from hamexplorer.plots.crystals import band_structure, missing
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext
from hamexplorer.plots.wigner_seitz import wigner_seitz
from hamexplorer.train.bands import BandStructure

HEIGHT = 340
#: How large a body appears: 1 leaves room for every way to turn it.
LARGE = 1.4
_SUBSCRIPTS = "₁₂₃"


@PLOTS.register("zone")
class Zone(Plot):
    """A body that can be turned, of a layer a polygon, of a chain a segment; marks the k-point under the pointer."""

    label = "Brillouin zone"
    help = "Where in reciprocal space the bands are shown: the path, its corners, and the reciprocal vectors."

    def unavailable(self, context: PlotContext) -> str:
        return missing(context)

    def figure(self, context: PlotContext) -> go.Figure:
        bands = band_structure(context)
        assert bands is not None
        drawn = _Drawing(context, bands)
        return go.Figure(drawn.traces(), drawn.layout())


def zone_vectors(cell: np.ndarray, pbc: tuple[bool, bool, bool]) -> np.ndarray:
    """Reciprocal vectors within the space that the repeating vectors span, rows, 1/bohr, shape (d, 3)."""
    return 2 * np.pi * np.linalg.pinv(np.asarray(cell)[list(pbc)]).T


class _Drawing:
    """A zone in two or three coordinates; lists, not arrays, since the browser looks a point's place up in them."""

    def __init__(self, context: PlotContext, bands: BandStructure) -> None:
        self.context, self.path = context, bands.path
        pbc = bands.structure.pbc
        assert bands.structure.cell is not None
        vectors = zone_vectors(bands.structure.cell, pbc)
        corners, self.faces = wigner_seitz(vectors)
        self.flat = len(vectors) < 3
        # Onto the paper: b1 to the right, the normal towards the reader.
        turn = np.eye(3) if not self.flat else frame_of(vectors)
        self.vectors, self.corners = vectors @ turn, corners @ turn
        self.points = bands.path.points[:, list(pbc)] @ self.vectors
        self.labels = [f"b{_SUBSCRIPTS[k]}" for k in np.flatnonzero(pbc)]

    def traces(self) -> list[go.Scatter | go.Scatter3d | go.Mesh3d]:
        return [
            self._faces(),
            self._edges(),
            *self._reciprocal(),
            self._path(),
            self._special(),
            *self._chosen(),
            self._mark(),
        ]

    def _at(self, points: np.ndarray) -> dict[str, list[Any]]:
        """Coordinates of points; NaN rows are gaps."""
        axes = "xy" if self.flat else "xyz"
        return {
            axis: [None if np.isnan(value) else round(float(value), 5) for value in points[:, k]]
            for k, axis in enumerate(axes)
        }

    def _line(self, points: np.ndarray, **style: Any) -> go.Scatter | go.Scatter3d:
        kind = go.Scatter if self.flat else go.Scatter3d
        return kind(
            **({"mode": "lines", "hoverinfo": "skip", "connectgaps": False} | self._at(points) | style)
        )

    def _faces(self) -> go.Scatter | go.Mesh3d:
        colour = self.context.palette.learned
        if self.flat:
            ring = self.corners[[*self.faces[0], self.faces[0][0]]]
            return self._line(
                ring, name="zone", fill="toself", fillcolor=theme.faded(colour, 0.08), line={"width": 0}
            )
        # Each face as a fan of triangles.
        i, j, k = np.array([(f[0], a, b) for f in self.faces for a, b in itertools.pairwise(f[1:])]).T
        return go.Mesh3d(
            **self._at(self.corners),
            i=i.tolist(),
            j=j.tolist(),
            k=k.tolist(),
            name="zone",
            color=colour,
            opacity=0.08,
            flatshading=True,
            hoverinfo="skip",
        )

    def _edges(self) -> go.Scatter | go.Scatter3d:
        gap = np.full((1, 3), np.nan)
        rings = [np.vstack([self.corners[[*face, face[0]]], gap]) for face in self.faces]
        line = {"color": self.context.palette.muted, "width": 1.5}
        return self._line(np.vstack(rings), name="edges", line=line)

    def _reciprocal(self) -> list[go.Scatter | go.Scatter3d]:
        """Vectors from Γ, and the labels of their ends."""
        rows = [row for vector in self.vectors for row in (np.zeros(3), vector, np.full(3, np.nan))]
        colour = self.context.palette.muted
        line = {"color": colour, "width": 1.5, "dash": "dash"}
        font = {"color": colour, "size": 12}
        return [
            self._line(np.array(rows), name="reciprocal vectors", line=line),
            self._line(
                self.vectors,
                name="their labels",
                mode="text",
                text=self.labels,
                textposition="top center",
                textfont=font,
            ),
        ]

    def _path(self) -> go.Scatter | go.Scatter3d:
        """The path, broken where it jumps; every point knows its place, by which the band plot finds it."""
        starts = list(self.path.starts[1:])
        place = np.insert(np.arange(len(self.points)), starts, -1).tolist()
        fractions = [f"k = ({', '.join(f'{x:.3g}' for x in np.round(k, 4) + 0.0)})" for k in self.path.points]
        return self._line(
            np.insert(self.points, starts, np.nan, axis=0),
            name="path",
            customdata=place,
            meta={"link": "places"},
            text=["" if k < 0 else fractions[k] for k in place],
            hoverinfo="text",
            line={"color": self.context.palette.validation, "width": 3 if self.flat else 5},
        )

    def _special(self) -> go.Scatter | go.Scatter3d:
        """The corners of the path, each label once at each place."""
        found = {(label, *np.round(self.points[place], 4) + 0.0): place for place, label in self.path.corners}
        return self._line(
            self.points[list(found.values())],
            name="points of high symmetry",
            mode="markers+text",
            text=[label for label, *_ in found],
            textposition="top right" if self.flat else "top center",
            textfont={"color": self.context.palette.text, "size": 14},
            marker={"color": self.context.palette.text, "size": 6 if self.flat else 4},
        )

    def _chosen(self) -> list[go.Scatter | go.Scatter3d]:
        """The k-point whose orbital is shown."""
        chosen = self.context.crystal
        if chosen is None or chosen.place >= len(self.points):
            return []
        marker = {
            "symbol": "circle-open",
            "color": self.context.palette.picked,
            "size": 15 if self.flat else 10,
        }
        return [
            self._line(
                self.points[[chosen.place]],
                name="chosen k",
                mode="markers",
                marker=marker | {"line": {"color": self.context.palette.picked, "width": 3}},
            )
        ]

    def _mark(self) -> go.Scatter | go.Scatter3d:
        """Where the browser shows the k-point under the pointer; empty until then."""
        marker = {"color": self.context.palette.picked, "size": 13 if self.flat else 9}
        return self._line(
            np.full((1, 3), np.nan),
            name="k",
            meta={"link": "mark"},
            mode="markers",
            marker=marker | {"line": {"color": self.context.palette.text, "width": 1}},
        )

    def layout(self) -> go.Layout:
        hidden = {"visible": False}
        limits = self._limits()
        if self.flat:
            x, y = limits
            axes: dict[str, Any] = {
                "xaxis": hidden | {"range": x, "fixedrange": True},
                "yaxis": hidden | {"range": y, "fixedrange": True, "scaleanchor": "x"},
            }
        else:
            lengths = np.diff(limits, axis=1)[:, 0]
            ratio = LARGE * lengths / lengths.max()
            scene: dict[str, Any] = {
                f"{axis}axis": hidden | {"range": limits[k]} for k, axis in enumerate("xyz")
            }
            camera = {"eye": {"x": 1.25, "y": 0.75, "z": 0.45}, "projection": {"type": "orthographic"}}
            scene |= {"aspectmode": "manual", "dragmode": "orbit", "camera": camera}
            axes = {"scene": scene | {"aspectratio": dict(zip("xyz", ratio.tolist(), strict=True))}}
        return theme.frame(
            self.context.palette,
            height=HEIGHT,
            showlegend=False,
            margin={"l": 0, "r": 0, "t": 8, "b": 24},
            uirevision="zone",
            # The browser writes the k-point under the pointer here.
            annotations=[theme.note("", x=0.5, y=0, yanchor="top")],
            **axes,
        )

    def _limits(self) -> list[list[float]]:
        """What to show: all of it, in a flat zone with room for labels."""
        everything = np.vstack([self.corners, self.vectors, self.points])[:, : 2 if self.flat else 3]
        low, high = everything.min(axis=0), everything.max(axis=0)
        margin = (0.12 if self.flat else 0.02) * float((high - low).max())
        return [[float(a - margin), float(b + margin)] for a, b in zip(low, high, strict=True)]


def frame_of(vectors: np.ndarray) -> np.ndarray:
    """Of one or two vectors, as columns: b1's direction, at right angles to it in the plane of both, and the normal."""
    right = vectors[0] / np.linalg.norm(vectors[0])
    other = vectors[-1] if len(vectors) > 1 else np.eye(3)[np.argmin(np.abs(right))]
    up = other - right * (right @ other)
    up /= np.linalg.norm(up)
    return np.stack([right, up, np.cross(right, up)], axis=1)
