"""What a kernel needs before it shows widgets by the hundred."""

from __future__ import annotations

import comm
import zmq
from IPython.core.getipython import get_ipython

from hamexplorer.visiting import is_visitor


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
