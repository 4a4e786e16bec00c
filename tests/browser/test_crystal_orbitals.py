"""A visitor trains on graphene, clicks a band, and sees its orbital turn from cell to cell."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from hamexplorer.reference.dataset import SHIPPED

from .conftest import wait_until

pytestmark = pytest.mark.browser

#: Triangles of every lobe that the page has drawn, brought into sight: other plots are not drawn.
_LOBES = """() => {
    document.querySelector('.hx-plot-orbital')?.scrollIntoView({ block: 'center' });
    const gd = document.querySelector('.hx-plot-orbital .js-plotly-plot');
    return (gd?._fullData ?? []).filter((t) => t.type === 'mesh3d').map((t) => t.i.length);
}"""
#: Where a state of a set lies on the screen: [x, y] of place and band (counted from 1).
_PLACE = """([set, place, band]) => {
    const gd = document.querySelector('.hx-plot-bands .js-plotly-plot');
    const layout = gd._fullLayout, box = gd.getBoundingClientRect();
    const trace = gd._fullData.find((t) => t.meta?.set === set);
    const index = [...trace.customdata].findIndex((c) => c[0] === place && c[1] === band);
    return [
        box.x + layout.xaxis._offset + layout.xaxis.l2p(trace.x[index]),
        box.y + layout.yaxis._offset + layout.yaxis.l2p(trace.y[index]),
    ];
}"""
#: Whether bands and zone ring the point at this place of the path.
_RINGED = """place => {
    document.querySelector('.hx-plot-zone')?.scrollIntoView({ block: 'center' });
    const bands = document.querySelector('.hx-plot-bands .js-plotly-plot');
    const zone = document.querySelector('.hx-plot-zone .js-plotly-plot');
    const line = bands?._fullData?.find((t) => t.meta?.link === 'points');
    const path = zone?.data?.find((t) => t.meta?.link === 'places');
    const along = line?.x[[...(line?.customdata ?? [])].findIndex((c) => c[0] === place)];
    const ring = bands?.data?.find((t) => t.name === 'orbital shown below');
    const mark = zone?.data?.find((t) => t.name === 'chosen k');
    const at = path?.customdata.indexOf(place);
    if (!ring || !mark || !path) return false;
    return Math.abs(ring.x[0] - along) < 1e-4 && mark.x[0] === path.x[at] && mark.y[0] === path.y[at];
}"""
_SLOW = 240_000


def click_state(made, name: str, place: int, band: int) -> None:
    plot = made.page.locator(".hx-plot-bands .js-plotly-plot")
    plot.scroll_into_view_if_needed()
    x, y = made.page.evaluate(_PLACE, [name, place, band])
    made.page.mouse.move(x - 3, y - 3)
    made.page.mouse.move(x, y)
    made.page.mouse.click(x, y)


def show(made, plot: str) -> None:
    made.page.locator(f".hx-app .hx-card.hx-plot-{plot}").scroll_into_view_if_needed()
    made.page.wait_for_timeout(600)  # a picture of a page that has settled; nothing is asserted on it
    made.screenshot(plot)


@pytest.mark.parametrize(("width", "height"), [(1440, 1100), (390, 844)])
def test_a_clicked_band_shows_its_orbital(visit, voila, width, height):
    made = visit("crystal-orbital", voila, width, height)
    made.wait_until_ready()
    page = made.page
    page.locator(".hx-dataset select").select_option(index=list(SHIPPED).index("graphene-szv"))
    expect(page.locator(".hx-molecule-title")).to_contain_text("C2", timeout=_SLOW)
    # What the calculation says is there before anything is learned.
    page.wait_for_function(f"({_LOBES})().length >= 2", timeout=_SLOW)
    made.button("Train").click()
    words = page.locator(".hx-crystal-words")
    page.wait_for_function(f"({_LOBES})().length === 4", timeout=_SLOW)
    made.wait_for_status("epoch [1-9]")
    made.button("Stop").click()
    made.wait_for_status("stopped|finished")

    corners = page.get_by_label("At", exact=True)
    corners.select_option(label="K")
    expect(words).to_contain_text("at K, k = (1/3, 1/3, 0)", timeout=60_000)
    expect(words).to_contain_text("120° along a₁")
    page.wait_for_function(_RINGED, arg=34, timeout=60_000)
    page.get_by_label("Wave", exact=True).select_option(label="|ψ|²")
    page.wait_for_function(f"({_LOBES})().length === 2", timeout=60_000)
    show(made, "orbital")
    page.get_by_label("Wave", exact=True).select_option(label="Re ψ")

    def chosen() -> bool:
        click_state(made, "reference", 22, 4)  # the saddle of the π band
        return "at M" in words.inner_text()

    wait_until(chosen, "a click on a band chooses its state")
    expect(words).to_contain_text("Band 4 of 8, the highest occupied, at M, k = (1/2, 0, 0).", timeout=60_000)
    page.wait_for_function(f"({_LOBES})().length === 4 && ({_LOBES})().every((n) => n > 100)")
    page.wait_for_function(_RINGED, arg=22, timeout=60_000)
    likeness = page.locator(".hx-plot-orbital .js-plotly-plot").get_by_text("|⟨ψ|ψ′⟩|²")
    expect(likeness).to_contain_text("reference GTH-SZV: 1.00")
    for plot in ("bands", "orbital", "matrix"):
        if plot == "bands":
            page.locator(".hx-plot-bands").scroll_into_view_if_needed()
            made.screenshot("bands")
        else:
            show(made, plot)
    assert made.sticking_out() == []
