"""Band gaps in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamexplorer.structures.paths import KPath
from hamexplorer.train.bands import BandSet
from hamexplorer.units import HARTREE_EV

#: Energies (Ha) closer than 1 meV count as equal.
EQUAL = 1e-3 / HARTREE_EV


@dataclass(frozen=True)
class Gap:
    """The gap of one set of bands.

    Attributes:
        energy: conduction band minimum less valence band maximum over path and mesh, Ha; negative where the bands
            overlap, NaN without empty bands.
        direct_energy: the smallest distance at one k, Ha.
        top, bottom, direct_at: where on the path valence band maximum, conduction band minimum and smallest direct gap
            lie, in words.
    """

    energy: float
    direct_energy: float
    top: str
    bottom: str
    direct_at: str

    @property
    def is_direct(self) -> bool:
        return self.direct_energy - self.energy < EQUAL

    @classmethod
    def of(cls, bands: BandSet, path: KPath) -> Gap:
        n_occ, energy = bands.n_occ, bands.path_energy
        if energy.shape[1] <= n_occ or n_occ == 0:
            return cls(np.nan, np.nan, "", "", "")
        top, bottom = energy[:, n_occ - 1], energy[:, n_occ]
        on_mesh = bands.mesh_energy[:, n_occ] - bands.mesh_energy[:, n_occ - 1]
        direct = float(min((bottom - top).min(), on_mesh.min()))
        return cls(
            bands.lowest_empty - bands.highest_occupied,
            direct,
            _where(-top, -bands.highest_occupied, path),
            _where(bottom, bands.lowest_empty, path),
            _where(bottom - top, direct, path),
        )

    def short(self, factor: float, units: str, digits: int) -> str:
        """For a legend: ``5.41 eV indirect``, ``no gap``; empty where not known."""
        if np.isnan(self.energy):
            return ""
        if self.energy < EQUAL:
            return "no gap"
        return f"{self.energy * factor:.{digits}f} {units} {'direct' if self.is_direct else 'indirect'}"

    def sentence(self, factor: float, units: str, digits: int) -> str:
        """For a text: kind, value and places."""
        if np.isnan(self.energy):
            return "no empty band, so no gap is known"
        if self.energy < -EQUAL:
            return f"no gap: the bands overlap by {-self.energy * factor:.{digits}f} {units}, a metal"
        if self.energy < EQUAL:
            return f"no gap: valence and conduction band touch {self.top}"
        value = f"{self.energy * factor:.{digits}f} {units}"
        if self.is_direct:
            return f"direct gap of {value} {self.direct_at}"
        return (
            f"indirect gap of {value}, valence band highest {self.top}, conduction band lowest {self.bottom}; "
            f"smallest direct gap {self.direct_energy * factor:.{digits}f} {units} {self.direct_at}"
        )


def _where(energy: np.ndarray, lowest: float, path: KPath) -> str:
    """Where on the path the lowest energy lies: at a corner if one has it, else between two."""
    if energy.min() > lowest + EQUAL:
        return "off the path"
    corners = dict(path.corners)
    near = np.flatnonzero(energy < energy.min() + EQUAL / 100)
    at = next((corners[place] for place in near.tolist() if place in corners), None)
    if at is not None:
        return f"at {at}"
    place = int(near[0])
    before = max(corner for corner in corners if corner <= place)
    after = min(corner for corner in corners if corner >= place)
    return f"between {corners[before]} and {corners[after]}"
