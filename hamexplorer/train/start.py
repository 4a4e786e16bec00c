r"""The closed-form start: a ridge fit of H that already answers with the target's levels.

Fitting the small-basis Fock matrix alone would leave the basis-set error (electronvolts in the empty levels) to
gradient descent, and its first steps would destroy more than they mend. Instead the matrix to fit keeps the
orbitals and takes the *target's* energies, $\tilde H^\ast = \tilde C \varepsilon^{\rm target} \tilde C^T$.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model import BlockModel, Graph, GraphSettings, LinearModel, RidgeFit
from hamexplorer.model.graph import join_graphs
from hamexplorer.model.linear import STRENGTHS, Descriptors, RidgeRows, all_descriptors, combine_each
from hamexplorer.train.batches import Shape, batch_shape, deal
from hamexplorer.train.frames import Frame

#: Size of the network's output, in units of what the fit leaves unexplained; and the smallest, Ha. A few were tried:
#: half of it hardly moved in 30 epochs on the ethanes, 0.1 Ha for all undid the start in the first epoch.
OUTPUT_SCALE = 2.0
_SMALLEST_SCALE = 3e-4
#: Molecules whose descriptors are held at once.
FLAT_BATCH = 16
#: Regularisation where no validation molecule can choose one.
DEFAULT_STRENGTH = 1e-3


def with_levels(
    matrix: np.ndarray, levels: np.ndarray, weights: np.ndarray, orthogonaliser: np.ndarray | None = None
) -> np.ndarray:
    """The orbitals of a matrix with other levels where ``weights`` is not zero; Ha.

    Args:
        matrix: Hermitian, shape (…, n_ao, n_ao).
        levels, weights: shape (…, n_ao).
        orthogonaliser: S^-½ where the matrix stands between orbitals that overlap, same shape as the matrix.
    """
    if orthogonaliser is not None:
        matrix = orthogonaliser @ matrix @ orthogonaliser
    energy, coeff = np.linalg.eigh(matrix)
    moved = (coeff * np.where(weights > 0, levels, energy)[..., None, :]) @ coeff.conj().swapaxes(-1, -2)
    if orthogonaliser is None:
        return moved
    back = np.linalg.inv(orthogonaliser)
    return back @ moved @ back


def hermitian_matrix(components: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    """H(k) of coupled components, as the training step makes it, shape (n_k, n_ao, n_ao)."""
    return frame.at_k(template.from_irreps(components, frame.structure.numbers, frame.block_of_pair))


class ClosedForm(NamedTuple):
    """A fitted start.

    Attributes:
        model: the linear model.
        frames: with its blocks added to their base, in the order they came.
    """

    model: LinearModel
    frames: list[Frame]


def closed_form(
    frames: Sequence[Frame],
    aims: Mapping[int, np.ndarray],
    unseen: Mapping[int, np.ndarray],
    template: BlockTemplate,
    settings: GraphSettings,
    halfway: Callable[[], None] = lambda: None,
) -> ClosedForm:
    """Fit the linear model to H - H0; its regularisation is the one that serves unseen structures best.

    Args:
        frames: all structures; their ``base`` is the baseline.
        aims: H(k) of the training structures by their place among the frames, (n_k, n_ao, n_ao), Ha.
        unseen: the same of validation molecules; without any, a cautious strength is taken.
        template, settings: of the model.
        halfway: called when the descriptors are through and the choice begins.
    """
    batches = FlatBatches(frames)
    models = RidgeFit(_rows(batches, aims, template, settings), template, settings).fit(
        STRENGTHS if unseen else (DEFAULT_STRENGTH,)
    )
    halfway()
    found = batches.predict(
        lambda graph: combine_each(models, graph, _descriptors(graph, template, settings))
    )
    own, pair = _best_strengths(found, frames, unseen, template)
    by_strength = [jax.tree.map(lambda leaf, m=m: jnp.asarray(leaf[m]), models) for m in (own, pair)]
    model = eqx.tree_at(
        lambda m: (m.pair, m.pair_scale), by_strength[0], (by_strength[1].pair, by_strength[1].pair_scale)
    )
    chosen = [
        np.concatenate([c[: f.structure.n_atoms, own], c[f.structure.n_atoms :, pair]])
        for c, f in zip(found, frames, strict=True)
    ]
    return ClosedForm(model, _moved(frames, chosen, template))


def _best_strengths(
    found: Sequence[np.ndarray],
    frames: Sequence[Frame],
    unseen: Mapping[int, np.ndarray],
    template: BlockTemplate,
) -> tuple[int, int]:
    """Which of several predictions serves unseen structures best, on-site and off-site; (0, 0) if there are none.

    The geometric mean of their squared errors decides, so that one strange structure does not decide for all.
    """
    errors = np.zeros((2, found[0].shape[1]))
    for k, matrix in unseen.items():
        n_atoms = frames[k].structure.n_atoms
        squared = ((_components(matrix, frames[k], template)[:, None] - found[k]) ** 2).sum(2)
        errors += np.log([squared[part].sum(0) + 1e-30 for part in (slice(n_atoms), slice(n_atoms, None))])
    own, pair = errors.argmin(1).tolist()
    return own, pair


def with_model(
    fixed: LinearModel | None, frames: Sequence[Frame], template: BlockTemplate, shape: Shape | None = None
) -> list[Frame]:
    """The same frames with a fixed model's blocks added to their base; ``shape`` as in :class:`FlatBatches`."""
    if fixed is None or not frames:
        return list(frames)
    batches = FlatBatches(frames, shape)
    return _moved(frames, batches.predict(lambda graph: _forward(fixed, graph)), template)


