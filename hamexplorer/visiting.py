"""Whether this process works for a visitor of a public server, and not for the person whose machine it is.

The operating system keeps a visitor's kernel away from files (:mod:`hamexplorer.visitors.confine`); what is
asked here lets the dashboard leave out what a visitor could only fail with, and answer with a sentence where one
tries all the same.
"""

from __future__ import annotations

import os

#: Set by the server for the kernels of visitors.
VARIABLE = "HAMEXPLORER_VISITOR"


def is_visitor() -> bool:
    """True if whoever uses this process is a visitor, whose paths name nothing and who must share the machine."""
    return os.environ.get(VARIABLE) == "1"
