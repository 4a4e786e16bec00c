"""The one import of nglview, with what its releases need.

nglview 4.0.1 asks the browser for front end 4.0, but its wheel brings another one, and then nothing is drawn
("Module nglview-js-widgets, version 4.0 is not registered"). What the wheel really brings stands in the
`package.json` of its lab extension; if it differs, nglview is told so before it is imported.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import types
from typing import Any

#: The front end in the wheel of 4.0.1, used if the extension's own word cannot be found.
_FALLBACK = {"4.0.1": "3.1.5"}
_EXTENSION = "labextensions/nglview-js-widgets/package.json"


def front_end_version() -> str | None:
    """The version of the browser part that the installed nglview brings; None if that cannot be told."""
    distribution = importlib.metadata.distribution("nglview")
    for file in distribution.files or ():
        if str(file).replace("\\", "/").endswith(_EXTENSION):
            try:
                return str(json.loads(file.read_text())["version"])
            except (OSError, KeyError, ValueError):
                break
    return _FALLBACK.get(distribution.version)


def import_nglview() -> Any:
    """nglview, asking for the front end that is there."""
    version = front_end_version()
    if version is not None and "nglview" not in sys.modules:
        front_end = types.ModuleType("nglview._frontend")
        front_end.__frontend_version__ = version  # type: ignore[attr-defined]
        sys.modules["nglview._frontend"] = front_end
    import nglview

    return nglview
