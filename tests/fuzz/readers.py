"""How the application takes each kind of input, and what it will ask of whatever it took."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer.cli.options import read_config
from hamexplorer.params import params_of
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.reference.matrices import read_matrices
from hamexplorer.session import Session
from hamexplorer.session.archive import read_session
from hamexplorer.structures.cells import warnings_about
from hamexplorer.structures.checks import MAX_ATOMS
from hamexplorer.structures.descriptions import noun_of
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.sources import SOURCES
from hamexplorer.structures.structure import Structure
from hamexplorer.train.grid import Grid
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel
from tests.fuzz.child import wrong_with


def structures(folder: Path, *, filename: str, format: str | None = None) -> str:
    """A file as an upload brings it."""
    return usable(read_structures((folder / "content").read_bytes(), filename=filename, format=format))


def source(folder: Path, *, name: str, words: str) -> str:
    """What somebody typed: into a form, and after a colon on the command line."""
    entry = SOURCES[name]
    return usable(entry.load(entry.parse(words)))


def form(folder: Path, *, name: str, words: str) -> str:
    entry = SOURCES[name]
    return usable(entry.load(entry.Params(**{entry.main: words})))


def usable(found: Iterable[Structure]) -> str:
    """What tables, plots and calculations ask of a structure."""
    found = list(found)
    assert found, "nothing, and no sentence"
    for structure in found[:300]:
        assert 1 <= structure.n_atoms <= MAX_ATOMS and np.isfinite(structure.positions).all()
        assert structure.formula and structure.symbols and structure.elements and structure.n_electrons > 0
        json.dumps([structure.label, structure.source], ensure_ascii=False).encode()
        assert len(structure.to_ase()) == structure.n_atoms
        noun_of(structure), warnings_about(structure)
    return f"{len(found)} structures"


def dataset(folder: Path, *, filename: str) -> str:
    """A file with reference values."""
    return _usable_dataset(read_dataset(folder / filename))


def _usable_dataset(found: ReferenceDataset) -> str:
    usable(found.structures)
    json.dumps([found.name, found.set_aside, found.provenance], ensure_ascii=False).encode()
    assert isinstance(found.name, str)
    for reference in found.references:
        assert 1 <= reference.n_occ <= reference.structure.n_electrons
        for side in (reference.small, reference.large):
            assert side.mo_energy.dtype == np.float64 and side.mo_energy.shape[-1] >= reference.n_occ
            assert np.isfinite(side.mo_energy).all()
            assert side.dipole is None or side.dipole.shape == (3,)
    return f"{len(found)} references"


def matrices(folder: Path, *, filename: str = "") -> str:
    """A DeepH folder, or an .npz file in the folder."""
    found = read_matrices(folder / filename)
    assert np.isfinite(found.hamiltonian).all()
    return f"{len(found.translations)} matrices"


def model(folder: Path) -> str:
    """The folder that a training wrote."""
    found = TrainedModel.load(folder)
    assert found.geometry.graph.elements
    return f"epoch {found.epoch:d}"


def run_toml(folder: Path) -> str:
    """Settings of a run, as `hamexplorer train --config` takes them."""
    names = [entry.name for entry in params_of(RunSettings)]
    values = read_config(folder / "content.toml", [*names, "targets"])
    return f"{RunSettings.from_dict(values).epochs} epochs"


def study_toml(folder: Path) -> str:
    """A grid, as `hamexplorer study` takes it."""
    grid = Grid.read(folder / "content.toml")
    count = sum(1 for name in grid.datasets for _ in grid.runs(name))
    assert count <= 100_000, "more runs than anybody has time for, and no sentence"
    return f"{count} runs"


# ---- through the dashboard's session --------------------------------------------------------------------------------


def upload(folder: Path, *, filename: str) -> str:
    """A file from the reader's disk, into a session that holds something."""
    session = _filled()
    return _judged(session, lambda: session.load_upload({filename: (folder / "content").read_bytes()}))


def archive(folder: Path) -> str:
    """A session file, into a session that holds something."""
    session = _filled()
    return _judged(session, lambda: session.open_session((folder / "content").read_bytes(), "mine.hxsession"))


def archive_alone(folder: Path) -> str:
    """A session file without a session: an exception has its traceback."""
    saved = read_session((folder / "content").read_bytes())
    if saved.loaded:
        usable(saved.loaded)
    return f"{len(saved.runs)} runs"


def _filled() -> Session:
    if not _sessions:
        session = Session()
        session._set_dataset(dataclasses.replace(read_dataset("ethane").subset(range(4)), name="four"))
        session.load_upload({"he.xyz": b"1\n\nHe 0 0 0\n"})
        session.wait()
        session.pick(2)
        _sessions.append(session)
    return _sessions[0]


_sessions: list[Session] = []


def _held(session: Session) -> tuple[Any, ...]:
    return (
        session.dataset, tuple(structure.key for structure in session.structures), session.loaded, session.selection,
        session.selected, session.picked, session.settings, session.runs, session.shown_run, session.bands,
        session.kept_study, session.loading,
    )  # fmt: skip


def _judged(session: Session, act: Any) -> str:
    from hamexplorer.errors import HamExplorerError

    before = _held(session)
    session.say("")
    act()
    session.wait(60)
    message = session.message
    if message.level == "error":
        for old, new in zip(before, _held(session), strict=True):
            assert old is new or old == new, f"the session lost {old!r} and says {message.text!r}"
        if wrong := wrong_with(message.text):
            raise AssertionError(f"{wrong}: {message.text}")
        raise HamExplorerError(message.text)
    if session.structures:
        usable(session.structures)
    _sessions.clear()
    return message.text or "opened"


READERS = {
    each.__name__: each
    for each in (
        structures, source, form, dataset, matrices, model, run_toml, study_toml, upload, archive, archive_alone,
    )
}  # fmt: skip
