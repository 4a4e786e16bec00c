"""Looking into a run: linked views, spectra, back in time, files, sessions; and that everybody can use it."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import SLOW, open_dashboard, wait_until

pytestmark = pytest.mark.browser

#: Canvases and parts of libraries that are not ours, each with the reason why its fault is not ours to mend.
EXCUSED: dict[str, str] = {
    ".nglview, .hx-stage": "nglview draws atoms on a canvas that has no text; the table beside it tells all of them",
    ".js-plotly-plot": "plotly's drawings have no text for screen readers; the button Numbers below each has its table",
}


def trained(visit, voila, width: int, height: int):
    made = visit("explorer", voila, width, height)
    made.wait_until_ready()
    train(made)
    return made


def train(made, epochs: int = 4) -> None:
    made.button("Train").click()
    made.wait_for_status(rf"epoch ({epochs}|[{epochs + 1}-9]|\d\d)")
    made.button("Stop").click()
    made.wait_for_status(r"^stopped")


def choose(made, names: str, **option) -> None:
    made.page.locator(f"{names} select").select_option(**option)


@pytest.mark.parametrize(("kind", "dark"), [("voila", False), ("jupyterlab", True)])
def test_every_view_is_linked(visit, request, kind, dark):
    made = open_dashboard(visit, kind, request, 1920 if dark else 1440, 1000)
    if dark:
        wear_dark(made, kind)
    train(made)
    levels_choose_orbitals(made)
    blocks_point_at_atoms(made)
    spectra_and_their_orbitals(made)
    properties_in_3d(made)
    back_in_time(made)
    units_everywhere(made)
    assert made.sticking_out() == []


def wear_dark(made, kind: str) -> None:
    """By the page's own button, or in JupyterLab by its theme."""
    if kind == "voila":
        made.page.locator(".hx-theme").click()
    else:
        theme = "{ theme: 'JupyterLab Dark' }"
        made.page.evaluate(f"void window.jupyterapp.commands.execute('apputils:change-theme', {theme})")
    made.page.wait_for_function("document.querySelector('.hx-app').classList.contains('hx-dark')")


def levels_choose_orbitals(made) -> None:
    """A click on a level shows its orbital; the menu does the same from the keyboard."""
    plot = made.page.locator(".hx-plot-levels .js-plotly-plot")
    made.page.locator(".hx-plot-levels").scroll_into_view_if_needed()
    made.page.wait_for_function(
        """() => document.querySelector('.hx-plot-levels .js-plotly-plot')?._fullData
            ?.some((trace) => trace.name === 'learned empty')"""
    )
    chosen = made.page.locator(".hx-orbital-choice select option:checked")

    def click() -> bool:
        """The plot came into sight a moment ago and may still move to the latest epoch."""
        place = plot.evaluate(
            """gd => {
                const trace = gd._fullData.find((t) => t.name === 'learned empty'), box = gd.getBoundingClientRect();
                const k = trace.customdata.indexOf(1) + 1, l = gd._fullLayout;
                return [box.x + l._size.l + l.xaxis.l2p(trace.x[k]), box.y + l._size.t + l.yaxis.l2p(trace.y[k])];
            }"""
        )
        made.page.mouse.move(*place)
        made.page.mouse.click(*place)
        return "LUMO" in chosen.inner_text()

    wait_until(click, "a click on the lowest empty level chooses it", tries=50)
    drawn = made.page.locator(".hx-plot-orbital")
    expect(drawn).to_contain_text("LUMO, level 10")
    choose(made, ".hx-orbital-choice", label="HOMO−2, level 7")
    expect(drawn).to_contain_text("HOMO−2, level 7")
    drawn.scroll_into_view_if_needed()
    made.screenshot("orbital")
    made.page.wait_for_function(
        """() => {
            const drawn = document.querySelector('.hx-plot-orbital .js-plotly-plot')?.data ?? [];
            return drawn.filter((trace) => trace.type === 'mesh3d').length === 6; // two lobes in each of three scenes
        }"""
    )


def blocks_point_at_atoms(made) -> None:
    plot = made.page.locator(".hx-plot-matrix .js-plotly-plot")
    made.page.locator(".hx-plot-matrix").scroll_into_view_if_needed()
    choose(made, ".hx-matrix-choice", label="learned − reference")
    made.page.wait_for_function(
        "document.querySelector('.hx-plot-matrix .js-plotly-plot')?.data?.[0]?.type === 'heatmap'"
    )
    place = plot.evaluate(
        """gd => {
            const box = gd.getBoundingClientRect(), l = gd._fullLayout;
            return [box.x + l.xaxis._offset + l.xaxis.l2p(12), box.y + l.yaxis._offset + l.yaxis.l2p(7)];
        }"""
    )
    made.page.mouse.move(*place)
    made.page.mouse.click(*place)
    expect(made.page.locator(".hx-block")).to_contain_text(
        re.compile(r"Block C2 – H5: norm .* eV, off the reference by")
    )
    made.screenshot("block")


