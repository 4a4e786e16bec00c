"""A training, a study and a session that a bad disk has touched: what was written, or a sentence."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest

from hamexplorer.errors import CheckpointError, HamExplorerError, SessionFileError
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.session.archive import Saved, read_session, write_session
from hamexplorer.session.state import Selection
from hamexplorer.train import checkpoint, kept
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import KeptRows, Row
from hamexplorer.train.settings import RunSettings

# ---- trainings -----------------------------------------------------------------------------------------

ARRAYS = [np.arange(40.0), np.float32([[1, 2], [3, 4]]), np.array(7)]
EXTRA = {
    "kind": "run",
    "epoch": 3,
    "history": [{"epoch": 1, "loss": 0.25}, {"epoch": 2, "loss": float("nan")}],
}


def is_whole(found) -> bool:
    header, arrays = found
    return all(repr(header[key]) == repr(value) for key, value in EXTRA.items()) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(ARRAYS, arrays, strict=True)
    )


@pytest.mark.parametrize("ending", ["json", "npz"])
def test_a_checkpoint_with_a_flipped_bit_is_the_same_or_a_sentence(faults, tmp_path, ending):
    write_checkpoint(tmp_path, "run", EXTRA, ARRAYS)
    assert is_whole(read_checkpoint(tmp_path, "run"))
    path, refused = tmp_path / f"run.{ending}", 0
    content = path.read_bytes()
    for damaged in (*faults.flips(content, 500), *faults.cuts(content)):
        path.write_bytes(damaged)
        try:
            assert is_whole(read_checkpoint(tmp_path, "run"))
        except CheckpointError as error:
            refused += 1
            faults.one_sentence(error)
    assert refused > 200


def test_a_checkpoint_is_whole_between_its_two_renames(tmp_path):
    """The archive is new, the header is still the old one, or there was none yet."""
    write_checkpoint(tmp_path, "run", {**EXTRA, "epoch": 2}, [np.zeros(3)])
    old = (tmp_path / "run.json").read_bytes()
    write_checkpoint(tmp_path, "run", EXTRA, ARRAYS)
    (tmp_path / "run.json").write_bytes(old)
    assert is_whole(read_checkpoint(tmp_path, "run"))
    (tmp_path / "run.json").unlink()
    assert is_whole(read_checkpoint(tmp_path, "run"))


def test_an_archive_of_a_newer_version_beside_an_old_header_is_told(tmp_path, monkeypatch):
    write_checkpoint(tmp_path, "run", EXTRA, ARRAYS)
    old = (tmp_path / "run.json").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
        write_checkpoint(tmp_path, "run", {**EXTRA, "epoch": 4}, ARRAYS)
    (tmp_path / "run.json").write_bytes(old)
    with pytest.raises(CheckpointError, match=r"run\.npz has format 2, written by a newer hamexplorer"):
        read_checkpoint(tmp_path, "run")


def test_a_checkpoint_that_the_system_will_not_read_is_told(faults, tmp_path):
    (tmp_path / "run.json").mkdir()
    with pytest.raises(
        CheckpointError, match=r"run\.json cannot be read \(Is a directory\); check"
    ) as caught:
        read_checkpoint(tmp_path, "run")
    faults.one_sentence(caught.value)


def test_kept_baselines_with_a_flipped_bit_are_the_same_or_made_again(faults, tmp_path):
    matrices = [np.arange(9.0).reshape(3, 3), np.eye(4)]
    path, made_again = tmp_path / "h0.npz", 0
    np.savez(path, *matrices)
    content = path.read_bytes()
    for damaged in (*faults.flips(content, 500), *faults.cuts(content)):
        path.write_bytes(damaged)
        found = kept._read(path, 2)
        made_again += found is None
        assert found is None or all(map(np.array_equal, found, matrices))
    assert made_again > 200


def test_a_row_of_a_study_with_a_flipped_bit_is_the_same_or_made_again(faults, tmp_path):
    errors = ErrorRow("mo_energy", "Orbital energies", "Ha", *[0.125] * 6, 3)
    row = Row(PlannedRun("ethane", "mo_energy", RunSettings()), 10.0, 5, 4, {"test": {"mo_energy": errors}})
    KeptRows(tmp_path).put("key", row)
    path, made_again = tmp_path / "runs" / "key" / "row.json", 0
    content = path.read_bytes()
    assert KeptRows(tmp_path).get("key") == row
    for damaged in (*faults.flips(content, 500), *faults.cuts(content)):
        path.write_bytes(damaged)
        found = KeptRows(tmp_path).get("key")
        made_again += found is None
        assert found is None or found == row
    assert made_again > 400
    values = json.loads(content)
    del values["sha256"]  # as rows were kept before
    path.write_text(json.dumps(values))
    assert KeptRows(tmp_path).get("key") == row


# ---- sessions ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session_file() -> bytes:
    structures = read_dataset("ethane").structures[:3]
    dataset = dataclasses.replace(read_dataset("ethane").subset(range(2)), name="mine")
    return write_session(Saved(dataset, structures, Selection(), 1, RunSettings(seed=3), (), None))


def test_a_session_with_a_flipped_bit_is_the_same_or_a_sentence(faults, session_file):
    whole = read_session(session_file)
    two = read_dataset("ethane").subset(range(2))
    assert faults.same_dataset(whole.dataset, dataclasses.replace(two, name="mine"))
    for damaged in faults.flips(session_file, 300):
        # A flip in the words before the checksum makes it a file of before: its content is that of before, too.
        try:
            found = read_session(damaged)
            assert found.settings == whole.settings and faults.same_dataset(found.dataset, whole.dataset)
        except SessionFileError as error:
            faults.one_sentence(error)
    for damaged in faults.cuts(session_file):
        with pytest.raises(SessionFileError, match="no session of hamexplorer, or it is damaged"):
            read_session(damaged)


def test_sessions_from_before_there_were_checksums_are_read_or_told(faults, session_file):
    unsealed = io.BytesIO(session_file)
    with zipfile.ZipFile(unsealed, "a") as archive:
        archive.comment = b""
    content = unsealed.getvalue()
    assert read_session(content).settings == RunSettings(seed=3)
    for damaged in faults.flips(content, 150):
        try:
            assert read_session(damaged).settings == RunSettings(seed=3)
        except HamExplorerError as error:
            faults.one_sentence(error)
