"""The part of the session that looks into the picked crystal: its Hamiltonian at one k-point, and one band there."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import traitlets

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.properties import Reference
from hamexplorer.session.earlier import answers_of, state_at
from hamexplorer.session.electrons import Electrons
from hamexplorer.structures.paths import KPath, standard_path
from hamexplorer.structures.structure import Structure
from hamexplorer.train.bands import BandStructure
from hamexplorer.train.calculated import calculated_bands, calculated_crystal, calculated_shares
from hamexplorer.train.crystal_state import PARTS, CrystalOrbital, CrystalState
from hamexplorer.train.results import Results

#: Least seconds between two looks at a crystal while its model learns: each sends a picture to the page.
_SELDOM = 2.0
#: Other runs whose waves are drawn: each takes a scene of its own.
_MOST_WAVES = 1
#: What a worker brings: an orbital, and of a calculation its bands with shares if they were not known.
_Found = tuple[CrystalOrbital, tuple[Reference, BandStructure] | None]


class CrystalElectrons(Electrons):
    """Works orbitals out in a worker, one at a time; the latest wish counts."""

    crystal_orbital = traitlets.Any(
        None, allow_none=True, help="CrystalOrbital of the picked crystal at the chosen k-point, or None"
    )
    why_no_crystal_orbital = traitlets.Unicode(
        "", help="why there is none, as a sentence; empty for a molecule"
    )
    band = traitlets.Tuple(
        help="(place of the k-point on the path, band) that was chosen, both from 0; empty for the first choice"
    )
    wave = traitlets.Enum(
        tuple(PARTS), default_value="real", help="what of a complex orbital is drawn, a key of PARTS"
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._looking = False
        self._looked: tuple[Any, ...] | None = None
        self._looked_at = float("-inf")
        # Bands of a calculation with the orbitals' shares, which take a worker's second: those of the latest one.
        self._shared: tuple[Reference, BandStructure] | None = None
        self.observe(self._leave_crystal, "picked")
        watched = ["picked", "results", "model", "structures", "dataset", "band", "state", "predictions"]
        self.observe(self._look, [*watched, "runs", "shown_run"])

    def pick_band(self, place: int, band: int) -> None:
        """Show the orbital of a band at a point of the picked crystal's path; one that is not there is ignored.

        Args:
            place: of the k-point on the path, from 0.
            band: from 0.
        """
        crystal = self._picked_crystal()
        if crystal is None:
            return
        n_bands = self.crystal_orbital.state.n_bands if self.crystal_orbital is not None else band + 1
        if 0 <= place < len(self._path(crystal).points) and 0 <= band < n_bands:
            self.band = (int(place), int(band))

    def bands_of(self, index: int) -> BandStructure | None:
        """As before; and what the calculations say of a crystal before a model learns from them."""
        found = super().bands_of(index)
        if found is not None or self.row_of(index) is not None or not self.has_reference(index):
            return found
        reference = self.dataset.references[index]
        if self._shared is not None and self._shared[0] is reference:
            return self._shared[1]
        return _calculated_bands(reference) if reference.structure.is_crystal else None

    def path_of_picked(self) -> KPath | None:
        """The path on which k-points of the picked crystal are chosen; None if there is none."""
        crystal = self._picked_crystal()
        try:
            return None if crystal is None else self._path(crystal)
        except HamExplorerError:
            return None

    # ---- looking -----------------------------------------------------------------------------------

    def _picked_crystal(self) -> Structure | None:
        if not 0 <= self.picked < len(self.structures):
            return None
        structure = self.structures[self.picked]
        return structure if structure.is_crystal else None

    def _path(self, crystal: Structure) -> KPath:
        reference = self.dataset.references[self.picked] if self.has_reference(self.picked) else None
        return reference.path if reference is not None and reference.path else _standard_path(crystal)

    def _leave_crystal(self, _: Any) -> None:
        self._looked, self.crystal_orbital = None, None
        self.band = ()

    def _look(self, change: Any = None) -> None:
        """Know the chosen orbital of the picked crystal, when a worker has worked it out."""
        crystal = self._picked_crystal()
        if crystal is None:
            self.crystal_orbital, self.why_no_crystal_orbital = None, ""
            return
        if self._looking or (change is not None and change["name"] == "results" and self._too_soon()):
            return  # the worker looks again when it is done; a run, when it ends
        source = self._source(crystal)
        if source is None:
            self.crystal_orbital, self.why_no_crystal_orbital = None, self._why_unknown(crystal)
            return
        others = self.runs_beside[-_MOST_WAVES:]
        wish, before = (source, crystal.key, self.band, others), self._looked
        if before is not None and wish[1:] == before[1:] and source is before[0]:
            return
        self._looking, self._looked = True, wish
        if isinstance(source, Results):
            self._looked_at = time.monotonic()
        if self.crystal_orbital is None:
            self.why_no_crystal_orbital = "The orbital is being worked out."
        self.pump.start(self._work(crystal, source), done=self._found, failed=self._failed)

    def _too_soon(self) -> bool:
        return self.running and time.monotonic() - self._looked_at < _SELDOM

    def _found(self, values: list[_Found]) -> None:
        self._looking, crystal = False, self._picked_crystal()
        orbital, shared = values[-1]
        self._shared = shared or self._shared
        if crystal is not None and crystal.key == orbital.state.structure.key:
            self.crystal_orbital, self.why_no_crystal_orbital = orbital, ""
        self._look()

    def _failed(self, sentences: list[str]) -> None:
        self._looking = False
        self._look()  # if something else is wanted by now, that comes next
        if not self._looking and self._picked_crystal() is not None:
            self.crystal_orbital = None
            self.why_no_crystal_orbital = f"The orbital cannot be shown: {sentences[-1]}."

    def _source(self, crystal: Structure) -> Any:
        """Who knows the crystal's Hamiltonian: results of a run, the reference itself, or a model; None if nobody."""
        if self.row_of(self.picked) is not None and self.results is not None:
            return self.results if self.results.crystals is not None else None
        if self.has_reference(self.picked):
            return self.dataset.references[self.picked]
        return self.predictor if crystal.key in self.predictions else None

    def _why_unknown(self, crystal: Structure) -> str:
        if "reference" in getattr(self.bands.get(crystal.key), "sets", {}):
            return "The matrices were read without the functions they stand between: the orbital cannot be drawn."
        if self.results is None and self.predictor is None:
            return "Press Train: the learned orbital appears with the first epoch."
        return "The orbital of this crystal is not known: pick another one."

    def _work(self, crystal: Structure, source: Any) -> Callable[[], _Found]:
        """What a worker does; before anything was chosen, for the first point of the path and the highest valence band.

        Everything that it needs of the session is taken here, since the session may change meanwhile.
        """
        place, row, part = (self.band or (0,))[0], self.row_of(self.picked), self.wave
        chosen, dataset = self.band[1:], self.dataset
        k, shared = self._path(crystal).points[place], self._shared
        others = self.runs_beside[-_MOST_WAVES:]

        def state() -> CrystalState:
            if isinstance(source, Results):
                found = source.crystal_state(row, place) if row is not None else None
                assert found is not None, "the row is a crystal's"
                return found
            if isinstance(source, Reference):
                return calculated_crystal(source, dataset.method, k)
            return source.crystal_state(crystal, k)

        def shares() -> tuple[Reference, BandStructure] | None:
            if not isinstance(source, Reference) or (shared is not None and shared[0] is source):
                return None
            bands = _calculated_bands(source)
            return None if bands is None else (source, calculated_shares(bands, source, dataset.method))

        def work() -> _Found:
            found = state()
            waves = answers_of(others, crystal, lambda run, each: state_at(run, each, place, k))
            found = found.beside(waves)
            band = chosen[0] if chosen else found.n_occ - 1
            orbital = CrystalOrbital(found, place, min(max(band, 0), found.n_bands - 1))
            for name in found.sets:
                orbital.surfaces(name, part)  # kept, so that drawing need not wait for them
            return orbital, shares()

        return work


@lru_cache(maxsize=8)
def _standard_path(crystal: Structure) -> KPath:
    return standard_path(crystal)


@lru_cache(maxsize=8)
def _calculated_bands(reference: Reference) -> BandStructure | None:
    return calculated_bands(reference)
