"""Panels, driven through their widgets: they call the session's verbs and show its traits."""

from __future__ import annotations

import datetime

import ipywidgets as widgets
import numpy as np
import pytest

from hamexplorer.app import build
from hamexplorer.panels.add import AddPanel
from hamexplorer.panels.download import DownloadButton
from hamexplorer.panels.molecule import MoleculePanel
from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import MessageBox, duration
from hamexplorer.panels.results import ResultsPanel
from hamexplorer.panels.selection import SelectionPanel
from hamexplorer.panels.structures import StructuresPanel
from hamexplorer.panels.table import PickTable
from hamexplorer.panels.targets import TargetsPanel
from hamexplorer.panels.training import TrainingPanel
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.session import Message, Session
from hamexplorer.session.state import Download, Progress
from hamexplorer.structures.sources import SOURCES
from hamexplorer.units import HARTREE_EV

#: What a browser tells of a file's age.
WHEN = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def found(root: widgets.Widget, kind: type, **traits: object) -> list:
    """All widgets of a kind below ``root`` with these trait values."""
    here = [root] if isinstance(root, kind) and all(getattr(root, k) == v for k, v in traits.items()) else []
    return here + [hit for child in getattr(root, "children", ()) for hit in found(child, kind, **traits)]


def upload(name: str, content: bytes) -> tuple[dict, ...]:
    return (
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": WHEN,
        },
    )


def test_the_whole_dashboard_is_built_and_train_is_ready():
    app = build()
    (train,) = found(app, widgets.Button, description="Train")
    assert not train.disabled
    assert len(found(app, PickTable)[0].rows) == 100


def test_without_a_dataset_train_says_why_not():
    app = build("")
    (train,) = found(app, widgets.Button, description="Train")
    assert train.disabled and "references" in train.tooltip


def test_a_click_in_the_table_picks_and_a_pick_elsewhere_shows_in_the_table(session):
    (table,) = found(StructuresPanel(session).widget, PickTable)
    table.picked = 7
    assert session.picked == 7
    session.pick(11)
    assert table.picked == 11


def test_the_table_shows_the_parts_of_the_next_run(session):
    (table,) = found(StructuresPanel(session).widget, PickTable)
    assert {row[-1] for row in table.rows} == {"train", "valid", "test"}
    before = table.rows
    session.configure(seed=7)
    assert table.rows != before


def test_another_shipped_dataset_is_opened_from_the_menu(session, monkeypatch):
    asked = []
    monkeypatch.setattr(session, "open_dataset", asked.append)
    (menu,) = found(StructuresPanel(session).widget, widgets.Dropdown, description="Dataset")
    menu.value = "small-molecules"
    assert asked == ["small-molecules"]


def test_the_menu_names_a_dataset_that_is_not_shipped(session, request):
    panel = StructuresPanel(session)
    session.open_dataset(request.config.rootpath / "tests" / "reference" / "foreign.xyz")
    session.wait()
    (menu,) = found(panel.widget, widgets.Dropdown, description="Dataset")
    assert menu.label == "foreign"


def test_a_smiles_is_loaded_with_the_form_of_its_source(session):
    panel = AddPanel(session)
    (words,) = found(panel.widget, widgets.Textarea, description="SMILES")
    words.value = "CO"
    found(panel.widget, widgets.Button, description="Load")[0].click()
    session.wait()
    assert session.structures[session.picked].formula == "CH4O"


def test_every_source_has_a_form(session):
    panel = AddPanel(session)
    (menu,) = found(panel.widget, widgets.Dropdown, description="or make them from")
    for name in SOURCES:
        menu.value = name
        assert panel._forms[name].fields


def test_an_upload_can_be_repeated_and_a_broken_one_is_a_sentence(session):
    panel = AddPanel(session)
    box = MessageBox(session, "structures")
    (uploader,) = found(panel.widget, widgets.FileUpload)
    for _ in range(2):
        uploader.value = upload("broken.xyz", b"3\nwater\nO 0 0 0\n")
        session.wait()
        assert uploader.value == ()
    assert len(session.structures) == 100
    assert "broken.xyz" in box._text.value and "alert" in box._text.value


def test_what_people_wrote_is_shown_as_text(session):
    box = MessageBox(session, "structures")
    session.say("<img src=x onerror=alert(1)>", "error")
    assert "<img" not in box._text.value


