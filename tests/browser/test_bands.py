"""Bands and Brillouin zone of textbook crystals in a real browser: pointing in one marks the k-point in the other."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

_SERVE = """
from pathlib import Path
from hamexplorer.launch import serve
serve(port={port}, open_browser=False, notebook=Path({notebook!r}), announce=lambda address: print(address, flush=True))
"""
_CELL = """
import sys
sys.path.insert(0, {folder!r})
import crystals_page
app, panel, session = crystals_page.build()
app
"""


def notebook_of(root) -> str:
    """The page of tests/plots/crystals_page.py as a notebook."""
    folder = str(root / "tests" / "plots")
    cell = {
        "cell_type": "code",
        "id": "page",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _CELL.format(folder=folder),
    }
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


@pytest.fixture(scope="module")
def bands_page(environment, request, tmp_path_factory):
    """Address of the page, served by Voila."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = tmp_path_factory.mktemp("page") / "bands.ipynb"
    path.write_text(notebook_of(request.config.rootpath))
    command = [sys.executable, "-c", _SERVE.format(port=port, notebook=str(path))]
    root = request.config.rootpath
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, cwd=root) as server:
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), "Voila did not start"
            yield address
        finally:
            server.terminate()


#: What JupyterLab's dark theme sets.
_DARK = """
body { background: #111; }
:root { --jp-layout-color1: #111; --jp-layout-color2: #424242; --jp-border-color2: #616161;
  --jp-content-font-color1: rgba(255, 255, 255, 0.87); --jp-ui-font-color1: rgba(255, 255, 255, 0.87);
  --jp-ui-font-color2: rgba(255, 255, 255, 0.6); }
"""


def open_page(visit, address, width, height, *, dark=False):
    made = visit("dark" if dark else "light", address, width, height)
    wait_for_plots(made)
    if dark:
        made.page.add_style_tag(content=_DARK)
        made.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    return made


def wait_for_plots(made) -> None:
    made.page.locator(".hx-bands").wait_for(timeout=240_000)
    for plot in ("bands", "zone"):
        made.page.wait_for_function(
            """plot => {
                document.querySelector(`.hx-plot-${plot}`).scrollIntoView({ block: 'nearest' });
                return (document.querySelector(`.hx-plot-${plot} .js-plotly-plot`)?.data?.length ?? 0) > 0;
            }""",
            arg=plot,
            timeout=120_000,
        )


#: Where a k-point of the learned set lies on the screen: [x, y] of place and band (counted from 1).
_PLACE = """([place, band]) => {
    const gd = document.querySelector('.hx-plot-bands .js-plotly-plot');
    const layout = gd._fullLayout, box = gd.getBoundingClientRect();
    const trace = gd._fullData.find((t) => t.meta?.set === 'learned');
    const index = [...trace.customdata].findIndex((c) => c[0] === place && c[1] === band);
    return [
        box.x + layout._size.l + layout.xaxis._offset - layout._size.l + layout.xaxis.l2p(trace.x[index]),
        box.y + layout._size.t + layout.yaxis._offset - layout._size.t + layout.yaxis.l2p(trace.y[index]),
    ];
}"""
#: Coordinates of the mark in the zone.
_MARK = """() => {
    const gd = document.querySelector('.hx-plot-zone .js-plotly-plot');
    const trace = gd.data.find((t) => t.meta?.link === 'mark');
    return [trace.x[0], trace.y[0], trace.z?.[0] ?? null, gd.layout.annotations[0].text];
}"""
_POINT = """place => {
    const gd = document.querySelector('.hx-plot-zone .js-plotly-plot');
    const trace = gd.data.find((t) => t.meta?.link === 'places');
    const at = trace.customdata.indexOf(place);
    return [trace.x[at], trace.y[at], trace.z?.[at] ?? null, trace.text[at]];
}"""


#: What says which crystal both plots show: its bands, and its points in the zone.
_SHOWN = """() => ['bands', 'zone'].map((plot) => {
    const gd = document.querySelector(`.hx-plot-${plot} .js-plotly-plot`);
    const trace = gd?._fullData?.find((t) => t.meta?.set === 'learned' || t.meta?.link === 'places');
    return JSON.stringify([[...(trace?.x ?? [])], [...(trace?.y ?? [])]]);
})"""


