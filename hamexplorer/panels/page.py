"""What the page around the widgets knows and Python does not: its colours, its size and its address."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets

_FOLDER = Path(__file__).parent


class Page(anywidget.AnyWidget):
    """Loads the style sheet, tells whether the page is dark, and fires a window resize when asked.

    Plots and 3D views that were hidden or moved measure themselves again on a resize.
    """

    _esm = _FOLDER / "page.js"
    _css = _FOLDER / "style.css"
    dark = traitlets.Bool(False).tag(sync=True)
    address = traitlets.Unicode(
        "", help="what stands behind the page's address, from ? on; Voila's pages alone"
    ).tag(sync=True)
    resized = traitlets.Int(0).tag(sync=True)

    def resize(self) -> None:
        self.resized += 1
