"""Loading, choosing and picking molecules through the session's verbs."""

from __future__ import annotations

import threading

import pytest

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.execute import ReferenceProgress
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Selection, Session, molecules, references
from hamexplorer.structures.sources.large_sets import QM7Source, QM9Source

WATER = "3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"
METHANE = (
    b"5\nmethane\nC 0 0 0\nH 0.63 0.63 0.63\nH -0.63 -0.63 0.63\nH -0.63 0.63 -0.63\nH 0.63 -0.63 -0.63\n"
)


def test_a_new_session_is_empty_and_says_why_it_cannot_train():
    session = Session()
    assert session.structures == () and session.picked == -1
    assert "references" in session.why_not("start")


def test_the_dataset_comes_first_and_the_first_molecule_is_picked(session):
    assert len(session.structures) == len(session.dataset) == 100
    assert session.picked == 0 and session.message.level == "info"
    assert set(session.parts) == {"train", "validation", "test"}


def test_loaded_molecules_follow_the_dataset_and_the_first_new_one_is_picked(session):
    session.load_upload({"water.xyz": WATER.encode()})
    session.wait()
    assert len(session.structures) == 101 and session.picked == 100
    assert session.structures[100].formula == "H2O"
    assert session.without_references == (100,) and session.parts[100] == ""


def test_the_same_molecule_is_loaded_once(session):
    for _ in range(2):
        session.load_upload({"water.xyz": WATER.encode()})
        session.wait()
    assert len(session.loaded) == 1 and "there already" in session.message.text


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        ("empty.xyz", b""),
        ("cut.xyz", b"3\nwater\nO 0 0 0\n"),
        ("picture.xyz", b"\x89PNG\r\n\x1a\n" * 9),
        ("x.h5", b"no"),
    ],
)
def test_a_broken_file_gives_one_sentence_and_changes_nothing(session, filename, content):
    before = session.structures, session.dataset, session.picked
    session.load_upload({filename: content})
    session.wait()
    assert (session.structures, session.dataset, session.picked) == before
    assert session.message.level == "error" and "Traceback" not in session.message.text
    assert not session.loading


def test_a_source_that_fails_gives_its_own_sentence(session):
    source = molecules.SOURCES["smiles"]
    session.load_structures("smiles", source.Params(smiles="C(("))
    session.wait()
    assert session.message.level == "error" and "SMILES" in session.message.text


def test_while_something_is_loaded_a_second_load_is_refused(session, monkeypatch):
    door = threading.Event()
    monkeypatch.setattr(molecules, "read_structures", lambda *_, **__: door.wait(20) and [])
    session.load_upload({"a.xyz": b""})
    session.load_upload({"b.xyz": b""})
    assert session.message.level == "warning" and "under way" in session.message.text
    door.set()
    session.wait()


def test_a_selection_limits_what_is_trained_on(session):
    session.select(Selection(index_range="0:30"))
    assert session.selected == tuple(range(30)) == session.trainable
    assert session.parts[30] == "" and session.parts[0] != ""


@pytest.mark.parametrize(
    "selection", [Selection(elements="Xx"), Selection(elements="+N"), Selection(min_heavy=9)]
)
def test_a_selection_that_fits_nothing_is_not_applied(session, selection):
    session.select(selection)
    assert session.selection == Selection() and session.message.level == "error"


def test_closing_the_dataset_keeps_what_was_loaded(session):
    session.load_upload({"water.xyz": WATER.encode()})
    session.wait()
    session.close_dataset()
    assert [structure.formula for structure in session.structures] == ["H2O"] and session.picked == 0


def test_a_reference_file_made_elsewhere_opens_as_dataset(session, request):
    path = request.config.rootpath / "tests" / "reference" / "foreign.xyz"
    session.load_upload({"foreign.xyz": path.read_bytes()})
    session.wait()
    assert session.message.level == "info", session.message
    assert session.dataset.name == "foreign"


