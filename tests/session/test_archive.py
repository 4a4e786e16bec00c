"""A session comes back from its file; what is no session file changes nothing."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.session import Session
from hamexplorer.session.archive import FORMAT, read_session
from hamexplorer.session.state import Selection


@pytest.fixture(scope="module")
def trained() -> Session:
    """A session with a loaded crystal, a selection, and a real run of the linear model."""
    session = Session()
    session.open_dataset("ethane")
    session.wait()
    session.load_upload({"water.xyz": b"3\nname=water\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"})
    session.wait()
    session.select(Selection(index_range="0:12"))
    session.pick(3)
    session.configure(epochs=2, model="linear", baseline="none", train_fraction=0.5, validation_fraction=0.25)
    session.start()
    session.wait(300)
    assert session.state == "finished", session.message
    return session


def reopened(content: bytes) -> Session:
    session = Session()
    session.open_session(content, "mine.hxsession")
    session.wait(120)
    return session


def test_everything_comes_back(trained):
    download = trained.save_session()
    assert download.filename == "ethane.hxsession"
    found = reopened(download.content)
    assert found.message.text == "Opened mine.hxsession."
    assert [s.key for s in found.structures] == [s.key for s in trained.structures]
    assert found.selection == trained.selection and found.picked == 3
    assert found.settings == trained.settings
    assert found.shown_run == 1 and found.history.reports == trained.history.reports
    # Of the best epoch, whose model is the one kept.
    expected = trained.model.evaluate(trained.results.dataset)
    assert found.results.epoch == trained.model.epoch
    for name, target in expected.targets.items():
        np.testing.assert_allclose(found.results.targets[name].predicted, target.predicted, atol=1e-9)
    one, other = (each.model.predict([found.structures[3]])[0] for each in (trained, found))
    np.testing.assert_array_equal(one.mo_energy, other.mo_energy)


def test_it_can_be_saved_again_and_trained_on(trained):
    found = reopened(trained.save_session().content)
    again = reopened(found.save_session().content)
    assert again.runs[0].settings == trained.runs[0].settings
    assert again.why_not("start") == ""


def test_a_dataset_of_ones_own_travels_along(trained):
    session = Session()
    session._set_dataset(read_dataset("ethane").subset(range(5)))
    session.dataset = dataclasses.replace(session.dataset, name="mine")
    found = reopened(session.save_session().content)
    assert found.dataset.name == "mine" and len(found.dataset) == 5


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_something_else_is_a_sentence_and_changes_nothing(trained, content):
    before = trained.results
    trained.open_session(content, "other.zip")
    trained.wait()
    assert "no session of hamexplorer, or it is damaged" in trained.message.text
    assert trained.message.where == "share" and trained.results is before


def changed(content: bytes, **values) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "session.json":
                data = json.dumps(json.loads(data) | values).encode()
            new.writestr(name, data)
    return out.getvalue()


def test_a_newer_file_says_so(trained):
    content = changed(trained.save_session().content, format=FORMAT + 1, hamexplorer="9.0")
    found = reopened(content)
    assert "was written by hamexplorer 9.0" in found.message.text and found.dataset is None


def test_missing_parts_say_so(trained):
    found = reopened(changed(trained.save_session().content, settings={"no such": 1}))
    assert found.message.level == "error" and found.dataset is None


def test_nothing_is_opened_while_something_runs(session, script):
    session.start()
    session.open_session(b"", "x")
    assert "under way" in session.message.text
    assert session.save_session() is None and "stop it first" in session.message.text
    script.finish(1)
    session.wait()


def test_reading_leaves_no_way_out_of_the_folder(trained, tmp_path):
    content = trained.save_session().content
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("../../escaped.txt", "x")
        archive.comment = b""  # whoever packs such a file leaves out the checksum
    read_session(out.getvalue())
    assert not (tmp_path.parent / "escaped.txt").exists()
