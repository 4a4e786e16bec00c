"""The one mutable object behind the dashboard: traits that hold immutable values, and verbs.

It knows no widget and no HTML: panels observe the traits and call the verbs, and so can a script or a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hamexplorer.errors import HamExplorerError, TrainingError
from hamexplorer.reference.dataset import SHIPPED, read_dataset
from hamexplorer.session import export, recipe
from hamexplorer.session.archive import ENDING, Saved, read_session, write_session
from hamexplorer.session.point import StartingPoint
from hamexplorer.session.pump import sentence_of
from hamexplorer.session.runs import Run
from hamexplorer.session.state import (
    STATES,
    Download,
    Message,
    Progress,
    ReferenceState,
    Selection,
)
from hamexplorer.session.study import Studies
from hamexplorer.train.suited import settings_for

__all__ = ["EXPORTS", "STATES", "Message", "Progress", "ReferenceState", "Selection", "Session"]

#: What can be downloaded: name -> label.
EXPORTS = {
    "csv": "Results, CSV",
    "json": "Errors, JSON",
    "model": "Model, ZIP",
    "toml": "Settings, TOML",
    "script": "Run, Python",
    "notebook": "Run, notebook",
    "cube": "This orbital, cube",
    "molden": "Its orbitals, Molden",
}
#: Those that repeat a run: its ending and what makes it.
_RECIPES = {
    "toml": (".toml", recipe.settings_toml),
    "script": (".py", recipe.script),
    "notebook": (".ipynb", recipe.notebook),
}


class Session(Studies):
    """Molecules, their references, and one training run, or one study, at a time."""

    def save_session(self) -> Download | None:
        """The whole session as one file; None, and a sentence in ``message``, if that is not possible."""
        try:
            if self.running:
                raise TrainingError("a training is under way; stop it first, then save the session")
            saved = Saved(
                self.dataset,
                self.loaded,
                self.selection,
                self.picked,
                self.settings,
                self.runs,
                self.shown_run,
                self.kept_study,
            )
            stem = self.dataset.name.replace(" ", "-") if self.dataset is not None else "session"
            return Download(f"{stem}{ENDING}", write_session(saved))
        except (HamExplorerError, OSError) as error:
            self.say(sentence_of(error), "error", "share")
            return None

    def open_session(self, content: bytes, filename: str = "the session") -> None:
        """Replace everything by what a session file holds; a file that cannot be read changes nothing."""
        if self.running or self.loading or self.study.running:
            self.say("something is under way; wait or stop it, then open the session", "warning", "share")
            return
        self.loading = f"Opening {filename}"

        def opened(saved: list[Saved]) -> None:
            self.loading = ""
            self._restore(saved[-1])
            self.say(f"Opened {filename}.", where="share")

        def failed(sentences: list[str]) -> None:
            self.loading = ""
            self.say(sentences[-1], "error", "share")

        self.pump.start(lambda: read_session(content), done=opened, failed=failed)

    def _restore(self, saved: Saved) -> None:
        self.reset()
        with self.hold_trait_notifications():
            self.loaded, self.runs = saved.loaded, saved.runs
            self._set_dataset(saved.dataset)
            self.select(saved.selection)
            self.pick(saved.picked)
            self.settings = saved.settings
        # Opening a dataset of another kind suits the settings to it: those that were saved come last.
        self.settings = saved.settings
        self.kept_study = saved.study
        if saved.shown_run is not None:
            self.show_run(saved.shown_run)

    def begin_at(self, point: StartingPoint) -> None:
        """Open what an address names; runs and other structures stay, and what cannot be opened changes nothing."""

        def work() -> Any:
            return read_dataset(point.data) if point.data else None, point.added()

        def done(opened: Any) -> None:
            dataset, added = opened
            if dataset is not None:
                self._set_dataset(dataset)
            if added:
                self._structures_loaded(added)
            if point.settings:
                self.configure(**point.settings)
            self.pick(point.structure - 1)
            if self.message.level == "info":
                self.say("")  # what is open stands in the first card

        if self.running or self.study.running:
            self.say("something is under way; wait or stop it, then open the address again", "warning")
            return
        self._load("Opening what the address names", work, done)

    def why_not_link(self) -> str:
        """Why no address leads to what is open; empty if one does."""
        if self.dataset is not None and self.dataset.name in SHIPPED:
            return ""
        opened = "no data set is" if self.dataset is None else f"{self.dataset.name} is"
        return (
            f"an address can name data sets that come along, and {opened} open; save a session file instead, which "
            f"`hamexplorer --open FILE` opens for everybody"
        )

    def point(self, *, show: Sequence[str] = (), task: str = "") -> StartingPoint:
        """What an address needs to say for a page to begin where this session is; runs and own structures it cannot.

        Args:
            show: names of the panels that are shown, none for all.
            task: what whoever opens it shall do.

        Raises:
            TrainingError: if :meth:`why_not_link` gives a reason.
        """
        if reason := self.why_not_link():
            raise TrainingError(reason)
        usual = settings_for(self.dataset.structures).to_dict()
        differing = {name: value for name, value in self.settings.to_dict().items() if value != usual[name]}
        picked = self.picked + 1 if 0 < self.picked < len(self.dataset) else 0
        return StartingPoint(
            data=self.dataset.name, structure=picked, settings=differing, show=tuple(show), task=task
        )

    @property
    def run_shown(self) -> Run | None:
        """The finished run that the views show."""
        return next((run for run in self.runs if run.number == self.shown_run), None)

    def why_not_export(self, kind: str) -> str:
        """Why this file cannot be made now; empty if it can."""
        if kind in ("cube", "molden"):
            if self.crystal_orbital is not None:
                return (
                    ""
                    if kind == "cube"
                    else "a Molden file holds orbitals of a molecule, not waves of a crystal"
                )
            return (
                ""
                if self.state_of_picked is not None
                else "the orbitals of the picked structure are not known"
            )
        if kind in _RECIPES:
            return "" if self.run_shown is not None else "there is a run to repeat when a training has ended"
        if kind == "model":
            return "" if self.model is not None else "there is a model when a training has ended"
        return "" if self.results is not None else "there are results when a training has begun"

    def export(self, kind: str) -> Download | None:
        """Make a file of EXPORTS; None, and a sentence in ``message``, if that is not possible."""
        try:
            reason = self.why_not_export(kind)
            if reason:
                raise TrainingError(reason)
            if kind in _RECIPES and self.run_shown is not None:
                ending, make = _RECIPES[kind]
                name = f"{self.run_shown.dataset}-run-{self.run_shown.number}".replace(" ", "-")
                return Download(name + ending, make(self.run_shown).encode())
            if kind == "cube" and self.crystal_orbital is not None:
                return export.crystal_cube(self.crystal_orbital, self.wave)
            if kind in ("cube", "molden"):
                return export.orbital_file(kind, self.state_of_picked, self.orbital)
            if kind == "csv":
                return export.results_csv(self.results)
            if kind == "json":
                return export.results_json(self.results, self.settings)
            return export.model_zip(self.model, f"{self.dataset.name.replace(' ', '-')}-model")
        except (HamExplorerError, OSError) as error:
            self.say(sentence_of(error), "error", "training")
            return None
