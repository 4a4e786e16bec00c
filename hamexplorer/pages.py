"""Voila with an index: the dashboard and the lessons, each at its own address."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import template
from tornado.web import HTTPError, RedirectHandler, authenticated
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from hamexplorer.lessons import lessons_in

#: The dashboard's address, and what stands before a lesson's name in its own.
DASHBOARD, LESSONS = "dashboard", "lessons"
_INDEX = template.Loader(str(Path(__file__).parent)).load("index.html")


class Index(JupyterHandler):
    """The page that leads to the others; it needs no kernel."""

    def initialize(self, folder: Path, home: str) -> None:
        """``folder`` holds the lessons; ``home`` is this page's own address, below which the others are."""
        self._folder, self._home = folder, home

    @authenticated
    def get(self) -> None:
        lessons = lessons_in(self._folder)
        self.finish(_INDEX.generate(home=self._home, dashboard=DASHBOARD, where=LESSONS, lessons=lessons))

    head = get


class NotebookPage(TornadoVoilaHandler):
    """A notebook's page, which can say goodbye: its kernel then ends at once."""

    async def get(self, path: str | None = None) -> None:
        if path:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        # Asking for it sets the cookie, without which the goodbye would be refused.
        _ = self.xsrf_token
        await super().get(path)


def notebooks_of(dashboard: Path) -> dict[str, Path]:
    """Address of every page below the index -> its notebook: the dashboard's, and the lessons beside it."""
    lessons = lessons_in(dashboard.parent)
    beside = {f"{LESSONS}/{lesson.name}": dashboard.with_name(f"{lesson.name}.ipynb") for lesson in lessons}
    return {DASHBOARD: dashboard, **beside}


def links_between(home: str, dashboard: Path) -> list[tuple[Any, ...]]:
    """Rules that lead from a notebook's file name, by which lessons link to each other, to its page.

    So one link is right here, in JupyterLab and on Binder.

    Args:
        home: the index's address, with a slash at its end.
        dashboard: the dashboard's notebook.
    """
    # Relative: a proxy may have put the pages below an address of its own.
    return [
        (
            re.escape(f"{home}{LESSONS}/{path.name}"),
            RedirectHandler,
            {"url": f"../{address}", "permanent": False},
        )
        for address, path in notebooks_of(dashboard).items()
    ]


class IndexedVoila(Voila):
    """Serves the dashboard's notebook at /dashboard and the lessons beside it, with an index at /.

    Attributes:
        indexed: false for one notebook alone, at /.
        page: the handler of notebooks.
    """

    indexed = True
    page: type[TornadoVoilaHandler] = NotebookPage

    def init_handlers(self) -> list[Any]:
        """Voila's, the page of its one notebook moved to an address of its own."""
        *others, (everything, page, options) = super().init_handlers()
        assert page is TornadoVoilaHandler, "Voila's last rule serves its notebook"
        page = self.page
        if not self.indexed:
            return [*others, (everything, page, options)]
        dashboard = Path(self.notebook_path)
        # Voila names its notebook relative to the folder that holds it.
        served = Path(options["notebook_path"])
        rules = [
            (
                url_path_join(self.server_url, f"{address}/?"),
                page,
                {**options, "notebook_path": str(served.with_name(path.name))},
            )
            for address, path in notebooks_of(dashboard).items()
        ]
        index = (self.server_url, Index, {"folder": dashboard.parent, "home": self.base_url})
        links = links_between(self.server_url, dashboard)
        # What has no page is told so as before: by the last rule.
        return [*others, index, *rules, *links, (everything, page, options)]
