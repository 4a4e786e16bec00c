"""A full disk, a folder that refuses, two processes at once: one sentence, and what was there before stays."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hamexplorer.cli.outputs import write_all
from hamexplorer.cluster import ClusterError
from hamexplorer.errors import CheckpointError, DatasetError
from hamexplorer.reference.aside import write_aside, write_whole
from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.reference.execute import run_references
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.train.checkpoint import read_checkpoint, write_checkpoint
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.rows import KeptRows, Row
from hamexplorer.train.settings import RunSettings

CURE = r"cannot be written \(.*\); choose another folder or free some space"


@contextlib.contextmanager
def room_for(n_bytes: int) -> Iterator[None]:
    """A disk that takes no file beyond this size: the system itself refuses, in this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def writers(faults, folder: Path) -> dict:
    """Everything that keeps something: name -> (version) -> None, each version another content."""
    ethanes = read_dataset("ethane")
    level = faults.entries["molecule"][0]
    row = Row(PlannedRun("ethane", "mo_energy", RunSettings()))
    return {
        "entry": lambda k: ReferenceStore(folder).put(faults.hydrogen(), level, faults.made_point(k)),
        "dataset": lambda k: write_dataset(folder / "two.h5", ethanes.subset(range(k, k + 2))),
        "checkpoint": lambda k: write_checkpoint(folder, "run", {"epoch": k}, [np.full(500, float(k))]),
        "row": lambda k: KeptRows(folder).put("key", Row(row.run, seconds=float(k))),
        "table": lambda k: write_all(folder, {"table.csv": f"{k}\n" * 2000}),
    }


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


EVERY_WRITER = pytest.mark.parametrize("kind", ["entry", "dataset", "checkpoint", "row", "table"])


@EVERY_WRITER
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_full_disk_is_told_and_leaves_what_was_there(faults, tmp_path, kind, share):
    write = writers(faults, tmp_path)[kind]
    write(1)
    before = everything(tmp_path)
    largest = max(map(len, before.values()))
    with room_for(int(share * largest)), pytest.raises(DatasetError, match=CURE) as caught:
        write(2)
    assert "File too large" in str(caught.value) and "\n" not in str(caught.value)
    assert everything(tmp_path) == before
    write(2)
    assert everything(tmp_path) != before


@EVERY_WRITER
def test_a_disk_that_is_full_only_when_flushed_is_told(faults, tmp_path, kind, monkeypatch):
    """File systems that allot blocks late take every write, and refuse at fsync."""
    write = writers(faults, tmp_path)[kind]
    write(1)
    before = everything(tmp_path)

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(
            DatasetError, match=r"cannot be written \(No space left on device\); choose another"
        ):
            write(2)
    assert everything(tmp_path) == before


def test_a_disk_that_is_full_between_the_files_of_a_checkpoint_keeps_one_of_the_two(tmp_path):
    """The archive fits and the longer header does not."""
    write_checkpoint(tmp_path, "run", {"epoch": 1}, [np.ones(3)])
    with room_for((tmp_path / "run.npz").stat().st_size + 40_000), pytest.raises(DatasetError, match=CURE):
        # An indented list takes more bytes than the same list in the archive.
        write_checkpoint(tmp_path, "run", {"epoch": 2, "history": [0] * 12_000}, [np.zeros(3)])
    header, (array,) = read_checkpoint(tmp_path, "run")
    assert (header["epoch"], array.tolist()) == (2, [0.0] * 3)


def test_a_full_disk_ends_a_batch_with_its_sentence(faults, quick, store):
    """PySCF's scratch files would not fit either: HDF5 crashes over those, so that there must be none."""
    # Room for the keys of the workers, but not for an entry.
    with room_for(8000), pytest.raises(DatasetError, match=CURE):
        run_references([faults.hydrogen()], quick, jobs=1, store=store)
    with room_for(1000), pytest.raises(ClusterError, match=r"cannot start .*; free some space in"):
        run_references([faults.hydrogen()], quick, jobs=1, store=store)
    assert everything(store.folder) == {}


@pytest.fixture
def rights() -> Iterator[tuple[Path, contextlib.AbstractContextManager]]:
    """A folder that everybody can reach, and a person without special rights."""

    @contextlib.contextmanager
    def ordinary() -> Iterator[None]:
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(was)

    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name), ordinary
        for path in Path(name).rglob("*"):
            path.chmod(0o755)
        os.chmod(name, 0o755)


@EVERY_WRITER
def test_a_folder_that_may_not_be_written_is_told(faults, rights, kind):
    folder, ordinary = rights
    write = writers(faults, folder)[kind]
    write(1)
    before = everything(folder)
    for path in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
        path.chmod(0o555)
    with ordinary(), pytest.raises(DatasetError, match=r"cannot be written \(Permission denied\); choose"):
        write(2)
    assert everything(folder) == before


def test_a_damaged_entry_in_a_store_that_may_not_be_written_counts_as_absent(faults, rights):
    folder, ordinary = rights
    level, point = faults.entries["molecule"]
    path = ReferenceStore(folder).put(faults.hydrogen(), level, point)
    path.write_bytes(path.read_bytes()[:-1])
    path.parent.chmod(0o555)
    with ordinary():
        assert ReferenceStore(folder).get(faults.hydrogen(), level) is None
    assert path.exists()


def test_files_that_may_not_be_read_are_told(faults, rights):
    folder, ordinary = rights
    level, point = faults.entries["molecule"]
    ReferenceStore(folder).put(faults.hydrogen(), level, point).chmod(0)
    write_checkpoint(folder, "run", {}, [np.ones(3)])
    (folder / "run.npz").chmod(0)
    with ordinary():
        with pytest.raises(
            DatasetError, match=r"cannot be read \(Permission denied\); check the permissions"
        ):
            ReferenceStore(folder).get(faults.hydrogen(), level)
        with pytest.raises(
            CheckpointError, match=r"run\.npz cannot be read \(Permission denied\); check its"
        ):
            read_checkpoint(folder, "run")


@EVERY_WRITER
def test_a_file_in_place_of_the_folder_is_told(faults, tmp_path, kind):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match=CURE):
        writers(faults, tmp_path / "file" / "folder")[kind](1)


def test_a_folder_that_goes_while_a_file_is_written_is_told(tmp_path):
    def interrupted() -> None:
        with write_aside(tmp_path / "gone" / "a.txt") as path:
            path.write_text("half")
            shutil.rmtree(tmp_path / "gone")

    with pytest.raises(DatasetError, match=CURE):
        interrupted()
    assert everything(tmp_path) == {}


def test_the_rename_is_made_durable_as_well(tmp_path, monkeypatch):
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    write_whole(tmp_path / "new" / "deep" / "a.txt", b"whole")
    assert done[0].startswith(".a.txt.")
    assert done[1:] == ["renamed", "deep", "new", tmp_path.name]


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_flushed_is_no_error_and_one_that_fails_is(
    tmp_path, monkeypatch, number, told
):
    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    expected = pytest.raises(DatasetError, match="Input/output error") if told else contextlib.nullcontext()
    with expected:
        write_whole(tmp_path / "a.txt", b"whole")
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_what_killed_processes_left_goes_after_an_hour_and_nothing_else_does(tmp_path):
    names = (".a.txt.old", ".a.txt.young", ".b.txt.old", "a.txt.old")
    for name in names:
        (tmp_path / name).write_text("half")
        if name.endswith("old"):
            os.utime(tmp_path / name, times=(0, 0))
    write_whole(tmp_path / "a.txt", b"whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted({"a.txt", *names} - {".a.txt.old"})
