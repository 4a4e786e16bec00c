"""Colours, font and frame of every plot, light and dark, defined once.

The colours are those of Okabe & Ito (2008), which people with any colour vision tell apart; on dark pages the
lighter members of the set stand in. Train, validation and test also differ by their marker.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

FONT = "system-ui, -apple-system, BlinkMacSystemFont, 'Segoe UI', Helvetica, Arial, sans-serif"

#: Options of plotly.js: no logo, one button (a picture) under the pointer; live.js does the double click.
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage"]],
    "doubleClick": False,
}

#: The same with a lasso and a frame to gather points, and the zoom to go back to.
GATHERING: dict[str, Any] = CONFIG | {"modeBarButtons": [["zoom2d", "lasso2d", "select2d", "toImage"]]}

#: One line above the plot, or as many as it takes on a phone.
LEGEND: dict[str, Any] = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1,
    "yanchor": "bottom",
    "font": {"size": 12},
    "itemwidth": 30,
}

SYMBOLS: dict[str, str] = {"train": "circle", "validation": "diamond", "test": "square"}
#: Of other runs, one after the other.
OTHER_SYMBOLS = ("star", "cross", "triangle-up", "hexagram")


@dataclass(frozen=True)
class Palette:
    """The colours of one theme; names say what a colour means, ``series`` tells any kinds apart."""

    text: str
    muted: str
    grid: str
    line: str
    hover: str
    train: str
    validation: str
    test: str
    raw: str
    learned: str
    reference: str
    picked: str
    better: str
    worse: str
    series: tuple[str, ...]


LIGHT = Palette(
    text="#212121",
    muted="#616161",
    grid="#ECECEC",
    line="#BDBDBD",
    hover="#FFFFFF",
    train="#0072B2",
    validation="#D55E00",
    test="#009E73",
    raw="#A6A6A6",
    learned="#0072B2",
    reference="#212121",
    picked="#CC79A7",
    better="#0072B2",
    worse="#D55E00",
    series=("#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9"),
)
DARK = Palette(
    text="#E6E6E6",
    muted="#A8A8A8",
    grid="#2E2E2E",
    line="#5A5A5A",
    hover="#1E1E1E",
    train="#56B4E9",
    validation="#E69F00",
    test="#2CC295",
    raw="#7C7C7C",
    learned="#56B4E9",
    reference="#F0F0F0",
    picked="#F0A6CB",
    better="#56B4E9",
    worse="#E69F00",
    series=("#E69F00", "#2CC295", "#F0A6CB", "#E5763A", "#F0E442"),
)


def of_other(place: int, palette: Palette) -> tuple[str, str]:
    """Colour and marker of the other run at a place in the list."""
    return palette.series[place % len(palette.series)], OTHER_SYMBOLS[place % len(OTHER_SYMBOLS)]


def _template(colours: Palette) -> go.layout.Template:
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.line,
        "tickcolor": colours.line,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 12}},
        "tickfont": {"color": colours.muted, "size": 11},
        "minor": {"showgrid": False},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 12, "color": colours.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [colours.train, colours.validation, colours.test, colours.raw, colours.picked],
            "hoverlabel": {
                "bgcolor": colours.hover,
                "bordercolor": colours.line,
                "font": {"color": colours.text, "size": 12},
                "align": "left",
            },
            "hovermode": "closest",
            "xaxis": axis,
            "yaxis": axis,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colours.line, "activecolor": colours.text},
            "annotationdefaults": {"font": {"color": colours.text, "size": 12}, "showarrow": False},
        }
    )


_TEMPLATES = {LIGHT: _template(LIGHT), DARK: _template(DARK)}


def frame(colours: Palette, *, height: int, **layout: Any) -> go.Layout:
    """The layout that all plots share; keyword arguments add to it.

    Zoom and hidden legend entries survive every update until ``uirevision`` changes: give one only where the
    axes get another meaning.
    """
    base: dict[str, Any] = {
        "template": _TEMPLATES[colours],
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 34, "b": 8},
        "uirevision": "keep",
        "legend": LEGEND,
    }
    base.update(layout)
    return go.Layout(base)


def note(text: str, *, x: float, y: float, **options: Any) -> dict[str, Any]:
    """A text at a place given in fractions of the plot, unless the options say otherwise."""
    return {"text": text, "x": x, "y": y, "xref": "paper", "yref": "paper"} | options


def plain(text: str) -> str:
    """A text from a file as plotly shows it letter by letter: it takes some tags, links among them, for its own."""
    return escape(text, quote=False)


def faded(color: str, opacity: float) -> str:
    """A ``#rrggbb`` color made translucent, in a form that legends show as well."""
    channels = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({','.join(map(str, channels))},{opacity:g})"


def sentence(colours: Palette, text: str, *, height: int = 220) -> go.Figure:
    """An empty figure that says why there is nothing to see."""
    said = note(_wrapped(plain(text)), x=0.5, y=0.5, font={"size": 14, "color": colours.muted})
    hidden = {"visible": False}
    return go.Figure(layout=frame(colours, height=height, annotations=[said], xaxis=hidden, yaxis=hidden))


def _wrapped(text: str, width: int = 44) -> str:
    """Lines short enough for a phone, joined with HTML breaks."""
    return "<br>".join(textwrap.wrap(text, width))
