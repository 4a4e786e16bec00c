"""Voila with some doors shut: what is served to visitors, to how many, and what they are told when it fails."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from tornado import template
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError, authenticated
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import AllowListFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import (
    VoilaKernelWebsocketHandler,
    read_header_from_binary_message,
)
from voila.voila_identity_provider import VoilaLoginHandler

from hamexplorer.pages import IndexedVoila
from hamexplorer.visitors.kernels import Reception
from hamexplorer.visitors.memory import proportional_memory
from hamexplorer.visitors.settings import Public

#: Seconds after which a browser that met a full house is told to come again.
COME_AGAIN = 60
#: Seconds between two looks at the kernels' memory.
_LOOK_EVERY = 30
_PAGE = template.Loader(str(Path(__file__).parent)).load("page.html")
#: What a kernel may tell a page: widgets, and that it lives. No output of code, no errors, no logs.
_TOLD = {
    *(
        "comm_open",
        "comm_msg",
        "comm_close",
        "comm_info_reply",
        "status",
        "kernel_info_reply",
        "shutdown_reply",
    ),
    *("display_data", "update_display_data", "clear_output", "iopub_welcome"),
}
#: Files beside the notebook, a log-in that nobody has, and news that only notebooks ask for which wait for a visitor.
_CLOSED = (AllowListFileHandler, VoilaLoginHandler, RequestInfoSocketHandler)


class VisitorPage(TornadoVoilaHandler):
    """Dashboard or lesson for one visitor more, or a page that says why not."""

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the page as it comes from the visitor's new kernel."""
        if path:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        kernels, public = self.settings["kernel_manager"], self.settings["public"]
        if kernels.n_visitors >= public.visitors:
            self.set_header("Retry-After", str(COME_AGAIN))
            self.set_header("Cache-Control", "no-store")
            raise HTTPError(HTTPStatus.SERVICE_UNAVAILABLE)
        # Asking for it sets the cookie, without which the page's goodbye would be refused and its place be kept.
        _ = self.xsrf_token
        self._reception = Reception(kernels)
        try:
            async for html in self.get_generator():
                self.write(html)
                self.flush()
                if self._reception.bereft:  # Voila would go on sending signs of life for ever
                    self.write(_PAGE.generate(status=500, limit=0, home=self.request.path))
                    break
        finally:
            self._reception.close()

    async def head(self, path: str | None = None) -> None:
        """Tell watchdogs that the server lives, without a kernel for each of them."""
        if path:
            raise HTTPError(HTTPStatus.NOT_FOUND)

    @property
    def kernel_manager(self) -> Any:
        return getattr(self, "_reception", None) or self.settings["kernel_manager"]

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page in plain words; what went wrong inside is nobody's business."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        if status_code == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", str(COME_AGAIN))
        missing = status_code == HTTPStatus.NOT_FOUND
        again = self.base_url if missing else self.request.path
        limit = self.settings["public"].visitors
        self.finish(_PAGE.generate(status=status_code, limit=limit, home=again))


class QuietWebsocket(VoilaKernelWebsocketHandler):
    """Carries widgets' messages; what a kernel prints, logs or raises stays inside."""

    def write_message(self, message: Any, binary: bool = False) -> Any:
        # Pages of this version speak the binary protocol; nobody else needs to be told anything.
        header = read_header_from_binary_message(message) if isinstance(message, bytes) else None
        if not header or header.get("msg_type") not in _TOLD:
            return None
        return super().write_message(message, binary)


class PublicVoila(IndexedVoila):
    """Serves visitors, each page in a kernel of its own.

    Attributes:
        public: how they are served; set before :meth:`start`.
        report: is given a line when the number of visitors has changed.
    """

    public: Public
    page = VisitorPage
    report: Any = staticmethod(print)

    def init_settings(self) -> dict[str, Any]:
        return {**super().init_settings(), "public": self.public}

    def init_handlers(self) -> list[Any]:
        """Voila's, less those that serve files or accounts, with ours for pages and the websocket."""
        ours = {VoilaKernelWebsocketHandler: QuietWebsocket}
        return [
            (rule[0], ours.get(rule[1], rule[1]), *rule[2:])
            for rule in super().init_handlers()
            if not issubclass(rule[1], _CLOSED)
        ]

    def listen(self) -> None:
        """Serve until stopped, and say now and then how many are there and what they weigh."""
        self._last = ""
        PeriodicCallback(self._look, _LOOK_EVERY * 1000).start()
        super().listen()

    def _look(self) -> None:
        kernels = self.kernel_manager
        weights = [
            proportional_memory(kernels.get_kernel(kernel_id).provisioner.pid)
            for kernel_id in kernels.list_kernel_ids()
            if kernels.get_kernel(kernel_id).has_kernel
        ]
        there = f"{kernels.n_visitors} of {self.public.visitors} visitors, {len(weights)} kernels"
        if there != self._last:
            self._last = there
            largest = max(weights, default=0) / 1e6
            self.report(f"{there}: {sum(weights) / 1e6:.0f} MB, the largest {largest:.0f} MB")
