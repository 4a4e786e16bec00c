"""How a large-basis calculation becomes the target of a small Hamiltonian.

A reduction says which levels of the large calculation the levels of the small matrix are matched to, with which
weight, and which matrix a direct (matrix) target or the closed-form start aims at.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from hamexplorer._plugins import load_plugins
from hamexplorer._registry import Registry
from hamexplorer.errors import SettingsError
from hamexplorer.units import HARTREE_EV


class ReducedReference(NamedTuple):
    """What the small Hamiltonian should reproduce.

    Attributes:
        levels: reference energies for the small matrix' ascending levels, shape (n_ao,), of a crystal (n_k, n_ao), Ha.
        weights: 1 for a matched level, 0 for one left alone, same shape; of a crystal times the k-point's share.
        matrix: H̃ in Löwdin orbitals that a direct target learns, shape (n_ao, n_ao), Ha, or None where the file
            lacks it.
        start: the matrix whose orbitals a closed-form start begins with, or None.
        k_weights: shares of a crystal's k-points, sum 1, shape (n_k,); None for a molecule.
    """

    levels: np.ndarray
    weights: np.ndarray
    matrix: np.ndarray | None
    start: np.ndarray | None = None
    k_weights: np.ndarray | None = None


class LevelChoice(Protocol):
    """The settings that some reductions read; all energies in eV."""

    @property
    def n_virtual(self) -> int: ...

    @property
    def window_low(self) -> float: ...

    @property
    def window_high(self) -> float: ...


class SmallAndLarge(NamedTuple):
    """The two calculations of one molecule or crystal, as far as a reduction needs them.

    Attributes:
        numbers: atomic numbers.
        n_occ: doubly occupied orbitals.
        small_energy, large_energy: ascending levels, of a crystal (n_k, n_bands), Ha.
        fock: small-basis Fock matrix in Löwdin orbitals, or None.
        iao_fock: large-basis Fock matrix projected on orthogonal intrinsic atomic orbitals, or None.
        n_core: core levels; None for those of the elements, 0 with pseudopotentials.
        zero: what an energy window counts from, Ha: the Fermi level of a crystal, whose absolute zero means little.
    """

    numbers: np.ndarray
    n_occ: int
    small_energy: np.ndarray
    large_energy: np.ndarray
    fock: np.ndarray | None
    iao_fock: np.ndarray | None
    n_core: int | None = None
    zero: float = 0.0

    @property
    def core(self) -> int:
        """Core levels among the occupied ones."""
        return n_core_orbitals(self.numbers) if self.n_core is None else self.n_core


#: Closed shells below the valence: up to this atomic number, so many doubly occupied core orbitals.
_CORE = ((2, 0), (10, 1), (18, 5), (36, 9), (54, 18), (86, 27))


def n_core_orbitals(numbers: np.ndarray) -> int:
    """Doubly occupied core orbitals of a molecule: none for H and He, one an atom for Li-Ne, five for Na-Ar, …"""
    return sum(next(core for last, core in _CORE if z <= last) for z in np.asarray(numbers).tolist())


class Reduction:
    """Base: match the lowest levels, all with equal weight; subclasses choose among them."""

    name = ""
    label = ""
    help = ""

    def reduce(self, pair: SmallAndLarge, choice: LevelChoice) -> ReducedReference:
        n = pair.small_energy.shape[-1]
        if pair.large_energy.shape[-1] < n:
            raise SettingsError(
                f"the large basis has {pair.large_energy.shape[-1]} levels, fewer than the {n} of the small one; "
                f"choose a larger reference basis"
            )
        levels = pair.large_energy[..., :n]
        # The projected matrix has the large basis' occupied orbitals: a better beginning than the small basis'.
        return ReducedReference(levels, self.weights(pair, choice).astype(float), pair.fock, pair.iao_fock)

    def weights(self, pair: SmallAndLarge, choice: LevelChoice) -> np.ndarray:
        return np.ones(pair.small_energy.shape)


REDUCTIONS: Registry[Reduction] = Registry("reduction")


@REDUCTIONS.register("lowest_n")
class LowestN(Reduction):
    """The paper's choice (Suman et al. 2025): as many of the lowest large-basis levels as there are small ones."""

    label = "Lowest n levels (paper)"
    help = "Match every level of the small basis to the large basis' level of the same number, core included."


@REDUCTIONS.register("occupied_virtual")
class OccupiedVirtual(Reduction):
    """All occupied levels and the lowest few empty ones."""

    label = "Occupied + m empty levels"
    help = "Match the occupied levels and the lowest m empty ones; higher levels are left free."

    def weights(self, pair: SmallAndLarge, choice: LevelChoice) -> np.ndarray:
        chosen = np.arange(pair.small_energy.shape[-1]) < pair.n_occ + choice.n_virtual
        return np.broadcast_to(chosen, pair.small_energy.shape)


@REDUCTIONS.register("window")
class EnergyWindow(Reduction):
    """Levels whose reference energy lies between two bounds."""

    label = "Energy window"
    help = "Match the levels whose reference energy lies in a window; the rest is left free."

    def weights(self, pair: SmallAndLarge, choice: LevelChoice) -> np.ndarray:
        if choice.window_low >= choice.window_high:
            raise SettingsError(
                f"the energy window from {choice.window_low:g} to {choice.window_high:g} eV is empty; "
                f"its lower end must lie below its upper end"
            )
        energy = (pair.large_energy[..., : pair.small_energy.shape[-1]] - pair.zero) * HARTREE_EV
        return (energy >= choice.window_low) & (energy <= choice.window_high)


@REDUCTIONS.register("valence")
class Valence(Reduction):
    """Everything but the core levels."""

    label = "Valence only"
    help = "Leave out the core levels, which chemistry hardly moves; match all others in order."

    def weights(self, pair: SmallAndLarge, choice: LevelChoice) -> np.ndarray:
        chosen = np.arange(pair.small_energy.shape[-1]) >= pair.core
        return np.broadcast_to(chosen, pair.small_energy.shape)


@REDUCTIONS.register("iao")
class IntrinsicProjection(Reduction):
    """The large-basis Fock matrix on intrinsic atomic orbitals (Knizia, JCTC 9, 4834, 2013).

    Occupied energies are those of the large basis exactly; the empty ones are the valence antibonding levels,
    not the large basis' lowest.
    """

    label = "Projection on intrinsic orbitals (IAO)"
    help = "Project the large calculation on a minimal set of polarized atomic orbitals: occupied levels stay exact."

    def reduce(self, pair: SmallAndLarge, choice: LevelChoice) -> ReducedReference:
        if pair.iao_fock is None:
            raise SettingsError(
                "this dataset has no intrinsic-orbital projection; choose another reduction, or compute the "
                "references with `hamexplorer reference`, which stores it"
            )
        levels = np.linalg.eigvalsh(pair.iao_fock)
        return ReducedReference(levels, np.ones(len(levels)), pair.iao_fock, pair.iao_fock)


load_plugins("hamexplorer.reductions")
