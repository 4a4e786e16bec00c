"""Bands of the picked crystal: how they are shown, the plot, the Brillouin zone beside it, and the gaps in words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np
import traitlets

from hamexplorer.panels.parts import card, row, styled, text
from hamexplorer.plots import PLOTS, PlotContext
from hamexplorer.plots.bands import band_words, k_of_place
from hamexplorer.plots.crystals import ZEROS, band_structure, fat_set, full_name, why_not_zero
from hamexplorer.plots.live import LivePlot

_ZERO_LABELS = {"fermi": "Fermi", "vbm": "Valence top", "vacuum": "Vacuum"}
_FAT = [("none", ""), ("of elements", "element"), ("of angular momenta", "momentum")]
_SETS = {
    "reference": "the reference",
    "learned": "the model",
    "raw": "the small basis",
    "others": "earlier runs",
}


@dataclass(frozen=True, eq=False)
class BandPoint:
    """A state in the band plot.

    Attributes:
        k: in fractions of the reciprocal vectors of the crystal's own cell, shape (3,).
        k_cartesian: the same, 1/bohr.
        band: counted from 0.
        set: "raw", "reference" or "learned".
        row: of the crystal in the results; None if it is in none.
        place: of the k-point on the path.
    """

    k: np.ndarray
    k_cartesian: np.ndarray
    band: int
    set: str
    row: int | None
    place: int


class BandsPanel(traitlets.HasTraits):
    """The card that comes first where a crystal is picked, and is not there for a molecule.

    Its traits are for others: ``choices`` are the fields of the plots' context that are chosen here, ``hovered`` and
    ``clicked`` the state under the pointer and the one clicked last.
    """

    choices = traitlets.Dict()
    hovered = traitlets.Instance(BandPoint, allow_none=True)
    clicked = traitlets.Instance(BandPoint, allow_none=True)

    def __init__(self) -> None:
        super().__init__()
        self._context = PlotContext()
        self._zero = self._context.zero
        self._zeros = {
            kind: styled(
                widgets.ToggleButton(description=label, tooltip=ZEROS[kind], value=kind == self._zero),
                "hx-choice",
            )
            for kind, label in _ZERO_LABELS.items()
        }
        self._fat = styled(
            widgets.Dropdown(
                options=_FAT, description="Shares", tooltip="Whose part in each state its band shows"
            ),
            "hx-inline",
        )
        self._broadening = styled(
            widgets.FloatSlider(
                value=self._context.broadening_eV,
                min=0.05,
                max=1.0,
                step=0.05,
                readout_format=".2f",
                description="Broadening (eV)",
                tooltip="Standard deviation of a state in the density of states, 0.05 to 1 eV",
                continuous_update=False,
            ),
            "hx-broadening",
        )
        self._sets = {
            name: styled(
                widgets.Checkbox(
                    description=said, value=True, indent=False, tooltip=f"Show the bands of {said}"
                ),
                "hx-check",
            )
            for name, said in _SETS.items()
        }
        self._reason, self._words = text("", "hx-reason"), text("", "hx-band-words")
        self.plots = {name: LivePlot(name) for name in ("bands", "zone")}
        link = uuid.uuid4().hex
        for plot in self.plots.values():
            plot.widget.link = link
        self.widget = self._laid_out()
        self._listen()
        self._choose()

    def _laid_out(self) -> widgets.Widget:
        zero = row(text("Zero", "hx-label"), *self._zeros.values(), names=["hx-choices"])
        sets = row(*self._sets.values(), names=["hx-sets"])
        controls = row(zero, self._fat, self._broadening, sets, names=["hx-toolbar", "hx-band-controls"])
        plots = [
            styled(widgets.VBox([plot.widget]), "hx-plot", f"hx-plot-{name}")
            for name, plot in self.plots.items()
        ]
        beside = styled(widgets.Box(plots), "hx-bands-beside")
        hint = text("Click a band to see its orbital.", "hx-help")
        whole = card(PLOTS["bands"].label, [controls, self._reason, beside, hint, self._words], "hx-bands")
        whole.layout.display = "none"
        return whole

    def _listen(self) -> None:
        for kind, button in self._zeros.items():
            button.observe(lambda change, kind=kind: self._zero_pressed(kind, change["new"]), "value")
        for control in (self._fat, self._broadening, *self._sets.values()):
            control.observe(lambda _: self._choose(), "value")
        source = self.plots["bands"].widget
        for name in ("hovered", "clicked"):
            source.observe(lambda change, name=name: self._pointed(name, change["new"]), name)

    def _zero_pressed(self, kind: str, pressed: bool) -> None:
        if pressed:
            self._zero = kind
        for each, button in self._zeros.items():
            button.value = each == self._zero  # one is always pressed
        self._choose()

    def _choose(self) -> None:
        self.choices = {
            "zero": self._zero,
            "fat": self._fat.value,
            "broadening_eV": self._broadening.value,
            "sets": tuple(name for name, box in self._sets.items() if box.value),
        }

    def follow(self, context: PlotContext, *, is_crystal: bool) -> None:
        """Say what belongs to the picked structure, and offer only what it has; the card is for crystals."""
        another, self._context = context.picked != self._context.picked, context
        if another:  # the pointer may stay where it is, a click meant the crystal before
            self.clicked = None
            self._pointed("hovered", self.plots["bands"].widget.hovered)
        bands = band_structure(context)
        self.widget.layout.display = "" if is_crystal else "none"
        self._words.value = "".join(f"<p>{escape(sentence)}</p>" for sentence in band_words(context))
        if bands is None:
            return
        reasons = {kind: why_not_zero(bands, kind, context) for kind in self._zeros}
        for kind, button in self._zeros.items():
            button.disabled = bool(reasons[kind])
            button.tooltip = f"Not now: {reasons[kind]}" if reasons[kind] else ZEROS[kind]
        no_shares = "" if fat_set(bands.sets) else "Shares of orbitals are not known here."
        self._fat.disabled = bool(no_shares)
        self._reason.value = escape(" ".join(filter(None, [*reasons.values(), no_shares])))
        for name, box in self._sets.items():
            if name == "others":
                box.layout.display = "" if context.bands_of_others else "none"
                continue
            box.disabled = name not in bands.sets
            box.description = full_name(name, context)

    def _pointed(self, name: str, point: dict[str, Any] | None) -> None:
        found = None if point is None else k_of_place(self._context, int(point["place"]))
        if point is None or found is None:
            setattr(self, name, None)
        else:
            row, place = self._context.picked, int(point["place"])
            setattr(self, name, BandPoint(*found, int(point["band"]) - 1, str(point["set"]), row, place))
