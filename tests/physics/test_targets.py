"""Every target: PySCF's number, finite and correct gradients, padding, rotation and order of atoms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats
from pyscf import lo

from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.integrals import Integrals, make_integrals, pad_integrals
from hamexplorer.physics.solve import solve
from hamexplorer.physics.targets import (
    DOS_GRID,
    DOS_WIDTH,
    SMALLEST_GAP,
    TARGETS,
    bounded_gap,
    sum_over_states,
)
from hamexplorer.structures.structure import Structure

#: One shape for all: benzene and a little padding, so that everything here compiles once.
N_AO, N_ATOMS = 38, 13
#: Degenerate levels at the frontier: t₂ of methane, π and π* of acetylene, e₁g and e₂u of benzene.
DEGENERATE = ["CH4", "C2H2", "C6H6"]
PLAIN = ["H2O", "CH3OH"]


def pad(hamiltonian: np.ndarray) -> np.ndarray:
    more = N_AO - len(hamiltonian)
    return np.pad(hamiltonian, ((0, more), (0, more)))


def predict(hamiltonian: Any, integrals: Integrals) -> dict[str, Any]:
    state = solve(hamiltonian, integrals)
    return {name: target.predict(state, integrals) for name, target in TARGETS.items()}


predict_compiled = jax.jit(predict)


def cut(name: str, value: Any, n_ao: int, n_atoms: int) -> np.ndarray:
    length = {"n_ao": n_ao, "n_atoms": n_atoms, "x": 3, "n_grid": len(DOS_GRID)}
    return np.asarray(value)[tuple(slice(0, length[axis]) for axis in TARGETS[name].axes)]


def predict_padded(hamiltonian: np.ndarray, integrals: Integrals) -> dict[str, np.ndarray]:
    n_ao, n_atoms = len(hamiltonian), len(integrals.charges)
    padded = pad_integrals(integrals, n_ao=N_AO, n_atoms=N_ATOMS)
    found = predict_compiled(pad(hamiltonian), padded)
    return {name: cut(name, value, n_ao, n_atoms) for name, value in found.items()}


# ---- reference: PySCF on the same matrices ---------------------------------------------------------


def in_a_field(s, field: np.ndarray) -> np.ndarray:
    """Dipole of H + E·r, by SciPy's eigensolver in atomic orbitals."""
    mol = s.mf.mol
    with mol.with_common_origin((0.0, 0.0, 0.0)):
        r = mol.intor_symmetric("int1e_r", comp=3)
    _, c = scipy.linalg.eigh(s.fock + np.einsum("x,xpq->pq", field, r), s.mf.get_ovlp())
    occupied = c[:, : mol.nelectron // 2]
    return mol.atom_charges() @ mol.atom_coords() - 2 * np.einsum("xpq,pi,qi->x", r, occupied, occupied)


def finite_field(s) -> np.ndarray:
    step = 2e-4
    return np.array([(in_a_field(s, step * e) - in_a_field(s, -step * e)) / (2 * step) for e in np.eye(3)]).T


def lowdin_by_pyscf(s) -> np.ndarray:
    back = np.linalg.inv(lo.orth.lowdin(s.mf.get_ovlp()))
    density = back @ s.density @ back.T
    return s.mf.mulliken_pop(s.mf.mol, density, np.eye(len(density)), verbose=0)[1]


def mayer_by_hand(s) -> np.ndarray:
    ps = s.density @ s.mf.get_ovlp()
    cuts = [slice(*row[2:]) for row in s.mf.mol.aoslice_by_atom()]
    return np.array([[(ps[a, b] * ps[b, a].T).sum() for b in cuts] for a in cuts])


#: PySCF has no Mayer routine and no sum over states; those two are written out above in atomic orbitals.
ORACLES: dict[str, Callable[[Any], Any]] = {
    "mo_energy": lambda s: s.mo_energy,
    "homo_lumo_gap": lambda s: (
        s.mo_energy[s.mf.mol.nelectron // 2] - s.mo_energy[s.mf.mol.nelectron // 2 - 1]
    ),
    "dos": lambda s: 2 * scipy.stats.norm.pdf(DOS_GRID[:, None], s.mo_energy, DOS_WIDTH).sum(1),
    "dipole": lambda s: s.mf.dip_moment(dm=s.density, unit="au", verbose=0),
    "polarizability": finite_field,
    "mulliken_charge": lambda s: s.mf.mulliken_pop(dm=s.density, verbose=0)[1],
    "lowdin_charge": lowdin_by_pyscf,
    "mayer_bond_order": mayer_by_hand,
    "hamiltonian": lambda s: (
        scipy.linalg.sqrtm(np.linalg.inv(s.mf.get_ovlp()))
        @ s.fock
        @ scipy.linalg.sqrtm(np.linalg.inv(s.mf.get_ovlp()))
    ),
}


@pytest.mark.parametrize("molecule", [*PLAIN, *DEGENERATE, "H2O/def2-svp"])
@pytest.mark.parametrize("name", ORACLES)
def test_target_matches_pyscf(solved, name, molecule):
    s = solved(*molecule.split("/"))
    value = predict_padded(s.hamiltonian, s.integrals)[name]
    np.testing.assert_allclose(value, ORACLES[name](s), rtol=1e-6, atol=1e-6)


def test_every_target_has_an_oracle():
    assert set(ORACLES) == set(TARGETS)


def test_dipole_of_an_ion_is_taken_at_the_coordinate_origin(solved):
    s = solved("OH", charge=-1)
    mol = s.mf.mol
    with mol.with_common_origin((0.0, 0.0, 0.0)):
        electrons = np.einsum("xpq,pq->x", mol.intor("int1e_r", comp=3), s.density)
    expected = mol.atom_charges() @ mol.atom_coords() - electrons
    found = predict_padded(s.hamiltonian, s.integrals)
    np.testing.assert_allclose(found["dipole"], expected, atol=1e-8)
    assert found["mulliken_charge"].sum() == pytest.approx(-1.0, abs=1e-8)


def test_a_molecule_without_empty_orbitals_has_no_gap():
    helium = Structure(np.array([2]), np.zeros((1, 3)))
    found = predict_padded(np.array([[-0.9]]), make_integrals(helium, "sto-3g"))
    assert found["homo_lumo_gap"] == 0.0 and np.all(found["polarizability"] == 0.0)
    np.testing.assert_allclose(found["mo_energy"], [-0.9], atol=1e-9)


@pytest.mark.parametrize("molecule", [*PLAIN, *DEGENERATE])
def test_the_sum_over_states_is_what_a_field_does(solved, molecule):
    s = solved(molecule)
    np.testing.assert_allclose(sum_over_states(s.hamiltonian, s.integrals), finite_field(s), atol=1e-5)


def test_padded_equals_unpadded(solved):
    s = solved("H2O")
    alone, padded = jax.jit(predict)(s.hamiltonian, s.integrals), predict_padded(s.hamiltonian, s.integrals)
    for name in TARGETS:
        np.testing.assert_allclose(padded[name], alone[name], atol=1e-8, err_msg=name)


def test_padding_holds_nothing_whatever_stands_in_the_matrix_there(solved, rng):
    s = solved("H2O")
    noise = rng.normal(size=(N_AO, N_AO))
    noise[:7, :7] = s.hamiltonian
    padded = pad_integrals(s.integrals, n_ao=N_AO, n_atoms=N_ATOMS)
    clean, noisy = predict_compiled(pad(s.hamiltonian), padded), predict_compiled(noise, padded)
    for name in TARGETS:
        np.testing.assert_allclose(noisy[name], clean[name], atol=1e-8, err_msg=name)
        inside = np.zeros(np.shape(clean[name]), dtype=bool)
        lengths = {"n_ao": 7, "n_atoms": 3, "x": 3, "n_grid": len(DOS_GRID)}
        inside[tuple(slice(0, lengths[axis]) for axis in TARGETS[name].axes)] = True
        assert not np.asarray(clean[name])[~inside].any(), name


# ---- gradient --------------------------------------------------------------------------------------


def scalars(hamiltonian: Any, integrals: Integrals, directions: dict[str, Any]) -> Any:
    """One smooth number a target: a function of the set of levels, a random component of everything else.

    A single level of a degenerate set has no derivative; their sum, or any symmetric function, has.
    """
    found = predict(hamiltonian, integrals)
    return jnp.stack(
        [
            jnp.sin(value).sum() if TARGETS[name].axes == ("n_ao",) else (value * directions[name]).sum()
            for name, value in found.items()
        ]
    )


value_of = jax.jit(scalars)
gradient_of = jax.jit(jax.jacrev(scalars))


def directions_for(rng) -> dict[str, np.ndarray]:
    shapes = {"n_ao": N_AO, "n_atoms": N_ATOMS, "x": 3, "n_grid": len(DOS_GRID)}
    return {name: rng.normal(size=tuple(shapes[a] for a in t.axes)) for name, t in TARGETS.items()}


def check_against_central_differences(
    s, perturbation: np.ndarray, rng, left_out: tuple[str, ...] = ()
) -> None:
    """Derivatives of every target along a Hermitian change of H̃."""
    integrals = pad_integrals(s.integrals, n_ao=N_AO, n_atoms=N_ATOMS)
    directions, step = directions_for(rng), 2e-5
    h, v = pad(s.hamiltonian), pad(perturbation)
    gradient = np.asarray(gradient_of(h, integrals, directions))
    assert np.isfinite(gradient).all()
    plus, minus = (np.asarray(value_of(h + sign * step * v, integrals, directions)) for sign in (1, -1))
    for name, analytic, numeric in zip(
        TARGETS, np.einsum("tpq,pq->t", gradient, v), (plus - minus) / (2 * step), strict=True
    ):
        if name not in left_out:
            assert analytic == pytest.approx(numeric, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("molecule", [*PLAIN, *DEGENERATE])
def test_gradients_agree_with_central_differences(solved, molecule, rng):
    s = solved(molecule)
    v = rng.normal(size=s.hamiltonian.shape)
    # The highest of three equal levels has no derivative along a change that splits them.
    left_out = ("homo_lumo_gap",) if molecule in DEGENERATE else ()
    check_against_central_differences(s, (v + v.T) / np.sqrt(len(v)), rng, left_out)


@pytest.mark.parametrize("molecule", DEGENERATE)
def test_gradients_along_a_change_that_keeps_the_symmetry(solved, molecule, rng):
    """The kinetic energy has the molecule's symmetry: degenerate levels stay so, and the gap is smooth."""
    s = solved(molecule)
    x = s.integrals.inverse_root
    check_against_central_differences(s, x @ s.mf.mol.intor("int1e_kin") @ x, rng)


@pytest.mark.parametrize("size", 10.0 ** np.arange(-12, -3, 1.0))
def test_gradients_hold_from_equal_to_split_levels(solved, rng, size):
    """Splittings on both sides of the threshold at which PySCFAD leaves couplings out."""
    s = solved("CH4")
    v, w = rng.normal(size=(2, *s.hamiltonian.shape))
    nearly = s._replace(hamiltonian=s.hamiltonian + size * (v + v.T))
    check_against_central_differences(nearly, (w + w.T) / np.sqrt(len(w)), rng, ("homo_lumo_gap",))


# ---- symmetry --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def methanol(solved):
    s = solved("CH3OH")
    return s.structure, _properties(s.structure)


def _properties(structure: Structure) -> dict[str, np.ndarray]:
    hamiltonian = BASELINES["sap"].matrix(structure, "sto-3g")
    return predict_padded(hamiltonian, make_integrals(structure, "sto-3g"))


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("inverted", [False, True])
def test_every_target_rotates_by_its_irreps(methanol, rotation, name, inverted):
    structure, before = methanol
    turn = -rotation if inverted else rotation
    after = _properties(structure.moved(structure.positions @ turn.T))
    expected, found = before[name], after[name]
    match TARGETS[name].irreps:
        case "1o":
            expected = turn @ expected
        case "tensor":
            expected = turn @ expected @ turn.T
        case "matrix":
            expected, found = np.linalg.eigvalsh(expected), np.linalg.eigvalsh(found)
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_follows_the_order_of_atoms(methanol, name):
    structure, before = methanol
    order = np.array([3, 0, 5, 1, 4, 2])
    after = _properties(Structure(structure.numbers[order], structure.positions[order]))
    expected, found = before[name], after[name]
    for axis, kind in enumerate(TARGETS[name].axes):
        if kind == "n_atoms":
            expected = np.take(expected, order, axis)
    if TARGETS[name].irreps == "matrix":
        expected, found = np.linalg.eigvalsh(expected), np.linalg.eigvalsh(found)
    np.testing.assert_allclose(found, expected, atol=1e-7)


# ---- what people and losses are told ---------------------------------------------------------------


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_describes_itself(name):
    target = TARGETS[name]
    assert target.name == name and target.label and target.help and target.default_weight > 0
    assert target.unit in ("Ha", "1/Ha", "e·bohr", "bohr³", "e", "") and target.is_energy == (
        target.unit == "Ha"
    )
    assert target.irreps in ("0e", "1o", "tensor", "matrix")


# ---- the gap that never closes ---------------------------------------------------------------------


def test_bounded_gap_is_the_gap_where_it_is_open():
    open_gaps = jnp.linspace(SMALLEST_GAP, 3.0, 50)
    np.testing.assert_array_equal(bounded_gap(open_gaps), open_gaps)


def test_bounded_gap_stays_positive_rises_and_has_no_kink():
    gaps = jnp.linspace(-2.0, 0.1, 4001)
    values, slopes = bounded_gap(gaps), jax.vmap(jax.grad(bounded_gap))(gaps)
    assert (np.asarray(values) > 0).all() and (np.asarray(slopes) > 0).all()
    # Slope 1 from both sides of the join; nowhere does it change by more than a step of a smooth curve.
    assert np.abs(np.diff(slopes)).max() < 2 * (gaps[1] - gaps[0]) / SMALLEST_GAP * 1.05
    just = jnp.array([SMALLEST_GAP - 1e-9, SMALLEST_GAP + 1e-9])
    np.testing.assert_allclose(jax.vmap(jax.grad(bounded_gap))(just), 1.0, atol=1e-6)


def test_polarizability_stays_finite_when_the_gap_closes():
    """Two hydrogens whose levels cross: large, finite, and with a gradient that is finite too."""
    h2 = Structure(np.array([1, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]))
    integrals = pad_integrals(make_integrals(h2, "sto-3g"), n_ao=N_AO, n_atoms=N_ATOMS)
    directions = directions_for(np.random.default_rng(0))
    previous = 0.0
    for coupling in (-0.3, -0.03, -0.003, -1e-6):
        h = pad(np.array([[-0.5, coupling], [coupling, -0.5]]))
        alpha = float(predict_compiled(h, integrals)["polarizability"][2, 2])
        assert previous < alpha < 1e4
        assert np.isfinite(gradient_of(h, integrals, directions)).all()
        previous = alpha
