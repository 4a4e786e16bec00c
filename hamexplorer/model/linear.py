r"""The linear model: fixed equivariant descriptors, one weight matrix an element (pair) and irrep.

It is fitted in closed form (ridge regression) and serves twice: alone, as in the paper, or as the start that the
nonlinear network improves on.

On-site descriptors are the neighbour densities of the atom and their pairwise products (three-body); off-site ones
are the bond's own harmonics and the product of *both* atoms' densities with them.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import Irrep, clebsch_gordan
from hamexplorer.model.graph import Graph, GraphSettings

#: Radial functions are merged into this many for products, which keeps descriptors short.
_MERGED_DENSITY = 2
_MERGED_BOND = 3
#: Regularisations worth trying, in units of the mean square of the (normalised) descriptors.
STRENGTHS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)


def _merging(n_radial: int, n_merged: int) -> np.ndarray:
    """Overlapping triangular windows over the radial functions, shape (n_radial, n_merged)."""
    position = np.linspace(0, n_merged - 1, n_radial) if n_merged > 1 else np.zeros(n_radial)
    return np.maximum(0.0, 1.0 - np.abs(position[:, None] - np.arange(n_merged))).astype(np.float32)


def _part(x: Array, l: int) -> Array:
    return x[..., l * l : (l + 1) ** 2]


def _paths(irrep: Irrep, l_max: int) -> list[tuple[int, int]]:
    return [
        (a, b)
        for a in range(l_max + 1)
        for b in range(l_max + 1)
        if abs(a - b) <= irrep.l <= a + b and ((a + b + irrep.l) % 2 == 0) == irrep.natural
    ]


def own_descriptors(graph: Graph, irrep: Irrep, settings: GraphSettings) -> Array:
    """Descriptors of the atoms for one irrep, shape (n_atoms, n_descriptors, 2 l + 1)."""
    n_atoms, n_elements = len(graph.species), len(settings.elements)
    density = graph.density.reshape(n_atoms, n_elements, settings.n_radial, -1)
    merged = jnp.einsum("aenm,nk->aekm", density, _merging(settings.n_radial, _MERGED_DENSITY))
    merged = merged.reshape(n_atoms, -1, merged.shape[-1])
    n = merged.shape[1]
    found = []
    if irrep.natural and irrep.l <= settings.l_max:
        found.append(_part(graph.density, irrep.l))
    if irrep.l == 0:
        found.append(jnp.ones((n_atoms, 1, 1), jnp.float32))
    for a, b in _paths(irrep, settings.l_max):
        if a > b:
            continue  # (b, a) gives the same products
        upper = np.triu_indices(n, 0 if irrep.natural else 1) if a == b else np.indices((n, n)).reshape(2, -1)
        cg = clebsch_gordan(a, b, irrep.l).astype(np.float32)
        product = jnp.einsum("aci,adj,ijm->acdm", _part(merged, a), _part(merged, b), cg, optimize=True)
        found.append(product[:, upper[0], upper[1]])
    return jnp.concatenate(found, 1) if found else jnp.zeros((n_atoms, 1, irrep.dim), jnp.float32)


def pair_descriptors(graph: Graph, irrep: Irrep, settings: GraphSettings) -> Array:
    """Descriptors of the directed pairs for one irrep, shape (n_pairs, n_descriptors, 2 l + 1)."""
    n_pairs, n_elements = len(graph.i), len(settings.elements)
    density = graph.density.reshape(len(graph.species), n_elements, settings.n_radial, -1)
    merged = jnp.einsum("aenm,nk->aekm", density, _merging(settings.n_radial, _MERGED_DENSITY))
    merged = merged.reshape(len(graph.species), -1, merged.shape[-1])
    bond = graph.radial @ _merging(settings.n_radial, _MERGED_BOND)
    found = []
    if irrep.natural and irrep.l <= settings.l_max:
        found.append(graph.radial[:, :, None] * _part(graph.harmonics, irrep.l)[:, None, :])
    for a, b in _paths(irrep, settings.l_max):
        cg = clebsch_gordan(a, b, irrep.l).astype(np.float32)
        turned = jnp.einsum("pj,ijm->pim", _part(graph.harmonics, b), cg)
        for atom in (graph.i, graph.j):
            coupled = jnp.einsum("pci,pim->pcm", _part(merged, a)[atom], turned)
            found.append((bond[:, :, None, None] * coupled[:, None]).reshape(n_pairs, -1, irrep.dim))
    return jnp.concatenate(found, 1) if found else jnp.zeros((n_pairs, 1, irrep.dim), jnp.float32)


class LinearModel(eqx.Module):
    """Coupled components as linear functions of fixed descriptors.

    Attributes:
        own: for each irrep, weights of shape (n_elements, n_descriptors, n_tensors).
        pair: for each irrep, weights of shape (n_elements, n_elements, n_descriptors, n_tensors).
        own_scale, pair_scale: root mean square of each descriptor over the training atoms (pairs): weights refer to
            descriptors divided by it, so that one learning rate suits them all. Never trained.
    """

    own: tuple[Array, ...]
    pair: tuple[Array, ...]
    own_scale: tuple[Array, ...]
    pair_scale: tuple[Array, ...]
    template: BlockTemplate = eqx.field(static=True)
    graph_settings: GraphSettings = eqx.field(static=True)

    def __call__(self, graph: Graph) -> Array:
        """Coupled components, shape (n_atoms + n_pairs, template.size²): on-site blocks first."""
        parts, columns = [], []
        of_pair = graph.species[graph.i], graph.species[graph.j]
        for k, irrep in enumerate(self.template.irreps):
            x_own = own_descriptors(graph, irrep, self.graph_settings) / self.own_scale[k][:, None]
            x_pair = pair_descriptors(graph, irrep, self.graph_settings) / self.pair_scale[k][:, None]
            on_site = jnp.einsum("afm,aft->atm", x_own, self.own[k][graph.species])
            off_site = jnp.einsum("pfm,pft->ptm", x_pair, self.pair[k][of_pair])
            joined = jnp.concatenate([on_site, off_site])
            parts.append(joined.reshape(len(joined), -1))
            columns.append(self.template.columns[irrep].ravel())
        return jnp.concatenate(parts, 1)[:, np.argsort(np.concatenate(columns))]

    def trainable(self) -> LinearModel:
        """The same tree with True at the leaves that training may change."""
        marks = jax.tree.map(lambda _: True, self)
        return eqx.tree_at(
            lambda m: (m.own_scale, m.pair_scale),
            marks,
            jax.tree.map(lambda _: False, (self.own_scale, self.pair_scale)),
        )


@eqx.filter_jit
def _all_descriptors(
    graph: Graph, irreps: tuple[Irrep, ...], settings: GraphSettings
) -> list[tuple[Array, Array]]:
    return [(own_descriptors(graph, i, settings), pair_descriptors(graph, i, settings)) for i in irreps]


class RidgeFit:
    """Closed-form fits of one set of graphs to changing targets: the costly half is done once.

    Every element (pair) and irrep is a regression of its own.
    """

    def __init__(
        self,
        batches: Sequence[tuple[Graph, int, int]],
        template: BlockTemplate,
        settings: GraphSettings,
    ) -> None:
        """
        Args:
            batches: joined graphs of one padded shape, each with its numbers of real atoms and real pairs.
            template, settings: of the model.
        """
        self.template, self.settings = template, settings
        self._batches = batches
        n = len(settings.elements)
        self._regressions = [(_Regressions(n), _Regressions(n * n)) for _ in template.irreps]
        for graph, n_atoms, n_pairs in batches:
            for (own, pair), (x_own, x_pair) in zip(self._regressions, self._descriptors(graph), strict=True):
                own.add_rows(np.asarray(x_own)[:n_atoms], graph.species[:n_atoms])
                pair.add_rows(np.asarray(x_pair)[:n_pairs], self._pair_group(graph)[:n_pairs])
        for own, pair in self._regressions:
            own.factorise()
            pair.factorise()

    def _descriptors(self, graph: Graph) -> list[tuple[Array, Array]]:
        return _all_descriptors(graph, self.template.irreps, self.settings)

    def _pair_group(self, graph: Graph) -> np.ndarray:
        return graph.species[graph.i] * len(self.settings.elements) + graph.species[graph.j]

    def fit(self, components: Sequence[np.ndarray], strengths: Sequence[float]) -> list[LinearModel]:
        """One model a regularisation strength.

        Args:
            components: targets a batch, shape (real atoms + real pairs, template.size²), atoms first.
            strengths: regularisation in units of the mean square of the normalised descriptors.
        """
        moments: list[tuple[dict, dict]] = [({}, {}) for _ in self._regressions]
        for (graph, n_atoms, n_pairs), target in zip(self._batches, components, strict=True):
            groups = graph.species[:n_atoms], self._pair_group(graph)[:n_pairs]
            for k, (x_own, x_pair) in enumerate(self._descriptors(graph)):
                y = target[:, self.template.columns[self.template.irreps[k]]]
                own, pair = self._regressions[k]
                own.add_targets(moments[k][0], np.asarray(x_own)[:n_atoms], y[:n_atoms], groups[0])
                pair.add_targets(moments[k][1], np.asarray(x_pair)[:n_pairs], y[n_atoms:], groups[1])
        return [self._model(moments, strength) for strength in strengths]

    def _model(self, moments: list[tuple[dict, dict]], strength: float) -> LinearModel:
        n = len(self.settings.elements)
        own = [r.solve(m, strength) for (r, _), (m, _) in zip(self._regressions, moments, strict=True)]
        pair = [r.solve(m, strength) for (_, r), (_, m) in zip(self._regressions, moments, strict=True)]
        return LinearModel(
            own=tuple(jnp.asarray(w) for w in own),
            pair=tuple(jnp.asarray(w.reshape(n, n, *w.shape[1:])) for w in pair),
            own_scale=tuple(jnp.asarray(r.scale, jnp.float32) for r, _ in self._regressions),
            pair_scale=tuple(jnp.asarray(r.scale, jnp.float32) for _, r in self._regressions),
            template=self.template,
            graph_settings=self.settings,
        )


class _Regressions:
    """Normal equations of many small regressions that share their descriptors, one a group."""

    def __init__(self, n_groups: int) -> None:
        self.n_groups = n_groups
        self.xx: dict[int, np.ndarray] = {}
        self.n: dict[int, int] = {}

    def add_rows(self, x: np.ndarray, group: np.ndarray) -> None:
        for g in np.unique(group).tolist():
            rows = _rows(x[group == g])
            self.xx[g] = self.xx.get(g, 0.0) + rows.T @ rows
            self.n[g] = self.n.get(g, 0) + len(rows)
        self.n_descriptors = x.shape[1]

    def factorise(self) -> None:
        total = sum((np.diag(xx) for xx in self.xx.values()), np.zeros(self.n_descriptors))
        rms = np.sqrt(total / max(1, sum(self.n.values())))
        self.scale = np.where(rms > 1e-12, rms, 1.0)
        square = np.outer(self.scale, self.scale)
        self.eigen = {g: np.linalg.eigh(xx / square / self.n[g]) for g, xx in self.xx.items()}

    def add_targets(
        self, moments: dict[int, np.ndarray], x: np.ndarray, y: np.ndarray, group: np.ndarray
    ) -> None:
        for g in np.unique(group).tolist():
            moments[g] = moments.get(g, 0.0) + _rows(x[group == g]).T @ _rows(y[group == g])

    def solve(self, moments: dict[int, np.ndarray], strength: float) -> np.ndarray:
        n_outputs = next(iter(moments.values())).shape[1] if moments else 1
        weights = np.zeros((self.n_groups, self.n_descriptors, n_outputs), dtype=np.float32)
        for g, xy in moments.items():
            values, vectors = self.eigen[g]
            projected = vectors.T @ (xy / self.scale[:, None]) / self.n[g]
            values = np.maximum(values, 0.0)
            weights[g] = vectors @ (projected / (values + strength * max(values.mean(), 1e-30))[:, None])
        return weights


def _rows(x: np.ndarray) -> np.ndarray:
    """(items, descriptors, components) -> one row an item and component, float64."""
    return x.astype(np.float64).transpose(0, 2, 1).reshape(-1, x.shape[1])


def empty_linear(template: BlockTemplate, settings: GraphSettings) -> LinearModel:
    """A linear model of the right shape that predicts zero."""
    n, n_lm = len(settings.elements), (settings.l_max + 1) ** 2
    one = Graph(
        species=np.zeros(1, np.int32),
        i=np.zeros(1, np.int32),
        j=np.zeros(1, np.int32),
        harmonics=np.zeros((1, n_lm), np.float32),
        radial=np.zeros((1, settings.n_radial), np.float32),
        envelope=np.zeros(1, np.float32),
        density=np.zeros((1, n * settings.n_radial, n_lm), np.float32),
    )
    shapes = jax.eval_shape(lambda: _all_descriptors(one, template.irreps, settings))
    n_tensors = [len(template.columns[irrep]) for irrep in template.irreps]
    sizes = [(own.shape[1], pair.shape[1]) for own, pair in shapes]
    return LinearModel(
        own=tuple(jnp.zeros((n, f, t), jnp.float32) for (f, _), t in zip(sizes, n_tensors, strict=True)),
        pair=tuple(jnp.zeros((n, n, f, t), jnp.float32) for (_, f), t in zip(sizes, n_tensors, strict=True)),
        own_scale=tuple(jnp.ones(f, jnp.float32) for f, _ in sizes),
        pair_scale=tuple(jnp.ones(f, jnp.float32) for _, f in sizes),
        template=template,
        graph_settings=settings,
    )
