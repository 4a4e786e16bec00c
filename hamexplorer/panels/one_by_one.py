"""The dashboard's panels one by one, for lessons and for pages of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import ipywidgets as widgets
import plotly.graph_objects as go
from IPython.display import display

from hamexplorer._registry import Registry
from hamexplorer.panels.kernel import keep_every_message, refuse_foreign_widgets
from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import styled
from hamexplorer.panels.question import Question
from hamexplorer.panels.results import ResultsPanel
from hamexplorer.panels.steps import STEPS
from hamexplorer.plots.live import PlotWidget
from hamexplorer.plots.theme import DARK, LIGHT, frame
from hamexplorer.session import Session


class Panels:
    """All panels of one session, by name; each is a widget, and all follow the same session.

    >>> panels = Panels("ethane")
    >>> panels.show("training", "loss", "levels")

    A panel is built when it is first asked for. What people do in one is seen in all, wherever they stand.

    Attributes:
        session: what the panels show and steer; a lesson calls the same verbs, `panels.session.start()`.
    """

    def __init__(self, dataset: str = "ethane", *, session: Session | None = None) -> None:
        """Open a dataset.

        Args:
            dataset: a shipped name or a file; empty for none.
            session: an existing session, for scripts that go on using it.
        """
        keep_every_message()
        refuse_foreign_widgets()
        self.session = session or Session()
        if dataset:
            self.session.open_dataset(dataset)
            self.session.wait()
            if self.session.message.level == "info":
                self.session.say("")  # what is open stands in the first card
        self.page = Page()
        self._steps: dict[str, widgets.Widget] = {}

    @cached_property
    def _results(self) -> ResultsPanel:
        return ResultsPanel(self.session, self.page)

    @property
    def results(self) -> widgets.Widget:
        """All that is not a step, as on the dashboard."""
        return self._results.widget

    @cached_property
    def _cards(self) -> Registry[widgets.Widget]:
        cards: Registry[widgets.Widget] = Registry("panel")
        for name, widget in self._results.cards.items():
            cards.add(name, widget)
        return cards

    def __getitem__(self, name: str) -> widgets.Widget:
        """One panel.

        Raises:
            SettingsError: if there is none of that name.
        """
        if name in STEPS:
            if name not in self._steps:
                self._steps[name] = STEPS[name](self.session).widget
            return self._steps[name]
        return self._cards[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*STEPS, *self._cards))

    def show(self, *names: str) -> widgets.Widget:
        """Some panels side by side, below each other where there is no room.

        Args:
            names: of panels, in the order in which they shall stand; `list(panels)` tells which there are.

        Raises:
            SettingsError: if there is none of that name.
        """
        return self._on_page(*(self[name] for name in names))

    def ask(self, question: str, *options: str, **more: Any) -> Question:
        """A question of a lesson, shown where the cell stands: see :class:`hamexplorer.panels.question.Question`.

        >>> panels.ask("Does the gap grow?", "It grows", "It shrinks", answer="It shrinks", because="…")
        """
        asked = Question(question, options, **more)
        display(self._on_page(asked))
        return asked

    def plot(
        self, figure: go.Figure | Callable[..., go.Figure], **sliders: tuple[float, float, float]
    ) -> widgets.Widget:
        """A figure of one's own, in the page's colours; with sliders one that is made anew when they move.

        >>> panels.plot(lambda angle: picture(turned(angle)), angle=(0, 180, 15))

        Args:
            figure: the figure, or what makes it of the sliders' values.
            sliders: name → least value, largest value and step.
        """
        moved = [
            styled(
                widgets.FloatSlider(
                    value=low, min=low, max=high, step=step, description=name, readout_format=".4g"
                ),
                "hx-slider",
            )
            for name, (low, high, step) in sliders.items()
        ]

        def made() -> go.Figure:
            drawn = figure(**{w.description: w.value for w in moved}) if callable(figure) else figure
            layout = frame(DARK if self.page.dark else LIGHT, height=380)
            own = {
                name: value for name, value in drawn.to_plotly_json()["layout"].items() if name != "template"
            }
            return go.Figure(drawn.data, layout.update(own))

        plot = PlotWidget(made(), "Figure")
        for widget, name in [(self.page, "dark"), *((w, "value") for w in moved)]:
            widget.observe(lambda _: plot.draw(made()), name)
        return self._on_page(styled(widgets.VBox([*moved, plot]), "hx-card", "hx-plot"))

    def _on_page(self, *pieces: widgets.Widget) -> widgets.Widget:
        grid = styled(widgets.Box(list(pieces)), "hx-results-grid")
        return styled(widgets.VBox([self.page, grid]), "hx-app", "hx-some")
