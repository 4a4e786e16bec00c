"""The dashboard of a public server in a real browser: a waiting kernel's page, the full house, and the goodbye."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.visitors.serving import public_server
from tests.visitors.serving import wait_until as wait_for

pytestmark = pytest.mark.browser


def test_waiting_dashboard_is_whole_and_its_place_is_free_when_the_page_closes(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    with public_server(tmp_path, visitors=1, ready=1) as server:
        wait_for(lambda: len(server.kernels()) == 1, "a kernel waits")
        first = visit("public", f"{server.address}dashboard", 1440, 900)
        first.wait_until_ready()
        late = visit("public-late", f"{server.address}dashboard", 390, 844)
        full = late.page.get_by_role("heading", name="hamexplorer is full")
        expect(full).to_be_visible()
        first.page.close(run_before_unload=True)
        wait_for(lambda: len(server.kernels()) == 1, "the kernel of the page that closed has gone")

        def inside() -> bool:
            late.page.get_by_role("link", name="Try again").click()
            return not full.is_visible()

        # A place is free a moment after its kernel has ended.
        wait_for(inside, "there is room")
        late.wait_until_ready()
        assert late.lost == []