def spectra_and_their_orbitals(made) -> None:
    card = made.page.locator(".hx-plot-spectrum")
    card.scroll_into_view_if_needed()
    for kind, axis in (
        ("photoelectrons", "ionization energy"),
        ("absorption, independent particles", "photon energy"),
        ("absorption, Tamm-Dancoff", "photon energy"),
    ):
        choose(made, ".hx-spectrum-choice", label=kind)
        expect(card).to_contain_text(axis)
        made.screenshot(kind.split()[-1])
    entries = made.page.locator(".hx-transitions select option")
    # Until the excitations are there, the list may still be that of independent particles.
    expect(made.page.locator(".hx-transitions-said")).to_contain_text("Tamm-Dancoff", timeout=60_000)
    made.page.wait_for_function(
        "/→\\sLUMO/.test(document.querySelector('.hx-transitions select option')?.textContent)"
    )
    words = entries.first.text_content()
    leaves, goes = re.search(r"(HOMO\S*)\s→\s(LUMO\S*)", words).groups()
    choose(made, ".hx-transitions", index=0)
    expect(made.page.locator(".hx-orbital-choice select option:checked")).to_contain_text(
        re.compile(f"^{re.escape(leaves)},")
    )
    assert goes.startswith("LUMO")


def properties_in_3d(made) -> None:
    """A dipole, a polarizability and bond orders beside the atoms; another picture for each."""
    stage = made.page.locator(".hx-stage")
    stage.scroll_into_view_if_needed()
    pictures = [stage.screenshot()]
    for words, said in (
        ("polarizability", "STO-3G grey"),
        ("bond orders", "Thickness: bond orders, learned"),
        ("nothing", ""),
    ):
        choose(made, ".hx-draw-choice", label=words)
        expect(made.page.locator(".hx-drawn")).to_contain_text(said)
        wait_until(lambda: stage.screenshot() != pictures[-1], f"{words}: the view changes")
        pictures.append(stage.screenshot())
        made.screenshot(words)


def back_in_time(made) -> None:
    said = made.page.locator(".hx-timeline-said")
    said.scroll_into_view_if_needed()
    expect(said).to_contain_text("the latest")
    tile = made.page.locator(".hx-tile b").first.inner_text()
    made.page.locator(".hx-timeline-slider .noUi-handle").focus()
    made.page.keyboard.press("Home")
    expect(said).to_contain_text(re.compile(r"epoch 0 of \d"))
    expect(made.page.locator(".hx-tile b").first).not_to_have_text(tile)
    made.screenshot("back")
    made.page.get_by_role("button", name="Now", exact=True).click()
    expect(made.page.locator(".hx-tile b").first).to_have_text(tile)


def units_everywhere(made) -> None:
    choose(made, ".hx-units", label="kcal/mol")
    for place in (
        ".hx-tile",
        ".hx-plot-parity",
        ".hx-plot-levels",
        ".hx-plot-orbital",
        ".hx-molecule",
        ".hx-runs",
    ):
        made.page.evaluate(
            "place => document.querySelector(place).scrollIntoView({ block: 'center' })", place
        )
        expect(made.page.locator(place).first).to_contain_text("kcal/mol")
    choose(made, ".hx-laboratory", label="D and Å³")
    made.page.locator(".hx-molecule").scroll_into_view_if_needed()
    expect(made.page.locator(".hx-molecule")).to_contain_text("Å³")


