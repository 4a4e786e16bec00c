"""What a plot is, what it is given, and the registry of all plots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from hamexplorer._registry import Registry
from hamexplorer.plots.history import History
from hamexplorer.plots.theme import DARK, LIGHT, Palette, of_other
from hamexplorer.units import energy_digits, energy_factor, property_unit

if TYPE_CHECKING:
    from hamexplorer.physics.spectra import Transitions

    # Drawing needs the results themselves, not the machinery that makes them
    from hamexplorer.reference.kinds import Method
    from hamexplorer.structures.structure import Structure
    from hamexplorer.train.bands import BandStructure
    from hamexplorer.train.crystal_state import CrystalOrbital
    from hamexplorer.train.molecule_state import MoleculeState
    from hamexplorer.train.results import ErrorRow, Results


@dataclass(frozen=True, eq=False)
class OtherRun:
    """Another run of the session, as it ended; ``results`` are None where it gave none."""

    label: str
    history: History
    results: Results | None = None

    def levels_of(self, structure: Structure) -> np.ndarray | None:
        """Levels of a molecule, ascending, Ha; None if it was not in that run."""
        if self.results is None:
            return None
        for row, each in enumerate(self.results.dataset.structures):
            found = self.results.mo_energy[row]
            if each.key == structure.key and found is not None and found.ndim == 1:
                return np.sort(found[np.isfinite(found)])
        return None


@dataclass(frozen=True)
class PlotContext:
    """Everything a figure may depend on.

    Attributes:
        history: what the training reported so far.
        results: the latest predictions.
        others: runs of before, to compare with.
        running: whether a training is under way.
        looking_back: whether these are those of an earlier epoch.
        picked: index of the picked structure among the results; None for one that is not among them.
        bands: of such a crystal: predicted, calculated, or read from a file.
        method: of the references at hand, for the names of its bases where there are no results.
        state: Hamiltonian and orbitals of a picked molecule, as far as known.
        crystal: the chosen band of a picked crystal at a k-point, with the Hamiltonian there, as far as known.
        why_no_crystal: why it is not, as a sentence; empty for a molecule.
        wave: what of a crystal's complex orbital is drawn, a key of :data:`hamexplorer.train.crystal_state.PARTS`.
        bands_of_others, states_of_others: what other runs make of the picked structure, by their labels.
        orbital: the chosen orbital, counted from the HOMO (0), LUMO (1).
        marked: atoms that are pointed out.
        spectrum: which spectrum of a molecule is shown, a key of :data:`hamexplorer.plots.spectrum.SPECTRA`.
        spectrum_eV: standard deviation of a line in it.
        excitations: "raw" and "learned" Tamm-Dancoff transitions of the picked molecule, where worked out.
        matrix: which Hamiltonian is shown: "raw", "learned", "reference", a run's label, "error" (learned less
            reference), "change" (learned less raw), "less" and a run's label (learned less that one's) or "pull".
        pull: a target's name and how its error changes with the learned Hamiltonian, where worked out.
        units: of energies, a key of :data:`hamexplorer.units.ENERGY_UNITS`.
        laboratory: whether dipoles are in debye and polarizabilities in Å³ instead of atomic units.
        dark: whether the page is dark.
        part: "train", "validation", "test" or "all".
        target: the target that the parity plot shows; None means the first one.
        zero: what counts as zero in plots of bands: "fermi", "vbm" (valence band maximum) or "vacuum".
        fat: whose share in the bands is shown: "element", "momentum" (of the orbitals), or "" for none.
        broadening_eV: standard deviation of a state in the density of states.
        sets: which bands are shown: "raw", "reference", "learned", "others".
    """

    history: History | None = None
    results: Results | None = None
    others: tuple[OtherRun, ...] = ()
    running: bool = False
    looking_back: bool = False
    picked: int | None = None
    bands: BandStructure | None = None
    method: Method | None = None
    state: MoleculeState | None = None
    crystal: CrystalOrbital | None = None
    why_no_crystal: str = ""
    wave: str = "real"
    bands_of_others: Mapping[str, BandStructure] = field(default_factory=dict)
    states_of_others: Mapping[str, MoleculeState] = field(default_factory=dict)
    orbital: int = 0
    marked: tuple[int, ...] = ()
    matrix: str = "learned"
    pull: tuple[str, np.ndarray] | None = None
    spectrum: str = "density"
    spectrum_eV: float = 0.3
    excitations: Mapping[str, Transitions] = field(default_factory=dict)
    units: str = "eV"
    laboratory: bool = False
    dark: bool = False
    part: str = "all"
    target: str | None = None
    zero: str = "fermi"
    fat: str = ""
    broadening_eV: float = 0.2
    sets: tuple[str, ...] = ("raw", "reference", "learned", "others")

    @property
    def awaited(self) -> str:
        """What an empty plot waits for: somebody, or the first epoch of a training that is under way."""
        return "The training begins" if self.running else "Press Train"

    @property
    def energy_factor(self) -> float:
        """From hartree to the units shown."""
        return energy_factor(self.units)

    @property
    def energy_digits(self) -> int:
        """Digits behind the point of an energy in a sentence."""
        return energy_digits(self.units)

    def errors(self, part: str) -> dict[str, ErrorRow]:
        """Errors of every target over a part of the data, in the units shown."""
        assert self.results is not None
        rows = self.results.errors(part, self.units)
        if not self.laboratory:
            return rows
        return {name: _in_unit(row, *property_unit(row.unit, True)) for name, row in rows.items()}

    @property
    def orbital_index(self) -> int:
        """The chosen orbital of the picked molecule, from 0 for the lowest; the nearest that there is."""
        assert self.state is not None
        n_ao = len(next(iter(self.state.sets.values())).energy)
        return int(np.clip(self.state.n_occ - 1 + self.orbital, 0, n_ao - 1))

    @property
    def noun(self) -> str:
        """What the dataset consists of, for sentences: "molecule", "crystal", or "structure" if of both."""
        structures = self.results.dataset.structures if self.results is not None else ()
        kinds = {structure.is_crystal for structure in structures}
        return {frozenset({True}): "crystal", frozenset({True, False}): "structure"}.get(
            frozenset(kinds), "molecule"
        )

    @property
    def palette(self) -> Palette:
        return DARK if self.dark else LIGHT

    @property
    def small_basis(self) -> str:
        """The name of the small basis as people write it, else "small basis"."""
        method = getattr(getattr(self.results, "dataset", None), "method", self.method)
        state = self.state if self.crystal is None else self.crystal.state
        name = getattr(method, "small_basis", "") or getattr(state, "basis", "")
        return _basis_label(name) or "small basis"

    @property
    def large_basis(self) -> str:
        """The name of the large basis as people write it, else "reference"."""
        method = getattr(getattr(self.results, "dataset", None), "method", self.method)
        return _basis_label(getattr(method, "large_basis", "")) or "reference"


def place_of_other(label: str, context: PlotContext) -> int | None:
    """Where another run stands in the list, for its colour; None for what is no run of before."""
    return next((place for place, other in enumerate(context.others) if other.label == label), None)


def run_mark(name: str, context: PlotContext) -> str:
    """A coloured dot to stand before another run's label, whose colour alone is too light for text; else nothing."""
    is_other = place_of_other(name, context) is not None
    return f"<span style='color:{learned_colour(name, context)}'>●</span> " if is_other else ""


