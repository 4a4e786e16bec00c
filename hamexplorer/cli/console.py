"""What a terminal shows while something runs: one line that is rewritten, or plain lines in a log."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

#: Seconds between two plain lines where the output is no terminal.
_LOG_EVERY = 10.0
#: Seconds between two states of the rewritten line.
_DRAW_EVERY = 0.1
_BAR = 24


class ProgressLine:
    """A bar with a sentence; on a terminal in place, elsewhere a line now and then."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._in_place = self._stream.isatty()
        self._shown_at = float("-inf")
        self._width = 0

    def update(self, done: float, total: float, sentence: str) -> None:
        """Show ``done`` of ``total``, no share if ``total`` is 0; calls too soon are dropped, but the last."""
        now = time.monotonic()
        pause = _DRAW_EVERY if self._in_place else _LOG_EVERY
        if now - self._shown_at < pause and (done < total or total <= 0):
            return
        self._shown_at = now
        share = min(1.0, done / total) if total > 0 else 0.0
        percent = f"{100 * share:3.0f} %" if total > 0 else "  …  "
        if self._in_place:
            full = round(_BAR * share)
            self._draw(f"[{'█' * full}{'·' * (_BAR - full)}] {percent}  {sentence}")
        else:
            print(f"{percent}  {sentence}", file=self._stream, flush=True)

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self.clear()
        print(sentence, file=self._stream, flush=True)

    def clear(self) -> None:
        """Take the rewritten line away."""
        if self._in_place and self._width:
            self._draw("")
            self._stream.write("\r")
            self._stream.flush()
            self._width = 0

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write("\r" + text.ljust(self._width))
        self._stream.flush()
        self._width = len(text)


def duration(seconds: float) -> str:
    """A length of time as people say it: ``45 s``, ``3 min``, ``2 h 05 min``."""
    if seconds < 90:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
