"""Paths through the Brillouin zone: textbook points, even steps, jumps, and the same path for distorted cells."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.errors import StructureError
from hamexplorer.structures.crystals import (
    build_bulk,
    build_layer,
    build_polyacetylene,
    distorted,
    supercell,
)
from hamexplorer.structures.paths import KPath, reciprocal, standard_path
from hamexplorer.structures.structure import Structure


def corners_of(path: KPath) -> dict[str, np.ndarray]:
    return {label: path.points[place] for place, label in path.corners}


def test_reciprocal_vectors_are_dual_to_the_cell():
    cell = build_bulk("Si").cell
    np.testing.assert_allclose(reciprocal(cell) @ cell.T, 2 * np.pi * np.eye(3), atol=1e-12)


def test_the_cubic_face_centred_path_is_a_textbooks():
    """|Γ-X| = 2π/a and |Γ-L| = √3 π/a; from U the path jumps to K (Setyawan & Curtarolo, 2010, and HPKOT alike)."""
    silicon = build_bulk("Si")
    path, a = standard_path(silicon), np.sqrt(2) * np.linalg.norm(silicon.cell[0])
    assert [label for _, label in path.ticks(silicon.cell)] == ["Γ", "X", "U|K", "Γ", "L", "W", "X"]
    length = {name: np.linalg.norm(k @ reciprocal(silicon.cell)) for name, k in corners_of(path).items()}
    assert length["X"] == pytest.approx(2 * np.pi / a) and length["L"] == pytest.approx(
        np.sqrt(3) * np.pi / a
    )
    assert len(path.starts) == 2 and "HPKOT" in path.convention


def test_a_jump_has_no_length_and_everything_else_has():
    silicon = build_bulk("Si")
    path = standard_path(silicon)
    steps = np.diff(path.distance(silicon.cell))
    assert steps[path.starts[1] - 1] == 0.0 and (np.delete(steps, path.starts[1] - 1) > 0).all()


def test_the_hexagonal_path_ends_where_the_dirac_point_is():
    layer = build_layer()
    corners = corners_of(standard_path(layer))
    b = reciprocal(layer.cell)
    assert list(corners) == ["Γ", "M", "K"]
    # |K| = 4π/3a, |M| = 2π/√3a (Castro Neto et al., Rev. Mod. Phys. 81, 109, 2009).
    a = np.linalg.norm(layer.cell[0])
    assert np.linalg.norm(corners["K"] @ b) == pytest.approx(4 * np.pi / (3 * a))
    assert np.linalg.norm(corners["M"] @ b) == pytest.approx(2 * np.pi / (np.sqrt(3) * a))
    assert all(k[2] == 0 for k in corners.values())


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_layer_may_lie_across_any_axis(axis):
    order = np.roll([0, 1, 2], axis + 1)
    layer = build_layer()
    turned = Structure(
        layer.numbers, layer.positions, cell=layer.cell[order], pbc=tuple(np.array(layer.pbc)[order])
    )
    path = standard_path(turned)
    assert list(corners_of(path)) == ["Γ", "M", "K"]
    assert not path.points[:, turned.pbc.index(False)].any()


def test_a_chain_goes_to_its_zone_boundary():
    path = standard_path(build_polyacetylene(), n_points=11)
    np.testing.assert_allclose(path.points, np.linspace(0, 0.5, 11)[:, None] * [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("parent", [build_layer(), build_bulk("Si")], ids=["layer", "bulk"])
def test_distorted_cells_share_their_parents_path(parent):
    wanted = [label for _, label in standard_path(parent).ticks(parent.cell)]
    for cell in distorted(parent, n=10, amplitude=0.05, strain=0.01, seed=4):
        assert [label for _, label in standard_path(cell).ticks(cell.cell)] == wanted


def test_a_supercell_follows_its_primitive_cells_path():
    silicon = build_bulk("Si")
    double = supercell(silicon, (2, 1, 1))
    one, two = (corners_of(standard_path(s)) for s in (silicon, double))
    for label, k in one.items():
        length = np.linalg.norm(k @ reciprocal(silicon.cell))
        assert np.linalg.norm(two[label] @ reciprocal(double.cell)) == pytest.approx(length)


def test_a_molecule_has_no_path():
    water = Structure(np.array([8, 1, 1]), np.array([[0.0, 0, 0], [1.8, 0, 0], [0, 1.8, 0]]), name="water")
    with pytest.raises(StructureError, match="water does not repeat, so it has no bands; give a crystal"):
        standard_path(water)