def test_references_are_computed_reported_and_joined_to_those_of_the_same_method(session, monkeypatch):
    method = session.dataset.method
    seen = []

    def run(structures, asked, *, report, **_):
        report(ReferenceProgress(1, 2, 3.0, "methane", ()))
        return session_dataset(structures, asked)

    ready = session.dataset.subset((0,))

    def session_dataset(structures, asked):
        assert asked == method and [s.formula for s in structures] == ["CH4"]
        return ready

    monkeypatch.setattr(references, "run_references", run)
    session.load_upload({"methane.xyz": METHANE})
    session.wait()
    session.observe(lambda change: seen.append(change["new"].done), "references")
    session.compute_references(method)
    session.wait()
    assert 1 in seen and not session.references.running
    assert len(session.dataset) == 101 and "are ready" in session.message.text


def test_the_first_references_divide_the_molecules_at_once(session, monkeypatch):
    ready = session.dataset.subset(tuple(range(5)))
    monkeypatch.setattr(references, "run_references", lambda *_, **__: ready)
    session.close_dataset()
    session.loaded = session.structures = ready.structures
    session.select(Selection())
    session.compute_references(ready.method)
    session.wait()
    assert session.dataset is ready and set(session.parts) == {"train", "validation", "test"}


def test_references_of_another_method_replace_the_dataset(session, monkeypatch):
    other = ReferenceMethod(large_basis="def2-svp")
    from dataclasses import replace

    ready = replace(session.dataset.subset((0, 1, 2)), method=other, name="computed")
    monkeypatch.setattr(references, "run_references", lambda *_, **__: ready)
    session.load_upload({"methane.xyz": METHANE})
    session.wait()
    session.compute_references(other)
    session.wait()
    assert session.dataset is ready and "another method" in session.message.text


def test_cancelled_references_say_so(session, monkeypatch):
    def run(structures, method, *, cancel, **_):
        assert cancel.wait(20)
        return session.dataset.subset(())

    monkeypatch.setattr(references, "run_references", run)
    session.load_upload({"methane.xyz": METHANE})
    session.wait()
    session.compute_references(session.dataset.method)
    session.cancel_references()
    assert session.references.cancelling
    session.wait()
    assert not session.references.running and "No reference was finished" in session.message.text


def test_failed_references_leave_a_sentence(session, monkeypatch):
    def run(*_, **__):
        raise HamExplorerError("the store is full; free some space")

    monkeypatch.setattr(references, "run_references", run)
    session.load_upload({"methane.xyz": METHANE})
    session.wait()
    session.compute_references(session.dataset.method)
    session.wait()
    assert (
        session.message.text == "the store is full; free some space" and session.message.where == "references"
    )


def test_a_source_that_downloads_works_in_the_background_and_says_how_far_it_is(server, monkeypatch):
    import archive_server

    held = threading.Event()

    class Held(QM7Source):
        def molecules(self, path, tell):
            held.wait(20)
            return super().molecules(path, tell)

    source = Held(server.small("qm7", archive_server.some_molecules(20)))
    monkeypatch.setattr(molecules, "SOURCES", {"qm7": source})
    session = Session()
    heard: list[str] = []
    session.observe(lambda change: heard.append(change["new"]), "loading")
    session.load_structures("qm7", source.Params(n=20))
    assert session.loading == "Loading from QM7 (download)" and session.structures == ()
    held.set()
    session.wait()
    assert "Loading from QM7 (download): choosing 20 of 20" in heard
    assert heard[-1] == session.loading == "" and len(session.loaded) == 20


def test_an_archive_that_cannot_be_reached_is_a_sentence_in_the_session(server, monkeypatch):
    import archive_server

    source = QM9Source(server.small("qm9", archive_server.some_molecules(3)))
    monkeypatch.setattr(molecules, "SOURCES", {"qm9": source})
    server.faults = [404]
    session = Session()
    session.load_structures("qm9", source.Params(n=3))
    session.wait()
    assert session.message.level == "error" and "QM9 cannot be fetched" in session.message.text
    assert session.loading == "" and session.structures == ()
