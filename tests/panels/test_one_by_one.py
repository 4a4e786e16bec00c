"""The dashboard's panels one by one."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.panels import Panels
from hamexplorer.plots import PLOTS


@pytest.fixture(scope="module")
def panels():
    return Panels("ethane")


def test_every_step_and_every_plot_has_a_name(panels):
    names = set(panels)
    assert {"structures", "targets", "training", "molecule", "health", "share", "units"} <= names
    assert set(PLOTS) - names == {"zone"}  # it stands beside the bands


def test_a_panel_is_the_same_wherever_it_is_shown(panels):
    first, second = panels.show("training", "loss"), panels.show("loss")
    shown = [page.children[1].children for page in (first, second)]
    assert shown[0] == (panels["training"], panels["loss"]) and shown[1] == (panels["loss"],)
    assert first.children[0] is panels.page


def test_a_misspelt_name_gets_the_nearest_one(panels):
    with pytest.raises(SettingsError, match="the panel 'los' is unknown; did you mean 'loss'"):
        panels.show("los")


def test_a_panel_follows_what_the_lesson_does(panels):
    panels.session.configure(targets={"dipole": 1.0})
    boxes = [w for w in walk(panels["targets"]) if getattr(w, "description", "") == "Dipole moment"]
    assert [box.value for box in boxes] == [True]
    panels.session.configure(targets={"mo_energy": 1e4})


def test_a_figure_is_made_anew_when_its_slider_moves_or_the_page_turns_dark(panels):
    def parabola(width):
        return go.Figure(go.Scatter(x=[0, 1, 2], y=[0, width, 4 * width]), {"xaxis_title": "x"})

    page = panels.plot(parabola, width=(1, 3, 0.5))
    slider, plot = page.children[1].children[0].children
    assert plot.figure.data[0].y == (0, 1, 4) and plot.figure.layout.xaxis.title.text == "x"
    slider.value = 2
    assert plot.figure.data[0].y == (0, 2, 8)
    light = plot.figure.layout.template.layout.font.color
    panels.page.dark = True
    assert plot.figure.layout.template.layout.font.color != light
    panels.page.dark = False


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)
