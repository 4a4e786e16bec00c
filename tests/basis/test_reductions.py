"""Every reduction gives levels, weights and matrices that fit together; wrong input gets a sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from hamexplorer.basis.reductions import REDUCTIONS, SmallAndLarge, n_core_orbitals
from hamexplorer.errors import SettingsError
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.units import HARTREE_EV


@dataclass
class Choice:
    n_virtual: int = 2
    window_low: float = -20.0
    window_high: float = 5.0


@pytest.fixture(scope="module")
def references():
    return read_dataset("small-molecules").subset(range(0, 90, 30)).references


def pair_of(ref) -> SmallAndLarge:
    fock = np.diag(ref.small.mo_energy)
    return SmallAndLarge(
        ref.structure.numbers, ref.n_occ, ref.small.mo_energy, ref.large.mo_energy, fock, ref.iao_fock
    )


@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_fits_the_small_matrix(name, references):
    for ref in references:
        reduced = REDUCTIONS[name].reduce(pair_of(ref), Choice())
        n = len(ref.small.mo_energy)
        assert reduced.levels.shape == reduced.weights.shape == (n,)
        assert reduced.matrix.shape == reduced.start.shape == (n, n)
        assert np.isfinite(reduced.levels).all() and (np.diff(reduced.levels) >= 0).all()
        assert set(reduced.weights) <= {0.0, 1.0} and reduced.weights.any()
        np.testing.assert_allclose(reduced.matrix, reduced.matrix.T, atol=1e-10)
        # Whatever the reduction: the occupied levels aimed at are those of the large basis.
        np.testing.assert_allclose(
            reduced.levels[: ref.n_occ], ref.large.mo_energy[: ref.n_occ], rtol=0, atol=1e-7
        )


@pytest.mark.parametrize("name", REDUCTIONS)
def test_every_reduction_describes_itself(name):
    entry = REDUCTIONS[name]
    assert entry.name == name and entry.label and entry.help.endswith(".")


def test_lowest_n_takes_all_and_occupied_virtual_the_first(references):
    ref = references[-1]
    pair, n = pair_of(ref), len(ref.small.mo_energy)
    assert REDUCTIONS["lowest_n"].reduce(pair, Choice()).weights.sum() == n
    weights = REDUCTIONS["occupied_virtual"].reduce(pair, Choice(n_virtual=1)).weights
    np.testing.assert_array_equal(np.flatnonzero(weights), np.arange(ref.n_occ + 1))
    # More empty levels than there are: all of them, no error.
    assert REDUCTIONS["occupied_virtual"].reduce(pair, Choice(n_virtual=50)).weights.sum() == n


def test_window_counts_reference_energies_in_electronvolts(references):
    for ref in references:
        reduced = REDUCTIONS["window"].reduce(pair_of(ref), Choice())
        inside = [-20.0 <= e * HARTREE_EV <= 5.0 for e in reduced.levels]
        np.testing.assert_array_equal(reduced.weights.astype(bool), inside)


def test_an_empty_window_is_refused(references):
    with pytest.raises(SettingsError, match=r"from 5 to -20 eV is empty; its lower end"):
        REDUCTIONS["window"].reduce(pair_of(references[0]), Choice(window_low=5.0, window_high=-20.0))


def test_valence_leaves_out_one_core_level_a_heavy_atom(references):
    for ref in references:
        weights = REDUCTIONS["valence"].reduce(pair_of(ref), Choice()).weights
        n_core = int((ref.structure.numbers > 2).sum())
        np.testing.assert_array_equal(weights, np.arange(len(weights)) >= n_core)


@pytest.mark.parametrize(
    ("numbers", "core"),
    [([1, 1], 0), ([2], 0), ([6, 1, 1, 1, 1], 1), ([11, 17], 10), ([35, 1], 9), ([53, 1], 18)],
)
def test_core_orbitals_are_the_noble_gas_below(numbers, core):
    """Counted by hand: helium's for C, neon's for Na and Cl, argon's for Br, krypton's for I."""
    assert n_core_orbitals(np.array(numbers)) == core


def test_intrinsic_projection_keeps_occupied_levels_exactly(references):
    for ref in references:
        levels = REDUCTIONS["iao"].reduce(pair_of(ref), Choice()).levels
        np.testing.assert_allclose(levels[: ref.n_occ], ref.large.mo_energy[: ref.n_occ], rtol=0, atol=1e-8)
        # Its empty levels are valence antibonding ones, above the large basis' lowest (MacDonald's theorem).
        n = len(levels)
        assert (levels >= ref.large.mo_energy[:n] - 1e-8).all()


def test_a_missing_projection_is_told(references):
    pair = pair_of(references[0])._replace(iao_fock=None)
    with pytest.raises(SettingsError, match="no intrinsic-orbital projection; choose another reduction"):
        REDUCTIONS["iao"].reduce(pair, Choice())
    # The others do without it: the small basis' own matrix is then the best start there is.
    assert REDUCTIONS["lowest_n"].reduce(pair, Choice()).start is None


def test_a_large_basis_that_is_too_small_is_told(references):
    pair = pair_of(references[0])
    with pytest.raises(
        SettingsError, match=r"has 1 levels, fewer than the .* choose a larger reference basis"
    ):
        REDUCTIONS["lowest_n"].reduce(pair._replace(large_energy=pair.large_energy[:1]), Choice())


def test_a_misspelt_reduction_gets_the_nearest_name():
    with pytest.raises(SettingsError, match="did you mean 'valence'"):
        REDUCTIONS["valance"]


def test_settings_reach_the_reduction(references):
    wide, narrow = Choice(n_virtual=3), replace(Choice(), n_virtual=0)
    counts = [
        REDUCTIONS["occupied_virtual"].reduce(pair_of(references[-1]), c).weights.sum()
        for c in (wide, narrow)
    ]
    assert counts == [references[-1].n_occ + 3, references[-1].n_occ]
