"""A table of many rows of which only those in sight are drawn; a click or the arrow keys pick one, a heading sorts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import traitlets


class PickTable(anywidget.AnyWidget):
    """Rows of texts with one picked.

    Each row is ``[key, cell, …]``: the key is what ``picked`` holds, the cells stand under ``columns``. A column
    is ``{"label", "align", "width", "title"}`` with a CSS grid width.
    """

    _esm = Path(__file__).parent / "table.js"
    columns: traitlets.List = traitlets.List().tag(sync=True)
    rows: traitlets.List = traitlets.List().tag(sync=True)
    picked = traitlets.Int(-1).tag(sync=True)
    empty = traitlets.Unicode("Nothing here yet.").tag(sync=True)
    height = traitlets.Int(181, help="pixels").tag(sync=True)
    label = traitlets.Unicode("Structures", help="what the rows are, for screen readers").tag(sync=True)

    def fill(self, rows: Sequence[Sequence[object]]) -> None:
        """Show other rows."""
        self.rows = [list(row) for row in rows]
