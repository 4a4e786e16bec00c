"""A browser that loses its connection while a model trains, and comes back."""

from __future__ import annotations

from urllib.parse import urlparse

import pytest

from tests.browser.conftest import wait_until
from tests.browser.line import Line

pytestmark = pytest.mark.browser


@pytest.fixture
def line(voila):
    made = Line(urlparse(voila).port)
    yield made
    made.close()


def test_a_page_that_was_cut_off_finds_the_run_as_it_stands(visit, line):
    made = visit("returning", f"http://127.0.0.1:{line.port}/dashboard", 1440, 900)
    made.wait_until_ready()
    made.open_fold("Optimiser and more")
    epochs = made.page.get_by_label("Epochs", exact=True).first  # a study has its own
    epochs.fill("100000")
    epochs.press("Tab")
    made.button("Train").click()
    made.wait_for_status(r"epoch ([3-9]|\d\d)")
    made.wait_for_plots("loss")
    line.cut()
    # What the page tells comes with the next thing that it is asked.
    wait_until(lambda: made.epoch and made.lost, "the page knows that it is cut off")
    left_at, points = made.epoch, made.points("loss")
    # The kernel goes on by itself; that it did shows once the page is back.
    line.mend()
    wait_until(lambda: made.epoch >= left_at + 3, "the page shows later epochs")
    wait_until(lambda: made.points("loss") > points, "the curves have grown")
    made.screenshot("returned")
    # It listens again, too.
    made.button("Pause").click()
    made.wait_for_status(r"^paused")
    made.button("Stop").click()
    made.wait_for_status(r"^stopped")
