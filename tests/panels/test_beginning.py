"""What an address asks of the dashboard, and the panel that makes one."""

from __future__ import annotations

import ipywidgets as widgets
import pytest

from hamexplorer import app
from hamexplorer.panels import Panels
from hamexplorer.panels.beginning import Beginning
from hamexplorer.panels.link import LABELS, CopyLink
from hamexplorer.plots import PLOTS
from hamexplorer.session.archive import ENDING
from hamexplorer.session.point import StartingPoint
from hamexplorer.visiting import OPENED


@pytest.fixture
def panels(session):
    return Panels("", session=session)


@pytest.fixture
def beginning(panels):
    return Beginning(panels, widgets.Box())


def shown(panels):
    return {name for name in panels if "hx-left-out" not in panels[name]._dom_classes}


def test_address_shows_the_task_and_the_panels_that_it_names(panels, beginning):
    panels.page.address = "?data=silicon&epochs=3&show=training,bands&task=Train+<b>it</b>"
    panels.session.wait()
    assert shown(panels) == {"training", "bands"}
    assert panels.session.dataset.name == "silicon" and panels.session.settings.epochs == 3
    assert "Train &lt;b&gt;it&lt;/b&gt;" in beginning.widget.children[0].children[0].value
    beginning.widget.children[0].children[1].click()
    assert shown(panels) == set(panels)
    # The task stays, its button has nothing more to show.
    assert "hx-left-out" not in beginning.widget._dom_classes
    assert "hx-left-out" in beginning.widget.children[0].children[1]._dom_classes


def test_what_the_first_card_would_say_is_said_where_it_is_left_out(panels, beginning):
    panels.page.address = "?show=levels&add=smiles:C("
    panels.session.wait()
    message = beginning.widget.children[1]
    assert "hx-left-out" not in message._dom_classes and "C(" in message._text.value
    beginning.show(("structures",))
    assert "hx-left-out" in message._dom_classes


def test_without_an_address_there_is_no_task(panels, beginning):
    assert "hx-left-out" in beginning.widget._dom_classes
    assert shown(panels) == set(panels)


@pytest.mark.parametrize(
    ("names", "marks"),
    [
        ("training", {"hx-without-results"}),
        ("levels", {"hx-without-steps"}),
        ("training,levels", set()),
        ("", set()),
    ],
)
def test_a_column_without_panels_goes(panels, beginning, names, marks):
    panels.page.address = f"?show={names}"
    assert set(beginning.main._dom_classes) == marks


@pytest.mark.parametrize("address", ["?show=levls", "?data=nothing&show=levels", "?epochs=x"])
def test_wrong_address_is_a_sentence_and_shows_all(panels, beginning, address):
    before = panels.session.settings
    panels.page.address = address
    assert panels.session.message.level == "error" and panels.session.message.where == "structures"
    assert shown(panels) == set(panels) and panels.session.settings == before


def test_every_panel_can_be_chosen_and_the_link_leads_back(panels):
    assert set(panels) == set(LABELS) | (set(PLOTS) & set(panels))
    found = {w.description: w for w in walk(panels["share"]) if isinstance(w, widgets.Checkbox)}
    (task,) = [w for w in walk(panels["share"]) if isinstance(w, widgets.Text)]
    (link,) = [w for w in walk(panels["share"]) if isinstance(w, CopyLink)]
    assert len(found) == len(list(panels))
    found["Training"].value = found["Orbital levels"].value = True
    task.value = " Train it. "
    panels.session.configure(epochs=9)
    panels.session.pick(2)
    point = StartingPoint.parse(link.query)
    assert point == panels.session.point(show=("training", "levels"), task="Train it.")
    assert point.settings == {"epochs": 9} and point.structure == 3 and not link.reason
    panels.session.close_dataset()
    assert "session file" in link.reason


def test_server_begins_with_its_session_file_or_data_set(monkeypatch, tmp_path, session):
    session.configure(epochs=11)
    session.pick(5)
    saved = tmp_path / f"lesson{ENDING}"
    saved.write_bytes(session.save_session().content)
    for opened, epochs, name in ((saved, 11, "ethane"), ("silicon", None, "silicon")):
        monkeypatch.setenv(OPENED, str(opened))
        made = []
        monkeypatch.setattr(app, "Panels", lambda *a, made=made, **k: made.append(Panels(*a, **k)) or made[0])
        app.build()
        (panels,) = made
        assert panels.session.dataset.name == name
        assert epochs is None or (panels.session.settings.epochs, panels.session.picked) == (epochs, 5)


def walk(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from walk(child)