def test_edit_measure_and_check(visit, voila):
    made = trained(visit, voila, 1440, 1000)
    page, editing = made.page, made.page.locator(".hx-editing")
    made.open_fold("Edit, measure, check")
    choose(made, ".hx-edit-atom", label="H3")
    for _ in range(2):
        editing.get_by_role("button", name="+", exact=True).click()
    expect(page.locator(".hx-molecule-title")).to_contain_text("ethane 00, edited")
    # The prediction follows at once.
    expect(page.locator(".hx-facts-table").first).to_contain_text("learned", timeout=SLOW * 1000)
    page.get_by_label("Element", exact=True).fill("C")
    editing.get_by_role("button", name="Replace").click()
    expect(page.locator(".hx-edit-why")).to_contain_text("23 electrons")
    made.screenshot("half-way")
    editing.get_by_role("button", name="Undo: replaced H3 by C").click()
    expect(page.locator(".hx-edit-why")).to_be_hidden()
    measure(made)
    verify = editing.get_by_role("button", name="Check with DFT")
    expect(page.locator(".hx-check-estimate")).to_contain_text(re.compile(r"def2-tzvp: about \d+ (s|min)"))
    verify.click()
    expect(page.locator(".hx-check-outcome")).to_contain_text("Orbital energies", timeout=SLOW * 1000)
    expect(page.locator(".hx-facts-table").first).to_contain_text("def2-TZVP")
    made.screenshot("checked")
    # Another structure and back again: frames of the list, and the edits are still there.
    page.locator(".hx-structures .hx-table-row").nth(4).click()
    # The edited copy has the same atoms: it is one frame more.
    expect(page.locator(".hx-frames-said")).to_contain_text("of 101")
    page.locator(".hx-frames-slider .noUi-handle").focus()
    page.keyboard.press("Home")
    expect(page.locator(".hx-frames-said")).to_have_text("1 of 101")
    assert made.sticking_out() == []


def measure(made) -> None:
    """Clicks along the molecule meet atoms until two of them are measured."""
    page = made.page
    page.locator(".hx-ruler").click()
    stage = page.locator(".hx-stage")
    stage.scroll_into_view_if_needed()
    box, said = stage.bounding_box(), page.locator(".hx-measured")
    places = itertools.cycle([(x, y) for y in (0.5, 0.45, 0.55) for x in np.linspace(0.2, 0.8, 25)])

    def click() -> bool:
        x, y = next(places)
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        return "Distance" in said.inner_text()

    wait_until(click, "two atoms are measured")
    expect(said).to_contain_text(re.compile(r"(Distance|Angle).*\d\.\d"))
    made.screenshot("measured")
    page.locator(".hx-ruler").click()


def test_a_study_ends_in_the_comparison(visit, voila):
    made = visit("study", voila, 1440, 1000)
    made.wait_until_ready()
    study = made.page.locator(".hx-study")
    study.scroll_into_view_if_needed()
    made.open_fold("What is varied")
    for name in ("ε", "ε + μ + α"):
        study.get_by_label(name, exact=True).uncheck()
    study.get_by_label("Epochs", exact=True).fill("2")
    made.page.keyboard.press("Tab")
    expect(study.locator(".hx-study-count")).to_contain_text("2 runs of at most 2 epochs")
    study.get_by_role("button", name="Start the study").click()
    expect(made.button("Train")).to_be_disabled()
    expect(study.locator(".hx-table-row")).to_have_count(2, timeout=SLOW * 1000)
    expect(made.button("Train")).to_be_enabled(timeout=SLOW * 1000)
    study.locator(".hamexplorer-plot").scroll_into_view_if_needed()
    expect(study.locator(".js-plotly-plot")).to_contain_text("surrogate")
    with made.page.expect_download() as download:
        study.get_by_role("button", name="Table, CSV").click()
    assert len(download.value.path().read_text().splitlines()) >= 3
    made.screenshot("study")
    assert made.sticking_out() == []


def test_files_runs_and_sessions(visit, voila, tmp_path):
    made = trained(visit, voila, 1440, 1000)
    for label, ending in (("CSV", "csv"), ("PNG", "png"), ("SVG", "svg"), ("HTML", "html")):
        with made.page.expect_download() as download:
            made.page.locator(".hx-plot-parity .hamexplorer-save").get_by_role("button", name=label).click()
        assert download.value.suggested_filename == f"parity.{ending}"
        assert download.value.path().stat().st_size > 1000
    made.wait_for_plots("levels")
    numbers = made.page.locator(".hx-plot-levels .hamexplorer-save").get_by_role("button", name="Numbers")
    numbers.click()
    expect(made.page.locator(".hx-plot-levels table th").first).to_have_text("series")
    expect(numbers).to_have_attribute("aria-expanded", "true")
    # A second run with another target, then the first one shown again.
    made.page.get_by_label("Dipole moment", exact=True).check()
    made.button("Train").click()
    made.wait_for_status(r"^training.*epoch ([2-9]|\d\d)")
    made.button("Stop").click()
    made.wait_for_status(r"^stopped")
    runs = made.page.locator(".hx-runs")
    runs.scroll_into_view_if_needed()
    expect(runs.locator(".hx-table-row")).to_have_count(2)
    expect(runs.locator(".hx-differences")).to_contain_text("Targets")
    # The first one stands beside it in the pictures, too.
    made.page.locator(".hx-plot-orbital").scroll_into_view_if_needed()
    expect(made.page.locator(".hx-plot-orbital")).to_contain_text("run 1", timeout=SLOW * 1000)
    made.screenshot("orbital-beside")
    made.page.locator(".hx-plot-matrix").scroll_into_view_if_needed()
    choose(made, ".hx-matrix-choice", label="learned − run 1")
    made.wait_for_plots("matrix")
    made.screenshot("matrix-beside")
    runs.scroll_into_view_if_needed()
    runs.locator(".hx-table-row").first.click()
    made.wait_for_status("showing run 1")
    made.screenshot("runs")
    share = made.page.locator(".hx-share")
    for words, ending in (("Settings, TOML", "toml"), ("Run, notebook", "ipynb"), ("Report, HTML", "html")):
        with made.page.expect_download() as download:
            share.get_by_role("button", name=words).click()
        assert download.value.suggested_filename.endswith(ending)
    with made.page.expect_download() as download:
        share.get_by_role("button", name="↓ Session file").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    made.button("Reset").click()
    made.page.locator(".hx-plot-parity").scroll_into_view_if_needed()
    expect(made.page.locator(".hx-plot-parity")).to_contain_text("Press Train")
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-session-upload").click()
    chooser.value.set_files(saved)
    made.wait_for_status("showing run 1")
    expect(share).to_contain_text("Opened ethane.hxsession.")
    made.wait_for_plots("parity", "levels", "loss")
    made.screenshot("opened")


