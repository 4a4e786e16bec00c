"""Predictions of molecule after molecule: little is compiled twice, and what one lacks stops no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hamexplorer.errors import HamExplorerError
from hamexplorer.physics.parallel import each_on_one_thread
from hamexplorer.structures.structure import Structure
from hamexplorer.train.batches import Shape, batch_shape, common_shape, roomy_shape
from hamexplorer.train.frames import Frame
from hamexplorer.train.prediction import PREDICTED, Prediction
from hamexplorer.train.start import FLAT_BATCH, with_model
from hamexplorer.train.trained import TrainedModel


class SteadyPredictor:
    """A model asked again and again: its batches have one shape, which grows where it must.

    Args:
        model: trained on molecules.
        names: properties to predict beside the levels.
        shape: of the first batches, if it is known what will come.
    """

    def __init__(
        self, model: TrainedModel, names: Sequence[str] = PREDICTED, shape: Shape | None = None
    ) -> None:
        self.model, self.names, self._shape = model, tuple(names), shape

    def __call__(self, structures: Iterable[Structure]) -> list[Prediction | HamExplorerError]:
        """A prediction of each structure, or the sentence why there is none."""
        found: list[Frame | HamExplorerError] = list(each_on_one_thread(self._frame, structures))
        frames = [frame for frame in found if isinstance(frame, Frame)]
        if not frames:
            return [each for each in found if isinstance(each, HamExplorerError)]
        shape = self._grown(frames)
        complete = with_model(self.model.fixed, frames, self.model.geometry.template, shape)
        predictions = iter(self.model.predict_frames(complete, self.names, shape))
        return [next(predictions) if isinstance(each, Frame) else each for each in found]

    def _frame(self, structure: Structure) -> Frame | HamExplorerError:
        geometry = self.model.geometry
        try:
            frame = geometry.bare_frame(structure)
            return geometry.on(frame, geometry.baseline_matrix(frame))
        except HamExplorerError as error:
            return error

    def _grown(self, frames: Sequence[Frame]) -> Shape:
        """The shape so far if it holds these frames, else a larger one."""
        needed = batch_shape(frames, FLAT_BATCH)
        if self._shape is None:
            self._shape = roomy_shape(needed)
        elif common_shape([self._shape, needed]) != self._shape:
            self._shape = common_shape([self._shape, roomy_shape(needed)])
        return self._shape