def _moved(frames: Sequence[Frame], components: Sequence[np.ndarray], template: BlockTemplate) -> list[Frame]:
    return [
        dataclasses.replace(f, base=f.base + hermitian_matrix(c, f, template))
        for f, c in zip(frames, components, strict=True)
    ]


def _rows(
    batches: FlatBatches, aims: Mapping[int, np.ndarray], template: BlockTemplate, settings: GraphSettings
) -> Iterator[RidgeRows]:
    """What the fit may see: the training molecules' atoms and pairs."""
    frames = batches.frames
    for members, graph in batches:
        places = [place for k, place in zip(members, batches.places(members), strict=True) if k in aims]
        if not places:
            continue
        each = [_components(aims[k], frames[k], template) for k in members if k in aims]
        n_atoms = [len(atoms) for atoms, _ in places]
        yield RidgeRows(
            graph,
            _descriptors(graph, template, settings),
            np.concatenate([atoms for atoms, _ in places]),
            np.concatenate([pairs for _, pairs in places]),
            np.concatenate([c[:n] for c, n in zip(each, n_atoms, strict=True)]),
            np.concatenate([c[n:] for c, n in zip(each, n_atoms, strict=True)]),
        )


def missing_scales(
    frames: Sequence[Frame], matrices: Sequence[np.ndarray], template: BlockTemplate, n_elements: int
) -> tuple[np.ndarray, np.ndarray]:
    """Size that a correction's output should have, by element (pair) and coupled tensor; Ha.

    Args:
        frames: their ``base`` is the start.
        matrices: what the start aims at, (n_k, n_ao, n_ao) each, Ha.
        template: of the model.
        n_elements: that the model knows.

    Returns:
        On-site, shape (n_elements, template.size²), and off-site, (n_elements, n_elements, template.size²).
    """
    n, size = n_elements, template.size**2
    own, pair = np.zeros((n, size)), np.zeros((n * n, size))
    counts = np.zeros(n), np.zeros(n * n)
    for frame, matrix in zip(frames, matrices, strict=True):
        g, n_atoms = frame.graph, frame.structure.n_atoms
        squared = _components(matrix, frame, template) ** 2
        groups = g.species, g.species[g.i] * n + g.species[g.j]
        for total, count, group, rows in zip(
            (own, pair), counts, groups, (squared[:n_atoms], squared[n_atoms:]), strict=True
        ):
            np.add.at(total, group, rows)
            np.add.at(count, group, 1)
    for total, count in zip((own, pair), counts, strict=True):
        mean = total / np.maximum(count, 1)[:, None]
        for columns in template.columns.values():
            of_tensor = np.sqrt(mean[:, columns].mean(2, keepdims=True))
            total[:, columns] = np.maximum(OUTPUT_SCALE * of_tensor, _SMALLEST_SCALE)
    return own, pair.reshape(n, n, size)


class FlatBatches:
    """Frames dealt into joined graphs of one shape, for passes that need no matrices; gives members and graph.

    Args:
        frames: the structures.
        shape: at least that of these frames in batches of :data:`FLAT_BATCH`, if others share it.
    """

    def __init__(self, frames: Sequence[Frame], shape: Shape | None = None) -> None:
        self.frames = frames
        self._dealt = deal(frames, FLAT_BATCH, None)
        self._shape = shape or batch_shape(frames, FLAT_BATCH)

    def __iter__(self) -> Iterator[tuple[list[int], Graph]]:
        for members in self._dealt:
            graphs = [self.frames[k].graph for k in members]
            yield members, join_graphs(graphs, n_atoms=self._shape.n_atoms, n_pairs=self._shape.n_pairs)

    def places(self, members: Sequence[int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where each member's atoms and pairs stand in the joined graph."""
        atom, pair = 0, 0
        for k in members:
            n_atoms, n_pairs = self.frames[k].structure.n_atoms, len(self.frames[k].graph.i)
            yield np.arange(atom, atom + n_atoms), np.arange(pair, pair + n_pairs)
            atom, pair = atom + n_atoms, pair + n_pairs

    def predict(self, forward: Callable[[Graph], Any]) -> list[np.ndarray]:
        """Coupled components of every frame, on-site blocks first; float64.

        ``forward`` gives atoms and pairs of a joined graph along its first axis; further axes stay as they are.
        """
        found: list[np.ndarray] = [np.zeros(0)] * len(self.frames)
        for members, graph in self:
            components = np.asarray(forward(graph), dtype=np.float64)
            for k, (atoms, pairs) in zip(members, self.places(members), strict=True):
                found[k] = components[np.concatenate([atoms, self._shape.n_atoms + pairs])]
        return found


def _descriptors(graph: Graph, template: BlockTemplate, settings: GraphSettings) -> Descriptors:
    return all_descriptors(graph, template.irreps, settings)


@eqx.filter_jit
def _forward(model: BlockModel, graph: Graph) -> Array:
    return model(graph)


def _components(matrix: np.ndarray, frame: Frame, template: BlockTemplate) -> np.ndarray:
    """Coupled components of H - H0, on-site blocks first, shape (n_atoms + n_pairs, size²)."""
    missing = frame.in_real_space(matrix - frame.base)
    blocks = template.to_irreps(missing, frame.structure.numbers, frame.block_of_pair)
    return blocks * frame.nearest[:, None]