def wait_for_another_crystal(made, before: list[str]) -> None:
    """Until both plots, each of which must be in sight to be drawn, show other numbers than before."""
    for plot in ("zone", "bands"):
        made.page.wait_for_function(
            f"""([plot, before]) => {{
                document.querySelector(`.hx-plot-${{plot}}`).scrollIntoView({{ block: 'nearest' }});
                return !before.includes(({_SHOWN})()[plot === 'bands' ? 0 : 1]);
            }}""",
            arg=[plot, before],
        )


def point_at(made, place: int, band: int) -> tuple[float, float]:
    made.page.locator(".hx-plot-bands").scroll_into_view_if_needed()
    x, y = made.page.evaluate(_PLACE, [place, band])
    made.page.mouse.move(x - 3, y - 3)
    made.page.mouse.move(x, y)
    return x, y


def mark_is_at(made, place: int) -> None:
    expected = made.page.evaluate(_POINT, place)
    assert expected[0] is not None
    made.page.wait_for_function(
        f"expected => JSON.stringify(({_MARK})()) === JSON.stringify(expected)", arg=expected
    )


def test_pointing_at_a_band_marks_the_k_point_in_the_zone(visit, bands_page):
    made = open_page(visit, bands_page, 1440, 1000)
    made.screenshot("diamond")
    assert made.page.evaluate(_MARK)[0] is None
    for place in (7, 40):
        point_at(made, place, 4)
        mark_is_at(made, place)
    made.screenshot("pointed")
    expect(made.page.locator(".told")).to_contain_text("hovered learned band 3 k [")
    # A click is told to Python, and stays when the pointer leaves.
    x, y = point_at(made, 40, 4)
    made.page.mouse.click(x, y)
    expect(made.page.locator(".told")).to_contain_text("clicked learned band 3 k [")
    made.page.mouse.move(5, 5)
    made.page.wait_for_function(f"({_MARK})()[0] === null")
    expect(made.page.locator(".told")).not_to_contain_text("hovered")
    assert made.sticking_out() == []
    made.page.get_by_label("Shares").select_option("of angular momenta")
    made.page.get_by_role("button", name="Valence top").click()
    expect(made.page.locator(".hx-plot-bands")).to_contain_text("VBM")
    made.screenshot("shares")


def test_the_link_works_in_jupyterlab(visit, jupyterlab, request):
    made = visit("lab", jupyterlab, 1440, 1000)
    page = made.page
    page.wait_for_function("window.jupyterapp?.restored !== undefined", timeout=240_000)
    page.evaluate(
        """async (content) => {
            const app = window.jupyterapp;
            await app.restored;
            const file = { type: 'notebook', format: 'json', content: JSON.parse(content) };
            await app.serviceManager.contents.save('bands.ipynb', file);
        }""",
        notebook_of(request.config.rootpath),
    )
    page.goto(jupyterlab.replace("app.ipynb", "bands.ipynb"), wait_until="commit")
    made.run_notebook("bands.ipynb")
    wait_for_plots(made)
    page.locator(".hx-plot-bands").scroll_into_view_if_needed()
    point_at(made, 40, 4)
    mark_is_at(made, 40)
    made.screenshot("pointed")


@pytest.mark.parametrize(
    ("width", "height", "dark"), [(1440, 1000, True), (390, 844, False), (390, 844, True)]
)
def test_all_three_kinds_of_crystal_fit(visit, bands_page, width, height, dark):
    made = open_page(visit, bands_page, width, height, dark=dark)
    made.page.get_by_label("Shares").select_option("of angular momenta")
    menu = made.page.get_by_label("Crystal", exact=True)
    for index, kind in enumerate(("mesh3d", "scatter", "scatter")):
        if index:  # the first is there
            before = made.page.evaluate(_SHOWN)
            menu.select_option(index=index)
            wait_for_another_crystal(made, before)
        assert (
            made.page.evaluate("document.querySelector('.hx-plot-zone .js-plotly-plot').data[0].type") == kind
        )
        for plot in ("zone", "bands"):
            made.page.locator(f".hx-plot-{plot}").scroll_into_view_if_needed()
            made.screenshot(f"{menu.input_value()}-{plot}")
        assert made.sticking_out() == []
        point_at(made, 5, 1)
        mark_is_at(made, 5)
