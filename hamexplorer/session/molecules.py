"""The part of the session that holds molecules and crystals: what is loaded, what is chosen and what is picked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.reference.matrices import read_matrices
from hamexplorer.reference.real_space import RealSpaceMatrices
from hamexplorer.session.pump import Pump
from hamexplorer.session.state import Message, Selection
from hamexplorer.structures.cells import warnings_about
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.sources import SOURCES, allowed_source
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.imported import imported_bands
from hamexplorer.visiting import told


class Molecules(traitlets.HasTraits):
    """Loaded molecules and crystals. Those of ``dataset`` come first, those without references after them.

    Traits hold immutable values and change only in verbs and in events that the pump delivers.
    """

    dataset = traitlets.Any(None, allow_none=True, help="references to learn from, or None")
    loaded = traitlets.Tuple(help="structures without references")
    structures = traitlets.Tuple(help="all structures: those of the dataset, then the loaded ones")
    selection = traitlets.Any(Selection())
    selected = traitlets.Tuple(help="indices of the structures that pass the selection")
    picked = traitlets.Int(-1, help="index of the structure that every view shows; -1 is none")
    bands = traitlets.Dict(help="structure key -> BandStructure, of crystals that are in no run")
    loading = traitlets.Unicode("", help="what is being loaded right now")
    message = traitlets.Any(Message())

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pump = Pump()

    def drain(self) -> None:
        """Deliver what workers have reported; the event loop does this by itself."""
        self.pump.drain()

    def wait(self, timeout: float = 60.0) -> None:
        """Wait for all work in the background: for scripts and tests."""
        self.pump.wait(timeout)

    def say(self, text: str, level: str = "info", where: str = "structures") -> None:
        self.message = Message(told(text), level, where)

    # ---- loading -----------------------------------------------------------------------------------

    def open_dataset(self, source: str | Path | bytes, *, filename: str = "") -> None:
        """Replace the references by a shipped dataset, a file, or the content of a file."""
        name = filename or (source if isinstance(source, str) else getattr(source, "name", "the dataset"))
        self._load(f"Opening {name}", lambda: _read_dataset(source, filename), self._dataset_opened)

    def close_dataset(self) -> None:
        """Forget the references; loaded structures stay."""
        self._set_dataset(None)
        self.say("No references are open; load structures, then compute their references.")

    def load_structures(self, source: str, params: Any = None) -> None:
        """Add the structures of an entry of SOURCES to those that are loaded."""
        entry = SOURCES[source]
        settings = entry.Params() if params is None else params
        doing = f"Loading from {entry.label}"

        def progressed(texts: list[str]) -> None:
            if self.loading:
                self.loading = f"{doing}: {texts[-1]}"

        self._load(
            doing,
            lambda: allowed_source(entry).load_telling(
                settings, lambda text: self.pump.put(progressed, text)
            ),
            self._structures_loaded,
        )

    def load_upload(self, files: Mapping[str, bytes]) -> None:
        """Add the structures of uploaded files, all or none; a file with references becomes the dataset."""
        with_references = [name for name, content in files.items() if _holds_references(name, content)]
        matrices = [name for name in files if Path(name).suffix.lower() == ".npz"]
        if matrices and len(files) > 1:
            self.say(f"{matrices[0]} holds matrices and is read alone; upload it by itself", "error")
        elif matrices:
            content = files[matrices[0]]
            self._load(
                f"Reading {matrices[0]}", lambda: _read_matrices(content, matrices[0]), self._matrices_read
            )
        elif with_references and len(files) > 1:
            self.say(f"{with_references[0]} holds references and opens as dataset; upload it alone", "error")
        elif with_references:
            self.open_dataset(files[with_references[0]], filename=with_references[0])
        else:
            self._load(f"Reading {', '.join(files)}", lambda: _read_files(files), self._structures_loaded)

    def add(self, structures: Sequence[Structure]) -> None:
        """Add structures that a script has at hand, and pick the first of them."""
        self._structures_loaded(list(structures))

    def remove_loaded(self) -> None:
        """Remove the structures that have no references."""
        count = len(self.loaded)
        self.loaded = ()
        self._rebuild()
        self.say(f"Removed {count} {structures_noun(count)} without references.")

    def _matrices_read(self, read: tuple[RealSpaceMatrices, BandStructure]) -> None:
        """A crystal that comes with H(T) and S(T): its bands are shown as they are."""
        matrices, bands = read
        self.bands = {**self.bands, matrices.structure.key: bands}
        self._structures_loaded([matrices.structure])
        self.say(f"Read the matrices of {matrices.structure.label}. {matrices.assumed}")

    def _load(self, doing: str, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        if self.loading:
            self.say(f"{self.loading} is still under way; try again when it is done", "warning")
            return
        self.loading = doing

        def finish(values: list[Any]) -> None:
            self.loading = ""
            done(values[-1])

        def fail(sentences: list[str]) -> None:
            self.loading = ""
            self.say(sentences[-1], "error")

        self.pump.start(work, done=finish, failed=fail)

    def _dataset_opened(self, dataset: ReferenceDataset) -> None:
        self._set_dataset(dataset)
        aside = f"; {len(dataset.set_aside)} were set aside" if dataset.set_aside else ""
        self.say(f"Opened {len(dataset)} {structures_noun(len(dataset))} with references{aside}.")

    def _structures_loaded(self, structures: list[Structure]) -> None:
        known = {structure.key for structure in self.structures}
        fresh = tuple(structure for structure in structures if structure.key not in known)
        first = len(self.structures)
        self.loaded = (*self.loaded, *fresh)
        self._rebuild()
        if fresh:
            self.pick(first)
        twice = len(structures) - len(fresh)
        repeated = f"; {twice} {'was' if twice == 1 else 'were'} there already" if twice else ""
        doubts = [sentence for structure in fresh for sentence in warnings_about(structure)]
        if not doubts:
            self.say(f"Loaded {len(fresh)} {structures_noun(len(fresh))}{repeated}.")
            return
        more = f" The same is true of {len(doubts) - 1} more." if len(doubts) > 1 else ""
        told = f"Loaded {len(fresh)} {structures_noun(len(fresh))}{repeated}, but {doubts[0]}.{more}"
        self.say(told, "warning")

    def _set_dataset(self, dataset: ReferenceDataset | None) -> None:
        known = {s.key for s in dataset.structures} if dataset else set()
        # Observers hear of it when everything fits together again.
        with self.hold_trait_notifications():
            self.loaded = tuple(s for s in self.loaded if s.key not in known)
            self.dataset = dataset
            self._rebuild()

    def _rebuild(self) -> None:
        key = self.structures[self.picked].key if 0 <= self.picked < len(self.structures) else None
        of_dataset = tuple(self.dataset.structures) if self.dataset else ()
        with self.hold_trait_notifications():
            self.structures = (*of_dataset, *self.loaded)
            try:
                self.selected = self.selection.indices(self.structures)
            except HamExplorerError:
                # What was chosen for the structures before does not fit these: show all of them.
                self.selection, self.selected = Selection(), tuple(range(len(self.structures)))
            keys = [structure.key for structure in self.structures]
            self.picked = keys.index(key) if key in keys else min(0, len(keys) - 1)

    # ---- choosing ----------------------------------------------------------------------------------

    def select(self, selection: Selection) -> None:
        """Use only the structures that pass; a selection that cannot be understood changes nothing."""
        try:
            chosen = selection.indices(self.structures)
        except HamExplorerError as error:
            self.say(str(error), "error")
            return
        if not chosen and self.structures:
            self.say("no loaded structure passes this selection, so it was not applied; widen it", "error")
            return
        with self.hold_trait_notifications():
            self.selection, self.selected = selection, chosen
        self.say(f"{len(chosen)} of {len(self.structures)} {structures_noun(len(self.structures))} chosen.")

    def pick(self, index: int) -> None:
        """Show one structure in every view."""
        if 0 <= index < len(self.structures):
            self.picked = index

    def has_reference(self, index: int) -> bool:
        return self.dataset is not None and 0 <= index < len(self.dataset)

    @property
    def trainable(self) -> tuple[int, ...]:
        """Indices of the selected structures that have references."""
        return tuple(i for i in self.selected if self.has_reference(i))

    @property
    def without_references(self) -> tuple[int, ...]:
        """Indices of the selected structures that have none."""
        return tuple(i for i in self.selected if not self.has_reference(i))


def structures_noun(count: int) -> str:
    return "structure" if count == 1 else "structures"


def _holds_references(filename: str, content: bytes) -> bool:
    suffix = Path(filename).suffix.lower()
    if suffix in (".h5", ".hdf5"):
        return True
    return suffix in (".xyz", ".extxyz") and b"_mo_energy=" in content[:100_000]


def _read_files(files: Mapping[str, bytes]) -> list[Structure]:
    return [s for name, content in files.items() for s in read_structures(content, filename=name)]


def _read_matrices(content: bytes, filename: str) -> tuple[RealSpaceMatrices, BandStructure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(filename).name
        path.write_bytes(content)
        matrices = read_matrices(path)
    return matrices, imported_bands(matrices)


def _read_dataset(source: str | Path | bytes, filename: str) -> ReferenceDataset:
    if isinstance(source, bytes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / (Path(filename).name or "dataset.h5")
            path.write_bytes(source)
            return _read_dataset(path, filename)
    return read_dataset(source)
