"""Which orbital of the picked crystal is shown: its k-point, its band, and what of the complex wave."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.panels.parts import menu, row, styled, text
from hamexplorer.plots import PlotContext
from hamexplorer.plots.crystal_orbital import band_name, orbital_words
from hamexplorer.session import Session
from hamexplorer.structures.paths import KPath
from hamexplorer.train.crystal_state import PARTS


class CrystalChoice:
    """Menus beside the plot's title and sentences below it; neither is there for a molecule.

    Args:
        session: what is chosen is told to it.
        draw: asked to draw plots by name.
    """

    def __init__(self, session: Session, draw: Callable[..., None]) -> None:
        self._session, self._draw, self._quiet = session, draw, False
        self._k = menu("At", [], "hx-k-choice", help="The k-point: a corner of the path, or the one clicked")
        self._band = menu(
            "Band", [], "hx-band-choice", help="Counted from the lowest; click a band to choose it"
        )
        self._wave = menu(
            "Wave",
            [(label, name) for name, label in PARTS.items()],
            "hx-wave-choice",
            help="A crystal orbital is complex: its real part with its signs, or how dense the electron is",
        )
        self.menus = row(self._k, self._band, self._wave, names=["hx-crystal-choice"])
        self.words = styled(text("", "hx-help"), "hx-crystal-words")
        self._k.observe(lambda change: self._wanted(place=change["new"]), "value")
        self._band.observe(lambda change: self._wanted(band=change["new"]), "value")
        self._wave.observe(lambda change: setattr(session, "wave", change["new"]), "value")
        session.observe(lambda _: self._changed(), ["crystal_orbital", "why_no_crystal_orbital"])
        session.observe(lambda _: self._wave_changed(), "wave")
        self._changed()

    @property
    def is_shown(self) -> bool:
        """Whether the picked structure is a crystal."""
        session = self._session
        return session.crystal_orbital is not None or bool(session.why_no_crystal_orbital)

    @property
    def choices(self) -> dict[str, Any]:
        """The fields of the plots' context that are chosen here or known of the picked crystal."""
        session = self._session
        return {
            "crystal": session.crystal_orbital,
            "why_no_crystal": session.why_no_crystal_orbital,
            "wave": session.wave,
        }

    def follow(self, context: PlotContext) -> None:
        """Say what belongs to the plot that was drawn."""
        self.words.value = "".join(f"<p>{escape(sentence)}</p>" for sentence in orbital_words(context))

    def _changed(self) -> None:
        chosen, path = self._session.crystal_orbital, self._session.path_of_picked()
        known = chosen is not None and path is not None
        self.menus.layout.display = "" if known else "none"
        self.words.layout.display = "" if known else "none"
        if chosen is not None and path is not None:
            self._quiet = True
            try:
                state = chosen.state
                bands = [(band_name(b, state.n_occ), b) for b in reversed(range(state.n_bands))]
                _fill(self._k, _places(path, chosen.place), chosen.place)
                _fill(self._band, bands, chosen.band)
            finally:
                self._quiet = False
        self._draw("orbital", "matrix", "bands", "zone")

    def _wave_changed(self) -> None:
        self._wave.value = self._session.wave
        self._draw("orbital")

    def _wanted(self, place: int | None = None, band: int | None = None) -> None:
        chosen = self._session.crystal_orbital
        if self._quiet or chosen is None or (place is None and band is None):
            return
        self._session.pick_band(
            chosen.place if place is None else place, chosen.band if band is None else band
        )


def _fill(choice: widgets.Dropdown, options: list[tuple[str, int]], value: int) -> None:
    if tuple(choice.options) != tuple(options):
        choice.options = options
    choice.value = value


def _places(path: KPath, chosen: int) -> list[tuple[str, int]]:
    """Corners of the path, each label once, and the chosen point if it is none of them."""
    places: dict[str, int] = {}
    for place, label in path.corners:
        places.setdefault(label, place)
    name = path.name(chosen)
    return list({**places, name: chosen}.items())