def test_a_message_can_be_put_away(session):
    box = MessageBox(session, "training")
    session.say("stop it", "error", "training")
    assert box.layout.display == "" and "Stop it" in box._text.value
    found(box, widgets.Button)[0].click()
    assert box.layout.display == "none"
    session.say("elsewhere", "error", "targets")
    assert box.layout.display == "none"


def test_molecules_are_chosen_by_position(session):
    panel = SelectionPanel(session)
    found(panel.widget, widgets.Text, description="Positions")[0].value = "0:10"
    found(panel.widget, widgets.Button, description="Choose")[0].click()
    assert session.selected == tuple(range(10))
    found(panel.widget, widgets.Button, description="All")[0].click()
    assert len(session.selected) == 100


def test_a_number_that_is_none_is_refused(session):
    panel = SelectionPanel(session)
    found(panel.widget, widgets.Text, description="Fewest heavy atoms")[0].value = "two"
    found(panel.widget, widgets.Button, description="Choose")[0].click()
    assert session.message.level == "error" and len(session.selected) == 100


def test_targets_are_ticked_and_weighted(session):
    panel = TargetsPanel(session)
    (dipole,) = found(panel.widget, widgets.Checkbox, description="Dipole moment")
    dipole.value = True
    assert "dipole" in session.settings.targets
    panel._rows["dipole"]._weight.value = 5.0
    assert session.settings.targets["dipole"] == 5.0


def test_the_last_target_cannot_be_taken_away(session):
    session.set_weights({"dipole": 1.0})
    panel = TargetsPanel(session)
    (dipole,) = found(panel.widget, widgets.Checkbox, description="Dipole moment")
    dipole.value = False
    assert dipole.value and dict(session.settings.targets) == {"dipole": 1.0}
    assert session.message.where == "targets" and session.message.level == "error"


def test_while_it_trains_only_targets_and_weights_can_be_changed(session):
    panel = TargetsPanel(session)
    session.state = "training"
    assert all(field.control.disabled for form in panel._forms for field in form.fields.values())
    assert not panel._rows["dipole"]._check.disabled and "fixed" in panel._frozen.value
    session.state = "finished"
    assert not any(field.control.disabled for form in panel._forms for field in form.fields.values())


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        ("idle", {"Train"}),
        ("preparing", {"Stop"}),
        ("training", {"Pause", "Stop"}),
        ("paused", {"Resume", "Stop"}),
        ("finished", {"Train", "Reset"}),
    ],
)
def test_each_state_allows_its_buttons(session, state, allowed):
    panel = TrainingPanel(session)
    session.state = state
    enabled = {button.description for button in found(panel.widget, widgets.Button) if not button.disabled}
    assert enabled - {"×"} == allowed


def test_the_results_panel_shows_what_is_known_before_the_first_run_and_says_what_to_do(session):
    panel = ResultsPanel(session, Page())
    row = session.dataset.references[session.picked]
    for name, plot in panel._plots.items():
        if name == "orbital":  # the calculations have theirs already
            assert plot.widget.figure.layout.meta["together"] == ["scene", "scene2"]
        elif name == "tradeoff":
            assert panel._tradeoff.layout.display == "none"
        elif name == "spectrum":
            assert {"raw STO-3G", "reference def2-TZVP"} <= {trace.name for trace in plot.widget.figure.data}
        elif name == "matrix":
            x = inverse_square_root(row.overlap)
            shown = np.array(plot.widget.figure.data[0].z, float)
            np.testing.assert_allclose(shown, x @ row.fock @ x * HARTREE_EV, atol=1e-4)
        elif name == "levels":
            homo = next(trace.y for trace in plot.widget.figure.data if trace.name == "chosen orbital")
            known = [each.mo_energy[row.n_occ - 1] * HARTREE_EV for each in (row.small, row.large)]
            np.testing.assert_allclose(homo, known, atol=1e-6)
        else:
            assert "Press Train" in plot.widget.figure.layout.annotations[0].text


def test_the_matrix_that_a_person_chose_stays(session):
    panel = ResultsPanel(session, Page())
    menu = panel._electrons._matrix
    assert menu.value == "raw"
    menu.value = "reference"
    session.pick(1)
    session.wait()
    assert menu.value == "reference"