def learned_colour(name: str, context: PlotContext) -> str:
    """The colour of what was learned: by the run that is shown, or by another one, whose label is the name."""
    place = place_of_other(name, context)
    return context.palette.learned if place is None else of_other(place, context.palette)[0]


class Plot:
    """One entry of :data:`PLOTS`."""

    name: str
    label: str
    help: str
    #: Whether points can be gathered with a lasso; they carry the index of their structure as customdata.
    gathers = False

    def unavailable(self, context: PlotContext) -> str:
        """Why the plot cannot be drawn now, as a sentence; empty if it can."""
        raise NotImplementedError

    def figure(self, context: PlotContext) -> go.Figure:
        """The figure; only asked for when :meth:`unavailable` is empty."""
        raise NotImplementedError


PLOTS: Registry[Plot] = Registry("plot")
#: Targets that go by another name where all structures are crystals.
_OF_CRYSTALS = {"mo_energy": "Band energies", "homo_lumo_gap": "Band gap"}


@dataclass(frozen=True)
class Scale:
    """How a target's values are shown: label, unit on screen and factor from atomic units."""

    label: str
    unit: str
    factor: float

    @property
    def suffix(self) -> str:
        """`" (eV)"`, or nothing for a number without unit."""
        return f" ({self.unit})" if self.unit else ""


def scale_of(name: str, context: PlotContext) -> Scale:
    """Label, unit and factor of a target: from the results, else from the registry of targets."""
    target: Any = context.results.targets.get(name) if context.results is not None else None
    if target is None:
        # Imported late: it loads the whole quantum chemistry, which a plot of finished results does not need.
        from hamexplorer.physics.targets import TARGETS

        target = TARGETS[name]
    label = _OF_CRYSTALS.get(name, target.label) if context.noun == "crystal" else target.label
    if target.is_energy:
        return Scale(label, context.units, energy_factor(context.units))
    return Scale(label, *property_unit(target.unit, context.laboratory))


def _in_unit(row: ErrorRow, unit: str, factor: float) -> ErrorRow:
    figures = ("mae", "rmse", "rmse_per_atom", "raw_mae", "raw_rmse", "raw_rmse_per_atom")
    return replace(row, unit=unit, **{name: factor * getattr(row, name) for name in figures})


def state_missing(context: PlotContext) -> str:
    """Why nothing is known of the picked structure's Hamiltonian, as a sentence; empty if it is."""
    if context.state is not None:
        return ""
    if context.noun == "crystal" or context.crystal is not None or context.why_no_crystal:
        return "A crystal has bands instead: see bands and density of states."
    if context.results is None:
        return f"{context.awaited}: the learned Hamiltonian appears with the first epoch."
    if context.picked is None:
        return (
            "The picked molecule is not of this training: it is being predicted, or holds an element that the "
            "model does not know. Pick another one, or wait."
        )
    return "The Hamiltonian of this structure is not known yet: train on it, or pick another."


def number(value: float, digits: int = 3) -> str:
    """A value for a label: ``digits`` significant digits, a true minus sign, no exponent where avoidable."""
    if not np.isfinite(value):
        return "–"
    plain = 1e-3 <= abs(value) < 1e4 or value == 0
    text = f"{float(f'{value:.{digits}g}'):.10g}" if plain else f"{value:.{digits - 1}e}"
    return text.replace("-", "−")


def _basis_label(name: str) -> str:
    """`sto-3g` → `STO-3G`; names of the def2 family keep their lower-case stem."""
    return name.upper().replace("DEF2", "def2") if name else ""
