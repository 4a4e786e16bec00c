"""The card of bands, driven through its widgets on the page that the browser test opens."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.panels.page import Page
from hamexplorer.panels.results import ResultsPanel


@pytest.fixture
def panel(monkeypatch, request):
    """Results of a run on diamond (picked), graphene and a chain."""
    monkeypatch.syspath_prepend(str(request.config.rootpath / "tests" / "plots"))
    import crystals_page

    _, made, session = crystals_page.build()
    made.session = session
    return made


def uids(panel) -> list[str]:
    return [trace.uid for trace in panel._plots["bands"].widget.figure.data]


def test_bands_come_first_where_a_crystal_is_picked_and_are_not_there_for_a_molecule(panel, session):
    first = panel.widget.children[-1].children[0]
    assert first is panel._bands.widget and first.layout.display == ""
    assert "direct gap of 6.00 eV" in panel._bands._words.value
    molecules = ResultsPanel(session, Page())
    assert molecules._bands.widget.layout.display == "none"


def test_the_controls_change_the_plot(panel):
    bands = panel._bands
    assert uids(panel) == [
        f"{kind} {name}" for kind in ("bands", "dos") for name in ("raw", "reference", "learned")
    ]
    bands._sets["raw"].value = False
    assert "bands raw" not in uids(panel)
    bands._fat.value = "momentum"
    assert {"fat 0", "projected 1"} <= set(uids(panel))
    before = max(panel._plots["bands"].widget.figure.data[-1].x)
    bands._broadening.value = 1.0
    assert max(panel._plots["bands"].widget.figure.data[-1].x) < before
    bands._zeros["vbm"].value = True
    assert "VBM" in panel._plots["bands"].widget.figure.layout.yaxis.title.text
    assert not bands._zeros["fermi"].value and "valence band maximum" in bands._words.value
    bands._zeros["vbm"].value = False  # one is always pressed
    assert bands._zeros["vbm"].value
    for box in bands._sets.values():
        box.value = False
    assert "tick at least one" in panel._plots["bands"].widget.figure.layout.annotations[0].text.replace(
        "<br>", " "
    )


def test_a_zero_that_is_not_defined_is_disabled_with_the_reason(panel):
    bands = panel._bands
    assert bands._zeros["vacuum"].disabled and "fills space" in bands._reason.value
    panel.session.pick(1)
    assert not bands._zeros["vacuum"].disabled and bands._reason.value == ""
    bands._zeros["vacuum"].value = True
    assert "vacuum level" in bands._words.value
    panel.session.pick(2)
    assert "Fermi level" in bands._words.value  # as there is no other for the chain
    panel.session.pick(1)
    assert "vacuum level" in bands._words.value


def test_both_plots_are_linked_and_the_state_under_the_pointer_is_a_trait(panel):
    bands = panel._bands
    links = {plot.widget.link for plot in bands.plots.values()}
    assert len(links) == 1 and links != {""}
    seen = []
    bands.observe(lambda change: seen.append(change["new"]), "hovered")
    bands.plots["bands"].widget._handle_custom_msg(
        {"hovered": {"place": 13, "band": 4, "set": "learned"}}, []
    )
    point = bands.hovered
    assert (point.band, point.set, point.row) == (3, "learned", 0)
    np.testing.assert_allclose(point.k, [0.5, 0.0, 0.5], atol=1e-12)  # X of fcc, seekpath
    bands.plots["bands"].widget._handle_custom_msg({"hovered": None}, [])
    assert seen == [point, None]
    bands.plots["bands"].widget._handle_custom_msg({"clicked": {"place": 10**6, "band": 1, "set": "raw"}}, [])
    assert bands.clicked is None


def test_with_another_crystal_the_pointer_means_another_k_and_the_click_is_forgotten(panel):
    bands = panel._bands
    for name in ("hovered", "clicked"):
        bands.plots["bands"].widget._handle_custom_msg({name: {"place": 5, "band": 1, "set": "raw"}}, [])
    before = bands.hovered
    panel.session.pick(2)
    assert bands.clicked is None and bands.hovered.row == 2
    assert not np.allclose(bands.hovered.k, before.k)
