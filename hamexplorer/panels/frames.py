"""A slider through structures that are the same atoms at other places: a trajectory, or distorted copies."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np

from hamexplorer.panels.parts import row, styled, text
from hamexplorer.session import Session
from hamexplorer.structures.structure import Structure

#: Milliseconds between two frames of the film.
_INTERVAL = 400


class FramesBar:
    """Not there where the picked structure has no such neighbours in the list."""

    def __init__(self, session: Session) -> None:
        self._session, self._quiet = session, False
        self._frames = range(0)
        self._slider = styled(
            widgets.IntSlider(
                min=0,
                max=1,
                description="Frame",
                readout=False,
                tooltip="Structures next to each other in the list that have the same atoms",
            ),
            "hx-frames-slider",
        )
        self._play = styled(widgets.Play(min=0, max=1, interval=_INTERVAL, show_repeat=False), "hx-play")
        # By the browser alone: a film asks no kernel for its next frame.
        self._link = widgets.jslink((self._play, "value"), (self._slider, "value"))
        self._said = text("", "hx-frames-said")
        self.widget = row(self._play, self._slider, self._said, names=["hx-frames"])
        self._slider.observe(lambda change: self._moved(change["new"]), "value")
        session.observe(lambda _: self._show(), ["picked", "structures"])
        self._show()

    def _moved(self, place: int) -> None:
        if not self._quiet and place < len(self._frames):
            self._session.pick(self._frames[place])

    def _show(self) -> None:
        session = self._session
        self._frames = frames_around(session.structures, session.picked)
        n = len(self._frames)
        self.widget.layout.display = "" if n > 1 else "none"
        if n < 2:
            return
        place = session.picked - self._frames.start
        self._quiet = True
        try:
            for control in (self._slider, self._play):
                control.max = max(n - 1, control.value)
                control.value = place
                control.max = n - 1
        finally:
            self._quiet = False
        self._said.value = f"{place + 1} of {n}"


def frames_around(structures: tuple[Structure, ...], picked: int) -> range:
    """The stretch of the list around a structure in which all have the same atoms in the same order."""
    if not 0 <= picked < len(structures):
        return range(0)
    numbers = structures[picked].numbers
    first = last = picked
    while first > 0 and np.array_equal(structures[first - 1].numbers, numbers):
        first -= 1
    while last + 1 < len(structures) and np.array_equal(structures[last + 1].numbers, numbers):
        last += 1
    return range(first, last + 1)
