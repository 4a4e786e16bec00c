"""What the Hamiltonians of a run look like with the weights of one moment, whenever it is asked for."""

from __future__ import annotations

from typing import Any

from hamexplorer.model import Surrogate
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train.band_maker import BandMaker
from hamexplorer.train.evaluation import Views
from hamexplorer.train.molecule_state import error_gradient, molecule_state
from hamexplorer.train.prepare import Prepared


class ViewsOfRun:
    """Keeps what is the same for all moments: the frames, and what was worked out of a crystal's path."""

    def __init__(self, prepared: Prepared, dataset: ReferenceDataset) -> None:
        self._prepared, self._dataset = prepared, dataset
        self._band_makers: dict[int, BandMaker] = {}

    def with_model(self, model: Any) -> Views | None:
        """With the weights of this moment; None of a surrogate, which has no Hamiltonian."""
        if isinstance(model, Surrogate):
            return None
        p, method = self._prepared, self._dataset.method
        references, xc = self._dataset.references, getattr(method, "xc", "hf")
        names = (method.small_basis, method.large_basis)
        return Views(
            bands=lambda k: self._band_maker(k).band_structure(model),
            states=lambda k: molecule_state(p.geometry, p.frames[k], model, references[k], xc),
            gradients=lambda k, target, matrix: error_gradient(
                p.geometry, p.frames[k], matrix, target, model=model
            ),
            crystals=lambda k, place: self._band_maker(k).crystal_state(model, place, names),
        )

    def _band_maker(self, k: int) -> BandMaker:
        if k not in self._band_makers:
            smearing = getattr(self._dataset.method, "smearing", 0.0)
            self._band_makers[k] = BandMaker.of(
                self._prepared.geometry, self._prepared.fixed, self._dataset.references[k], smearing=smearing
            )
        return self._band_makers[k]
