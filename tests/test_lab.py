"""Our pages in somebody else's Jupyter server: addresses, whose environment is touched, what the cards need."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port
from tornado.web import Application

import hamexplorer
from hamexplorer import lab
from hamexplorer.lab.pages import PackagedPage, rules
from hamexplorer.lessons import lessons_in
from hamexplorer.pages import DASHBOARD, Index

FOLDER = Path(lab.__file__).parent
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def test_every_page_is_below_the_servers_own_address():
    made = {rule[0]: rule for rule in rules("/user/somebody/")}
    home = "/user/somebody/hamexplorer/"
    wanted = {f"{home}{DASHBOARD}/?"} | {f"{home}lessons/{one.name}/?" for one in lessons_in(NOTEBOOKS)}
    assert {path for path, rule in made.items() if rule[1] is PackagedPage} == wanted
    assert made[home][1] is Index
    settings = made[f"{home}{DASHBOARD}/?"][2]["voila_configuration"]
    assert settings.template == "hamexplorer" and settings.allow_template_override == "NO"


def test_index_links_below_its_own_address():
    async def page() -> str:
        application = Application(rules("/base/"), base_url="/base/", identity_provider=None)
        socket, port = bind_unused_port()
        server = HTTPServer(application)
        server.add_socket(socket)
        with pytest.MonkeyPatch.context() as patch:
            # Who may look is the server's business; here, everybody.
            patch.setattr(Index, "prepare", lambda self: None)
            patch.setattr(Index, "current_user", "somebody", raising=False)
            patch.setattr(Index, "set_default_headers", lambda self: None)
            text = await IOLoop.current().run_in_executor(
                None, lambda: urlopen(f"http://127.0.0.1:{port}/base/hamexplorer", timeout=60).read().decode()
            )
        server.stop()
        return text

    shown = IOLoop(make_current=False).run_sync(page)
    assert 'href="/base/hamexplorer/dashboard"' in shown
    assert 'href="/base/hamexplorer/lessons/lesson_0_tour"' in shown


def test_kernels_of_other_notebooks_keep_their_precision():
    """Importing the package asks JAX for float64; a server hands its environment to everybody's kernels."""
    code = (
        "import os; from types import SimpleNamespace as N\n"
        "from hamexplorer.lab import _load_jupyter_server_extension as load\n"
        "load(N(web_app=N(settings={'base_url': '/'}, add_handlers=lambda *rules: None)))\n"
        "print(sorted(name for name in os.environ if name.startswith('JAX')))"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JAX")}
    for own, left in ({}, "[]"), ({"JAX_ENABLE_X64": "0"}, "['JAX_ENABLE_X64']"):
        ended = subprocess.run(
            [sys.executable, "-c", code], env=kept | own, capture_output=True, text=True, check=True
        )
        assert ended.stdout.strip() == left


def test_extension_is_named_as_the_server_finds_it():
    switched_on = json.loads((FOLDER / "server.json").read_text())["ServerApp"]["jpserver_extensions"]
    assert switched_on == {point["module"]: True for point in lab._jupyter_server_extension_points()}
    seen = []
    server = SimpleNamespace(
        web_app=SimpleNamespace(
            settings={"base_url": "/"}, add_handlers=lambda host, added: seen.extend(added)
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamexplorer, "SET_FOR_JAX", [])
        lab._load_jupyter_server_extension(server)
    assert [rule[1] for rule in seen].count(PackagedPage) == 1 + len(lessons_in(NOTEBOOKS))


def test_cards_are_of_this_version_and_open_addresses_that_exist():
    package = json.loads((FOLDER / "extension" / "package.json").read_text())
    assert package["version"] == hamexplorer.__version__
    assert (FOLDER / "extension" / package["jupyterlab"]["_build"]["load"]).is_file()
    script = (FOLDER / "extension" / "static" / "remoteEntry.js").read_text()
    assert f"window._JUPYTERLAB.{package['name']} =" in script
    assert f'path: "{lab.HOME}/"' in script and f'path: "{lab.HOME}/{DASHBOARD}"' in script
