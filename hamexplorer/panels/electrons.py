"""What the electrons of the picked structure do: one orbital in space, the Hamiltonian, spectra."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.panels.crystal_orbital import CrystalChoice
from hamexplorer.panels.parts import card, menu, row, styled, text
from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.columns import level_name
from hamexplorer.plots.live import LivePlot
from hamexplorer.plots.matrix import matrices, said_of_block
from hamexplorer.plots.matrix_shown import state_shown
from hamexplorer.plots.plot import number
from hamexplorer.plots.spectrum import ABSORBS, SPECTRA, listed, name_of, transitions
from hamexplorer.session import Session
from hamexplorer.train.molecule_state import MoleculeState

#: Which Hamiltonian is shown until a person chooses one: the first that is known.
_SHOWN_FIRST = ("learned", "raw", "reference")


class ElectronsPanel:
    """Three cards. ``plots`` are theirs, ``draw`` is asked to draw plots by name, those of others too."""

    def __init__(self, session: Session, draw: Callable[..., None]) -> None:
        self._session, self._draw, self._quiet = session, draw, False
        #: Until a person chooses, the picture shows what is known.
        self._matrix_wanted = False
        self._target = ""
        self._orbital = menu(
            "Orbital",
            [],
            "hx-orbital-choice",
            help="Counted from the highest occupied one (HOMO) and the lowest empty one",
        )
        self._matrix = menu(
            "Show",
            [(label, name) for name, label in matrices(()).items()],
            "hx-matrix-choice",
            help="Which Hamiltonian, or what about it, is drawn",
        )
        self._spectrum = menu(
            "Kind",
            [(label, name) for name, label in SPECTRA.items()],
            "hx-spectrum-choice",
            help="What the lines stand for",
        )
        self._width = styled(
            widgets.FloatSlider(
                value=PlotContext().spectrum_eV,
                min=0.05,
                max=1.5,
                step=0.05,
                readout_format=".2f",
                description="Line width (eV)",
                tooltip="Standard deviation of the Gaussian that each line is drawn as, 0.05 to 1.5 eV",
                continuous_update=False,
            ),
            "hx-broadening",
        )
        self._list = styled(
            widgets.Select(
                description="Strongest",
                tooltip="Transitions with the largest oscillator strengths",
                rows=5,
                options=[],
            ),
            "hx-inline",
            "hx-transitions",
        )
        self._crystal = CrystalChoice(session, draw)
        self._block = text("", "hx-help", "hx-block")
        self._words = text("", "hx-help", "hx-transitions-said")
        self.plots = {name: LivePlot(name) for name in ("orbital", "matrix", "spectrum")}
        orbitals = row(self._orbital, self._crystal.menus, names=["hx-orbital-controls"])
        self.cards = {
            "orbital": self._card("orbital", orbitals, self._crystal.words),
            "matrix": self._card("matrix", self._matrix, self._block),
            "spectrum": self._card("spectrum", self._spectrum, self._list, self._words, self._width),
        }
        self._listen()
        self._state_changed()

    def _card(self, name: str, aside: widgets.Widget, *below: widgets.Widget) -> widgets.Widget:
        children = [self.plots[name].widget, *below]
        return card(
            PLOTS[name].label, children, "hx-plot", f"hx-plot-{name}", aside=aside, about=PLOTS[name].help
        )

    def _listen(self) -> None:
        session = self._session
        session.observe(lambda _: self._state_changed(), "state_of_picked")
        session.observe(lambda _: self._orbital_changed(), "orbital")
        session.observe(lambda _: self._draw("matrix"), ["marked", "hovered"])
        session.observe(lambda _: self._draw("spectrum"), "excitations")
        session.observe(lambda _: self._others_changed(), ["states_of_others", "crystal_orbital"])
        self._orbital.observe(lambda change: self._orbital_wanted(change["new"]), "value")
        self._matrix.observe(lambda _: self._matrix_chosen(), "value")
        session.observe(lambda _: self._draw("matrix"), "pull")
        self._spectrum.observe(lambda _: self._spectrum_chosen(), "value")
        self._width.observe(lambda _: self._draw("spectrum"), "value")
        self._list.observe(lambda change: self._transition_wanted(change["new"]), "value")
        self.plots["matrix"].on_choose("atoms", session.mark)
        self.plots["spectrum"].on_choose("orbital", session.choose_orbital)
        self.plots["spectrum"].on_choose("transition", self._transition_wanted)

    @property
    def choices(self) -> dict[str, Any]:
        """The fields of the plots' context that are chosen here or known of the picked molecule."""
        session = self._session
        return {
            "state": session.state_of_picked,
            "states_of_others": session.states_of_others,
            "bands_of_others": session.bands_of_others,
            "orbital": session.orbital,
            "marked": session.pointed_at,
            "excitations": session.excitations,
            "matrix": self._matrix.value,
            "pull": session.pull,
            "spectrum": self._spectrum.value,
            "spectrum_eV": self._width.value,
            **self._crystal.choices,
        }

    def follow(self, name: str, context: PlotContext) -> None:
        """Say what belongs to a plot that was drawn."""
        if name == "parity" and context.target != self._target:
            self._target = context.target or ""
            self._ask_for_pull()
        if name == "orbital":
            self._orbital.layout.display = "none" if self._crystal.is_shown else ""
            self._crystal.follow(context)
        if name == "matrix":
            state = state_shown(context)
            self._block.value = "" if state is None else escape(said_of_block(state, context.marked, context))
        if name == "spectrum":
            self._list_transitions(context)

    def _matrix_chosen(self) -> None:
        self._matrix_wanted |= not self._quiet
        self._ask_for_pull()
        self._draw("matrix")

    def _others_changed(self) -> None:
        """Offer the matrices of those runs that know one; what is shown stays, if it still is."""
        session = self._session
        state = session.crystal_orbital and session.crystal_orbital.state
        labels = [run.label for run in session.runs_beside]
        known = [each for each in labels if each in (state.sets if state else session.states_of_others)]
        options = [(label, name) for name, label in matrices(known).items()]
        if tuple(self._matrix.options) != tuple(options):
            chosen = self._matrix.value
            self._matrix.options = options
            self._matrix.value = chosen if chosen in matrices(known) else "learned"
        self._show_known_matrix()
        self._draw("orbital", "matrix")

    def _show_known_matrix(self) -> None:
        """Before a training, what the calculations gave; a person's choice stays, even where it is not known."""
        crystal = self._session.crystal_orbital
        state = self._session.state_of_picked if crystal is None else crystal.state
        if state is None or self._matrix_wanted:
            return
        self._quiet = True
        try:
            self._matrix.value = next((name for name in _SHOWN_FIRST if name in state.sets), "learned")
        finally:
            self._quiet = False

    def _ask_for_pull(self) -> None:
        if self._matrix.value == "pull" and self._target:
            self._session.find_pull(self._target)

    # ---- orbitals ----------------------------------------------------------------------------------

    def _state_changed(self) -> None:
        state = self._session.state_of_picked
        self._show_orbital([] if state is None else _orbitals_of(state))
        if self._spectrum.value == "tamm_dancoff":
            self._session.excite()
        self._show_known_matrix()
        self._ask_for_pull()
        self._draw("orbital", "matrix", "spectrum", "levels")

    def _show_orbital(self, options: list[tuple[str, int]]) -> None:
        """What can be chosen and what is; a menu that is filled anew chooses its first entry, which nobody meant."""
        self._quiet = True
        try:
            if tuple(self._orbital.options) != tuple(options):
                self._orbital.options = options
            if self._session.orbital in [place for _, place in options]:
                self._orbital.value = self._session.orbital
        finally:
            self._quiet = False

    def _orbital_changed(self) -> None:
        self._show_orbital(list(self._orbital.options))
        self._draw("orbital", "levels")

    def _orbital_wanted(self, place: int | None) -> None:
        if place is not None and not self._quiet:
            self._session.choose_orbital(place)

    # ---- spectra -----------------------------------------------------------------------------------

    def _spectrum_chosen(self) -> None:
        if self._spectrum.value == "tamm_dancoff":
            self._session.excite()
        self._draw("spectrum")

    def _transition_wanted(self, pair: tuple[int, int] | None) -> None:
        """Show the orbital that the electron leaves; asked again, the one it goes to."""
        state = self._session.state_of_picked
        if pair is None or state is None or self._quiet:
            return
        from_homo = [int(index) - state.n_occ + 1 for index in pair]
        self._session.choose_orbital(from_homo[1] if self._session.orbital == from_homo[0] else from_homo[0])

    def _list_transitions(self, context: PlotContext) -> None:
        """The strongest learned transitions in words, each of which can be chosen."""
        options: list[tuple[str, tuple[int, int]]] = []
        drawn = not PLOTS["spectrum"].unavailable(context) and context.spectrum in ABSORBS
        if drawn and context.state is not None:
            found = transitions(context)
            name = "learned" if "learned" in found else next(iter(found))
            each = found[name]
            for k in listed(each):
                energy = f"{each.energy[k] * context.energy_factor:.{context.energy_digits}f} {context.units}"
                said = f"{energy} · f {number(float(each.strength[k]), 2)} · {name_of(each, k, context.state.n_occ)}"
                options.append((said, (int(each.occupied[k]), int(each.empty[k]))))
        self._list.layout.display = "" if options else "none"
        if tuple(self._list.options) != tuple(options):
            self._quiet = True
            try:
                self._list.options = options
                self._list.value = None
            finally:
                self._quiet = False
        # After the list, so that whoever reads the words finds the list that they speak of.
        self._words.value = (
            f"Strongest of {SPECTRA[context.spectrum]}: choose a transition to see the orbital that the electron "
            "leaves; click its line again for the one it goes to."
            if options
            else ""
        )


def _orbitals_of(state: MoleculeState) -> list[tuple[str, int]]:
    """Names and places, the highest first, as in the diagram of levels."""
    n_ao = state.layout.n_ao
    return [(level_name(index, state.n_occ), index - state.n_occ + 1) for index in reversed(range(n_ao))]
