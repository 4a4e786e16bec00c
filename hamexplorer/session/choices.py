"""The part of the session that holds what the next run will be: its settings, and which structures are for what."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.session.references import References
from hamexplorer.structures.selection import Split
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import defaults_for, kind_of


class Choices(References):
    """Settings of the next run; those of a run under way were frozen at its start."""

    settings = traitlets.Any()
    parts = traitlets.Tuple(help='"train", "validation", "test" or "" for every structure')

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings = RunSettings()
        self._suited_to = "molecules"
        self.observe(self._suit_the_dataset, "dataset")
        self.observe(self._split_again, ["dataset", "structures", "selected", "settings"])

    def _suit_the_dataset(self, _: Any = None) -> None:
        """Different molecules, geometries of one, and crystals want other settings to begin with."""
        if self.dataset is None or not len(self.dataset):
            return
        keys = [structure.key for structure in self.dataset.structures]
        if not all(any(key.startswith(held) for key in keys) for held in self.settings.held_out.split()):
            # Held out of another dataset: here the test part is drawn by chance again.
            self.settings = dataclasses.replace(self.settings, held_out="")
        kind = kind_of(self.dataset.structures)
        if kind == self._suited_to:
            return
        self._suited_to = kind
        fitting = {n: w for n, w in self.settings.targets.items() if not self.why_not_target(n)}
        changes = {**defaults_for(kind), "targets": fitting or dict(RunSettings().targets)}
        self.settings = dataclasses.replace(self.settings, **changes)

    def configure(self, **changes: Any) -> bool:
        """Change settings of the next run; a value out of bounds changes nothing and says why."""
        try:
            self.settings = dataclasses.replace(self.settings, **changes)
        except HamExplorerError as error:
            self.say(str(error), "error", "targets")
            return False
        if self.message.where == "targets":
            self.say("", where="targets")
        return True

    def _split_again(self, _: Any = None) -> None:
        parts = [""] * len(self.structures)
        rows = self.trainable
        try:
            split = self.split_of(rows)
        except HamExplorerError:
            pass  # start() says what is wrong with the fractions or the number of molecules
        else:
            for position, row in enumerate(rows):
                parts[row] = split.part_of(position)
        self.parts = tuple(parts)

    def split_of(self, rows: tuple[int, ...]) -> Split:
        """How the next run divides these structures.

        Raises:
            HamExplorerError: if there are too few, or the fractions leave nothing to test.
        """
        return self.settings.split([self.structures[i] for i in rows])

    def hold_out(self, indices: Sequence[int]) -> None:
        """Make these structures the test part of the next runs; none gives the test part back to chance."""
        rows = [k for k in indices if self.has_reference(k)]
        keys = " ".join(self.structures[k].key[:12] for k in rows)
        before = self.settings
        if not self.configure(held_out=keys):
            return
        try:
            self.split_of(self.trainable)
        except HamExplorerError as error:
            self.settings = before
            self.say(str(error), "error", "training")
            return
        count = f"{len(rows)} structure{'s are' if len(rows) != 1 else ' is'}"
        said = (
            f"{count} the test part from the next training on."
            if rows
            else "The test part is left to chance again."
        )
        self.say(said, where="training")

    def why_not_target(self, name: str) -> str:
        """Why a target cannot be learned from the open dataset; empty if it can."""
        if self.dataset is None or not len(self.dataset):
            return ""
        first = self.dataset.references[0]
        if self.settings.target_basis == "small":
            first = first.of_small_basis()
        if first.structure.is_crystal and TARGETS[name].band_axes is None:
            return "not defined for a crystal here"
        if name == "hamiltonian":
            missing = first.fock is None and first.iao_fock is None
        else:
            missing = hasattr(first.large, name) and getattr(first.large, name) is None
        return "not in this dataset" if missing else ""
