"""Save and share: results, what repeats a run, a report, and the whole session in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import ipywidgets as widgets

from hamexplorer.panels.download import DownloadButton
from hamexplorer.panels.link import LinkPanel
from hamexplorer.panels.parts import MessageBox, card, row, styled, text
from hamexplorer.panels.uploads import MAX_UPLOAD, why_not_upload
from hamexplorer.session import EXPORTS, Session
from hamexplorer.session.archive import ENDING
from hamexplorer.session.state import Download

_GROUPS = {
    "Results": ("csv", "json", "model"),
    "Repeat the run": ("toml", "script", "notebook"),
    "For other programs": ("cube", "molden"),
}


class SharePanel:
    """One card at the end of the page."""

    def __init__(
        self, session: Session, report: Callable[[], Download | None], panels: Iterable[str] = ()
    ) -> None:
        """Offer everything.

        Args:
            session: what is saved and shared.
            report: makes the report of what the page shows.
            panels: names of the cards that a link may show or leave out.
        """
        self._session = session
        self._buttons = {
            kind: DownloadButton(label, partial(session.export, kind)) for kind, label in EXPORTS.items()
        }
        self._report = DownloadButton("Report, HTML", report)
        self._save = DownloadButton("Session file", session.save_session)
        self._upload = styled(
            widgets.FileUpload(
                accept=ENDING,
                multiple=False,
                description="Open a session file",
                tooltip=f"It replaces what is open now; {MAX_UPLOAD / 1e6:.0f} MB at most",
            ),
            "hx-button",
            "hx-session-upload",
        )
        rows = [
            row(text(title, "hx-label"), *(self._buttons[kind] for kind in kinds))
            for title, kinds in _GROUPS.items()
        ]
        rows.append(row(text("All of it", "hx-label"), self._report, self._save, self._upload))
        self.widget = card(
            "Save and share",
            [*rows, LinkPanel(session, panels).widget, MessageBox(session, "share")],
            "hx-share",
            about=(
                "CSV and JSON hold numbers in atomic units. Settings, script and notebook repeat the run exactly on "
                "the same machine. The report is one page that needs no internet. A session file opens everything "
                "again: structures, references, settings, runs and models."
            ),
        )
        self._upload.observe(self._uploaded, "value")
        watched = ["results", "model", "shown_run", "state", "loading", "state_of_picked", "crystal_orbital"]
        session.observe(lambda _: self._allow(), watched)
        self._allow()

    def _allow(self) -> None:
        for kind, button in self._buttons.items():
            button.reason = self._session.why_not_export(kind)
        self._report.reason = (
            "" if self._session.results is not None else "there are results when a training has begun"
        )
        self._upload.disabled = bool(self._session.running or self._session.loading)
        self._save.reason = "stop the training first" if self._session.running else ""

    def _uploaded(self, change) -> None:
        if not change["new"]:
            return
        try:
            (file,) = change["new"]
            cure = "save the session with fewer runs, or without its data set"
            if reason := why_not_upload([file], cure):
                self._session.say(reason, "error", "share")
            else:
                self._session.open_session(bytes(file["content"]), file["name"])
        finally:
            self._upload.value = ()  # so that the same file can be chosen again
