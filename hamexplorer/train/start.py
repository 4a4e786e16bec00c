r"""The closed-form start: a ridge fit of H̃ that already answers with the target's levels.

Fitting the small-basis Fock matrix alone would leave the basis-set error (electronvolts in the empty levels) to
gradient descent, and its first steps would destroy more than they mend. Instead the matrix to fit keeps the
orbitals and takes the *target's* energies,
$\tilde H^\ast = \tilde C \varepsilon^{\rm target} \tilde C^T$. The orbitals are first
the small-basis SCF's, then those of the fit itself: a few rounds, each one linear solve, bring the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import equinox as eqx
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import BlockModel, Graph, GraphSettings, LinearModel, RidgeFit
from hamexplorer.model.graph import join_graphs
from hamexplorer.model.linear import STRENGTHS
from hamexplorer.train.frames import Frame, Shape, batch_shape, deal

#: Refits with the fit's own orbitals; measured on both shipped sets, more do not help.
ROUNDS = 3
#: Smallest scale of the network's output, Ha.
_SMALLEST_SCALE = 1e-4


class StartTarget(NamedTuple):
    """What the start aims at for one molecule.

    Attributes:
        matrix: H̃ to begin from, (n_ao, n_ao), Ha.
        levels: energies that its ascending eigenvalues shall take, (n_ao,), Ha; None keeps the matrix as it is.
        weights: where not zero a level is replaced, (n_ao,).
    """

    matrix: np.ndarray
    levels: np.ndarray | None = None
    weights: np.ndarray | None = None

    def matrix_to_fit(self, orbitals_of: np.ndarray) -> np.ndarray:
        """The target itself, or the orbitals of the given matrix with the target's levels."""
        if self.levels is None or self.weights is None:
            return self.matrix
        energy, coeff = np.linalg.eigh(orbitals_of)
        return (coeff * np.where(self.weights > 0, self.levels, energy)) @ coeff.T


def symmetric_matrix(components: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    """(G + Gᵀ)/2 of coupled components, shape (n_ao, n_ao)."""
    g = template.from_irreps(components, frame.structure.numbers, frame.block_of_pair)
    return (g + g.T) / 2


class ClosedFormStart:
    """Fits the linear model to the training molecules.

    Args:
        frames: training molecules; their ``base`` is the baseline.
        template, settings: of the model.
        batch_size: molecules whose descriptors are held at once.
    """

    def __init__(
        self,
        frames: Sequence[Frame],
        template: BlockTemplate,
        settings: GraphSettings,
        *,
        batch_size: int = 16,
    ) -> None:
        self.frames, self.template, self.settings = frames, template, settings
        self._batches = FlatBatches(frames, batch_size)
        self._ridge = RidgeFit(list(self._batches.graphs_and_counts()), template, settings)

    def fit(
        self,
        targets: Sequence[StartTarget],
        validation: Sequence[tuple[Frame, StartTarget]] = (),
        report: Callable[[float], None] = lambda fraction: None,
    ) -> LinearModel:
        """Fit H̃ - H̃0; the regularisation is the one that serves unseen molecules best.

        Args:
            targets: of every training molecule.
            validation: unseen molecules that choose the regularisation; 1e-3 without any.
            report: called with the fraction done.
        """
        report(0.0)
        goals = [t.matrix_to_fit(t.matrix) for t in targets]
        models = self._ridge.fit(self._joined(goals), STRENGTHS if validation else (1e-3,))
        errors = [_component_error(m, validation, self.template, self._batches.batch_size) for m in models]
        best = int(np.argmin(errors)) if validation else 0
        model, strength = models[best], (STRENGTHS if validation else (1e-3,))[best]
        n_rounds = ROUNDS if any(t.levels is not None for t in targets) else 0
        for round_ in range(n_rounds):
            report((round_ + 1) / (n_rounds + 1))
            goals = [t.matrix_to_fit(h) for t, h in zip(targets, self.predict(model), strict=True)]
            model = self._ridge.fit(self._joined(goals), (strength,))[0]
        return model

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
        return predict_matrices(model, self.frames, self.template, self._batches)

    def scales(self, model: LinearModel, targets: Sequence[StartTarget]) -> tuple[np.ndarray, np.ndarray]:
        """Root mean square, by element (pair) and coupled tensor, of what the fit leaves unexplained; Ha."""
        n, size = len(self.settings.elements), self.template.size**2
        own, pair = np.zeros((n, size)), np.zeros((n * n, size))
        counts = np.zeros(n), np.zeros(n * n)
        for frame, target, fitted in zip(self.frames, targets, self.predict(model), strict=True):
            g, n_atoms = frame.graph, frame.structure.n_atoms
            missing = target.matrix_to_fit(fitted) - fitted + frame.base
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
                total[:, columns] = np.maximum(of_tensor, _SMALLEST_SCALE)
        return own, pair.reshape(n, n, size)


class FlatBatches:
    """Frames dealt into joined graphs of one shape, for passes that need no matrices."""

    def __init__(self, frames: Sequence[Frame], batch_size: int) -> None:
        self.frames, self.batch_size = frames, batch_size
        self.dealt = deal(frames, batch_size, None)
        self.shape: Shape = batch_shape(frames, batch_size)

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


def predict_matrices(
    model: BlockModel, frames: Sequence[Frame], template: BlockTemplate, batches: FlatBatches
) -> list[np.ndarray]:
    """base + (G + Gᵀ)/2 of every frame, (n_ao, n_ao), Ha."""
    return [
        frame.base + symmetric_matrix(c, frame, template)
        for frame, c in zip(frames, batches.components(model), strict=True)
    ]


def _components(matrix: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    return template.to_irreps(matrix - frame.base, frame.structure.numbers, frame.block_of_pair)


def _component_error(
    model: LinearModel,
    validation: Sequence[tuple[Frame, StartTarget]],
    template: BlockTemplate,
    batch_size: int,
) -> float:
    if not validation:
        return 0.0
    frames = [frame for frame, _ in validation]
    predicted = predict_matrices(model, frames, template, FlatBatches(frames, batch_size))
    return float(
        sum(
            ((t.matrix_to_fit(t.matrix) - h) ** 2).sum()
            for (_, t), h in zip(validation, predicted, strict=True)
        )
    )
