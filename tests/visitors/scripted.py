"""A visitor without a browser: asks for the page, connects as it does, presses buttons and looks at what comes."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Sequence
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.websocket import WebSocketClientConnection, websocket_connect

#: A kernel may need this long for anything where thirty work. Seconds.
PATIENCE = 600
#: Messages with pictures and matrices in them. Bytes.
_LARGEST = 200_000_000
_PROTOCOL = "v1.kernel.websocket.jupyter.org"


async def fetch(address: str, method: str = "GET", **headers: str) -> HTTPResponse:
    """The answer, whatever its status."""
    request = HTTPRequest(
        address, method=method, headers=headers, request_timeout=PATIENCE, follow_redirects=False
    )
    return await AsyncHTTPClient(max_clients=100).fetch(request, raise_error=False)


class Visitor:
    """One page and its kernel.

    Attributes:
        address: of the server, with a slash at the end.
        kernel_id: what the page says; empty before.
        page: its text.
        widgets: model id -> state, as far as the kernel has told.
        told: kind of message -> how many of it have come.
        texts: what came of kinds that are no widgets, as text.
        seconds_to_page: until the whole page was there.
    """

    def __init__(self, address: str, page: str = "dashboard") -> None:
        self.address, self._path = address, page
        self.kernel_id = ""
        self.page = ""
        self.widgets: dict[str, dict[str, Any]] = {}
        self.told: dict[str, int] = {}
        self.texts: list[str] = []
        self.seconds_to_page = 0.0
        self._token = ""
        self._session = uuid.uuid4().hex
        self._news = asyncio.Condition()
        self._socket: WebSocketClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def arrive(self) -> int:
        """Ask for the page; the status of the answer."""
        begun = time.monotonic()
        answer = await fetch(self.address + self._path)
        self.seconds_to_page = time.monotonic() - begun
        self.page = answer.body.decode()
        if found := re.search(r'"kernelId": *"([\w-]+)"', self.page):
            self.kernel_id = found[1]
        cookies = SimpleCookie()
        for line in answer.headers.get_list("Set-Cookie"):
            cookies.load(line)
        self._token = cookies["_xsrf"].value if "_xsrf" in cookies else ""
        return answer.code

    async def connect(self) -> None:
        """Open the kernel's websocket, and learn the state of all widgets."""
        server = self.address.replace("http", "ws", 1)
        where = f"{server}api/kernels/{self.kernel_id}/channels?session_id={self._session}"
        self._socket = await websocket_connect(where, max_message_size=_LARGEST, subprotocols=[_PROTOCOL])
        self._reader = asyncio.create_task(self._read())
        comm = uuid.uuid4().hex
        await self.send("comm_open", comm_id=comm, target_name="jupyter.widget.control", data={})
        await self.send("comm_msg", comm_id=comm, data={"method": "request_states"})
        await self.until(lambda: bool(self.widgets), "the widgets' states came")

    async def send(
        self, kind: str, *, channel: str = "shell", buffers: Sequence[bytes] = (), **content: Any
    ) -> str:
        """Send a message as the page does; its id."""
        assert self._socket is not None, "not connected"
        identity = uuid.uuid4().hex
        header = {
            "msg_id": identity,
            "msg_type": kind,
            "username": "visitor",
            "session": self._session,
            "date": "2026-01-01T00:00:00Z",
            "version": "5.3",
        }
        # Versions of the protocols of widgets and of their control.
        versions = {"jupyter.widget": "2.1.0", "jupyter.widget.control": "1.0.0"}
        metadata = {"version": versions.get(content.get("target_name", ""), "")}
        message = {
            "header": header,
            "parent_header": {},
            "metadata": metadata,
            "content": content,
        }
        parts = [json.dumps(part).encode() for part in message.values()]
        packed = serialize_msg_to_ws_v1([*parts, *buffers], channel)
        await self._socket.write_message(packed, binary=True)
        return identity

    async def press(self, description: str) -> None:
        """Click on an enabled button."""
        identity = self.find(
            lambda state: state.get("description") == description and "button_style" in state
        )
        await self.until(lambda: not self.widgets[identity]["disabled"], f"{description} can be pressed")
        await self.send(
            "comm_msg", comm_id=identity, data={"method": "custom", "content": {"event": "click"}}
        )

    async def update_with_bytes(
        self, identity: str, state: dict[str, Any], paths: list[list[Any]], buffers: list[bytes]
    ) -> None:
        """Change traits whose values hold bytes, at these paths."""
        await self.send(
            "comm_msg",
            buffers=buffers,
            comm_id=identity,
            data={"method": "update", "state": state, "buffer_paths": paths},
        )

    def message(self) -> str:
        """What the page's message boxes say; empty where there is nothing to say."""
        return self.text("hx-message-text")

    def text(self, name: str) -> str:
        """What the texts with this CSS class say."""
        shown = [state for state in self.widgets.values() if name in state.get("_dom_classes", ())]
        return " ".join(state["value"] for state in shown if state.get("value"))

    def forget_messages(self) -> None:
        """Take what was said for read."""
        for state in self.widgets.values():
            if "hx-message-text" in state.get("_dom_classes", ()):
                state["value"] = ""

    async def change(self, identity: str, **state: Any) -> None:
        """Change traits of a widget as its view does."""
        self.widgets[identity].update(state)
        await self.send(
            "comm_msg", comm_id=identity, data={"method": "update", "state": state, "buffer_paths": []}
        )

    def find(self, matches: Callable[[dict[str, Any]], bool]) -> str:
        """The first widget whose state matches."""
        for identity, state in self.widgets.items():
            if matches(state):
                return identity
        raise LookupError("no widget of the page matches")

    def says(self, pattern: str) -> str:
        """The first text in any widget that matches; empty if there is none."""
        for state in self.widgets.values():
            if isinstance(state.get("value"), str) and (found := re.search(pattern, state["value"])):
                return found[0]
        return ""

    async def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait for news until the condition holds."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: condition() or self._reader is None or self._reader.done())
        except TimeoutError:
            raise AssertionError(f"did not come true within {seconds:.0f} s: {what}") from None
        assert condition(), f"the kernel's connection closed before: {what}"

    async def answered(self) -> None:
        """Wait until the kernel has come to all that was sent before."""
        before = self.told.get("kernel_info_reply", 0)
        await self.send("kernel_info_request")
        await self.until(lambda: self.told.get("kernel_info_reply", 0) > before, "the kernel answers")

    async def leave(self) -> None:
        """Close the page as a browser does: with a goodbye."""
        await self.vanish()
        await self.say_goodbye()

    async def say_goodbye(self) -> None:
        """What a page sends as the last thing."""
        request = HTTPRequest(
            f"{self.address}voila/api/shutdown/{self.kernel_id}",
            method="POST",
            body=urlencode({"_xsrf": self._token}),
            headers={
                "Cookie": f"_xsrf={self._token}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            request_timeout=PATIENCE,
        )
        await AsyncHTTPClient().fetch(request)

    async def vanish(self) -> None:
        """Be gone without a word, as when the browser crashes."""
        if self._socket is not None:
            self._socket.close()
        if self._reader is not None:
            await self._reader

    async def _read(self) -> None:
        assert self._socket is not None
        while (message := await self._socket.read_message()) is not None:
            _, (header, _, _, content, *_) = deserialize_msg_from_ws_v1(message)
            kind = json.loads(header)["msg_type"]
            async with self._news:
                self.told[kind] = self.told.get(kind, 0) + 1
                self._learn(kind, json.loads(content))
                self._news.notify_all()
        async with self._news:
            self._reader = None
            self._news.notify_all()

    def _learn(self, kind: str, content: dict[str, Any]) -> None:
        if not kind.startswith("comm"):
            self.texts.append(json.dumps(content))
            return
        told = content.get("data", {})
        if kind == "comm_open":
            self.widgets[content["comm_id"]] = dict(told.get("state", {}))
        elif told.get("method") in ("update", "echo_update"):
            self.widgets.setdefault(content["comm_id"], {}).update(told["state"])
        elif told.get("method") == "update_states":
            for identity, model in told["states"].items():
                self.widgets[identity] = model["state"]