def test_the_dark_page_turns_plots_dark(session):
    page = Page()
    panel = ResultsPanel(session, page)
    light = panel._plots["loss"].widget.figure.layout.annotations[0].font.color
    page.dark = True
    assert panel._plots["loss"].widget.figure.layout.annotations[0].font.color != light


def test_a_download_is_made_when_it_is_asked_for(monkeypatch):
    sent = []
    button = DownloadButton("Results", lambda: Download("a.csv", b"x"))
    monkeypatch.setattr(button, "send", lambda content, buffers: sent.append((content, buffers)))
    button._asked(button, {"ask": "file"}, [])
    assert sent == [({"filename": "a.csv"}, [b"x"])]


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.2, "1 s"), (40, "40 s"), (180, "3 min"), (7800, "2 h 10 min")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_messages_are_for_their_panels():
    session = Session()
    session.message = Message("hello", "info", "training")
    assert MessageBox(session, "training").layout.display == ""
    assert MessageBox(session, "structures").layout.display == "none"


def test_a_preset_ticks_its_targets(session):
    panel = TargetsPanel(session)
    assert panel._preset.value == "ε"
    panel._preset.value = "ε + μ + α"
    assert set(session.settings.targets) == {"mo_energy", "dipole", "polarizability"}
    session.set_weights({"dipole": 1.0})
    assert panel._preset.value == "", "what was ticked by hand is no preset"


def test_plots_out_of_sight_wait_while_it_trains(session, monkeypatch):
    panel = ResultsPanel(session, Page())
    drawn = []
    for name, plot in panel._plots.items():
        monkeypatch.setattr(plot, "update", lambda context, name=name: drawn.append(name))
        plot.widget._seen("view", name == "loss")
    session.state = "training"
    panel._draw("loss", "matrix")
    assert drawn == ["loss"]
    panel._plots["matrix"].widget._seen("view", True)
    assert drawn == ["loss", "matrix"], "it came into sight"
    panel._draw("levels")
    session.state = "stopped"
    assert drawn[2:] == ["levels"], "nothing else needs the machine"


def test_what_is_unlike_the_training_set_has_its_warning_below_the_numbers(session, monkeypatch):
    panel = MoleculePanel(session, Page())
    monkeypatch.setattr(session, "known", lambda _: {"learned": {"homo_lumo_gap": 0.8}})
    session.novelty = 130.0
    assert "130 times as far" in panel._facts.value and "hx-bad" in panel._facts.value
    session.novelty = 1.0
    assert "hx-beware" not in panel._facts.value


@pytest.mark.parametrize(
    ("state", "line"), [("stopped", "Train begins anew."), ("idle", "Ready. Press Train.")]
)
def test_the_training_line_says_what_train_would_do(session, state, line):
    panel = TrainingPanel(session)
    with session.hold_trait_notifications():
        session.state, session.progress = state, Progress(text="Stopped after epoch 3.")
    assert panel._line.value.endswith(line)
    session.close_dataset()
    assert "no chosen structure has references" in panel._line.value


def test_the_time_that_is_left_is_told_when_it_is_known(session):
    panel = TrainingPanel(session)
    for epoch, told in ((2, False), (7, True)):
        with session.hold_trait_notifications():
            session.state = "training"
            session.progress = Progress(epoch=epoch, n_epochs=99, seconds_left=300.0)
        assert ("5 min left" in panel._line.value) is told
    session.state = "idle"


def test_empty_plots_say_that_a_training_begins(session):
    panel = ResultsPanel(session, Page())
    assert "Press Train" in str(panel._plots["parity"].figure(panel._context()))
    session.state = "preparing"
    texts = str(panel._plots["parity"].widget.figure)
    assert "The training begins: the predictions appear" in texts
    session.state = "idle"


def test_what_was_not_trained_on_is_marked(session, monkeypatch):
    panel = MoleculePanel(session, Page())
    values = {"homo_lumo_gap": 0.4, "dipole": np.array([0, 0, 0.7])}
    monkeypatch.setattr(session, "known", lambda _: {"small": values, "learned": values})
    session.configure(targets={"mo_energy": 1e4})
    panel._show_facts()
    assert panel._facts.value.count("0.700*") == 1 and "not trained on" in panel._facts.value
    session.configure(targets={"mo_energy": 1e4, "dipole": 30.0})
    panel._show_facts()
    assert "*" not in panel._facts.value
