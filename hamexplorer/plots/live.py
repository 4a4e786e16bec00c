"""A plot that lives on a page: one widget, drawn anew in place whenever something changes.

plotly's own FigureWidget is not used. Each of its instances sends 5 MB of JavaScript; its browser side
forgets updates that arrive before it is shown; and it cannot change the number of traces in place. Here the
library is sent once a kernel, the widget's state is the whole figure at any time, so that whoever connects
late sees everything, and `Plotly.react` redraws it, which keeps the reader's zoom (``uirevision``).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import plotly.graph_objects as go
import traitlets
from plotly.offline import get_plotlyjs

from hamexplorer.plots import theme
from hamexplorer.plots.plot import PLOTS, PlotContext

_LIBRARY = """const module = {{exports: {{}}}};
{source}
const slot = (globalThis.hamexplorerPlotly ??= {{}});
slot.resolve ? slot.resolve(module.exports) : (slot.promise ??= Promise.resolve(module.exports));
export default {{}};
"""


class _Library(anywidget.AnyWidget):
    """Carries plotly.js to the browser; has no view."""

    _esm = _LIBRARY.format(source=get_plotlyjs())


class PlotWidget(anywidget.AnyWidget):
    """A figure on a page. Its state (``_widget_data``, ``_widget_layout``) is complete at any time.

    Plots with the same ``link`` show the same k-point: what is under the pointer in one is marked in the others, by the
    browser alone. Python is told as well: ``hovered`` and ``clicked`` are {"place", "band", "set"} of the point under
    the pointer and of the one clicked last, or None.
    """

    # One module: a widget's JavaScript travels as one text, and the second half of it is worth a file of its own.
    _esm = "\n".join((Path(__file__).parent / file).read_text("utf-8") for file in ("save.js", "live.js"))
    _css = Path(__file__).parent / "live.css"
    _widget_data: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _widget_layout = traitlets.Dict().tag(sync=True)
    _config = traitlets.Dict(theme.CONFIG).tag(sync=True)
    link = traitlets.Unicode("").tag(sync=True)
    name = traitlets.Unicode("", help="of the plot, for its files; empty for no buttons").tag(sync=True)
    # Not synced: the browser sends messages, since saving its state would send the whole figure back.
    hovered = traitlets.Instance(dict, allow_none=True)
    clicked = traitlets.Instance(dict, allow_none=True)
    in_sight = traitlets.Bool(True, help="whether a browser shows it; true while none has said anything")

    _library: _Library | None = None

    def __init__(self, figure: go.Figure, name: str = "") -> None:
        if PlotWidget._library is None or PlotWidget._library.comm is None:
            PlotWidget._library = _Library()
        whole = _plain(figure)
        self.figure = figure
        self._views: dict[str, bool] = {}
        super().__init__(_widget_data=whole["data"], _widget_layout=whole["layout"], name=name)
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if message == {"save": "html"}:
            page = self.figure.to_html(include_plotlyjs=True, config=theme.CONFIG)
            self.send({"file": "html"}, buffers=[page.encode()])
        if isinstance(message, dict) and "seen" in message:
            self._seen(str(message.get("view")), message["seen"])
        for name in ("hovered", "clicked"):
            if isinstance(message, dict) and name in message:
                setattr(self, name, message[name])

    def _seen(self, view: str, seen: bool | None) -> None:
        """A view came into sight, went out of it, or (None) is no more."""
        self._views[view] = bool(seen)
        if seen is None:
            del self._views[view]
        self.in_sight = any(self._views.values()) or not self._views

    def draw(self, figure: go.Figure) -> None:
        """Show another figure in the same place.

        Only what differs is sent. The traits are changed in place, which sends nothing, so that a browser
        that connects later reads the figure as it is then.
        """
        whole, self.figure = _plain(figure), figure
        data, layout = whole["data"], whole["layout"]
        message: dict[str, Any] = {}
        if [trace["type"] for trace in data] != [trace["type"] for trace in self._widget_data]:
            message["data"] = data
        else:
            changes = [_difference(old, new) for old, new in zip(self._widget_data, data, strict=True)]
            if any(changes):
                message["changes"] = changes
        if layout != self._widget_layout:
            message["layout"] = layout
        self._widget_data[:] = data
        self._widget_layout.clear()
        self._widget_layout.update(layout)
        if message:
            self.send(message)


def _plain(figure: go.Figure) -> dict[str, Any]:
    """The figure without a NumPy object in it, so that parts of it can be compared and sent."""
    plain: dict[str, Any] = json.loads(figure.to_json(validate=False))
    return plain


def _difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """What to assign to the keys of ``old`` to make it ``new``; None removes a key."""
    changed = {key: value for key, value in new.items() if key not in old or old[key] != value}
    return changed | {key: None for key in old if key not in new}


class LivePlot:
    """One entry of :data:`PLOTS` on a page.

    Whoever updates it may leave that be while its widget is not ``in_sight``, and catch up when it is.
    """

    def __init__(self, name: str, context: PlotContext | None = None) -> None:
        self.name = name
        self._plot = PLOTS[name]
        self._callbacks: list[Callable[[int], None]] = []
        self.widget = PlotWidget(self.figure(context or PlotContext()), self._plot.label)
        if self._plot.gathers:
            self.widget._config = theme.GATHERING
        self._gather: list[Callable[[list[int]], None]] = []
        self._choices: dict[str, list[Callable[[Any], None]]] = {}
        self.widget.on_msg(self._receive)

    def update(self, context: PlotContext) -> None:
        """Draw the plot for this context, or the sentence why it cannot be drawn."""
        self.widget.draw(self.figure(context))

    def on_pick(self, callback: Callable[[int], None]) -> None:
        """Call ``callback`` with the index of the structure whose point is clicked."""
        self._callbacks.append(callback)

    def on_choose(self, what: str, callback: Callable[[Any], None]) -> None:
        """Call ``callback`` with what a clicked point stands for, in traces whose meta says ``{"choose": what}``."""
        self._choices.setdefault(what, []).append(callback)

    def on_gather(self, callback: Callable[[list[int]], None]) -> None:
        """Call ``callback`` with the indices of the structures whose points were gathered; none ends it."""
        self._gather.append(callback)

    def figure(self, context: PlotContext) -> go.Figure:
        """The plot for this context, or a figure with the sentence why it cannot be drawn."""
        reason = self._plot.unavailable(context)
        return theme.sentence(context.palette, reason) if reason else self._plot.figure(context)

    def _receive(self, _widget: Any, message: Any, _buffers: Any) -> None:
        picked = message.get("picked") if isinstance(message, dict) else None
        if isinstance(picked, int):
            for callback in self._callbacks:
                callback(picked)
        gathered = message.get("gathered") if isinstance(message, dict) else None
        if isinstance(gathered, list):
            for gather in self._gather:
                gather([int(index) for index in gathered])
        chosen = message.get("chosen") if isinstance(message, dict) else None
        if isinstance(chosen, dict):
            for callback in self._choices.get(str(chosen.get("what")), ()):
                callback(chosen.get("value"))
