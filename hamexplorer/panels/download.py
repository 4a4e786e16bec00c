"""A button that makes a file when it is pressed and hands it to the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from hamexplorer.session.state import Download


class DownloadButton(anywidget.AnyWidget):
    """Asks ``make`` for the file at each press; None means that there is none."""

    _esm = Path(__file__).parent / "download.js"
    label = traitlets.Unicode().tag(sync=True)
    reason = traitlets.Unicode("", help="why it cannot be pressed; empty if it can").tag(sync=True)

    def __init__(self, label: str, make: Callable[[], Download | None]) -> None:
        super().__init__(label=label)
        self._make = make
        self.on_msg(self._asked)

    def _asked(self, _widget: Any, message: Any, _buffers: Any) -> None:
        if message == {"ask": "file"}:
            download = self._make()
            if download is not None:
                self.send({"filename": download.filename}, buffers=[download.content])
