"""The class of thirty in small: three train at once, nobody fails, and all is tidy afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.visitors.class_of_thirty import hold_class
from tests.visitors.serving import public_server, wait_until

pytestmark = pytest.mark.slow


def test_three_visitors_train_at_once_and_leave_nothing_behind(tmp_path: Path) -> None:
    with public_server(tmp_path, visitors=3, ready=1) as server:
        wait_until(lambda: len(server.kernels()) == 1, "a kernel waits")
        report = asyncio.run(hold_class(server, n=3, within=10, waiting=1))
        assert report.failures == []
        assert len(report.to_results) == 3
        # Each compiles; what the owner of the server has compiled before leaves half of it.
        assert 0 < report.largest < 1.6e9
        wait_until(
            lambda: len(list(tmp_path.glob("hamexplorer-visitor-*"))) == 1,
            "only the waiting kernel has a folder",
        )
    assert not list(tmp_path.glob("hamexplorer-visitor-*"))
