"""Takes the pictures of the documentation from the running dashboard: `python -m scripts.take_pictures [NAME …]`.

Run it from the root of the repository, with Chromium installed and the `test` extra. It starts a server of its own,
trains three models (ethane, small molecules, graphene) for a few minutes altogether, and writes docs/pictures/*.png.
Names choose among the visits in `VISITS`. Look at every picture before it is committed.

A picture has two dots a point, except the page, which is 1440 dots wide; its colours are reduced to 256, so that it
stays below 250 kB.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from hamexplorer.reference.dataset import SHIPPED, read_dataset
from tests.browser.conftest import ARGUMENTS, SLOW, Visit, free_port

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
#: Bytes that a picture may have at most.
LARGEST = 250_000
#: Of the page's picture, in dots.
WIDTH = 1440
_SERVE = """
from hamexplorer.launch import serve
serve(port={port}, open_browser=False, announce=lambda address: print(address, flush=True))
"""
#: A plot without its bar of buttons, which comes and goes with the pointer, and no line around a focused field.
_QUIET = ".modebar { display: none !important } :focus { outline: none !important }"
#: Cards as high as what they hold, and none in front of another.
_APART = """
.hx-results-grid { align-items: start !important }
.hx-training { position: static !important }
.hx-health { max-width: 760px !important }
"""


def keep(name: str, picture: bytes, width: int | None = None) -> None:
    """Write one picture, 256 colours, narrowed to a width if one is given."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if width is not None:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    reduced = image.quantize(256, dither=Image.Dither.NONE)
    path = PICTURES / f"{name}.png"
    reduced.save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.relative_to(ROOT)}: {image.width} × {image.height}, {size / 1000:.0f} kB", flush=True)
    if size > LARGEST:
        raise SystemExit(
            f"{path.name} has {size / 1000:.0f} kB, more than {LARGEST / 1000:.0f}; show less of it"
        )


def card(made: Visit, name: str, selector: str) -> None:
    """Picture of one card; from then on cards stand apart."""
    made.page.add_style_tag(content=_APART)
    place = made.page.locator(selector).first
    place.scroll_into_view_if_needed()
    made.page.mouse.move(2, 2)
    keep(name, place.screenshot(animations="disabled"))


def whole(made: Visit, name: str) -> None:
    """Picture of what fits into the window."""
    made.page.mouse.move(2, 2)
    # Asked again in several frames: a plot that grows meanwhile moves the page. Not the window scrolls but a box in it.
    made.page.wait_for_function(
        """() => {
            const app = document.querySelector('.hx-app');
            for (let box = app; box; box = box.parentElement) box.scrollTop = 0;
            window.hxStill = app.getBoundingClientRect().top >= 0 ? (window.hxStill ?? 0) + 1 : 0;
            return window.hxStill > 20;
        }"""
    )
    keep(name, made.page.screenshot(animations="disabled"), WIDTH)


def open_dataset(made: Visit, name: str) -> None:
    """Choose a shipped data set and wait until its structures are there."""
    dataset = read_dataset(name)
    made.page.locator(".hx-dataset select").select_option(index=list(SHIPPED).index(name))
    row = made.page.locator(".hx-structures .hx-table-row").first
    expect(row).to_contain_text(dataset.structures[0].label, timeout=SLOW * 1000)
    made.page.locator(".hx-train:enabled").wait_for(timeout=SLOW * 1000)


def pick(made: Visit, label: str) -> None:
    """Pick a structure by its name, which may be further down in the table."""
    table = made.page.locator(".hx-structures .hx-table-body")
    row = made.page.locator(".hx-structures .hx-table-row", has_text=label).first
    for _ in range(100):
        if row.count():
            break
        table.evaluate("body => body.scrollBy(0, body.clientHeight / 2)")
        made.page.evaluate("() => new Promise(requestAnimationFrame)")
    row.click()
    expect(made.page.locator(".hx-molecule-title b")).to_have_text(label)
    made.wait_for_molecule()


def train(made: Visit, epochs: int) -> None:
    """Train so many epochs, or until it ends by itself, and wait for the plots."""
    made.button("Train").click()
    made.page.wait_for_function(
        """epochs => {
            const said = document.querySelector('.hx-status').innerText;
            return Number(/epoch (\\d+)/.exec(said)?.[1] ?? 0) >= epochs || /^(finished|stopped)/i.test(said);
        }""",
        arg=epochs,
        timeout=10 * SLOW * 1000,
    )
    made.button("Stop").click()
    made.wait_for_status(r"^(stopped|finished)")
    made.wait_for_plots("loss", "parity")


def ethane(made: Visit) -> None:
    """What the five-minute start shows."""
    whole(made, "opened")
    card(made, "targets", ".hx-targets-card")
    train(made, 100)
    card(made, "curves", ".hx-plot-loss")
    card(made, "parity", ".hx-plot-parity")


def molecules(made: Visit) -> None:
    """Three targets at once, and one molecule looked into."""
    open_dataset(made, "small-molecules")
    for target in ("Dipole moment", "Polarizability"):
        made.page.get_by_label(target, exact=True).check()
    train(made, 60)
    pick(made, "butadiene")
    whole(made, "dashboard")
    card(made, "trust", ".hx-health")
    # Its highest occupied orbital lies in the plane that the molecule is seen in: no lobe is behind another.
    pick(made, "H2CO")
    made.page.locator(".hx-plot-orbital").evaluate("card => card.scrollIntoView({ block: 'center' })")
    expect(made.page.locator(".hx-plot-orbital")).to_contain_text("HOMO, level 8")
    made.page.wait_for_function(
        """() => (document.querySelector('.hx-plot-orbital .js-plotly-plot')?.data ?? [])
            .filter((trace) => trace.type === 'mesh3d').length === 6""",
        timeout=SLOW * 1000,
    )
    card(made, "orbital", ".hx-plot-orbital")
    card(made, "levels", ".hx-plot-levels")


def graphene(made: Visit) -> None:
    """Bands of a crystal."""
    open_dataset(made, "graphene-szv")
    train(made, 20)
    made.wait_for_plots("bands")
    card(made, "bands", ".hx-plot-bands")


#: What a visitor does, and the window's height in points.
VISITS: dict[str, tuple[Callable[[Visit], None], int]] = {
    "ethane": (ethane, 900),
    "molecules": (molecules, 1000),
    "graphene": (graphene, 1000),
}


def main() -> None:
    chosen = sys.argv[1:] or list(VISITS)
    unknown = [name for name in chosen if name not in VISITS]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if unknown:
        raise SystemExit(f"there is no visit {unknown[0]!r}; choose among {', '.join(VISITS)}")
    if chromium is None:
        raise SystemExit("Chromium is missing; install it, for example with `apt-get install chromium`")
    PICTURES.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _SERVE.format(port=free_port())]
    with tempfile.TemporaryDirectory() as store, sync_playwright() as playwright:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "HAMEXPLORER_STORE": store}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as server:
            try:
                address = server.stdout.readline().strip()  # type: ignore[union-attr]
                browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                for name in chosen:
                    visit, height = VISITS[name]
                    page: Page = browser.new_page(
                        viewport={"width": WIDTH, "height": height}, device_scale_factor=2
                    )
                    page.goto(f"{address}dashboard", wait_until="commit")
                    made = Visit(page, name)
                    made.wait_until_ready()
                    page.add_style_tag(content=_QUIET)
                    visit(made)
                    page.close()
                browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
