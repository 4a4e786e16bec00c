r"""The closed-form start: a ridge fit of H̃ that already answers with the target's levels.

Fitting the small-basis Fock matrix alone would leave the basis-set error (electronvolts in the empty levels) to
gradient descent, and its first steps would destroy more than they mend. Instead the matrix to fit keeps the
orbitals and takes the *target's* energies, $\tilde H^\ast = \tilde C \varepsilon^{\rm target} \tilde C^T$.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import equinox as eqx
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import BlockModel, Graph, GraphSettings, LinearModel, RidgeFit
from hamexplorer.model.graph import join_graphs
from hamexplorer.model.linear import STRENGTHS
from hamexplorer.train.frames import Frame, Shape, batch_shape, deal

#: Size of the network's output, in units of what the fit leaves unexplained; and the smallest, Ha. A few were tried:
#: half of it hardly moved in 30 epochs on the ethanes, 0.1 Ha for all undid the start in the first epoch.
_OUTPUT_SCALE = 2.0
_SMALLEST_SCALE = 3e-4
#: Molecules whose descriptors are held at once.
FLAT_BATCH = 16
#: Regularisation where no validation molecule can choose one.
_DEFAULT_STRENGTH = 1e-3


def with_levels(matrix: np.ndarray, levels: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The orbitals of a matrix with other levels where ``weights`` is not zero, (n_ao, n_ao), Ha."""
    energy, coeff = np.linalg.eigh(matrix)
    return (coeff * np.where(weights > 0, levels, energy)) @ coeff.T


def symmetric_matrix(components: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    """(G + Gᵀ)/2 of coupled components, shape (n_ao, n_ao)."""
    g = template.from_irreps(components, frame.structure.numbers, frame.block_of_pair)
    return (g + g.T) / 2


class ClosedFormStart:
    """Fits the linear model to the training molecules.

    Args:
        frames: training molecules; their ``base`` is the baseline.
        template, settings: of the model.
        shape: of the batches, if others share it so that all compile once.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        template: BlockTemplate,
        settings: GraphSettings,
        shape: Shape | None = None,
    ) -> None:
        self.frames, self.template, self.settings, self._shape = frames, template, settings, shape
        self._batches = FlatBatches(frames, shape)
        self._ridge = RidgeFit(list(self._batches.graphs_and_counts()), template, settings)

    def fit(
        self, matrices: Sequence[np.ndarray], validation: Sequence[tuple[Frame, np.ndarray]] = ()
    ) -> LinearModel:
        """Fit H̃ - H̃0; the regularisation is the one that serves unseen molecules best.

        Args:
            matrices: H̃ of every training molecule, (n_ao, n_ao), Ha.
            validation: unseen molecules with theirs.
        """
        strengths = STRENGTHS if validation else (_DEFAULT_STRENGTH,)
        models = self._ridge.fit(self._joined(matrices), strengths)
        if len(models) == 1:
            return models[0]
        unseen = FlatBatches([frame for frame, _ in validation], self._shape)
        wanted = [matrix for _, matrix in validation]

        def error(model: LinearModel) -> float:
            found = predict_matrices(model, unseen, self.template)
            return float(sum(((m - h) ** 2).sum() for m, h in zip(wanted, found, strict=True)))

        return min(models, key=error)

    def _joined(self, matrices: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Coupled components of H̃ - H̃0, a batch at a time, on-site blocks of all its molecules first."""
        each = [_components(m, f, self.template) for m, f in zip(matrices, self.frames, strict=True)]
        n_atoms = [f.structure.n_atoms for f in self.frames]
        return [
            np.concatenate([each[k][: n_atoms[k]] for k in batch] + [each[k][n_atoms[k] :] for k in batch])
            for batch in self._batches.dealt
        ]

    def predict(self, model: LinearModel) -> list[np.ndarray]:
        """H̃ of every training molecule under the fit."""
        return predict_matrices(model, self._batches, self.template)

    def scales(self, model: LinearModel, matrices: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Size that a correction's output should have, by element (pair) and coupled tensor; Ha."""
        n, size = len(self.settings.elements), self.template.size**2
        own, pair = np.zeros((n, size)), np.zeros((n * n, size))
        counts = np.zeros(n), np.zeros(n * n)
        for frame, matrix, fitted in zip(self.frames, matrices, self.predict(model), strict=True):
            g, n_atoms = frame.graph, frame.structure.n_atoms
            missing = matrix - fitted + frame.base
            squared = _components(missing, frame, self.template) ** 2
            groups = g.species, g.species[g.i] * n + g.species[g.j]
            for total, count, group, rows in zip(
                (own, pair), counts, groups, (squared[:n_atoms], squared[n_atoms:]), strict=True
            ):
                np.add.at(total, group, rows)
                np.add.at(count, group, 1)
        for total, count in zip((own, pair), counts, strict=True):
            mean = total / np.maximum(count, 1)[:, None]
            for columns in self.template.columns.values():
                of_tensor = np.sqrt(mean[:, columns].mean(2, keepdims=True))
                total[:, columns] = np.maximum(_OUTPUT_SCALE * of_tensor, _SMALLEST_SCALE)
        return own, pair.reshape(n, n, size)


class FlatBatches:
    """Frames dealt into joined graphs of one shape, for passes that need no matrices."""

    def __init__(self, frames: Sequence[Frame], shape: Shape | None = None) -> None:
        self.frames = frames
        self.dealt = deal(frames, FLAT_BATCH, None)
        self.shape = shape or batch_shape(frames, FLAT_BATCH)

    def graphs_and_counts(self) -> Iterator[tuple[Graph, int, int]]:
        """Joined graph, real atoms and real pairs of every batch."""
        for batch in self.dealt:
            members = [self.frames[k] for k in batch]
            graph = join_graphs(
                [f.graph for f in members], n_atoms=self.shape.n_atoms, n_pairs=self.shape.n_pairs
            )
            yield graph, sum(f.structure.n_atoms for f in members), sum(len(f.graph.i) for f in members)

    def components(self, model: BlockModel) -> list[np.ndarray]:
        """Coupled components that a model predicts for every frame, on-site blocks first; float64."""
        found: list[np.ndarray] = [np.zeros(0)] * len(self.frames)
        for batch, (graph, _, _) in zip(self.dealt, self.graphs_and_counts(), strict=True):
            components = np.asarray(_forward(model, graph), dtype=np.float64)
            atom, pair = 0, self.shape.n_atoms
            for k in batch:
                n_atoms, n_pairs = self.frames[k].structure.n_atoms, len(self.frames[k].graph.i)
                found[k] = np.concatenate(
                    [components[atom : atom + n_atoms], components[pair : pair + n_pairs]]
                )
                atom, pair = atom + n_atoms, pair + n_pairs
        return found


@eqx.filter_jit
def _forward(model: BlockModel, graph: Graph) -> Array:
    return model(graph)


def predict_matrices(model: BlockModel, batches: FlatBatches, template: BlockTemplate) -> list[np.ndarray]:
    """base + (G + Gᵀ)/2 of every frame, (n_ao, n_ao), Ha."""
    return [
        frame.base + symmetric_matrix(c, frame, template)
        for frame, c in zip(batches.frames, batches.components(model), strict=True)
    ]


def _components(matrix: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    return template.to_irreps(matrix - frame.base, frame.structure.numbers, frame.block_of_pair)
