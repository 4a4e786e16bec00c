"""Predictions for a fixed list of frames, a batch at a time, kept on the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from hamexplorer.model import BlockModel, Surrogate, committee_in
from hamexplorer.train.batches import Batch, Shape, batch_shape, deal, make_batch
from hamexplorer.train.frames import Frame, axes_of, lengths_of
from hamexplorer.train.step import evaluate_batch, evaluate_committee


class Predicted:
    """Latest predictions of every molecule of a data set.

    Attributes:
        mo_energy: levels, (n_ao,), of a crystal (n_k, n_ao), Ha; None where not predicted (yet).
        values: by target name, one unpadded array a molecule.
        spread: how far the members of a committee stand apart, of the levels as ``mo_energy`` and of ``values``; empty
            with any other model.
    """

    def __init__(self, n: int) -> None:
        self.mo_energy: list[np.ndarray | None] = [None] * n
        self.values: list[dict[str, np.ndarray]] = [{} for _ in range(n)]
        self.spread: list[dict[str, np.ndarray]] = [{} for _ in range(n)]

    def store(
        self,
        k: int,
        frame: Frame,
        mo_energy: np.ndarray,
        values: dict[str, np.ndarray],
        spread: tuple[np.ndarray, dict[str, np.ndarray]] | None = None,
    ) -> None:
        """Keep molecule k's slice of a batch, cut to its own size."""
        length = lengths_of(frame)

        def cut(name: str, value: np.ndarray) -> np.ndarray:
            return np.array(value[tuple(slice(0, length[axis]) for axis in axes_of(name, frame))])

        if mo_energy.size:  # a surrogate has no levels
            self.mo_energy[k] = cut("mo_energy", mo_energy)
        self.values[k].update({name: cut(name, value) for name, value in values.items()})
        if spread is not None:
            found = {**spread[1], "mo_energy": spread[0]}
            self.spread[k].update({name: cut(name, value) for name, value in found.items()})


class Evaluator:
    """Evaluates models on the same molecules again and again: batches are made once.

    Args:
        frames: the molecules; ``index`` says where each stands in the data set.
        index: same length as frames.
        names: properties to predict.
        template: of the model.
        batch_size: molecules a batch.
        shape: of the batches, if others share it so that all compile once.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        index: Sequence[int],
        names: Sequence[str],
        template: Any,
        batch_size: int,
        shape: Shape | None = None,
    ) -> None:
        self.frames, self.index, self.names = list(frames), list(index), tuple(names)
        self._batches: list[tuple[list[int], Batch]] = []
        if self.frames:
            shape = shape or batch_shape(self.frames, batch_size)
            for dealt in deal(self.frames, batch_size, None):
                batch = make_batch([self.frames[k] for k in dealt], shape, template, self.names)
                self._batches.append((dealt, jax.device_put(batch)))

    def run(self, model: BlockModel | Surrogate, into: Predicted) -> dict[str, np.ndarray]:
        """Predict every molecule.

        Returns:
            ‖Δ‖²/N² of every molecule by target, in the order of ``index``.
        """
        squared = {name: np.zeros(len(self.frames)) for name in self.names}
        for dealt, batch in self._batches:
            spread = None
            if committee_in(model) is not None:
                found = evaluate_committee(model, batch, self.names)
                energy, each, values, spread = jax.device_get(found)
            else:
                energy, each, values = jax.device_get(evaluate_batch(model, batch, self.names))
            for slot, k in enumerate(dealt):
                mine, apart = jax.tree.map(lambda value, s=slot: value[s], (values, spread))
                into.store(self.index[k], self.frames[k], energy[slot], mine, apart)
                for row, name in enumerate(self.names):
                    squared[name][k] = each[row, slot]
        return squared