@pytest.mark.parametrize(
    ("kind", "width", "dark"),
    [
        ("voila", 390, False),
        ("voila", 390, True),
        ("voila", 1024, False),
        ("voila", 1920, True),
        ("jupyterlab", 1024, True),
    ],
)
def test_it_is_drawn_well_at_every_width(visit, request, kind, width, dark):
    made = open_dashboard(visit, kind, request, width, 900)
    if dark:
        wear_dark(made, kind)
        made.name += "-dark"
    train(made)
    for card in ("parity", "levels", "orbital", "matrix", "spectrum"):
        made.page.locator(f".hx-plot-{card}").scroll_into_view_if_needed()
        made.wait_for_plots(card)
        made.screenshot(card)
    made.page.locator(".hx-health").scroll_into_view_if_needed()
    made.screenshot("health")
    made.page.locator(".hx-share").scroll_into_view_if_needed()
    made.screenshot("share")
    assert made.sticking_out() == []


def test_no_serious_fault_of_accessibility(visit, voila):
    made = trained(visit, voila, 1440, 1000)
    exclude = [[selector.strip()] for selectors in EXCUSED for selector in selectors.split(",")]
    found = Axe().run(made.page, context={"exclude": exclude}).response["violations"]
    serious = [each for each in found if each["impact"] in ("serious", "critical")]
    said = [f"{each['id']}: {node['html'][:160]}" for each in serious for node in each["nodes"][:4]]
    assert not said, "\n".join(said)


def test_a_lasso_makes_the_test_set(visit, voila):
    made = trained(visit, voila, 1440, 1000)
    plot = made.page.locator(".hx-plot-parity .js-plotly-plot")
    made.page.locator(".hx-plot-parity").scroll_into_view_if_needed()
    plot.hover()
    made.page.locator(".hx-plot-parity .modebar-btn[data-val='select']").click()
    box = plot.evaluate(
        """gd => {
            const l = gd._fullLayout, b = gd.getBoundingClientRect();
            const at = (x, y) => [b.x + l.xaxis._offset + l.xaxis.l2p(x), b.y + l.yaxis._offset + l.yaxis.l2p(y)];
            return [...at(-18.5, -18.5), ...at(-20.55, -23)];
        }"""
    )
    made.page.mouse.move(box[0], box[1])
    made.page.mouse.down()
    made.page.mouse.move((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, steps=4)
    made.page.mouse.move(box[2], box[3], steps=4)
    made.page.mouse.up()
    gathered = made.page.locator(".hx-gathered")
    expect(gathered).to_contain_text("inside the lasso")
    count = int(re.search(r"(\d+) molecules? inside", gathered.inner_text()).group(1))
    assert 0 < count < 98
    made.screenshot("gathered")
    gathered.locator(".hx-table-row").first.click()
    expect(made.page.locator(".hx-molecule-title b")).to_have_text(
        gathered.locator(".hx-table-row span").first.inner_text()
    )
    made.button("Make these the test set").click()
    expect(made.page.locator(".hx-training")).to_contain_text("the test part from the next training on")
    made.button("Test set by chance").click()
    expect(made.page.locator(".hx-training")).to_contain_text("left to chance again")
