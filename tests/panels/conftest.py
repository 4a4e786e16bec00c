"""A session with the ethanes open, for panels that are driven from Python."""

from __future__ import annotations

import pytest

from hamexplorer.session import Session


@pytest.fixture
def session() -> Session:
    made = Session()
    made.open_dataset("ethane")
    made.wait()
    return made
