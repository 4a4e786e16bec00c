"""GFN1-xTB before self-consistency: matrices are tblite's, element by element, and Ewald's sums are Madelung's."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from ase.build import molecule

from hamexplorer.basis.layout import standard_m_order
from hamexplorer.errors import BasisError
from hamexplorer.physics.bloch import bloch_sum
from hamexplorer.physics.xtb import distances, gfn1_hamiltonian, gfn1_shells, lattice_cells
from hamexplorer.physics.xtb_coulomb import ewald, gamma
from hamexplorer.physics.xtb_parameters import shells_of
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyethylene, distorted
from hamexplorer.structures.structure import Structure

#: Between them s, p and d shells, hydrogen's second s, images of one atom, and pairs with a factor of their own.
STRUCTURES = {
    "silane": Structure.from_ase(molecule("SiH4")),
    "methylamine": Structure.from_ase(molecule("H3CNH2")),
    "polyethylene": distorted(build_polyethylene(), n=1, amplitude=0.1, strain=0.03)[0],
    "hexagonal BN": distorted(build_layer("BN", 2.5), n=1, amplitude=0.1, strain=0.03)[0],
    "silicon": distorted(build_bulk("Si"), n=1, amplitude=0.1, strain=0.03)[0],
}


def in_tblites_order(structure: Structure) -> np.ndarray:
    """Places of our orbitals in the order of tblite, which has m = -l … l in every shell."""
    shells = shells_of(structure)[0]
    starts = np.concatenate([[0], np.cumsum(2 * shells.l + 1)])
    return np.concatenate([start + standard_m_order(l) for start, l in zip(starts, shells.l, strict=False)])


@pytest.mark.parametrize("name", STRUCTURES)
def test_matrices_are_tblites(name):
    """Of crystals at Γ, which is all that tblite has; its elementwise agreement also tells the order of orbitals."""
    interface, structure = importlib.import_module("tblite.interface"), STRUCTURES[name]
    calculator = interface.Calculator(
        "GFN1-xTB", structure.numbers, structure.positions, lattice=structure.cell,
        periodic=None if structure.cell is None else np.array(structure.pbc),
    )  # fmt: skip
    calculator.set("save-integrals", 1)
    calculator.set("verbosity", 0)
    theirs = calculator.singlepoint()
    _, h0, overlap = gfn1_hamiltonian(structure)
    order = np.ix_(*[in_tblites_order(structure)] * 2)
    np.testing.assert_allclose(overlap.sum(0)[order], theirs.get("overlap-matrix"), atol=1e-8)
    np.testing.assert_allclose(h0.sum(0)[order], theirs.get("hamiltonian-matrix"), atol=1e-6)


@pytest.mark.parametrize("name", STRUCTURES)
def test_matrices_are_hermitian_at_every_k(name, rng):
    structure = STRUCTURES[name]
    cells, *both = gfn1_hamiltonian(structure)
    np.testing.assert_array_equal(cells[::-1], -cells)
    k = rng.normal(size=(2, 3))
    for matrices in both:
        np.testing.assert_allclose(matrices[::-1].swapaxes(1, 2), matrices, atol=1e-14)
        at_k, back = (bloch_sum(matrices, cells, points) for points in (k, -k))
        np.testing.assert_allclose(at_k, at_k.conj().swapaxes(1, 2), atol=1e-12)
        np.testing.assert_allclose(at_k, back.conj(), atol=1e-12)
    assert len(cells) == 1 or not cells[:, ~np.array(structure.pbc)].any()


def test_a_cell_that_is_moved_in_space_has_the_same_levels(rotation):
    one = STRUCTURES["silicon"]
    other = Structure(one.numbers, one.positions @ rotation.T + 1.0, cell=one.cell @ rotation.T, pbc=one.pbc)
    found = []
    for structure in (one, other):
        cells, h0, overlap = gfn1_hamiltonian(structure)
        h_k, s_k = (bloch_sum(m, cells, np.array([[0.1, 0.2, 0.4]]))[0] for m in (h0, overlap))
        found.append(np.linalg.eigvals(np.linalg.solve(s_k, h_k)).real)
    np.testing.assert_allclose(np.sort(found[0]), np.sort(found[1]), atol=1e-8)


@pytest.mark.parametrize(
    ("number", "shells"),
    [
        (1, ((1, 0), (2, 0))),
        (6, ((2, 0), (2, 1))),
        (14, ((3, 0), (3, 1), (3, 2))),
        (26, ((4, 0), (4, 1), (3, 2))),
        (30, ((4, 0), (4, 1))),
    ],
)
def test_the_shells_of_an_element(number, shells):
    assert gfn1_shells(number) == shells


def test_an_element_without_parameters_is_told():
    uranium = Structure(np.array([92]), np.zeros((1, 3)))
    with pytest.raises(BasisError, match="GFN1-xTB has no parameters for U; leave out structures with U, or"):
        gfn1_hamiltonian(uranium)


def test_cells_within_reach_are_all_there_are(rng):
    """Of a skewed cell, against a box in which everything is looked at."""
    cell = np.eye(3) * 3 + rng.normal(size=(3, 3))
    positions = rng.normal(size=(2, 3)) * 2
    box = np.stack(np.meshgrid(*[np.arange(-12, 13)] * 3, indexing="ij"), -1).reshape(-1, 3)
    near = box[(distances(positions, cell, box) < 11.0).any((1, 2))]
    assert np.abs(near).max() < 12
    np.testing.assert_array_equal(lattice_cells(positions, cell, (True,) * 3, 11.0), near)
    layer = lattice_cells(positions, cell, (True, False, True), 11.0)
    np.testing.assert_array_equal(layer, near[near[:, 1] == 0])


@pytest.mark.parametrize(
    ("kind", "cell", "second", "constant"),
    [
        ("NaCl", [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], [1.0, 0.0, 0.0], 1.747564594633),
        ("CsCl", np.eye(3) * 2 / np.sqrt(3), [1 / np.sqrt(3)] * 3, 1.762674773071),
    ],
)
def test_point_charges_give_madelungs_constant(kind, cell, second, constant):
    """Kittel, *Introduction to Solid State Physics*, ch. 3; the nearest neighbours are 1 bohr apart."""
    interaction = ewald(np.array([np.zeros(3), second]), np.array(cell))
    charges = np.array([1.0, -1.0])
    assert charges @ interaction @ charges / 2 == pytest.approx(-constant, abs=1e-10)


def test_charges_far_apart_interact_as_in_a_molecule():
    """In a cube of 400 bohr a neutral molecule hardly sees its images."""
    water = Structure.from_ase(molecule("H2O"))
    crystal = Structure(water.numbers, water.positions, cell=400 * np.eye(3), pbc=(True,) * 3)
    charges = np.array([-0.5, 0.1, 0.2, 0.05, 0.1, 0.05])[: len(gamma(water))]
    charges = charges - charges.mean()
    np.testing.assert_allclose(*(charges @ gamma(s) @ charges for s in (water, crystal)), atol=1e-6)
