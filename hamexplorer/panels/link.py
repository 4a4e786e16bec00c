"""The address that opens the dashboard for somebody else as it is here, or only what a lesson's step needs of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.panels.parts import fold, styled, text
from hamexplorer.plots import PLOTS
from hamexplorer.session import Session
from hamexplorer.session.point import LONGEST_TASK

#: What the panels are called that are no plots.
LABELS = {
    "structures": "Structures",
    "targets": "Targets and basis",
    "training": "Training",
    "units": "Units",
    "timeline": "Earlier epochs",
    "tiles": "Errors at a glance",
    "molecule": "Structure in 3D",
    "health": "How far to trust it",
    "runs": "Runs",
    "study": "Study",
    "share": "Save and share",
}


class CopyLink(anywidget.AnyWidget):
    """An address of this page that ends in ``query``, and a button that copies it."""

    _esm = Path(__file__).parent / "link.js"
    query = traitlets.Unicode().tag(sync=True)
    reason = traitlets.Unicode("", help="why there is none; empty if there is").tag(sync=True)


class LinkPanel:
    """What an address says beside data set, settings and structure: a task, and which panels are shown."""

    def __init__(self, session: Session, panels: Iterable[str]) -> None:
        """Offer the panels by name.

        Args:
            session: what the address leads to.
            panels: names of all that a page has; keys of LABELS and PLOTS.
        """
        self._session = session
        self._boxes = {
            name: widgets.Checkbox(
                description=LABELS.get(name) or PLOTS[name].label,
                indent=False,
                tooltip="Shown by the address; without a choice all panels are",
            )
            for name in panels
        }
        self._task = styled(
            widgets.Text(
                description="Task",
                placeholder="Train until the error of the test molecules is below 0.1 eV.",
                tooltip=f"Shown above the dashboard; up to {LONGEST_TASK} characters",
                continuous_update=False,
            ),
            "hx-field",
        )
        self._link = CopyLink()
        about = (
            "It opens the dashboard with this data set, these settings and this structure. Own molecules and runs "
            "travel in a session file, which `hamexplorer --open FILE` opens for everybody. Choose panels to show no "
            "others."
        )
        self.widget = fold(
            "A link for a class",
            [
                text(about, "hx-help"),
                self._task,
                styled(widgets.Box(list(self._boxes.values())), "hx-flow"),
                self._link,
            ],
        )
        for chosen in (self._task, *self._boxes.values()):
            chosen.observe(lambda _: self._follow(), "value")
        session.observe(lambda _: self._follow(), ["dataset", "settings", "picked"])
        self._follow()

    def _follow(self) -> None:
        self._link.reason = self._session.why_not_link()
        if self._link.reason:
            return
        shown = [name for name, box in self._boxes.items() if box.value]
        try:
            self._link.query = self._session.point(
                show=shown, task=self._task.value.strip()[:LONGEST_TASK]
            ).query()
        except HamExplorerError as error:
            self._link.reason = str(error)
