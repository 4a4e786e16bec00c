"""Whether this process works for a visitor of a public server, and not for the person whose machine it is.

The operating system keeps a visitor's kernel away from files (:mod:`hamexplorer.visitors.confine`); what is
asked here lets the dashboard leave out what a visitor could only fail with, and answer with a sentence where one
tries all the same.
"""

from __future__ import annotations

import os
import re

#: Set by the server for the kernels of visitors.
VARIABLE = "HAMEXPLORER_VISITOR"
#: Set by the server: the session file or the data set with which all dashboards begin.
OPENED = "HAMEXPLORER_OPEN"
#: The folders of an absolute path; a slash between words or in an address is none.
_FOLDERS = re.compile(r"(?<![\w/:])/(?:[\w.+-]+/)+")


def is_visitor() -> bool:
    """True if whoever uses this process is a visitor, whose paths name nothing and who must share the machine."""
    return os.environ.get(VARIABLE) == "1"


def told(sentence: str) -> str:
    """A sentence as this person may read it: to visitors, files are named without the server's folders."""
    return _FOLDERS.sub("", sentence) if is_visitor() else sentence


def cores() -> int:
    """Processors that this process may keep busy: all of them, or a visitor's share."""
    if is_visitor():
        return max(1, int(os.environ.get("OMP_NUM_THREADS", "1")))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
