"""Our notebooks as pages of a Jupyter server that belongs to somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_path
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server.utils import url_path_join
from tornado.web import RedirectHandler
from voila.configuration import VoilaConfiguration
from voila.paths import collect_template_paths

from hamexplorer.lab import HOME
from hamexplorer.launch import CULL_AFTER, notebook_path, template_folder
from hamexplorer.pages import Index, NotebookPage, links_between, notebooks_of
from hamexplorer.voila_settings import TEMPLATE, configuration


class PackagedPage(NotebookPage):
    """A notebook of the package; its kernel starts in the server's own folder."""

    def initialize(self, folder: Path, **options: Any) -> None:
        super().initialize(**options)
        self._files = LargeFileManager(root_dir=str(folder))

    @property
    def contents_manager(self) -> LargeFileManager:
        """The package's notebooks: the server itself sees only what lies below the folder it was started in."""
        return self._files


def rules(base_url: str) -> list[tuple[Any, ...]]:
    """Index, dashboard and lessons below ``base_url``, as rules for tornado."""
    notebook = notebook_path()
    # The port is the server's business; what is said here is how Voila makes pages.
    config = configuration(notebook, 0, CULL_AFTER, debug=False)
    options = {
        "config": config,
        "voila_configuration": VoilaConfiguration(config=config),
        # An installation that leaves out the shared data has the template in the package all the same.
        "template_paths": collect_template_paths(
            ["voila", "nbconvert"], TEMPLATE, root_dirs=[str(template_folder()), *jupyter_path()]
        ),
        "folder": notebook.parent,
    }
    home = url_path_join(base_url, HOME) + "/"
    pages = [
        (url_path_join(home, f"{address}/?"), PackagedPage, {**options, "notebook_path": path.name})
        for address, path in notebooks_of(notebook).items()
    ]
    index = (home, Index, {"folder": notebook.parent, "home": home})
    return [(home.rstrip("/"), RedirectHandler, {"url": home}), index, *pages, *links_between(home, notebook)]
