"""A slider over the epochs: every plot shows what the model said then."""

from __future__ import annotations

import ipywidgets as widgets

from hamexplorer.panels.parts import Button, row, styled, text
from hamexplorer.session import Session


class TimelineBar:
    """Not there before a training; at its right end it follows the training."""

    def __init__(self, session: Session) -> None:
        self._session, self._quiet = session, False
        self._slider = styled(
            widgets.IntSlider(
                min=0, max=1, value=1, description="Look back", tooltip="Epochs that were kept", readout=False
            ),
            "hx-timeline-slider",
        )
        self._said = text("", "hx-timeline-said")
        self._now = Button("Now", help="Show the latest epoch again", names=["hx-quiet"])
        self.widget = row(self._slider, self._said, self._now, names=["hx-timeline"])
        self._slider.observe(lambda change: self._moved(change["new"]), "value")
        self._now.on_click(lambda _: session.show_epoch(None))
        session.observe(lambda _: self._show(), ["timeline", "shown_epoch", "model"])
        self._show()

    def _moved(self, place: int) -> None:
        if not self._quiet:
            epochs = self._session.timeline.epochs
            self._session.show_epoch(epochs[min(place, len(epochs) - 1)] if epochs else None)

    def _show(self) -> None:
        epochs, shown = self._session.timeline.epochs, self._session.shown_epoch
        self.widget.layout.display = "" if len(epochs) > 1 else "none"
        if len(epochs) < 2:
            return
        self._quiet = True
        try:
            last = len(epochs) - 1
            # The shown epoch may have been thinned out since: then the one before it stands for it.
            place = last if shown is None else max(0, sum(epoch <= shown for epoch in epochs) - 1)
            self._slider.max = max(last, self._slider.value)
            self._slider.value = place
            self._slider.max = last
        finally:
            self._quiet = False
        which = f"epoch {epochs[-1]}, the latest" if shown is None else f"epoch {shown} of {epochs[-1]}"
        model = self._session.model
        kept = model is not None and model.epoch != (epochs[-1] if shown is None else shown)
        more = f" The model that is kept is that of epoch {model.epoch}, the best." if kept else ""
        self._said.value = f"All plots show <b>{which}</b>.{more}"
        self._now.allow("" if shown is not None else "the plots show the latest epoch")
