"""A visitor builds crystals, computes and learns their bands, points at a k-point, and opens CIFs, a broken one too."""

from __future__ import annotations

import io

import ase.io
import pytest
from playwright.sync_api import expect

from hamexplorer.structures.crystals import build_layer, supercell

pytestmark = pytest.mark.browser

#: Of the learned bands as the page shows them now: it changes whenever they move.
_LEARNED = """() => {
    const gd = document.querySelector('.hx-plot-bands .js-plotly-plot');
    const traces = (gd?._fullData ?? []).filter((t) => /learned/i.test(t.name ?? '') && t.y?.length > 20);
    return traces.flatMap((t) => Array.from(t.y)).filter(Number.isFinite).reduce((a, b) => a + b, 0);
}"""
#: Whether the zone marks a k-point.
_MARKED = """() => {
    const gd = document.querySelector('.hx-plot-zone .js-plotly-plot');
    return Number.isFinite(gd?.data?.find((t) => t.meta?.link === 'mark')?.x?.[0]);
}"""
_SLOW = 240_000


def upload(made, name: str, content: bytes) -> None:
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-upload").click()
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": content})


def graphene_cif() -> bytes:
    """Four atoms in a cell that nobody trained on."""
    buffer = io.BytesIO()
    ase.io.write(buffer, supercell(build_layer(), (2, 1, 1)).to_ase(), format="cif")
    return buffer.getvalue()


def hover_a_band(made) -> None:
    """Point at a band near the middle of the path, wherever the plot has scrolled to."""
    plot = made.page.locator(".hx-plot-bands .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    area = made.page.locator(".hx-plot-bands .js-plotly-plot .nsewdrag").first.bounding_box()
    for share in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7):
        made.page.mouse.move(area["x"] + 0.4 * area["width"], area["y"] + share * area["height"], steps=3)
        if made.page.evaluate(_MARKED):
            return


@pytest.mark.parametrize(("width", "height"), [(1440, 1000), (390, 844)])
def test_from_nothing_to_learned_bands(visit, voila, width, height):
    made = visit("crystal-training", voila, width, height)
    made.wait_until_ready()
    page = made.page
    made.open_fold("Add structures")
    page.get_by_label("or make them from").select_option(label="Crystal, rattled copies")
    page.get_by_label("Copies", exact=True).fill("12")
    page.get_by_label("Copies", exact=True).press("Tab")
    made.button("Load").click()
    expect(page.locator(".hx-molecule-title b")).to_have_text("graphene 00", timeout=_SLOW)

    made.open_fold("Compute references")
    page.get_by_label("Method", exact=True).select_option(label="GFN1-xTB")
    made.button("Compute").click()
    expect(page.locator(".hx-structures")).to_contain_text(
        "References of 12 structures are ready", timeout=_SLOW
    )
    made.screenshot("references")

    page.locator(".hx-train:enabled").wait_for(timeout=_SLOW)
    made.button("Train").click()
    made.wait_for_plots("bands", "zone")
    first = page.evaluate(_LEARNED)
    page.wait_for_function(f"before => (({_LEARNED})()) !== before", arg=first, timeout=_SLOW)
    made.wait_for_status("epoch [1-9]")
    made.screenshot("training")
    made.button("Stop").click()
    made.wait_for_status("stopped|finished")
    assert made.sticking_out() == []

    if width > 800:  # a phone has no pointer that hovers
        hover_a_band(made)
        page.wait_for_function(_MARKED, timeout=20_000)
        made.screenshot("hovered")

    upload(made, "double.cif", graphene_cif())
    expect(page.locator(".hx-molecule-title b")).to_have_text("double", timeout=_SLOW)
    made.screenshot("cif")
    upload(made, "torn.cif", graphene_cif()[:150])
    expect(page.locator(".hx-structures").get_by_role("alert")).to_contain_text("torn.cif")
    expect(page.locator(".hx-facts").first).to_contain_text("13 structures")
    made.screenshot("torn")
    assert made.sticking_out() == []
