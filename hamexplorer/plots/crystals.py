"""What the plots of one crystal share: whose bands, which of them, and what counts as zero."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hamexplorer.plots.plot import PlotContext, learned_colour
from hamexplorer.train.bands import BandSet, BandStructure

#: What may count as zero, with its name in a sentence.
ZEROS = {"fermi": "Fermi level", "vbm": "valence band maximum", "vacuum": "vacuum level"}
#: Symbols of the same for an axis.
ZERO_SYMBOLS = {
    "fermi": "<i>E</i><sub>F</sub>",
    "vbm": "<i>E</i><sub>VBM</sub>",
    "vacuum": "<i>E</i><sub>vac</sub>",
}


def band_structure(context: PlotContext) -> BandStructure | None:
    """The bands of the picked crystal; None where there are none."""
    found = context.bands or _of_results(context)
    return found.beside(context.bands_of_others) if found is not None else None


def _of_results(context: PlotContext) -> BandStructure | None:
    results, picked = context.results, context.picked
    if results is None or picked is None or not 0 <= picked < len(results.dataset.references):
        return None
    if not results.dataset.references[picked].structure.is_crystal:
        return None
    return results.band_structure(picked)


def missing(context: PlotContext) -> str:
    """Why there are no bands to show, as a sentence; empty if there are."""
    if context.bands is not None:
        return ""
    if context.results is None:
        return f"{context.awaited}: the bands appear with the first epoch."
    if context.picked is None:
        return "Pick a crystal of this training in the table, or click a point of the parity plot."
    if not 0 <= context.picked < len(context.results.dataset.references):
        return "The picked crystal is not in the dataset of this training: pick another one."
    if not context.results.dataset.references[context.picked].structure.is_crystal:
        return "A molecule has levels instead of bands: see the orbital levels."
    if band_structure(context) is None:
        return "The bands of this crystal are not known: pick another one."
    return ""


def shown_sets(bands: BandStructure, context: PlotContext) -> dict[str, BandSet]:
    """The sets that are asked for, there, and finite (a training that diverged is not)."""
    return {
        name: each
        for name, each in bands.sets.items()
        if _kind(name) in context.sets
        and np.isfinite(each.path_energy).all()
        and np.isfinite(each.mesh_energy).all()
    }


def _kind(name: str) -> str:
    """Sets of other runs go by the runs' labels, and are shown or not together."""
    return name if name in ("raw", "reference", "learned") else "others"


def set_name(name: str, context: PlotContext) -> str:
    """``raw`` and ``reference`` go by their basis."""
    return {"raw": context.small_basis, "reference": context.large_basis}.get(name, name)


def full_name(name: str, context: PlotContext) -> str:
    """``raw STO-3G``, ``reference def2-SVP``, ``learned``."""
    return " ".join(dict.fromkeys([name, set_name(name, context)]))


def set_colour(name: str, context: PlotContext) -> str:
    colours = context.palette
    return {"raw": colours.raw, "reference": colours.reference}.get(name, learned_colour(name, context))


def zero_of(bands: BandStructure, name: str, kind: str) -> float:
    """The energy (Ha) that counts as zero in one set; NaN where it is not defined.

    Models learn energies on the reference's scale, so that their vacuum is the reference's unless they have their own.
    """
    zero = bands.sets[name].zero(kind)
    if (
        np.isnan(zero)
        and kind == "vacuum"
        and _kind(name) in ("learned", "others")
        and "reference" in bands.sets
    ):
        return bands.sets["reference"].vacuum
    return zero


def why_not_zero(bands: BandStructure, kind: str, context: PlotContext) -> str:
    """Why this zero cannot be chosen, as a sentence; empty if it can."""
    without = [set_name(name, context) for name in bands.sets if not np.isfinite(zero_of(bands, name, kind))]
    if not without:
        return ""
    if kind == "vacuum" and all(bands.structure.pbc):
        return "A bulk crystal fills space, so it has no vacuum level; only layers do."
    if len(without) == len(bands.sets):
        return f"The {ZEROS[kind]} of this crystal is not known."
    return f"The {ZEROS[kind]} of {' and '.join(without)} is not known."


def zero_kind(bands: BandStructure, context: PlotContext) -> str:
    """What counts as zero: as asked for, else the Fermi level."""
    return "fermi" if why_not_zero(bands, context.zero, context) else context.zero


def zero_note(bands: BandStructure, context: PlotContext) -> str:
    """One sentence: which zero, and by how much each set was shifted."""
    kind = zero_kind(bands, context)
    shifts = []
    for name in shown_sets(bands, context):
        shift = f"{-zero_of(bands, name, kind) * context.energy_factor + 0.0:+.{context.energy_digits}f}"
        shifts.append(f"{set_name(name, context)} {shift.replace('-', '−')}")
    return (
        f"Zero is the {ZEROS[kind]} of each set itself, in bands and density of states alike; "
        f"shifts in {context.units}: {', '.join(shifts)}."
    )


def orbital_groups(orbitals: tuple[tuple[str, str], ...], fat: str) -> dict[str, np.ndarray]:
    """Places of the orbitals of each element, or of each angular momentum; empty if ``fat`` is."""
    if fat not in ("element", "momentum"):
        return {}
    labels = np.array([element if fat == "element" else letter for element, letter in orbitals])
    names = list(dict.fromkeys(labels.tolist()))
    if fat == "momentum":
        names.sort(key="spdfgh".index)
    return {name: np.flatnonzero(labels == name) for name in names}


def fat_set(sets: Mapping[str, BandSet]) -> str:
    """Of these sets the one whose orbitals are shown: learned, else a calculation's; empty if none has any."""
    known = (
        name
        for name in ("learned", "raw", "reference")
        if name in sets and sets[name].path_character is not None and sets[name].mesh_character is not None
    )
    return next(known, "")
