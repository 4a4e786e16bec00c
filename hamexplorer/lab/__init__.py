"""Dashboard and lessons inside any Jupyter server that has this package: at ``/hamexplorer/``, and as cards in Lab.

``server.json`` switches this server extension on, ``extension/`` holds the cards. Both travel as shared data of the
wheel, so that ``pip install`` is all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

#: Where the pages are, below the server's own address.
HOME = "hamexplorer"


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "hamexplorer.lab"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    """Add the index, the dashboard and the lessons to a Jupyter server."""
    import hamexplorer
    from hamexplorer.lab.pages import rules

    # The kernels of this server are other people's notebooks, which have not asked for float64. Ours set it themselves.
    for name in hamexplorer.SET_FOR_JAX:
        os.environ.pop(name, None)
    hamexplorer.SET_FOR_JAX.clear()
    server.web_app.add_handlers(".*$", rules(server.web_app.settings["base_url"]))
