"""Writes what Jupyter's server and its Voila are told on Binder, where `hamexplorer`'s own server does not run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from hamexplorer.launch import CULL_AFTER, notebook_path
from hamexplorer.voila_settings import configuration

#: Sections of the launcher's configuration that a Jupyter server understands as they are.
SAME = ("VoilaExecutor", "MappingKernelManager")
#: What no JSON can hold.
HOOK = """\
from hamexplorer.voila_settings import own_formulas

c.VoilaConfiguration.page_config_hook = own_formulas
"""


def main(folder: Path) -> None:
    """Write three files below ``folder``, which Jupyter reads as ``etc/jupyter``."""
    config = configuration(notebook_path(), 0, CULL_AFTER, debug=False)
    server = {name: config[name] for name in SAME}
    server["ServerApp"] = {"tornado_settings": {"websocket_max_message_size": _largest(config)}}
    voila = {name: value for name, value in config["VoilaConfiguration"].items() if not callable(value)}
    files = {
        "voila.json": {"VoilaConfiguration": voila},
        "jupyter_server_config.d/hamexplorer-binder.json": server,
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")
    (folder / "voila.py").write_text(HOOK)


def _largest(config: dict) -> int:
    return config["Voila"]["tornado_settings"]["websocket_max_message_size"]


if __name__ == "__main__":
    main(Path(sys.prefix, "etc", "jupyter"))
