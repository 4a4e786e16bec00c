r"""Properties that can be learned: each is one formula on the electronic state of a Hamiltonian.

The same ``predict`` serves training, prediction and tests; PySCF's own numbers are the tests' oracle. Every
predicted array is padded to the batch's shape; ``flatten`` picks the scalars that count.

Energies, and only energies, change unit on screen; everything here is in atomic units.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from hamexplorer._plugins import load_plugins
from hamexplorer._registry import Registry
from hamexplorer.basis.reductions import ReducedReference
from hamexplorer.physics.integrals import Integrals
from hamexplorer.physics.solve import Bands, ElectronicState, coupling_of_equal_levels
from hamexplorer.units import HARTREE_EV

#: Gaps below this (Ha) enter the polarizability through a smooth continuation that never reaches zero.
SMALLEST_GAP = 0.03


def bounded_gap(gap: Array) -> Array:
    r"""The gap itself above g₀ = 0.03 Ha; below, g₀²/(2g₀ - gap): positive, continuous with its slope.

    A gap that closes while the model learns then makes the polarizability large, growing linearly, but not infinite,
    and its gradient keeps pointing back to an open gap.
    """
    low = SMALLEST_GAP**2 / (2 * SMALLEST_GAP - jnp.minimum(gap, SMALLEST_GAP))
    return jnp.where(gap >= SMALLEST_GAP, gap, low)


def sum_over_states(hamiltonian: np.ndarray, integrals: Integrals) -> np.ndarray:
    """What :class:`Polarizability` predicts, of one molecule as it is: neither compiled nor padded, and no gradient.

    Args:
        hamiltonian: H̃, shape (n_ao, n_ao), Ha.
        integrals: of the molecule.

    Returns:
        α, shape (3, 3), bohr³.
    """
    n = int(integrals.n_occ)
    energy, coeff = np.linalg.eigh(hamiltonian)
    r = coeff[:, :n].T @ integrals.r @ coeff[:, n:]
    gap = np.asarray(bounded_gap(energy[None, n:] - energy[:n, None]))
    return 4 * np.einsum("xia,yia->xy", r, r / gap)


class Target:
    """Base of every target.

    Attributes:
        name: set by the registry.
        label, help: for people.
        unit: atomic unit of the values, as text.
        is_energy: shown in eV or Ha as the user likes.
        default_weight: weight in the loss when chosen without one. The paper's are 1e4, 1e3 and 1e2 for levels,
            dipole moments and polarizabilities: on QM7 molecules dipole moments then made up nine tenths of the loss,
            and levels hardly improved on their start.
        axes: what each axis of a molecule's value runs over: "n_ao", "n_atoms", "x" (Cartesian) or "n_grid" (energies).
        band_axes: the same of a crystal's value, which may also run over "n_k"; None where a crystal has no
            such property.
        irreps: how one value rotates: "0e" scalar, "1o" vector, "tensor" Cartesian rank 2, "matrix" between orbitals.
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    help: ClassVar[str] = ""
    unit: ClassVar[str] = ""
    is_energy: ClassVar[bool] = False
    default_weight: ClassVar[float] = 1.0
    axes: ClassVar[tuple[str, ...]] = ()
    band_axes: ClassVar[tuple[str, ...] | None] = None
    irreps: ClassVar[str] = "0e"

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        """The property of one molecule's state, padded shape."""
        raise NotImplementedError

    def predict_bands(self, bands: Bands, integrals: Integrals) -> Array:
        """The property of one crystal, padded shape; only asked for where ``band_axes`` is not None."""
        raise NotImplementedError

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray | None:
        """The value to learn, unpadded, or None where the dataset lacks it."""
        return getattr(properties, self.name)

    def raw(self, properties: Any, fock: np.ndarray | None, n_occ: int) -> np.ndarray | None:
        """What the raw small-basis calculation says, unpadded, or None."""
        return getattr(properties, self.name)

    def weights(self, value: np.ndarray, reduced: ReducedReference) -> np.ndarray:
        """How much each of a value's scalars counts, same shape as the value: 0 or 1, or a k-point's share."""
        return np.ones(np.shape(value))


