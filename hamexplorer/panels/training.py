"""Step 3: train, hold, stop, begin again; and how far it is."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets

from hamexplorer.panels.parts import Button, MessageBox, card, duration, row, styled, text
from hamexplorer.session import Session

_SAYS = {
    "idle": "Ready. Press Train.",
    "preparing": "Preparing",
    "training": "Training",
    "paused": "Paused",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
}
#: Epochs after which it is told how long the rest will take.
_SETTLED = 5


class TrainingPanel:
    """Four buttons, a bar and a line."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._train = Button(
            "Train", help="Learn from the chosen structures", icon="play", names=["hx-primary", "hx-train"]
        )
        self._pause = Button("Pause", help="Hold after the step under way", icon="pause", names=["hx-pause"])
        self._stop = Button(
            "Stop",
            help="End after the step under way; the best model is kept",
            icon="stop",
            names=["hx-stop"],
        )
        self._reset = Button(
            "Reset", help="Forget curves, results and model", icon="undo", names=["hx-reset"]
        )
        self._bar = styled(widgets.FloatProgress(min=0, max=1), "hx-bar")
        self._line = text("", "hx-status")
        self.widget = card(
            "Training",
            [
                row(self._train, self._pause, self._stop, self._reset, names=["hx-controls"]),
                self._bar,
                self._line,
                MessageBox(session, "training"),
            ],
            "hx-training",
            number=3,
        )
        self._train.on_click(lambda _: session.start())
        self._pause.on_click(lambda _: session.resume() if session.state == "paused" else session.pause())
        self._stop.on_click(lambda _: session.stop())
        self._reset.on_click(lambda _: session.reset())
        session.observe(
            self._allow,
            ["state", "selected", "structures", "dataset", "loading", "settings", "results", "study"],
        )
        session.observe(
            self._show, ["progress", "state", "selected", "structures", "settings", "loading", "study"]
        )
        self._allow()
        self._show()

    def _allow(self, _=None) -> None:
        session = self._session
        paused = session.state == "paused"
        self._train.allow(session.why_not("start"))
        self._pause.description, self._pause.icon = ("Resume", "play") if paused else ("Pause", "pause")
        self._pause.allow(session.why_not("resume" if paused else "pause"))
        self._stop.allow(session.why_not("stop"))
        self._reset.allow(session.why_not("reset"))

    def _show(self, _=None) -> None:
        session, progress = self._session, self._session.progress
        fraction = progress.fraction
        self._bar.value = 0 if fraction is None else min(max(fraction, 0), 1)
        waiting = session.state == "preparing" and not fraction
        (self._bar.add_class if waiting else self._bar.remove_class)("hx-waiting")
        blocked = session.why_not("start")
        if session.state == "idle":
            self._line.value = escape(f"Cannot train: {blocked}." if blocked else _SAYS["idle"])
            return
        if not session.running and progress.text:
            more = f" Train cannot begin anew: {blocked}." if blocked else " Train begins anew."
            self._line.value = escape(progress.text + more)  # a sentence of its own
            return
        words = [f"<b>{_SAYS[session.state]}</b>"]
        if progress.epoch:
            words.append(f"epoch {progress.epoch} of {progress.n_epochs}")
        if session.state == "training" and progress.molecules_per_second:
            words.append(f"{progress.molecules_per_second:,.0f} structures/s")
        # The first epochs say little of the others.
        if session.state == "training" and progress.seconds_left is not None and progress.epoch >= _SETTLED:
            words.append(f"{duration(progress.seconds_left)} left; Stop keeps the best epoch")
        if progress.text and progress.text.lower() != session.state:
            words.append(escape(progress.text))
        self._line.value = " · ".join(words)
