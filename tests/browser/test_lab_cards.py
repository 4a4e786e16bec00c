"""The cards in JupyterLab's launcher, of a wheel that pip has installed and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, SLOW, Visit, answers, free_port, wait_until
from tests.installed import Environment, build

pytestmark = pytest.mark.browser
#: As a JupyterHub has it: the server's address does not end with its port.
BASE = "/user/somebody/"


@pytest.fixture(scope="module")
def lab(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of JupyterLab in an environment of its own, in a folder with nothing in it."""
    folder = tmp_path_factory.mktemp("installed")
    made = Environment.with_wheel(build("wheel", ROOT, folder), folder / "env")
    own = {name: value for name, value in environment.items() if name.startswith(("HAMEXPLORER", "JUPYTER"))}
    port, empty = free_port(), tmp_path_factory.mktemp("empty")
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--IdentityProvider.token=",
        f"--ServerApp.base_url={BASE}",
        "--ServerApp.allow_root=True",
        "--no-browser",
    ]
    command = [str(made.python), "-m", "jupyterlab", *options]
    with subprocess.Popen(command, env=made.variables(**own), stderr=subprocess.DEVNULL, cwd=empty) as server:
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}{BASE}api"), "JupyterLab answers")
            yield f"http://127.0.0.1:{port}{BASE}lab?reset"
        finally:
            server.terminate()


def test_card_opens_the_dashboard_and_it_trains(visit, lab):
    here = visit("lab-cards", lab, 1440, 900)
    card = here.page.locator('.jp-LauncherCard[data-category="hamexplorer"]', has_text="hamexplorer")
    card.wait_for(timeout=SLOW * 1000)
    expect(here.page.locator(".jp-LauncherCard", has_text="Lessons")).to_be_visible()
    expect(card.locator("svg path").first).to_be_visible()
    card.scroll_into_view_if_needed()
    here.screenshot("launcher")
    with here.page.context.expect_page() as opened:
        card.click()
    dashboard = Visit(opened.value, "lab-dashboard")
    assert dashboard.page.url.endswith(f"{BASE}hamexplorer/dashboard")
    dashboard.wait_until_ready()
    dashboard.button("Train").click()
    wait_until(lambda: dashboard.epoch > 0, "an epoch is done", 10 * SLOW)
    dashboard.screenshot("training")


def test_card_of_the_lessons_leads_to_all_of_them(visit, lab):
    here = visit("lab-lessons", lab, 1440, 900)
    card = here.page.locator(".jp-LauncherCard", has_text="Lessons")
    card.wait_for(timeout=SLOW * 1000)
    with here.page.context.expect_page() as opened:
        card.click()
    index = opened.value
    expect(index.get_by_role("link", name="Open the dashboard")).to_be_visible()
    index.get_by_role("link", name="Lesson 0").click()
    index.locator(".hx-app, .hx-question").first.wait_for(timeout=SLOW * 1000)
    assert index.url.endswith(f"{BASE}hamexplorer/lessons/lesson_0_tour")
