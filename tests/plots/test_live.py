"""The Python half of live plots; the browser half is tested in a browser."""

from dataclasses import replace

import pytest

from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.live import LivePlot


@pytest.fixture
def sent(monkeypatch):
    """Messages that a widget sent to its browsers."""
    messages = []
    monkeypatch.setattr(
        "hamexplorer.plots.live.PlotWidget.send", lambda self, message: messages.append(message)
    )
    return messages


@pytest.mark.parametrize("name", PLOTS)
def test_a_late_browser_reads_the_present_figure(name, context, crystal_context, sent):
    context = crystal_context if name in ("bands", "zone") else context
    live = LivePlot(name)
    widget = live.widget
    assert widget.get_state()["_widget_layout"]["annotations"], "the sentence why there is nothing to see"
    live.update(context)
    assert live.widget is widget
    state = widget.get_state()
    assert len(state["_widget_data"]) == len(live.widget.figure.data) > 0
    assert state["_widget_layout"]["height"] == live.widget.figure.layout.height


def test_an_update_sends_only_what_changed(context, sent):
    live = LivePlot("parity", context)
    live.update(context)
    assert sent == []
    live.update(replace(context, picked=3))
    (message,) = sent
    assert "data" not in message
    perfect, raw, *_, picked = message["changes"]
    assert perfect == raw == {}
    assert set(picked) >= {"x", "y", "customdata"}


def test_another_number_of_traces_replaces_all(context, sent, fakes):
    live = LivePlot("loss", context)
    live.update(replace(context, history=fakes.history(3, "dipole")))
    assert len(sent[0]["data"]) == 3 == len(live.widget.get_state()["_widget_data"])


def test_a_key_that_vanishes_is_removed(context, sent, fakes):
    live = LivePlot("loss", replace(context, history=fakes.history(1, "dipole")))
    before = live.widget.get_state()["_widget_data"][0]
    live.update(context)
    live.update(PlotContext())
    assert before
    assert live.widget.get_state()["_widget_data"] == []


def test_a_click_picks_the_molecule(context):
    live = LivePlot("parity", context)
    picked = []
    live.on_pick(picked.append)
    live.widget._handle_custom_msg({"picked": 7}, [])
    live.widget._handle_custom_msg({"picked": None}, [])
    live.widget._handle_custom_msg("nonsense", [])
    assert picked == [7]


def test_the_point_under_the_pointer_is_a_trait_and_nothing_else(context):
    live = LivePlot("bands", context)
    picked = []
    live.on_pick(picked.append)
    point = {"place": 7, "band": 3, "set": "learned"}
    live.widget._handle_custom_msg({"hovered": point}, [])
    live.widget._handle_custom_msg({"clicked": point}, [])
    assert live.widget.hovered == live.widget.clicked == point
    live.widget._handle_custom_msg({"hovered": None}, [])
    assert live.widget.hovered is None
    assert live.widget.clicked == point
    assert picked == []


def test_the_library_is_sent_once_for_all_plots():
    plots = [LivePlot(name) for name in PLOTS]
    assert all(len(plot.widget.get_state()["_esm"]) < 20_000 for plot in plots)


def test_a_plot_knows_whether_anybody_sees_it(context):
    widget = LivePlot("bands", context).widget
    assert widget.in_sight, "nobody said anything yet"
    for view, seen, expected in [
        ("a", False, False),
        ("b", True, True),
        ("b", False, False),
        ("a", True, True),
        ("a", None, False),
        ("b", None, True),
    ]:
        widget._handle_custom_msg({"view": view, "seen": seen}, [])
        assert widget.in_sight is expected
