"""Whatever a file or a person writes is shown letter by letter: no tag of theirs reaches the page."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest

from hamexplorer.app import build
from hamexplorer.panels import uploads
from hamexplorer.panels.add import AddPanel
from hamexplorer.panels.report import report_html
from hamexplorer.panels.share import SharePanel
from hamexplorer.params import params_of
from hamexplorer.plots import PLOTS, History, theme
from hamexplorer.plots.comparison import comparison_figure
from hamexplorer.plots.plot import PlotContext
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Session
from hamexplorer.session.recipe import notebook, script
from hamexplorer.session.runs import Run
from hamexplorer.structures.selection import Split
from hamexplorer.structures.sources import SOURCES
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.results import ErrorRow, Results, TargetResult
from hamexplorer.train.rows import Row
from hamexplorer.train.settings import RunSettings

#: A tag that a browser would obey, a link that plotly would make, and what ends a script.
EVIL = '<img src=x onerror="window.hacked=1"><a href="javascript:1">b</a></script>'
TAGS = ("<img", "<a ", "</script")


def all_widgets(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from all_widgets(child)


def html_of(widget: widgets.Widget) -> list[str]:
    return [each.value for each in all_widgets(widget) if isinstance(each, widgets.HTML)]


def texts_of(value: object) -> Iterator[str]:
    """Every text in a figure's description."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if name != "uirevision":  # is compared and never drawn
                yield from texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)


def tags_in(texts: list[str]) -> list[str]:
    return [text for text in texts for tag in TAGS if tag in text]


@pytest.fixture
def named() -> Session:
    """A session in which all that can have a name has a bad one."""
    session = Session()
    references = [
        dataclasses.replace(reference, structure=reference.structure.renamed(f"{EVIL} {k}"))
        for k, reference in enumerate(read_dataset("ethane").references[:6])
    ]
    session._set_dataset(dataclasses.replace(read_dataset("ethane"), name=EVIL, references=tuple(references)))
    return session


def test_no_panel_shows_a_tag_of_a_name_or_of_an_error(named):
    app, shown = build("", session=named), set()
    for act in (
        lambda: named.load_upload({f"{EVIL}.xyz": f"1\nname='{EVIL}'\nHe 0 0 0\n".encode()}),
        lambda: named.load_upload({f"{EVIL}.xyz": b"junk"}),
        lambda: named.load_upload({"a.xyz": f"1\n\n{EVIL} 0 0 0\n".encode()}),
        lambda: named.load_structures("smiles", SOURCES["smiles"].Params(smiles=EVIL)),
        lambda: named.open_session(b"", EVIL),
    ):
        act()
        named.wait()
        for place in ("structures", "references", "targets", "training", "study", "share"):
            named.say(named.message.text or EVIL, "error", place)
            assert tags_in(html_of(app)) == []
            shown.update(text for text in html_of(app) if "&lt;img" in text)
    assert len(shown) > 2, "the names are shown, as text"


def results_of(session: Session) -> Results:
    n = len(session.dataset)
    values = np.linspace(-1, 1, n)
    ones, places = np.ones(n), np.arange(n)
    target = TargetResult(
        "dipole", "Dipole", "e·bohr", False, places, values, values + 0.1, values + 0.2, ones
    )
    split = Split((0, 1), (2, 3), (4, 5))
    levels = tuple(reference.small.mo_energy for reference in session.dataset.references)
    return Results(1, {"dipole": target}, split, session.dataset, levels)


def test_no_plot_makes_a_tag_of_a_name(named):
    context = PlotContext(
        results=results_of(named), picked=0, history=History().with_mark(1, "weights", EVIL)
    )
    figures = ErrorRow("dipole", "Dipole", "e·bohr", 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 3)
    row = Row(
        PlannedRun(EVIL, "dipole", RunSettings(targets={"dipole": 1.0})),
        1.0,
        1,
        1,
        {EVIL: {"dipole": figures}},
    )
    drawn = {
        "parity": PLOTS["parity"].figure(context),
        "comparison": comparison_figure([row]),
        "sentence": theme.sentence(theme.LIGHT, EVIL),
        "loss": PLOTS["loss"].figure(dataclasses.replace(context, history=_marked())),
    }
    for name, figure in drawn.items():
        texts = list(texts_of(json.loads(figure.to_json())))
        assert tags_in(texts) == [], name
        assert any("&lt;" in text for text in texts), f"{name} shows the text"


def _marked() -> History:
    report = SimpleNamespace(epoch=1, train={"dipole": 1.0}, validation={"dipole": 1.0})
    return History().with_epoch(report).with_mark(1, "weights", EVIL)


def test_a_report_and_a_recipe_hold_names_as_text(named):
    run = Run(1, EVIL, None, 6, RunSettings(targets={"dipole": 1.0}))
    figure = PLOTS["parity"].figure(PlotContext(results=results_of(named), picked=0))
    figure.data[0].name = EVIL
    page = report_html(EVIL, [(EVIL, EVIL, figure)], "", [EVIL], run)
    body = page[page.index("<body>") :]
    assert "<img" not in body and "javascript:1\\u0022" not in body and body.count("</script>") == 1
    code = script(dataclasses.replace(run, dataset='x"); import os; os.abort(); ("'))
    assert 'read_dataset("x\\"); import os' in code
    assert "<img" not in json.loads(notebook(run))["cells"][0]["source"][0]


@pytest.mark.parametrize("name", ["<b>sto-3g</b>", "sto-3g&", "a\nb", "%{x}", "x" * 100])
def test_a_basis_that_is_typed_is_a_name(name):
    (entry,) = (entry for entry in params_of(ReferenceMethod) if entry.name == "small_basis")
    with pytest.raises(ValueError, match="must be a name such as"):
        entry.kind.check("Small basis", name)
    entry.kind.check("Small basis", "6-31+G(d,p)")


# ---- uploads --------------------------------------------------------------------------------------------------------


def files(*contents: bytes) -> tuple[dict, ...]:
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return tuple(
        # The size is what the browser says; what counts is what came.
        {"name": f"{k}.xyz", "type": "", "size": 1, "content": memoryview(content), "last_modified": when}
        for k, content in enumerate(contents)
    )


@pytest.mark.parametrize("panel", ["structures", "share"])
def test_an_upload_that_is_too_large_gets_a_sentence_and_is_not_read(session, monkeypatch, panel):
    monkeypatch.setattr(uploads, "MAX_UPLOAD", 1_000_000)
    monkeypatch.setattr(session, "load_upload", lambda files: pytest.fail("it was read"))
    monkeypatch.setattr(session, "open_session", lambda content, name: pytest.fail("it was read"))
    made = AddPanel(session).widget if panel == "structures" else SharePanel(session, lambda: None).widget
    (uploader,) = (each for each in all_widgets(made) if isinstance(each, widgets.FileUpload))
    uploader.value = files(b"x" * 2_000_000)
    assert session.message.text.startswith("2 MB are more than the 1 MB that can be uploaded; ")
    assert session.message.level == "error" and session.message.where == panel
    assert uploader.value == ()


def test_too_many_files_get_a_sentence(session, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    (uploader,) = (
        each for each in all_widgets(AddPanel(session).widget) if isinstance(each, widgets.FileUpload)
    )
    uploader.value = files(b"1\n\nHe 0 0 0\n", b"", b"")
    assert "3 files are more than the 2" in session.message.text
