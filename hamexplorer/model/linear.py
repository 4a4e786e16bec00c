r"""The linear model: fixed equivariant descriptors, one weight matrix an element (pair) and irrep.

It is fitted in closed form (ridge regression) and serves twice: alone, as in the paper, or as the start that the
nonlinear network improves on.

On-site descriptors are the neighbour densities of the atom and their pairwise products (three-body); off-site ones
are the bond's own harmonics and the product of *both* atoms' densities with them. Where blocks of matrices are known,
they are descriptors, too: of their own atom or pair, and those of both atoms in products with the bond's harmonics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.basis.coupling import Irrep, clebsch_gordan
from hamexplorer.model.graph import Graph, GraphSettings, blocks_of_bonds
from hamexplorer.model.layers import zeros

#: Regularisations worth trying, in units of the mean square of the (normalised) descriptors.
STRENGTHS = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
#: Of atoms and of pairs, (items, n_descriptors, 2 l + 1) each, for every irrep.
Descriptors = list[tuple[Array, Array]]


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
    merged = jnp.einsum("aenm,nk->aekm", density, _merging(settings.n_radial, settings.n_density))
    merged = merged.reshape(n_atoms, -1, merged.shape[-1])
    n = merged.shape[1]
    found = []
    if irrep.natural and irrep.l <= settings.l_max:
        found += [_part(graph.density, irrep.l), _part(graph.orbital, irrep.l)]
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
    merged = jnp.einsum("aenm,nk->aekm", density, _merging(settings.n_radial, settings.n_density))
    merged = merged.reshape(len(graph.species), -1, merged.shape[-1])
    bond = graph.radial @ _merging(settings.n_radial, settings.n_bond)
    found = []
    if irrep.natural and irrep.l <= settings.l_max:
        found.append(graph.radial[:, :, None] * _part(graph.harmonics, irrep.l)[:, None, :])
    if irrep in settings.orbital_columns:
        of_bond = blocks_of_bonds(graph, settings)[:, :, settings.orbital_columns[irrep]]
        found.append(of_bond.reshape(n_pairs, -1, irrep.dim))
    for a, b in _paths(irrep, settings.l_max):
        cg = clebsch_gordan(a, b, irrep.l).astype(np.float32)
        turned = jnp.einsum("pj,ijm->pim", _part(graph.harmonics, b), cg)
        for atom in (graph.i, graph.j):
            coupled = jnp.einsum("pci,pim->pcm", _part(merged, a)[atom], turned)
            found.append((bond[:, :, None, None] * coupled[:, None]).reshape(n_pairs, -1, irrep.dim))
            orbital = jnp.einsum("pci,pim->pcm", _part(graph.orbital, a)[atom], turned)
            found.append(graph.envelope[:, None, None] * orbital)
    return jnp.concatenate(found, 1) if found else jnp.zeros((n_pairs, 1, irrep.dim), jnp.float32)


# A compiled function of its own, so that the fit and all models share one trace of it.
@eqx.filter_jit
def all_descriptors(graph: Graph, irreps: tuple[Irrep, ...], settings: GraphSettings) -> Descriptors:
    """Descriptors of atoms and of directed pairs for every irrep, padding included."""
    return [(own_descriptors(graph, i, settings), pair_descriptors(graph, i, settings)) for i in irreps]


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
        descriptors = all_descriptors(graph, self.template.irreps, self.graph_settings)
        parts, columns = [], []
        of_pair = graph.species[graph.i], graph.species[graph.j]
        for k, (irrep, (own, pair)) in enumerate(zip(self.template.irreps, descriptors, strict=True)):
            x_own, x_pair = own / self.own_scale[k][:, None], pair / self.pair_scale[k][:, None]
            on_site = jnp.einsum("afm,aft->atm", x_own, self.own[k][graph.species])
            off_site = jnp.einsum("pfm,pft->ptm", x_pair, self.pair[k][of_pair])
            joined = jnp.concatenate([on_site, off_site])
            parts.append(joined.reshape(len(joined), -1))
            columns.append(self.template.columns[irrep].ravel())
        return jnp.concatenate(parts, 1)[:, np.argsort(np.concatenate(columns))]

    def heads(self) -> LinearModel:
        """The same tree with True at the leaves that a member of a committee has for itself: all that are trained."""
        return self.trainable()

    def trainable(self) -> LinearModel:
        """The same tree with True at the leaves that training may change."""
        marks = jax.tree.map(lambda _: True, self)
        return eqx.tree_at(
            lambda m: (m.own_scale, m.pair_scale),
            marks,
            jax.tree.map(lambda _: False, (self.own_scale, self.pair_scale)),
        )


def combine_each(models: LinearModel, graph: Graph, descriptors: Descriptors) -> np.ndarray:
    """Components that stacked models (:meth:`RidgeFit.fit`) predict, shape (atoms and pairs, models, size²).

    One matrix product an element (pair), on the host: there are few, and nothing needs to be compiled for a single use.
    """
    template, n_elements = models.template, len(models.graph_settings.elements)
    n_atoms, n_models = len(graph.species), len(models.own[0])
    groups = graph.species, graph.species[graph.i] * n_elements + graph.species[graph.j]
    found = np.zeros((n_atoms + len(graph.i), n_models, template.size**2), np.float32)
    for k, irrep in enumerate(template.irreps):
        columns = template.columns[irrep]
        scales = models.own_scale[k][0], models.pair_scale[k][0]
        for first, x, scale, weights, group in zip(
            (0, n_atoms), descriptors[k], scales, (models.own[k], models.pair[k]), groups, strict=True
        ):
            x = np.asarray(x) / scale[:, None]
            weights = np.reshape(weights, (n_models, -1, *weights.shape[-2:]))
            for g in np.unique(group).tolist():
                items = np.flatnonzero(group == g)
                product = np.tensordot(x[items], weights[:, g], axes=(1, 1))  # item, component, model, tensor
                found[(first + items)[:, None, None], :, columns] = product.transpose(0, 3, 1, 2)
    return found


class RidgeRows(NamedTuple):
    """One batch of what a fit sees.

    Attributes:
        graph, descriptors: of the whole batch, padding included.
        atoms, pairs: which of them count.
        own, pair: targets of those atoms and pairs, shape (n, template.size²) each.
    """

    graph: Graph
    descriptors: Descriptors
    atoms: np.ndarray
    pairs: np.ndarray
    own: np.ndarray
    pair: np.ndarray


class RidgeFit:
    """Closed-form fits of one set of graphs, for as many regularisation strengths as wanted.

    Every element (pair) and irrep is a regression of its own.
    """

    def __init__(
        self, batches: Iterable[RidgeRows], template: BlockTemplate, settings: GraphSettings
    ) -> None:
        self.template, self.settings = template, settings
        n = len(settings.elements)
        self._regressions = [(_Regressions(n), _Regressions(n * n)) for _ in template.irreps]
        for rows in batches:
            species = rows.graph.species
            elements = species[rows.atoms]
            of_pairs = species[rows.graph.i[rows.pairs]] * n + species[rows.graph.j[rows.pairs]]
            for irrep, (own, pair), (x_own, x_pair) in zip(
                template.irreps, self._regressions, rows.descriptors, strict=True
            ):
                columns = template.columns[irrep]
                own.add(np.asarray(x_own)[rows.atoms], rows.own[:, columns], elements)
                pair.add(np.asarray(x_pair)[rows.pairs], rows.pair[:, columns], of_pairs)
        for own, pair in self._regressions:
            own.factorise()
            pair.factorise()

    def fit(self, strengths: Sequence[float]) -> LinearModel:
        """The models of several regularisation strengths, stacked along a leading axis of every leaf.

        Args:
            strengths: in units of the mean square of the normalised descriptors.
        """
        models = [self._model(strength) for strength in strengths]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *models)

    def _model(self, strength: float) -> LinearModel:
        n = len(self.settings.elements)
        pair = [r.solve(strength) for _, r in self._regressions]
        return LinearModel(
            own=tuple(r.solve(strength) for r, _ in self._regressions),
            pair=tuple(w.reshape(n, n, *w.shape[1:]) for w in pair),
            own_scale=tuple(r.scale.astype(np.float32) for r, _ in self._regressions),
            pair_scale=tuple(r.scale.astype(np.float32) for _, r in self._regressions),
            template=self.template,
            graph_settings=self.settings,
        )


class _Regressions:
    """Normal equations of many small regressions that share their descriptors, one a group."""

    def __init__(self, n_groups: int) -> None:
        self.n_groups = n_groups
        self.xx: dict[int, np.ndarray] = {}
        self.xy: dict[int, np.ndarray] = {}
        self.n: dict[int, int] = {}

    def add(self, x: np.ndarray, y: np.ndarray, group: np.ndarray) -> None:
        """Items with descriptors x (items, descriptors, components) and targets y (items, outputs, components)."""
        self.n_descriptors, self.n_outputs = x.shape[1], y.shape[1]
        for g in np.unique(group).tolist():
            rows, wanted = _rows(x[group == g]), _rows(y[group == g])
            self.xx[g] = self.xx.get(g, 0.0) + rows.T @ rows
            self.xy[g] = self.xy.get(g, 0.0) + rows.T @ wanted
            self.n[g] = self.n.get(g, 0) + len(rows)

    def factorise(self) -> None:
        total = sum((np.diag(xx) for xx in self.xx.values()), np.zeros(self.n_descriptors))
        rms = np.sqrt(total / max(1, sum(self.n.values())))
        self.scale = np.where(rms > 1e-12, rms, 1.0)
        square = np.outer(self.scale, self.scale)
        self.eigen = {g: np.linalg.eigh(xx / square / self.n[g]) for g, xx in self.xx.items()}

    def solve(self, strength: float) -> np.ndarray:
        """Weights of every group, (n_groups, n_descriptors, n_outputs), float32; 0 for a group without items."""
        weights = np.zeros((self.n_groups, self.n_descriptors, self.n_outputs), dtype=np.float32)
        for g, (values, vectors) in self.eigen.items():
            projected = vectors.T @ (self.xy[g] / self.scale[:, None]) / self.n[g]
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
        density=np.zeros((1, settings.n_density_channels, n_lm), np.float32),
        orbital=np.zeros((1, settings.n_orbital, n_lm), np.float32),
        bond=np.zeros((1, settings.n_bond_components), np.float32),
    )
    shapes = jax.eval_shape(lambda: all_descriptors(one, template.irreps, settings))
    n_tensors = [len(template.columns[irrep]) for irrep in template.irreps]
    sizes = [(own.shape[1], pair.shape[1]) for own, pair in shapes]
    return LinearModel(
        own=tuple(zeros((n, f, t)) for (f, _), t in zip(sizes, n_tensors, strict=True)),
        pair=tuple(zeros((n, n, f, t)) for (_, f), t in zip(sizes, n_tensors, strict=True)),
        own_scale=tuple(jnp.asarray(np.ones(f, np.float32)) for f, _ in sizes),
        pair_scale=tuple(jnp.asarray(np.ones(f, np.float32)) for _, f in sizes),
        template=template,
        graph_settings=settings,
    )
