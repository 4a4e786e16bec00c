"""The index, the dashboard and the lessons as one server gives them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hamexplorer.lessons import lessons_in
from tests.visitors.scripted import Visitor
from tests.visitors.serving import wait_until

ROOT = Path(__file__).parents[1]
_SERVE = """
from hamexplorer.launch import choose_port, serve
serve(port=choose_port(0), open_browser=False, announce=lambda address: print(address, flush=True))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, psutil.Process]]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _SERVE]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        yield address, psutil.Process(process.pid)
        process.terminate()
        process.wait(60)


def test_lessons_say_what_they_are_about():
    lessons = lessons_in(ROOT / "notebooks")
    assert [lesson.title.split(" · ")[0] for lesson in lessons] == [
        f"Lesson {lesson.name.split('_')[1]}" for lesson in lessons
    ]
    assert all(lesson.about.endswith(".") for lesson in lessons)
    assert [lesson.minutes for lesson in lessons if not 20 <= lesson.minutes <= 40] == [5], "the tour"


@pytest.mark.slow
def test_the_index_leads_to_the_dashboard_and_to_every_lesson_without_a_kernel(server):
    address, process = server
    with urllib.request.urlopen(address, timeout=60) as answer:
        page = answer.read().decode()
    # The icon's namespace is a name, not an address.
    assert 'href="/dashboard"' in page and "http" not in page.replace("http://www.w3.org/2000/svg", "")
    for lesson in lessons_in(ROOT / "notebooks"):
        assert f'href="/lessons/{lesson.name}"' in page and lesson.title in page
    assert not process.children()


@pytest.mark.slow
def test_links_between_notebooks_lead_to_their_pages(server):
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    lessons = [lesson.name for lesson in lessons_in(ROOT / "notebooks")]
    for name, page in [("app", "../dashboard"), *((name, f"../lessons/{name}") for name in lessons)]:
        with pytest.raises(urllib.error.HTTPError, match="302") as answer:
            urllib.request.build_opener(Stay).open(f"{server[0]}lessons/{name}.ipynb", timeout=60)
        assert answer.value.headers["Location"] == page
    assert not server[1].children()


@pytest.mark.slow
def test_other_addresses_are_not_found(server):
    for path in ("nothing", "lessons/lesson_0_nothing", "lessons/../app.ipynb", "voila/tree"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server[0] + path, timeout=60)


@pytest.mark.slow
def test_a_page_that_is_closed_ends_its_kernel_at_once(server):
    address, process = server

    async def come_and_go() -> None:
        visitor = Visitor(address)
        assert await visitor.arrive() == 200
        assert process.children()
        await visitor.leave()

    asyncio.run(come_and_go())
    wait_until(lambda: not process.children(), "the kernel is gone", 60)


@pytest.mark.slow
def test_pages_bring_their_icon_along(server):
    # The dashboard's kernel stays until the server ends: after the tests that count kernels.
    for path in ("", "dashboard"):
        with urllib.request.urlopen(server[0] + path, timeout=60) as answer:
            page = answer.read().decode()
        assert page.count('rel="icon"') == 1 and 'rel="icon" href="data:image/svg+xml' in page
