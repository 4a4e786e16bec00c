"""A real public server, asked by people who mean no good: over HTTP, and over the kernel's websocket."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from hamexplorer.session import Session
from hamexplorer.session.archive import ENDING
from tests.visitors.scripted import Visitor, fetch
from tests.visitors.serving import Server, public_server, wait_until

pytestmark = pytest.mark.slow

#: Words that only files, errors and logs of the server hold.
_INSIDE = re.compile(r"Traceback|root:x:|site-packages|/home/|/root/|/tmp/|\.py\b.{0,9}line \d")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with public_server(tmp_path_factory.mktemp("server"), visitors=3, ready=0) as server:
        yield server


async def _ready(server: Server) -> Visitor:
    visitor = Visitor(server.address)
    assert await visitor.arrive() == 200
    await visitor.connect()
    return visitor


@pytest.mark.parametrize(
    "path",
    [
        "files/../../etc/passwd",
        "voila/files/app.ipynb",
        "voila/files/../../../../etc/passwd",
        "voila/static/../../../../../../../etc/passwd",
        "voila/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/templates/lab/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/templates/%2e%2e/static/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/templates/nothing",
        "voila/labextensions/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/labextensions//etc/passwd",
        "voila/api/themes/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "voila/api/contents/",
        "voila/tree",
        "voila/render/app.ipynb",
        "api/kernels",
        "api/kernels/00000000-0000-0000-0000-000000000000",
        "api/contents/etc/passwd",
        "api/sessions",
        "api/terminals",
        "login",
        "favicon.ico",
    ],
)
def test_no_address_gives_files_kernels_or_errors(server: Server, path: str) -> None:
    answer = asyncio.run(fetch(server.address + path))
    assert answer.code >= 400
    assert not _INSIDE.search((answer.body or b"").decode())


def test_other_names_are_refused_and_the_given_one_is_not(server: Server) -> None:
    async def ask(name: str) -> int:
        return (await fetch(server.address, method="HEAD", Host=name)).code

    assert asyncio.run(ask("elsewhere.example")) == 403
    assert asyncio.run(ask("localhost")) == 200


def test_code_is_not_run_and_nothing_from_inside_is_told(server: Server) -> None:
    async def attack() -> tuple[Visitor, Visitor]:
        visitor, other = await _ready(server), await _ready(server)
        # Another visitor's kernel cannot be ended or asked by someone who guesses; its name is nowhere to be read.
        assert other.kernel_id not in visitor.page
        for kind in (
            "execute_request",
            "complete_request",
            "inspect_request",
            "history_request",
            "debug_request",
        ):
            for channel in ("shell", "control", "stdin", "iopub"):
                await visitor.send(kind, channel=channel, code="open('owned', 'w').write('x')", cursor_pos=3)
        await visitor.answered()
        for target in ("jupyter.widget", "nothing", "__main__"):
            await visitor.send("comm_open", comm_id=f"mine-{target}", target_name=target, data={"state": {}})
        await visitor.send("comm_msg", comm_id="unknown", data={"method": "custom"})
        identity = visitor.find(lambda state: state.get("description") == "Train" and "icon" in state)
        for data in (
            {},
            {"method": "nonsense"},
            {"method": "update", "state": {"icon": {"a": 1}, "x": 2}},
            "text",
        ):
            await visitor.send("comm_msg", comm_id=identity, data=data)
        await visitor.answered()
        return visitor, other

    visitor, other = asyncio.run(attack())
    assert not {"execute_reply", "execute_input", "execute_result", "stream", "error"} & set(visitor.told)
    assert visitor.told.get("complete_reply", 0) == visitor.told.get("history_reply", 0) == 0
    assert visitor.told["comm_close"] >= 3
    assert not [text for text in visitor.texts if _INSIDE.search(text)]
    assert not list(Path(server.process.args[0]).parent.glob("owned"))
    asyncio.run(other.say_goodbye())
    asyncio.run(visitor.say_goodbye())


def test_uploads_with_wicked_names_stay_in_the_session(server: Server, tmp_path: Path) -> None:
    async def upload(visitor: Visitor, name: str, content: bytes) -> str:
        identity = visitor.find(lambda state: state.get("description") == "Upload a file")
        file = {"name": name, "type": "", "size": len(content), "last_modified": 0, "content": None}
        await visitor.update_with_bytes(identity, {"value": [file]}, [["value", 0, "content"]], [content])
        await visitor.until(lambda: bool(visitor.message()), f"a sentence about {name}")
        found = visitor.message()
        visitor.forget_messages()
        return found

    async def attack() -> list[str]:
        visitor = await _ready(server)
        # A sentence that stands there already is not sent again: neighbours are called differently.
        wicked = ("../../../../evil.h5", "/etc/wicked.h5", "..", "a/../../b.npz", ".", "x\0y.h5", "bad.xyz")
        found = [await upload(visitor, name, b"not what it says") for name in wicked]
        await visitor.leave()
        return found

    for sentence in asyncio.run(attack()):
        assert not _INSIDE.search(sentence), sentence
        assert "unexpected" not in sentence, sentence


def test_fourth_visitor_meets_a_full_house_and_gets_in_when_one_leaves(server: Server) -> None:
    async def come() -> None:
        inside = await asyncio.gather(*(_ready(server) for _ in range(3)))
        late = Visitor(server.address)
        answer = await fetch(server.address + "dashboard")
        assert answer.code == 503
        assert int(answer.headers["Retry-After"]) > 0
        page = answer.body.decode()
        assert '<html lang="en">' in page
        assert "hamexplorer is full" in page
        assert "All 3 places are taken" in page
        assert "Try again in a minute" in page
        await inside[0].leave()
        assert await late.arrive() == 200
        await late.connect()
        for visitor in (*inside[1:], late):
            await visitor.leave()

    asyncio.run(come())
    wait_until(lambda: not server.kernels(), "the kernels of those who left are gone")


def test_kernel_that_dies_frees_its_place_and_leaves_nothing(server: Server) -> None:
    async def come() -> Visitor:
        return await _ready(server)

    asyncio.run(come())
    (kernel,) = server.kernels()
    folder = Path(kernel.cwd())
    assert folder.is_dir()
    kernel.kill()
    wait_until(lambda: not folder.exists() and not server.kernels(), "nothing is left of the kernel")


def test_page_whose_cell_fails_tells_no_reason(tmp_path: Path) -> None:
    code = "import sys; print('told', file=sys.stderr); print('said'); open('/etc/passwd').read()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "failing.ipynb"
    nbformat.write(notebook, path)
    with public_server(tmp_path, path, visitors=1, ready=0) as server:
        page = asyncio.run(fetch(server.address)).body.decode()
    assert "Reload the page; if it stays so, tell whoever runs this server" in page
    assert "PermissionError" not in page
    assert not _INSIDE.search(page)
    assert base64.b64encode(b"/etc/passwd").decode() not in page


def test_visitor_who_vanishes_is_forgotten_in_time_and_waiting_kernels_are_kept(tmp_path: Path) -> None:
    with public_server(tmp_path, visitors=1, ready=1, gone_after=3) as server:
        wait_until(lambda: len(server.kernels()) == 1, "a kernel waits")

        async def come_and_vanish() -> None:
            visitor = Visitor(server.address)
            # A place is free a moment after its kernel has ended.
            await asyncio.to_thread(wait_until, lambda: asyncio.run(visitor.arrive()) == 200, "there is room")
            await visitor.connect()
            await visitor.vanish()

        asyncio.run(come_and_vanish())
        wait_until(lambda: len(server.kernels()) == 2, "the next kernel waits")
        wait_until(
            lambda: len(server.kernels()) == 1, "the visitor's kernel has gone, and the waiting one has not"
        )
        asyncio.run(come_and_vanish())


def test_everybody_begins_with_the_session_file_and_with_what_their_address_says(tmp_path: Path) -> None:
    session = Session()
    session.open_dataset("ethane")
    session.wait()
    session.configure(epochs=17)
    (tmp_path / "outside").mkdir()
    saved = tmp_path / "outside" / f"lesson{ENDING}"
    saved.write_bytes(session.save_session().content)
    (tmp_path / "server").mkdir()

    async def visit(server: Server) -> None:
        visitor = await _ready(server)
        epochs = visitor.find(lambda state: state.get("description") == "Epochs")
        assert visitor.widgets[epochs]["value"] == 17
        page = visitor.find(lambda state: "address" in state)
        await visitor.change(page, address="?epochs=4&task=Train+it&data=/etc/passwd")
        await visitor.until(lambda: "does not come along" in visitor.message(), "the sentence")
        await visitor.change(page, address="?epochs=4&task=Train+it&data=silicon")
        await visitor.until(lambda: visitor.widgets[epochs]["value"] == 4, "the address counts")
        assert "Train it" in visitor.text("hx-task-text")
        await visitor.leave()

    with public_server(tmp_path / "server", opened=str(saved), visitors=1, ready=0) as server:
        asyncio.run(visit(server))