TARGETS: Registry[Target] = Registry("target")


@TARGETS.register("mo_energy")
class MOEnergy(Target):
    """Orbital energies ε of H C = S C ε, ascending."""

    label = "Orbital energies"
    help = "The energy levels of the electrons; which of them are matched is the basis reduction's choice."
    unit = "Ha"
    is_energy = True
    default_weight = 1e4
    axes = ("n_ao",)
    band_axes = ("n_k", "n_ao")

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        return jnp.where(state.mo_mask, state.mo_energy, 0.0)

    def predict_bands(self, bands: Bands, integrals: Integrals) -> Array:
        return jnp.where(bands.mask, bands.energy, 0.0)

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray:
        return reduced.levels

    def weights(self, value: np.ndarray, reduced: ReducedReference) -> np.ndarray:
        return reduced.weights


@TARGETS.register("homo_lumo_gap")
class HomoLumoGap(Target):
    """Energy between the highest occupied and the lowest empty level."""

    label = "HOMO-LUMO gap"
    help = (
        "The energy from the highest filled to the lowest empty level: roughly the colour of a molecule. "
        "Of a crystal, the band gap on its k-mesh."
    )
    unit = "Ha"
    is_energy = True
    default_weight = 1e2
    band_axes = ()

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        # A molecule whose small basis has no empty orbital (He in STO-3G) has no gap; it is masked by the frame.
        lumo = jnp.minimum(integrals.n_occ, state.mo_energy.shape[-1] - 1)
        gap = state.mo_energy[lumo] - state.mo_energy[integrals.n_occ - 1]
        return jnp.where(state.mo_mask[lumo], gap, 0.0)

    def predict_bands(self, bands: Bands, integrals: Integrals) -> Array:
        lumo = jnp.minimum(integrals.n_occ, bands.energy.shape[-1] - 1)
        assert integrals.k_weights is not None
        here = integrals.k_weights > 0
        bottom = jnp.where(here, bands.energy[:, lumo], jnp.inf).min()
        top = jnp.where(here, bands.energy[:, integrals.n_occ - 1], -jnp.inf).max()
        return jnp.where(bands.mask[0, lumo], bottom - top, 0.0)

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray | None:
        return _gap(properties.mo_energy, n_occ) if reduced.levels.shape[-1] > n_occ else None

    def raw(self, properties: Any, fock: np.ndarray | None, n_occ: int) -> np.ndarray | None:
        return _gap(properties.mo_energy, n_occ)


def _gap(mo_energy: np.ndarray, n_occ: int) -> np.ndarray | None:
    """Of a molecule's levels or a crystal's bands on its mesh; negative where bands overlap."""
    if mo_energy.shape[-1] <= n_occ:
        return None
    return np.asarray(mo_energy[..., n_occ].min() - mo_energy[..., n_occ - 1].max())


#: Energies at which a density of states is learned, Ha, and the width of its Gaussians (0.5 eV).
DOS_GRID = np.arange(-40.0, 20.01, 0.25) / HARTREE_EV
DOS_WIDTH = 0.5 / HARTREE_EV
_DOS_HEIGHT = 2.0 / (DOS_WIDTH * np.sqrt(2 * np.pi))


@TARGETS.register("dos")
class DensityOfStates(Target):
    r"""Density of states $\sum_n 2\,g(E - \varepsilon_n)$, g a normalised Gaussian; of a crystal the mean over k."""

    label = "Density of states"
    help = "How many levels lie near each energy, blurred by half an electronvolt; up to the highest level matched."
    unit = "1/Ha"
    default_weight = 1e2
    axes = ("n_grid",)
    band_axes = ("n_grid",)

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        return _dos(state.mo_energy[None], state.mo_mask[None].astype(float))

    def predict_bands(self, bands: Bands, integrals: Integrals) -> Array:
        assert integrals.k_weights is not None
        return _dos(bands.energy, bands.mask * integrals.k_weights[:, None])

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray:
        return _dos_of(reduced.levels, reduced.k_weights)

    def raw(self, properties: Any, fock: np.ndarray | None, n_occ: int) -> np.ndarray:
        return _dos_of(properties.mo_energy, getattr(properties, "k_weights", None))

    def weights(self, value: np.ndarray, reduced: ReducedReference) -> np.ndarray:
        """Where matched levels are, and none near that the small matrix may place as it likes."""
        matched, free = reduced.levels[reduced.weights > 0], reduced.levels[reduced.weights == 0]
        low, high = matched.min() - 4 * DOS_WIDTH, matched.max() + 4 * DOS_WIDTH
        away = (np.abs(DOS_GRID[:, None] - free.ravel()) > 4 * DOS_WIDTH).all(1)
        return ((low <= DOS_GRID) & (high >= DOS_GRID) & away).astype(float)


