"""Checkpoints come back bit for bit, or with one sentence."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hamexplorer.errors import CheckpointError
from hamexplorer.train import checkpoint
from hamexplorer.train.checkpoint import FORMAT, read_checkpoint, write_checkpoint
from hamexplorer.train.trained import TrainedModel

arrays = st.lists(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int32, bool]), hnp.array_shapes(min_dims=0, max_dims=3)
    ),
    max_size=5,
)


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays, st.dictionaries(st.text(max_size=5), st.integers() | st.text()))
def test_there_and_back(tmp_path, arrays, extra):
    header = {"kind": "test", "extra": extra}
    write_checkpoint(tmp_path, "one", header, arrays)
    found, back = read_checkpoint(tmp_path, "one")
    assert found["kind"] == "test" and found["extra"] == extra and found["format"] == FORMAT
    for a, b in zip(arrays, back, strict=True):
        assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.fixture
def written(tmp_path):
    write_checkpoint(tmp_path, "run", {"epoch": 3}, [np.arange(5.0)])
    return tmp_path


def change(folder, **values):
    """Another header, as versions wrote them before headers had a checksum."""
    path = folder / "run.json"
    header = json.loads(path.read_text()) | {"header_sha256": None} | values
    path.write_text(json.dumps({k: v for k, v in header.items() if v is not None}))


def test_a_header_names_the_versions(written):
    header, _ = read_checkpoint(written, "run")
    assert header["jax"] and header["python"] and header["hamexplorer"] and len(header["sha256"]) == 64


def test_a_missing_checkpoint_is_told(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"holds no run\.json; give the folder that a training run wrote"
    ):
        read_checkpoint(tmp_path, "run")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", "{}", '{"format": "x"}', "\x00\x01", '{"format": null}']
)
def test_a_damaged_header_is_told(written, text):
    (written / "run.json").write_text(text)
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(written, "run")


def test_bytes_that_are_no_text_are_told(written):
    (written / "run.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(CheckpointError, match="is damaged"):
        read_checkpoint(written, "run")


@pytest.mark.parametrize("key", ["sha256", "n_arrays"])
def test_a_header_that_lacks_something_is_told(written, key):
    change(written, **{key: None})
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(written, "run")


def test_a_newer_version_is_told(written):
    change(written, format=FORMAT + 1, hamexplorer="9.9")
    with pytest.raises(
        CheckpointError,
        match=rf"has format {FORMAT + 1}, written by a newer hamexplorer \(9\.9\).*update hamexplorer",
    ):
        read_checkpoint(written, "run")


def test_an_older_version_is_brought_up_to_date(written, monkeypatch):
    change(written, format=FORMAT - 1)
    monkeypatch.setitem(checkpoint.UPGRADES, FORMAT - 1, lambda header: {**header, "upgraded": True})
    assert read_checkpoint(written, "run")[0]["upgraded"]


def test_a_version_nobody_knows_is_told(written):
    change(written, format=-3)
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(written, "run")


def test_arrays_that_were_cut_short_are_told(written):
    archive = written / "run.npz"
    archive.write_bytes(archive.read_bytes()[:-20])
    with pytest.raises(CheckpointError, match=r"run\.npz is missing or damaged"):
        read_checkpoint(written, "run")


def test_arrays_of_another_checkpoint_are_told(written):
    write_checkpoint(written, "other", {}, [np.arange(6.0)])
    (written / "other.npz").replace(written / "run.npz")
    with pytest.raises(CheckpointError, match=r"run\.npz is missing or damaged"):
        read_checkpoint(written, "run")


def test_missing_arrays_are_told(written):
    (written / "run.npz").unlink()
    with pytest.raises(CheckpointError, match="missing or damaged"):
        read_checkpoint(written, "run")


def test_nothing_is_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was loaded",))

    write_checkpoint(tmp_path, "run", {}, [np.array([Trap()], dtype=object)])
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(tmp_path, "run")


def test_a_header_of_another_kind_is_told(three_epochs, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(three_epochs.folder, folder)
    path = folder / "model.json"
    header = json.loads(path.read_text())
    del header["shells"], header["header_sha256"]
    path.write_text(json.dumps(header))
    with pytest.raises(CheckpointError, match=r"not hold a model as this version .* \(shells is missing\)"):
        TrainedModel.load(folder)


def test_arrays_of_another_shape_are_told(three_epochs, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(three_epochs.folder, folder)
    header, arrays = read_checkpoint(folder, "model")
    arrays[0] = arrays[0][..., :-1]
    write_checkpoint(folder, "model", {k: v for k, v in header.items() if k != "sha256"}, arrays)
    with pytest.raises(CheckpointError, match="another kind of model"):
        TrainedModel.load(folder)
