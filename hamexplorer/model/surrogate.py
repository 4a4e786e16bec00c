r"""Properties straight from descriptors, without a Hamiltonian: what the learned Hamiltonian is measured against.

Every atom contributes moments, read from the same descriptors and the same messages as the Hamiltonian's blocks:

$$ \mu = \sum_A \left( q_A R_A + \mu_A \right), \quad \alpha = \sum_A \left( a_A 1 + \alpha_A \right), $$

with scalars q and a, vectors μ_A (l = 1) and traceless symmetric tensors α_A (l = 2). The gap between the frontier
orbitals does not grow with the molecule: it is a mean of what atoms say, weighted by what they have to say in the
matter, $\sum_A e^{w_A} g_A / \sum_A e^{w_A}$. How moments make properties is the caller's part; here are moments of
atoms only.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer.basis.coupling import clebsch_gordan
from hamexplorer.model.graph import Graph, GraphSettings
from hamexplorer.model.layers import MLP, Linear, zeros
from hamexplorer.model.trunk import NetworkSettings, Trunk, seen_of_atoms

#: Scalars of an atom, in the order of :attr:`Moments.scalars`: the charge that makes the dipole moment, the isotropic
#: polarizability, and charges that are properties themselves.
SCALARS = ("dipole_charge", "isotropic", "mulliken_charge", "lowdin_charge")
#: What a surrogate can be asked, and which moments it needs for that.
PREDICTS: dict[str, tuple[str, ...]] = {
    "dipole": ("dipole_charge", "vector"),
    "polarizability": ("isotropic", "tensor"),
    "mulliken_charge": ("mulliken_charge",),
    "lowdin_charge": ("lowdin_charge",),
    "homo_lumo_gap": ("pooled",),
}
#: Of a vector with components m = -1, 0, 1 (that is y, z, x): where x, y and z stand.
XYZ = (2, 0, 1)


class Moments(NamedTuple):
    """Of every atom; atomic units.

    Attributes:
        scalars: in the order of :data:`SCALARS`, shape (n_atoms, 4).
        vector: x, y, z, shape (n_atoms, 3).
        tensor: traceless and symmetric, shape (n_atoms, 3, 3).
        pooled: gap and logarithm of its weight, shape (n_atoms, 2); None of a surrogate that knows no gap.
    """

    scalars: Array
    vector: Array
    tensor: Array
    pooled: Array | None = None


def cartesian_tensor(components: Array) -> Array:
    """l = 2 components, m = -2 … 2, (…, 5) as traceless symmetric tensors in x, y, z, (…, 3, 3); keeps the norm."""
    rows = np.array(XYZ)
    cg = clebsch_gordan(1, 1, 2)[rows[:, None], rows[None, :]].astype(np.float32)
    return jnp.einsum("ijm,...m->...ij", cg, components)


class Start(NamedTuple):
    """The closed-form linear part: weights of fixed descriptors by element. Never trained.

    Attributes:
        scalars: shape (n_elements, n_descriptors of l = 0, 4).
        vector, tensor: shape (n_elements, n_descriptors of l = 1 and 2).
        scales: root mean square of each descriptor over the training atoms, of l = 0, 1 and 2.
        gap: shape (n_elements, n_descriptors of l = 0); None of a surrogate that knows no gap.
    """

    scalars: Array
    vector: Array
    tensor: Array
    scales: tuple[Array, Array, Array]
    gap: Array | None = None


class _First(NamedTuple):
    """What the linear part says of atoms; shapes (n_atoms, 4), (n_atoms, 3), (n_atoms, 5) and (n_atoms,)."""

    scalars: Array
    vector: Array
    tensor: Array
    gap: Array | None


class Units(NamedTuple):
    """Fixed units of the network's input and output. Never trained.

    Attributes:
        density_mean, density_spread: as in :class:`hamexplorer.model.correction.Scales`.
        scalars: of what the start leaves unexplained, shape (4,).
        vector, tensor, gap: the same, shape ().
    """

    density_mean: Array
    density_spread: Array
    scalars: Array
    vector: Array
    tensor: Array
    gap: Array | None = None


def atom_descriptors(graph: Graph) -> tuple[Array, Array, Array]:
    """What the linear part sees of atoms: invariants with a constant, vectors, l = 2 tensors.

    Densities and what is known of orbitals, without their products. With products of densities, on the shipped small
    molecules, there are more descriptors than values: the fit left nothing of the training errors, so that the network
    had nothing to learn, and the polarizability of unseen molecules was off by 3.3 bohr³ an atom where densities and a
    network reach 0.95 (seed 42).

    Returns:
        Shapes (n_atoms, n_seen + 1, 1), (n_atoms, n_seen, 3) and (n_atoms, n_seen, 5).
    """
    seen = seen_of_atoms(graph)
    constant = jnp.ones((len(seen), 1, 1), jnp.float32)
    return jnp.concatenate([seen[:, :, :1], constant], 1), seen[:, :, 1:4], seen[:, :, 4:9]


class Surrogate(eqx.Module):
    """Closed-form start plus a network that reads moments out of the atoms' features."""

    trunk: Trunk
    mix: Linear
    gate: MLP
    scalar_direct: Array
    scalar_out: Array
    vector_out: Array
    tensor_out: Array
    pooled_out: Array | None
    start: Start
    units: Units
    graph_settings: GraphSettings = eqx.field(static=True)

    def __init__(
        self,
        graph: GraphSettings,
        settings: NetworkSettings,
        start: Start,
        units: Units,
        *,
        rng: np.random.Generator,
    ) -> None:
        c, hidden = settings.channels, settings.hidden
        self.graph_settings, self.start, self.units = graph, start, units
        self.trunk = Trunk(graph, settings, rng=rng)
        self.mix = Linear(c, c, graph.l_max, rng=rng)
        self.gate = MLP(c + len(graph.elements), hidden, 3 * c, rng=rng)
        # Outputs start at zero: the untrained network leaves the closed-form start as it is.
        self.scalar_direct, self.scalar_out = zeros((hidden, len(SCALARS))), zeros((c, len(SCALARS)))
        self.vector_out, self.tensor_out = zeros((c,)), zeros((c,))
        self.pooled_out = None if start.gap is None else zeros((hidden, 2))

    def __call__(self, graph: Graph) -> Moments:
        """Moments of every atom; those of padding mean nothing."""
        density = (graph.density - self.units.density_mean) / self.units.density_spread
        seen = graph._replace(density=density)
        around = self.trunk.surroundings(seen)
        h = self.trunk(seen, around)
        hidden = self.gate.hidden(jnp.concatenate([h[:, :, 0], around.one_hot], 1))
        gates = (hidden @ self.gate.second).reshape(len(h), 3, -1)
        x = self.mix(h)
        scalars = hidden @ self.scalar_direct + (x[:, :, 0] * gates[:, 0]) @ self.scalar_out
        vector = jnp.einsum("acm,ac,c->am", x[:, :, 1:4], gates[:, 1], self.vector_out)
        tensor = jnp.einsum("acm,ac,c->am", x[:, :, 4:9], gates[:, 2], self.tensor_out)
        first = self._linear(graph)
        vector = first.vector + self.units.vector * vector
        return Moments(
            first.scalars + self.units.scalars * scalars,
            vector[:, np.array(XYZ)],
            cartesian_tensor(first.tensor + self.units.tensor * tensor),
            self._pooled(hidden, first.gap),
        )

    def _pooled(self, hidden: Array, first: Array | None) -> Array | None:
        if first is None:
            return None
        gap, weight = (hidden @ self.pooled_out).T
        return jnp.stack([first + self.units.gap * gap, weight], 1)

    def _linear(self, graph: Graph) -> _First:
        start, species = self.start, graph.species
        seen = atom_descriptors(graph)
        invariants, vectors, tensors = (
            x / scale[:, None] for x, scale in zip(seen, start.scales, strict=True)
        )
        return _First(
            jnp.einsum("af,afs->as", invariants[:, :, 0], start.scalars[species]),
            jnp.einsum("afm,af->am", vectors, start.vector[species]),
            jnp.einsum("afm,af->am", tensors, start.tensor[species]),
            None if start.gap is None else jnp.einsum("af,af->a", invariants[:, :, 0], start.gap[species]),
        )

    def trainable(self) -> Surrogate:
        """The same tree with True at the leaves that training may change."""
        marks = jax.tree.map(lambda _: True, self)
        fixed = jax.tree.map(lambda _: False, (self.start, self.units))
        return eqx.tree_at(lambda m: (m.start, m.units), marks, fixed)


def empty_parts(settings: GraphSettings, *, pools: bool = True) -> tuple[Start, Units]:
    """A start that predicts zero, and units of one, of the right shapes; ``pools``: of a surrogate that knows gaps."""
    n, n_lm = len(settings.elements), (settings.l_max + 1) ** 2
    density = np.zeros((settings.n_density_channels, n_lm), np.float32)
    n_seen = len(density) + settings.n_orbital
    sizes = [n_seen + 1, n_seen, n_seen]
    scales = tuple(jnp.asarray(np.ones(size, np.float32)) for size in sizes)
    start = Start(
        zeros((n, sizes[0], len(SCALARS))),
        zeros((n, sizes[1])),
        zeros((n, sizes[2])),
        (scales[0], scales[1], scales[2]),
        zeros((n, sizes[0])) if pools else None,
    )
    one = jnp.asarray(np.float32(1.0))
    mean, spread = jnp.asarray(density), jnp.asarray(np.ones_like(density))
    scalars = jnp.asarray(np.ones(len(SCALARS), np.float32))
    return start, Units(mean, spread, scalars, one, one, one if pools else None)