def _dos_of(levels: np.ndarray, k_weights: np.ndarray | None) -> np.ndarray:
    """The same in NumPy: of a molecule's levels (n_levels,), or of bands (n_k, n_bands) with their k-points' shares."""
    share = np.ones(1) if k_weights is None else k_weights
    x = (DOS_GRID[:, None, None] - np.atleast_2d(levels)) / DOS_WIDTH
    return (share[:, None] * np.exp(-0.5 * x**2)).sum((1, 2)) * _DOS_HEIGHT


def _dos(energy: Array, weight: Array) -> Array:
    """On ``DOS_GRID``, two electrons a level, 1/Ha, of levels and their weights (n_k, n_ao)."""

    def one(k: tuple[Array, Array]) -> Array:
        levels, share = k
        x = (DOS_GRID[:, None] - levels[None, :]) / DOS_WIDTH
        return (share * jnp.exp(-0.5 * jnp.minimum(x**2, 200.0))).sum(1)

    return _DOS_HEIGHT * jax.lax.map(one, (energy, weight)).sum(0)


@TARGETS.register("dipole")
class Dipole(Target):
    r"""Dipole moment μ = Σ_A Z_A R_A - tr(P r), origin at 0 (Szabo & Ostlund, sec. 3.4.7)."""

    label = "Dipole moment"
    help = "How far positive and negative charge are apart; 1 e·bohr is 2.54 debye."
    unit = "e·bohr"
    default_weight = 3e1
    axes = ("x",)
    irreps = "1o"

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        return integrals.nuclear_dipole - jnp.einsum("xpq,pq->x", integrals.r, state.density)


@TARGETS.register("polarizability")
class Polarizability(Target):
    r"""Static polarizability 4 Σ_ia ⟨i|r|a⟩⟨a|r|i⟩/(ε_a - ε_i): ∂μ/∂E of H + E·r at fixed H.

    The reference is the coupled (CPKS) one of the large basis: what the other electrons screen, and what the small
    basis cannot express, is left to factors and to the atoms, or to H itself (``--response matrix``).
    """

    label = "Polarizability"
    help = (
        "How easily an electric field shifts the electrons. Reference: coupled response in the large basis."
    )
    unit = "bohr³"
    default_weight = 1e2
    axes = ("x", "x")
    irreps = "tensor"

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        r = jnp.einsum("pi,xpq,qa->xia", state.mo_coeff, integrals.r, state.mo_coeff, optimize=True)
        occupied = state.mo_occ > 0
        pair = occupied[:, None] & (~occupied & state.mo_mask)[None, :]
        gap = jnp.where(pair, state.mo_energy[None, :] - state.mo_energy[:, None], 1.0)
        weighted = r * jnp.where(pair, 4.0 / bounded_gap(gap), 0.0)
        return jnp.einsum("xia,yia->xy", weighted, r) + self._equal_levels(state, r, pair, gap)

    @staticmethod
    def _equal_levels(state: ElectronicState, r: Array, pair: Array, gap: Array) -> Array:
        """Zero, with the derivative that degenerate levels owe one another: of 1/gap as a matrix function."""
        r, gap = jax.lax.stop_gradient((r, gap))
        slope = jax.vmap(jax.vmap(jax.grad(bounded_gap)))(gap)
        w = r * jnp.where(pair, 2.0 * jnp.sqrt(slope) / bounded_gap(gap), 0.0)
        coupling = coupling_of_equal_levels(state)
        occupied = jnp.einsum("xia,ij,yja->xy", w, coupling, w, optimize=True)
        return occupied - jnp.einsum("xia,ab,yib->xy", w, coupling, w, optimize=True)


