"""The study's card, driven through its widgets."""

from __future__ import annotations

import ipywidgets as widgets
import pytest

from hamexplorer.panels.page import Page
from hamexplorer.panels.study import StudyPanel
from hamexplorer.session.study import StudyState
from hamexplorer.train.planned import own_test
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.study import StudyProgress


def boxes(panel):
    found, todo = {}, [panel.widget]
    while todo:
        here = todo.pop()
        todo += getattr(here, "children", ())
        if isinstance(here, widgets.Checkbox):
            found[here.description] = here
    return found


@pytest.fixture
def panel(session):
    return StudyPanel(session, Page())


def rows_of(session, panel):
    (first, *_) = panel._grid().runs(session.dataset.name)
    entry = ErrorRow("mo_energy", "Orbital energies", "Ha", *[0.1] * 6, 3)
    return Row(first, 2.0, 3, 3, {own_test("ethane"): {"mo_energy": entry}}), Row(
        first, sentence="it <broke>"
    )


def test_the_count_follows_the_ticks_and_nothing_ticked_is_told(panel):
    assert panel._count.value.startswith("5 runs")  # three of the network, two of the surrogate
    boxes(panel)["Surrogate, no Hamiltonian"].value = False
    assert panel._count.value.startswith("3 runs")
    panel._seeds.value = "1, 2, 3"
    assert panel._count.value.startswith("9 runs")
    panel._seeds.value = "one"
    assert "seeds must be whole numbers" in panel._count.value and panel._start.disabled
    panel._seeds.value = "1"
    for name in ("Equivariant network",):
        boxes(panel)[name].value = False
    assert "no models" in panel._count.value and panel._start.disabled


def test_start_hands_the_grid_to_the_session_and_stop_stops(panel, session, monkeypatch):
    asked = []
    monkeypatch.setattr(session, "start_study", asked.append)
    boxes(panel)["small-molecules"].value = True
    panel._epochs.value = 7
    panel._start.click()
    (grid,) = asked
    assert grid.test_on == ("small-molecules",) and grid.settings["epochs"] == 7
    monkeypatch.setattr(session, "stop_study", lambda: asked.append("stop"))
    session.study = StudyState(True, False, StudyProgress(2, 5, "ε, seed <1>", "epoch 1 of 7", 0.2, 65.0))
    assert "Run 2 of 5" in panel._line.value and "&lt;1&gt;" in panel._line.value
    assert panel._start.disabled and panel._bar.value == pytest.approx(0.2)
    panel._stop.click()
    assert asked[-1] == "stop"


def test_finished_rows_stand_in_the_table_and_in_the_figure(panel, session):
    assert panel._outcome.layout.display == "none"
    session.study_rows = rows_of(session, panel)
    assert panel._outcome.layout.display == ""
    assert panel._table.rows[0][-1] == "2.72 eV" and panel._table.rows[1][-1] == "failed"
    drawn = [t["y"] for t in panel._plot._widget_data if t["name"].startswith("Hamiltonian")]
    assert drawn
    panel._table.picked = 1
    assert "it &lt;broke&gt;" in panel._errors.value
    panel.set_units("Ha", False)
    assert panel._table.rows[0][-1] == "0.1 Ha"
    page = panel.report().content.decode()
    assert "it &lt;broke&gt;" in page and "<td>0.1</td>" in page


def test_target_sets_that_the_dataset_lacks_cannot_be_ticked(session, monkeypatch):
    monkeypatch.setattr(
        session, "why_not_target", lambda name: "not in this dataset" if name == "dipole" else ""
    )
    panel = StudyPanel(session, Page())
    assert boxes(panel)["ε + μ"].disabled and not boxes(panel)["ε + μ"].value
    assert panel._count.value.startswith("1 run ")
