"""Spectra of the picked molecule, drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.spectrum import SPECTRA, listed, name_of, transitions
from hamexplorer.train.molecule_state import excitations_of


@pytest.fixture(scope="module")
def excitations(state):
    return {name: excitations_of(state, name) for name in ("raw", "learned")}


@pytest.fixture
def drawn(state, excitations):
    def draw(kind: str, **changes):
        context = PlotContext(state=state, spectrum=kind, excitations=excitations, **changes)
        return context, PLOTS["spectrum"].figure(context)

    return draw


def area(trace) -> float:
    return float(abs(np.trapezoid(np.asarray(trace.y, float), np.asarray(trace.x, float))))


@pytest.mark.parametrize("units", ["eV", "Ha"])
def test_the_density_counts_the_states(drawn, state, units):
    _, figure = drawn("density", units=units, spectrum_eV=0.1)
    curves = {trace.name: trace for trace in figure.data}
    learned = curves["learned"]
    factor = 27.211386 if units == "eV" else 1.0
    seen = state.sets["learned"].energy * factor
    inside = ((seen > min(learned.x)) & (seen < max(learned.x))).sum()
    assert area(learned) == pytest.approx(inside, abs=0.3)
    shares = [np.asarray(trace.y) for name, trace in curves.items() if name.startswith("learned, on")]
    assert len(shares) == 2
    np.testing.assert_allclose(sum(shares), learned.y, atol=1e-9)


def test_photoelectrons_lie_where_the_levels_are(drawn, state):
    _, figure = drawn("photoelectron", spectrum_eV=0.1)
    curve = next(trace for trace in figure.data if trace.name == "learned")
    valence = state.sets["learned"].energy[2:9] * -27.211386
    assert area(curve) == pytest.approx(7, abs=0.1)
    assert min(abs(np.asarray(curve.x)[np.asarray(curve.y).argmax()] - valence)) < 0.3
    lines = next(trace for trace in figure.data if trace.meta == {"choose": "orbital"})
    assert lines.customdata[8] == 0 and lines.x[8] == pytest.approx(valence[-1])


@pytest.mark.parametrize("kind", ["absorption", "tamm_dancoff"])
def test_lines_of_absorption_name_their_two_orbitals(drawn, state, kind):
    context, figure = drawn(kind)
    found = transitions(context)["learned"]
    lines = next(trace for trace in figure.data if trace.meta == {"choose": "transition"})
    assert len(lines.x) > 3
    for x, (occupied, empty), text in zip(lines.x, lines.customdata, lines.text, strict=True):
        assert occupied < state.n_occ <= empty
        (k,) = np.flatnonzero(
            (found.occupied == occupied) & (found.empty == empty) & np.isclose(found.energy * 27.211386, x)
        )
        assert text.startswith(name_of(found, k, state.n_occ))


def test_the_list_has_the_strongest(excitations):
    found = excitations["learned"]
    chosen = listed(found, most=3)
    assert len(chosen) == 3 and (np.diff(chosen) > 0).all()
    assert found.strength[chosen].min() >= np.sort(found.strength)[-3]


def test_what_is_not_there_yet_is_said(state):
    context = PlotContext(state=state, spectrum="tamm_dancoff")
    assert "being worked out" in PLOTS["spectrum"].unavailable(context)
    assert PLOTS["spectrum"].unavailable(replace(context, spectrum="absorption")) == ""


@pytest.mark.parametrize("kind", SPECTRA)
def test_the_zoom_survives_an_epoch(drawn, kind):
    _, figure = drawn(kind)
    assert figure.layout.uirevision == drawn(kind)[1].layout.uirevision
