"""The door between a training run and whoever steers it from another thread."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Controls:
    """Pause, resume, stop and new weights; every method returns at once and may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = threading.Event()
        self._running.set()
        self._stop = threading.Event()
        self._weights: dict[str, float] | None = None
        #: Place in the dataset of the crystal whose bands are being looked at: the run works them out with every
        #: snapshot, so that whoever draws need not wait for them.
        self.watched: int | None = None

    def pause(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    def stop(self) -> None:
        """End after the present step; also wakes a paused run."""
        self._stop.set()
        self._running.set()

    def set_weights(self, weights: Mapping[str, float]) -> None:
        """Use these targets and weights from the next step on."""
        with self._lock:
            self._weights = dict(weights)

    @property
    def paused(self) -> bool:
        return not self._running.is_set()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def take_weights(self) -> dict[str, float] | None:
        """New weights since the last call, or None; for the run only."""
        with self._lock:
            weights, self._weights = self._weights, None
        return weights

    def wait(self, seconds: float) -> bool:
        """Block while paused, at most so long; true when running again."""
        return self._running.wait(seconds)
