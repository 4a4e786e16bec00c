"""Frontier levels of many molecules from SMILES, a few at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hamexplorer.errors import HamExplorerError, TrainingError
from hamexplorer.physics.parallel import each_on_one_thread
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.structure import Structure
from hamexplorer.train.novelty import NOVEL, Novelty
from hamexplorer.train.prediction import Prediction
from hamexplorer.train.stream import SteadyPredictor
from hamexplorer.train.trained import TrainedModel
from hamexplorer.units import HARTREE_EV

#: Molecules that are held at once.
_CHUNK = 128


@dataclass(frozen=True)
class FrontierLevels:
    """What is said of one SMILES.

    Attributes:
        name: what follows the SMILES in its line, else the SMILES.
        smiles: as it was given.
        homo_eV, lumo_eV, gap_eV: NaN where there is no prediction, or no empty level.
        novelty: how unlike the training set, as :class:`hamexplorer.train.novelty.Novelty` says; NaN if not asked for.
        reason: why there is no prediction, as a sentence; empty if there is one.
    """

    name: str
    smiles: str
    homo_eV: float = math.nan
    lumo_eV: float = math.nan
    gap_eV: float = math.nan
    novelty: float = math.nan
    reason: str = ""

    @property
    def remark(self) -> str:
        """The reason, or a warning that the prediction extrapolates, or nothing."""
        if self.reason or not self.novelty > NOVEL:
            return self.reason
        return f"unlike the training set ({self.novelty:.0f} times as far from it as usual): extrapolated"


def screen_smiles(
    lines: Iterable[str], model: TrainedModel | Path | str, *, novelty: Novelty | None = None
) -> Iterator[FrontierLevels]:
    """Levels of one SMILES after the other, in their order; what cannot be predicted says why and stops no other.

    Args:
        lines: a SMILES each, a name may follow after a blank; an open file, for example. Empty lines and those that
            begin with # are skipped. Only 128 molecules are held at once.
        model: trained on molecules, or the folder that holds it.
        novelty: made of the structures that the model learned from, to say how unlike them each molecule is.

    Raises:
        TrainingError: of a surrogate, which has no levels.
        CheckpointError: if the folder holds no model.
    """
    model = model if isinstance(model, TrainedModel) else TrainedModel.load(model)
    if not model.has_hamiltonian:
        raise TrainingError("a surrogate has no levels; train another kind of model for that")
    texts = (line.strip() for line in lines)
    entries = (text.split(None, 1) for text in texts if text and not text.startswith("#"))
    predictor = SteadyPredictor(model, ("homo_lumo_gap",))
    while chunk := list(islice(entries, _CHUNK)):
        shapes = list(each_on_one_thread(_embedded, [entry[0] for entry in chunk]))
        predictions = iter(predictor(s for s in shapes if isinstance(s, Structure)))
        for (smiles, *name), shape in zip(chunk, shapes, strict=True):
            found = next(predictions) if isinstance(shape, Structure) else shape
            yield _levels(name[0] if name else smiles, smiles, found, novelty)


def _embedded(smiles: str) -> Structure | HamExplorerError:
    try:
        return check_structures([from_smiles(smiles)])[0]
    except HamExplorerError as error:
        return error


def _levels(
    name: str, smiles: str, found: Prediction | HamExplorerError, novelty: Novelty | None
) -> FrontierLevels:
    if isinstance(found, HamExplorerError):
        return FrontierLevels(name, smiles, reason=str(found))
    homo, n = found.mo_energy[found.n_occ - 1], len(found.mo_energy)
    lumo = found.mo_energy[found.n_occ] if found.n_occ < n else math.nan
    return FrontierLevels(
        name,
        smiles,
        float(homo) * HARTREE_EV,
        float(lumo) * HARTREE_EV,
        float(lumo - homo) * HARTREE_EV,
        math.nan if novelty is None else novelty.of(found.structure),
    )
