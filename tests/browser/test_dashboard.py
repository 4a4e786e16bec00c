"""What a visitor does, in a real browser, against Voila, JupyterLab and Notebook 7."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_dashboard

pytestmark = pytest.mark.browser

WATER = b"3\nname=water\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"
BROKEN = b"3\nwater\nO 0 0 0\nH 0 0\n"
#: Seconds from a click to what it does, the median of several: a machine that tests is busy with other things, too.
PROMPT = 0.5


@pytest.mark.parametrize("kind", ["voila", "jupyterlab", "notebook"])
def test_load_train_pause_stop_and_pick(visit, kind, request):
    made = open_dashboard(visit, kind, request, 1440, 900)
    made.screenshot("ready")
    assert made.sticking_out() == []
    load_molecules(made)
    refuse_a_broken_file(made)
    train_pause_and_stop(made)
    pick_a_point(made)
    assert made.sticking_out() == []
    if kind == "voila":
        assert made.lost == [], "the connection to the kernel was cut"


def load_molecules(made) -> None:
    """An uploaded xyz and a SMILES appear in the table, picked and drawn."""
    made.open_fold("Add structures")
    upload(made, "water.xyz", WATER)
    expect(made.page.locator(".hx-molecule-title b")).to_have_text("water")
    made.page.get_by_label("SMILES", exact=True).fill("CO")
    made.button("Load").click()
    expect(made.page.locator(".hx-molecule-title")).to_contain_text("CH4O")
    expect(made.page.locator(".hx-structures .hx-table-row[aria-selected=true]")).to_contain_text("CO")
    made.wait_for_molecule()
    made.screenshot("loaded")


def refuse_a_broken_file(made) -> None:
    """One sentence, and what was loaded stays."""
    upload(made, "broken.xyz", BROKEN)
    alert = made.page.locator(".hx-structures").get_by_role("alert")
    expect(alert).to_contain_text("broken.xyz")
    assert "Traceback" not in alert.inner_text()
    expect(made.page.locator(".hx-facts").first).to_contain_text("102 structures")
    made.screenshot("broken")
    made.open_fold("Add structures")


def upload(made, name: str, content: bytes) -> None:
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-upload").click()
    chooser.value.set_files({"name": name, "mimeType": "chemical/x-xyz", "buffer": content})


def train_pause_and_stop(made) -> None:
    made.page.locator(".hx-structures .hx-table-body").evaluate("body => body.scrollTo(0, 0)")
    made.page.locator(".hx-structures .hx-table-row[data-key='0']").click()
    made.button("Train").click()
    made.wait_for_status(r"epoch ([3-9]|\d\d)")
    made.wait_for_plots("loss", "parity", "levels", "errors")
    made.screenshot("training")
    answers = [pause_and_resume(made) for _ in range(3)]
    answers.append(seconds_to_answer(made, "Stop", "stop"))
    made.wait_for_status(r"^stopped")
    print(f"{made.name}: answered after", *(f"{seconds:.2f} s" for seconds in answers))
    assert sorted(answers)[1] < PROMPT
    expect(made.button("Train")).to_be_enabled()
    made.wait_for_plots("loss", "parity", "levels", "errors")
    made.screenshot("stopped")


def pause_and_resume(made) -> float:
    """Seconds until Pause was answered; it then holds until Resume."""
    seconds = seconds_to_answer(made, "Pause", "paus")
    made.wait_for_status(r"^paused")
    made.screenshot("paused")
    stopped_at = made.status.inner_text()
    expect(made.button("Resume")).to_be_enabled()
    assert made.status.inner_text() == stopped_at
    made.button("Resume").click()
    made.wait_for_status(r"^training")
    return seconds


def seconds_to_answer(made, button: str, says: str) -> float:
    """How long the page takes to answer a click; measured in the page, from the click to the word."""
    made.page.evaluate(
        """says => {
            const status = document.querySelector('.hx-status');
            window.hxAnswer = new Promise((resolve) => {
                addEventListener('click', () => {
                    const began = performance.now();
                    const said = new RegExp(says, 'i');
                    const look = () => said.test(status.innerText) && resolve(performance.now() - began);
                    const all = { subtree: true, childList: true, characterData: true };
                    new MutationObserver(look).observe(status, all);
                }, { capture: true, once: true });
            });
        }""",
        says,
    )
    made.button(button).click()
    return made.page.evaluate("window.hxAnswer") / 1000


def pick_a_point(made) -> None:
    """A click of the mouse on a point of the parity plot picks its molecule everywhere."""
    plot = made.page.locator(".hx-plot-parity .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    before = made.picked()
    place = plot.evaluate(
        """gd => {
            const layout = gd._fullLayout, box = gd.getBoundingClientRect();
            const [x0, x1] = layout.xaxis.range, [y0, y1] = layout.yaxis.range;
            for (const trace of gd._fullData.filter((t) => ['train', 'test'].includes(t.name)))
                for (let i = trace.x.length - 1; i >= 0; i--) {
                    const [x, y] = [trace.x[i], trace.y[i]];
                    if (trace.customdata[i] === 0 || x < x0 || x > x1 || y < y0 || y > y1) continue;
                    return [box.x + layout._size.l + layout.xaxis.l2p(x), box.y + layout._size.t + layout.yaxis.l2p(y)];
                }
        }"""
    )
    made.page.mouse.move(*place)
    made.page.mouse.click(*place)
    expect(made.page.locator(".hx-molecule-title b")).not_to_have_text(before)
    expect(made.page.locator(".hx-structures .hx-table-row[aria-selected=true]")).to_contain_text(
        made.picked()
    )
    made.wait_for_molecule()
    made.screenshot("picked")


def test_on_a_phone(visit, request):
    made = open_dashboard(visit, "voila", request, 390, 844)
    assert made.sticking_out() == []
    made.screenshot("ready")
    in_sight = made.page.locator(".hx-train").bounding_box()
    assert in_sight["y"] + in_sight["height"] <= 844, "Train must be in sight without scrolling"
    made.button("Train").click()
    made.wait_for_status(r"epoch ([3-9]|\d\d)")
    made.wait_for_plots("loss", "parity", "levels", "errors")
    for plot in ("parity", "loss", "levels", "errors"):
        made.page.locator(f".hx-plot-{plot}").scroll_into_view_if_needed()
        made.screenshot(plot)
    assert made.sticking_out() == []
    made.button("Stop").click()
    made.wait_for_status(r"^stopped")
    made.open_fold("Basis and model")
    assert made.sticking_out() == []
    made.screenshot("settings")


def test_a_weight_can_be_changed_while_it_trains(visit, request):
    made = open_dashboard(visit, "voila", request, 1440, 900)
    made.button("Train").click()
    made.wait_for_status(r"epoch \d")
    made.page.get_by_label("Dipole moment", exact=True).check()
    made.page.wait_for_function(
        "document.querySelector('.hx-plot-loss').innerText.includes('Dipole moment')", timeout=240_000
    )
    made.page.locator(".hx-units select").select_option(label="Ha")
    expect(made.page.locator(".hx-errors-table")).to_contain_text("Ha")
    with made.page.expect_download() as download:
        made.button("↓ Results, CSV").click()
    assert download.value.suggested_filename == "ethane-results.csv"
    made.button("Stop").click()
    made.wait_for_status(r"^stopped")