@TARGETS.register("mulliken_charge")
class MullikenCharge(Target):
    """Mulliken charges q_A = Z_A - Σ_{μ∈A} (PS)_μμ."""

    label = "Mulliken charges"
    help = "Charge of each atom, overlap shared equally between two atoms; depends strongly on the basis."
    unit = "e"
    default_weight = 1e1
    axes = ("n_atoms",)

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        # (PS)_μμ = (S^-½ P̃ S^½)_μμ
        populations = ((integrals.inverse_root @ state.density) * integrals.root).sum(1)
        return integrals.charges - populations @ integrals.member


@TARGETS.register("lowdin_charge")
class LowdinCharge(Target):
    """Löwdin charges q_A = Z_A - Σ_{μ∈A} (S^½ P S^½)_μμ."""

    label = "Löwdin charges"
    help = "Charge of each atom in orthogonalised orbitals; depends less on the basis than Mulliken's."
    unit = "e"
    default_weight = 1e1
    axes = ("n_atoms",)

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        return integrals.charges - jnp.diagonal(state.density) @ integrals.member


@TARGETS.register("mayer_bond_order")
class MayerBondOrder(Target):
    """Mayer bond orders B_AB = Σ_{μ∈A,ν∈B} (PS)_μν (PS)_νμ between different atoms (closed shell)."""

    label = "Mayer bond orders"
    help = "Roughly the number of electron pairs that two atoms share: 1 single, 2 double, 3 triple bond."
    unit = ""
    default_weight = 1e1
    axes = ("n_atoms", "n_atoms")

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        ps = integrals.inverse_root @ state.density @ integrals.root
        return integrals.member.T @ (ps * ps.T) @ integrals.member

    def weights(self, value: np.ndarray, reduced: ReducedReference) -> np.ndarray:
        return np.triu(np.ones(np.shape(value)), 1)


@TARGETS.register("hamiltonian")
class HamiltonianMatrix(Target):
    """H̃ itself, in Löwdin orbitals: the direct target."""

    label = "Hamiltonian matrix"
    help = "Learn the matrix itself instead of what follows from it: the small-basis Fock matrix, or its projection."
    unit = "Ha"
    is_energy = True
    default_weight = 1e3
    axes = ("n_ao", "n_ao")
    band_axes = ("n_k", "n_ao", "n_ao")
    irreps = "matrix"

    def predict(self, state: ElectronicState, integrals: Integrals) -> Array:
        real = integrals.ao_mask[:, None] & integrals.ao_mask[None, :]
        return jnp.where(real, state.hamiltonian, 0.0)

    def predict_bands(self, bands: Bands, integrals: Integrals) -> Array:
        """Re H(k) + Im H(k) between atomic orbitals: one is symmetric, one antisymmetric, so that no element is lost.

        The norm of a difference is that of H(k), and its mean over the mesh that of H(T) (Parseval).
        """
        real = integrals.ao_mask[:, None] & integrals.ao_mask[None, :]
        return jnp.where(real, as_real(bands.hamiltonian), 0.0)

    def reference(self, properties: Any, reduced: ReducedReference, n_occ: int) -> np.ndarray | None:
        return None if reduced.matrix is None else as_real(reduced.matrix)

    def raw(self, properties: Any, fock: np.ndarray | None, n_occ: int) -> np.ndarray | None:
        return None if fock is None else as_real(fock)

    def weights(self, value: np.ndarray, reduced: ReducedReference) -> np.ndarray:
        if reduced.k_weights is None:
            return np.triu(np.ones(np.shape(value)))
        return np.broadcast_to(reduced.k_weights[:, None, None], np.shape(value))


def as_real(hermitian: Any) -> Any:
    """Re + Im of a Hermitian matrix; a real one stays as it is."""
    return hermitian.real + hermitian.imag


load_plugins("hamexplorer.targets")
