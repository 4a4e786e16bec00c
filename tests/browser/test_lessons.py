"""The index and a lesson, as who learns from them meets them."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import SLOW, wait_until

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_a_lesson_asks_tells_and_turns_a_molecule(visit, voila, width, height):
    made = visit("lesson", voila.removesuffix("dashboard"), width, height)
    expect(made.page.get_by_role("link", name="Open the dashboard")).to_be_visible()
    found = Axe().run(made.page, options={"resultTypes": ["violations"]})
    assert not found.response["violations"], found.generate_report()
    made.screenshot("index")
    made.page.get_by_role("link", name="Lesson 1").click()
    made.page.get_by_role("heading", name="What to take with you").wait_for(timeout=SLOW * 1000)

    count = made.page.locator(".hx-question").first
    check, tell = (count.get_by_role("button", name=name) for name in ("Check", "Tell me"))
    expect(check).to_be_disabled()
    count.get_by_label("rows").fill("6")
    count.get_by_label("rows").press("Tab")
    check.click()
    expect(count.get_by_role("status")).to_contain_text("Not so. Count the orbitals")
    count.get_by_label("rows").fill("7")
    count.get_by_label("rows").press("Tab")
    check.click()
    expect(count.get_by_role("status")).to_contain_text("Yes. Oxygen brings 1s, 2s and three 2p")
    expect(tell).to_be_enabled()

    # An option of two lines keeps its height, on a telephone.
    cut = (
        "labels => labels.filter(each => each.scrollHeight > each.clientHeight).map(each => each.textContent)"
    )
    assert made.page.locator(".hx-question .widget-radio-box label").evaluate_all(cut) == []

    # The panels show water before anything was trained.
    made.wait_for_molecule()
    made.wait_for_plots("matrix", "levels")

    turned = made.page.locator(".hx-plot", has=made.page.locator(".hx-slider"))
    turned.scroll_into_view_if_needed()
    shown = "plot => JSON.stringify(plot.querySelector('.js-plotly-plot')?.data?.[0].z)"
    wait_until(lambda: turned.evaluate(shown), "the matrix is drawn")
    before = turned.evaluate(shown)
    turned.get_by_role("slider").focus()
    made.page.keyboard.press("ArrowRight")
    wait_until(lambda: turned.evaluate(shown) != before, "the matrix has turned")
    assert made.sticking_out() == []
    made.screenshot("turned")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_an_address_shows_a_step_and_the_page_makes_such_addresses(visit, voila, width, height):
    shown = "show=training,levels,share&task=Which+level+is+worst%3F"
    made = visit("step", f"{voila}?data=small-molecules&structure=4&epochs=3&{shown}", width, height)
    task = made.page.locator(".hx-task-text")
    task.get_by_text("Your task").wait_for(timeout=SLOW * 1000)
    expect(task).to_have_text("Your task Which level is worst?")
    expect(made.page.locator(".hx-plot-levels")).to_be_visible()
    for name in (".hx-plot-parity", ".hx-targets-card", ".hx-stage"):
        expect(made.page.locator(name)).to_be_hidden()
    made.open_fold("A link for a class")
    address = made.page.get_by_role("textbox", name="The address")
    expect(address).to_have_value(f"{voila}?data=small-molecules&structure=4&epochs=3")
    made.page.get_by_label("Task").fill("Why?")
    made.page.get_by_role("checkbox", name="Orbital levels").check()
    expect(address).to_have_value(
        f"{voila}?data=small-molecules&structure=4&epochs=3&show=levels&task=Why%3F"
    )
    made.button("Copy the address").click()
    expect(made.page.get_by_text("Copied")).to_be_visible()
    assert made.sticking_out() == []
    made.screenshot("step")
    made.button("Show all panels").click()
    expect(made.page.locator(".hx-targets-card")).to_be_visible()
    made.wait_for_molecule()
    expect(made.button("Show all panels")).to_be_hidden()
