"""Pure functions from training results to plotly figures, one file a plot, and their live display.

Nothing here needs a running kernel; only :mod:`hamexplorer.plots.live` talks to a browser.
"""

from __future__ import annotations

from hamexplorer._plugins import load_plugins
from hamexplorer.plots.history import History
from hamexplorer.plots.plot import PLOTS, Plot, PlotContext

# Each registers its plot; the order is the order of the tabs.
# isort: off
from hamexplorer.plots import bands, zone, loss, tradeoff, parity, levels, orbital, matrix, spectrum, errors  # noqa: F401
# isort: on

load_plugins("hamexplorer.plots")

__all__ = ["PLOTS", "History", "Plot", "PlotContext"]
