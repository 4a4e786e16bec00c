"""A visitor with bad intentions: names, comments and SMILES with tags are shown as what they are."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TAG = '<img src=x onerror="window.hacked=1">'


def upload(made, name: str, content: bytes) -> None:
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-upload").click()
    chooser.value.set_files({"name": name, "mimeType": "text/plain", "buffer": content})


def test_tags_in_files_and_fields_stay_text(visit, voila):
    made = visit("texts", voila, 1440, 1000)
    made.wait_until_ready()
    made.open_fold("Add structures")
    # Without the number of files that ipywidgets adds.
    expect(made.page.locator(".widget-upload").first).to_have_text("Upload a file")
    title, message = (
        made.page.locator(".hx-molecule-title b"),
        made.page.locator(".hx-structures .hx-message"),
    )
    # In the comment line; the file's name is the name where the comment has none.
    comment = json.dumps(TAG)
    upload(
        made, f"{TAG}.xyz", f"3\nname={comment}\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n".encode()
    )
    expect(title).to_have_text(TAG)
    made.page.locator(".hx-structures .hx-table-body").evaluate("body => body.scrollTo(0, body.scrollHeight)")
    expect(made.page.locator(".hx-structures .hx-table-row", has_text=TAG)).to_have_count(1)
    upload(made, f"{TAG}2.xyz", b"1\n\nHe 0 0 0\n")
    expect(title).to_have_text(f"{TAG}2")
    upload(made, f"{TAG}3.xyz", b"this is no molecule\n")
    expect(message).to_contain_text(f"{TAG}3.xyz")
    # Without blanks, which part one SMILES from the next.
    made.page.get_by_label("SMILES", exact=True).fill("CC" + TAG.replace(" ", "/"))
    made.button("Load").click()
    expect(message).to_contain_text("is not a SMILES that RDKit understands")
    expect(message).to_contain_text("onerror")
    made.screenshot("tags")
    # Anything obeyed by now would have asked for the picture.
    assert made.page.locator("img[src=x]").count() == 0
    assert made.page.evaluate("window.hacked") is None


def test_a_file_beyond_tornados_message_gets_a_sentence(visit, voila, tmp_path):
    """Ten megabytes are where the connection was cut, and the page stayed silent."""
    made = visit("large", voila, 1440, 1000)
    made.wait_until_ready()
    made.open_fold("Add structures")
    message = made.page.locator(".hx-structures .hx-message")
    upload(made, "large.xyz", b"junk " * 2_500_000)
    expect(message).to_contain_text("large.xyz, frame 1: line 1 should be the number of atoms")
    larger = tmp_path / "larger.xyz"
    larger.write_bytes(b"junk " * 10_500_000)
    with made.page.expect_file_chooser() as chooser:
        made.page.locator(".hx-upload").click()
    chooser.value.set_files(larger)
    expect(message).to_contain_text(re.compile(r"5[23] MB are more than the 50 MB that can be uploaded"))
    assert made.lost == []
