"""A visitor with crystals: loaded, looked at, written in another cell, and a vacuum cured; wide and on a phone."""

from __future__ import annotations

import io

import ase.io
import pytest
from playwright.sync_api import expect

from hamexplorer.structures.crystals import build_bulk, build_layer

pytestmark = pytest.mark.browser


def cif(structure) -> bytes:
    buffer = io.BytesIO()
    ase.io.write(buffer, structure.to_ase(), format="cif")
    return buffer.getvalue()


def periodic_in_all(structure) -> bytes:
    atoms, buffer = structure.to_ase(), io.StringIO()
    atoms.pbc = True
    ase.io.write(buffer, atoms, format="extxyz")
    return buffer.getvalue().encode()


def upload(made, name: str, content: bytes) -> None:
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-upload").click()
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": content})


@pytest.mark.parametrize(("width", "height"), [(1440, 1000), (390, 844)])
def test_crystals_are_loaded_drawn_and_changed(visit, voila, width, height):
    made = visit("crystals", voila, width, height)
    made.wait_until_ready()
    title = made.page.locator(".hx-molecule-title")
    card = made.page.locator(".hx-molecule")
    made.open_fold("Add structures")
    made.page.get_by_label("or make them from").select_option(label="Crystal, ready-made")
    made.button("Load").click()
    expect(title.locator("b")).to_have_text("graphene")
    expect(card).to_contain_text("p6/mmm (no. 80)")
    made.wait_for_molecule()
    made.screenshot("graphene")
    cells = made.page.get_by_label("Cells", exact=True)
    cells.select_option(label="3×3×1")
    expect(card).to_contain_text("only to look at: a calculation has the 2 atoms of one cell")
    made.wait_for_molecule()
    made.screenshot("copies")
    assert made.sticking_out() == []

    upload(made, "si.cif", cif(build_bulk("Si")))
    expect(title.locator("b")).to_have_text("si")
    made.button("Conventional cell").click()
    expect(title).to_contain_text("8 atoms")
    expect(made.button("Conventional cell")).to_be_disabled()
    made.wait_for_molecule()
    made.screenshot("conventional")

    upload(made, "torn.cif", cif(build_bulk("Si"))[:150])
    expect(made.page.locator(".hx-structures").get_by_role("alert")).to_contain_text("torn.cif")
    expect(made.page.locator(".hx-facts").first).to_contain_text("102 structures")

    upload(made, "layer.xyz", periodic_in_all(build_layer("BN", 2.5)))
    expect(card).to_contain_text("12.0 Å are empty")
    made.screenshot("vacuum")
    made.button("Mark as vacuum").click()
    expect(title).to_contain_text("layer")
    expect(card).not_to_contain_text("are empty")
    made.open_fold("Add structures")
    made.open_fold("Compute references")
    expect(made.page.locator(".hx-estimate")).to_contain_text("3 crystals have no references")
    expect(made.page.get_by_label("Pseudopotential", exact=True)).to_be_visible()
    assert made.sticking_out() == []
