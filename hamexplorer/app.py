"""The dashboard: one session, its panels, one page."""

from __future__ import annotations

import comm
import ipywidgets as widgets
import zmq
from IPython.core.getipython import get_ipython

from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import styled
from hamexplorer.panels.results import ResultsPanel
from hamexplorer.panels.structures import StructuresPanel
from hamexplorer.panels.targets import TargetsPanel
from hamexplorer.panels.training import TrainingPanel
from hamexplorer.session import Session
from hamexplorer.visiting import is_visitor


def build(dataset: str = "ethane", *, session: Session | None = None) -> widgets.Widget:
    """The dashboard as one widget, with a dataset open.

    Args:
        dataset: a shipped name or a file; empty for none.
        session: an existing session, for scripts that go on using it.
    """
    keep_every_message()
    refuse_foreign_widgets()
    session = session or Session()
    if dataset:
        session.open_dataset(dataset)
        session.wait()
        if session.message.level == "info":
            session.say("")  # what is open stands in the first card
    page = Page()
    steps = [StructuresPanel(session).widget, TargetsPanel(session).widget, TrainingPanel(session).widget]
    side = styled(widgets.VBox(steps), "hx-side")
    main = styled(widgets.Box([side, ResultsPanel(session, page).widget]), "hx-main")
    return styled(widgets.VBox([page, main]), "hx-app")


def keep_every_message() -> None:
    """Let the kernel queue all that a page has asked for; nothing happens where there is no kernel.

    A kernel throws away what exceeds a thousand messages that the server has not yet taken. A dashboard is a thousand
    widgets, and on a busy machine their server is slow: for one lost message the page would wait for ever, blank.
    """
    thread = getattr(getattr(get_ipython(), "kernel", None), "iopub_thread", None)
    if thread is not None:
        # A socket belongs to the thread that sends through it.
        thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, 0))


def refuse_foreign_widgets() -> None:
    """A visitor's page shows the widgets that were made here, and may make none of any class that is installed."""
    if is_visitor():
        comm.get_comm_manager().targets.pop("jupyter.widget", None)
