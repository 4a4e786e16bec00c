import re
from types import SimpleNamespace

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read

from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, supercell
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM
from hamexplorer.views._nglview import front_end_version, import_nglview
from hamexplorer.views.camera import crystal_camera, orientation
from hamexplorer.views.cells import MAX_SHOWN, Copies, cell_edges, copies_of, with_copies
from hamexplorer.views.charges import charge_colors, charge_legend, charge_range
from hamexplorer.views.structure_view import StructureView, pdb_text


@pytest.fixture(scope="module")
def view() -> StructureView:
    return StructureView()


def some(name: str) -> Structure:
    return Structure.from_ase(molecule(name), name=name)


def calls(view: StructureView) -> list[str]:
    return [message["methodName"] for message in view.widget._ngl_msg_archive]


def test_page_that_is_given_another_structure_while_it_comes_gets_all_in_order(monkeypatch):
    view, sent = StructureView(), []
    monkeypatch.setattr(view.widget, "_remote_call_thread", SimpleNamespace(q=sent))
    view.show(some("CH3CHO"))
    view.widget.loaded = True
    view.show(some("C2H2"))
    asked = [(call._method_name, str(call._ngl_msg["args"]).count("HETATM")) for call in sent]
    order = [found for found in asked if found[0] in ("loadFile", "removeComponent")]
    assert order == [("loadFile", 7), ("removeComponent", 0), ("loadFile", 4)]


def test_nglview_asks_for_the_front_end_that_is_installed():
    assert import_nglview().NGLWidget._view_module_version.default_value == front_end_version()


@pytest.mark.parametrize("name", ["CH4", "C6H6", "CH3Cl", "SiH4"])
def test_positions_and_elements_survive_the_text(name, tmp_path):
    structure = some(name)
    tilted = structure.moved(
        structure.positions @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0] + 5
    )
    path = tmp_path / "molecule.pdb"
    path.write_text(pdb_text(tilted))
    atoms = read(path)
    np.testing.assert_allclose(atoms.positions, tilted.positions_angstrom, atol=6e-4)
    assert atoms.get_chemical_symbols() == list(tilted.symbols)
    assert not atoms.pbc.any()


def test_one_widget_shows_one_structure_after_the_other(view):
    widget = view.widget
    for name in ("CH4", "C2H6", "C6H6"):
        view.show(some(name))
        assert len(widget._ngl_component_ids) == 1
    assert view.widget is widget
    assert view.legend == ()
    view.show(None)
    assert widget._ngl_component_ids == []


def test_showing_the_same_again_does_nothing(view):
    view.show(some("CH4"))
    (shown,) = view.widget._ngl_component_ids
    view.show(some("CH4"))
    assert view.widget._ngl_component_ids == [shown]


def test_charges_colour_the_atoms_on_a_symmetric_scale(view):
    charges = np.array([-0.4312, 0.2156, 0.2156])
    view.show(some("H2O"), charges=charges)
    assert len(view.legend) == 5
    (message,) = [m for m in view.widget._ngl_msg_archive if m["methodName"] == "addRepresentation"][-1:]
    assert message["kwargs"]["colorScheme"] == "bfactor"
    assert message["kwargs"]["colorDomain"] == [-50, 50]
    lines = [line for line in pdb_text(some("H2O"), charges).splitlines() if line.startswith("HETATM")]
    np.testing.assert_allclose([float(line[60:66]) / 100 for line in lines], charges)
    view.show(some("H2O"))
    assert view.legend == ()


def test_dark_changes_the_background(view):
    view.set_dark(True)
    assert view.widget.background == "#111111"
    view.set_dark(False)
    assert view.widget.background == "#ffffff"
    view.resize()


def test_colours_of_charges_are_symmetric_and_the_legend_says_their_values():
    assert charge_range(np.array([-0.52, 0.1])) == 0.6
    assert charge_range(np.zeros(3)) == 0.1
    assert charge_range(np.array([])) == 0.1
    negative, neutral, positive = charge_colors(np.array([-0.6, 0.0, 0.9]), 0.6)
    assert (negative, neutral, positive) == ("#ca0020", "#f0f0f0", "#0571b0")
    legend = charge_legend(0.6)
    assert [entry.label for entry in legend] == ["−0.60 e", "−0.30 e", "0", "+0.30 e", "+0.60 e"]
    assert all(re.fullmatch("#[0-9a-f]{6}", entry.color) for entry in legend)


@pytest.mark.parametrize("name", ["C2H2", "CH4", "C6H6", "H2O"])
def test_the_camera_looks_at_the_broadest_side(name):
    positions = some(name).positions
    turn = orientation(positions)[:3, :3] / 50
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)
    spread = ((positions - positions.mean(0)) @ turn.T).std(0)
    assert spread[0] >= spread[1] - 1e-9
    assert spread[1] >= spread[2] - 1e-9


# -- crystals ---

CRYSTAL = {"bulk": build_bulk("Si"), "layer": build_layer(), "chain": build_polyacetylene()}


@pytest.mark.parametrize(("name", "n_edges"), [("bulk", 12), ("layer", 4), ("chain", 1)])
def test_edges_join_the_corners_of_what_repeats(name, n_edges):
    crystal = CRYSTAL[name]
    edges = cell_edges(crystal)
    assert len(edges) == n_edges == len({tuple(np.round(np.sort(edge, 0).ravel(), 6)) for edge in edges})
    cell = crystal.cell * BOHR_ANGSTROM
    vectors = edges[:, 1] - edges[:, 0]
    for axis in range(3):
        same = np.isclose(vectors, cell[axis], atol=1e-9).all(1).sum()
        assert same == (n_edges // sum(crystal.pbc) if crystal.pbc[axis] else 0)


@pytest.mark.parametrize("name", ["layer", "chain"])
def test_edges_lie_in_the_middle_of_the_atoms_where_nothing_repeats(name):
    crystal = CRYSTAL[name]
    across = ~np.array(crystal.pbc)
    places = cell_edges(crystal)[:, :, across]
    positions = crystal.positions_angstrom[:, across]
    np.testing.assert_allclose(places - (positions.min(0) + positions.max(0)) / 2, 0, atol=1e-9)


def test_a_molecule_has_no_edges_and_no_copies():
    assert cell_edges(some("H2O")).shape == (0, 2, 3)
    assert copies_of(some("H2O")) == copies_of(None) == (Copies(),)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("bulk", ["one", "2×2×2", "3×3×1", "3×3×3"]),
        ("layer", ["one", "2×2×1", "3×3×1"]),
        ("chain", ["one", "2×1×1", "3×1×1"]),
    ],
)
def test_copies_are_offered_along_what_repeats_only(name, labels):
    assert [copies.label for copies in copies_of(CRYSTAL[name])] == labels


def test_more_atoms_than_a_browser_turns_are_not_offered():
    large = supercell(build_bulk("Si"), (4, 4, 4))
    assert [copies.label for copies in copies_of(large)] == ["one", "2×2×2", "3×3×1"]
    assert all(len(c.shifts) * large.n_atoms <= MAX_SHOWN for c in copies_of(large))


def test_copies_are_the_atoms_of_the_supercell_and_the_own_come_first():
    crystal = CRYSTAL["layer"]
    shown, real = with_copies(crystal, Copies((2, 3, 1))), supercell(crystal, (2, 3, 1))
    np.testing.assert_allclose(shown.positions[:2], crystal.positions)
    assert shown.cell is None and sorted(shown.numbers) == sorted(real.numbers)
    apart = (shown.positions[:, None] - real.positions) @ np.linalg.inv(real.cell)
    same = (np.abs(apart - np.rint(apart)) < 1e-8).all(2)
    assert (same.sum(0) == 1).all() and (same.sum(1) == 1).all()


def test_of_three_cells_the_crystals_own_is_the_middle_one():
    shifts = Copies((3, 2, 1)).shifts
    assert shifts[0].tolist() == [0, 0, 0] and len(shifts) == 6
    assert set(shifts[:, 0]) == {-1, 0, 1} and set(shifts[:, 1]) == {0, 1} and set(shifts[:, 2]) == {0}


@pytest.mark.parametrize("name", CRYSTAL)
def test_a_crystal_is_one_component_of_atoms_and_one_of_edges(view, name):
    view.show(CRYSTAL[name])
    assert len(view.widget._ngl_component_ids) == 2
    shape = [m for m in view.widget._ngl_msg_archive if m["methodName"] == "addShape"][-1]
    kinds = [kind for kind, *_ in shape["args"][1]]
    assert kinds.count("cylinder") == len(cell_edges(CRYSTAL[name]))
    view.show(some("CH4"))
    assert len(view.widget._ngl_component_ids) == 1


def test_copies_are_pale_and_the_cell_is_not(view):
    view.show(CRYSTAL["layer"], copies=Copies((3, 3, 1)))
    assert len(view.widget._ngl_component_ids) == 2
    own, pale = [m for m in view.widget._ngl_msg_archive if m["methodName"] == "addRepresentation"][-2:]
    assert own["kwargs"]["sele"] == "@0,1" and "opacity" not in own["kwargs"]
    assert pale["kwargs"]["sele"] == "all" and pale["kwargs"]["opacity"] < 0.5
    before = list(view.widget._ngl_component_ids)
    view.show(CRYSTAL["layer"])
    assert view.widget._ngl_component_ids != before


def test_charges_of_a_cell_colour_its_copies_alike(view):
    charges = np.array([-0.3, 0.3])
    view.show(CRYSTAL["layer"], charges, Copies((2, 2, 1)))
    (message,) = [m for m in view.widget._ngl_msg_archive if m["methodName"] == "loadFile"][-1:]
    factors = [
        float(line[60:66]) for line in message["args"][0]["data"].splitlines() if line.startswith("HETATM")
    ]
    assert factors == [-30.0, 30.0] * 4


@pytest.mark.parametrize("copies", [Copies(), Copies((3, 1, 1))], ids=lambda copies: copies.label)
@pytest.mark.parametrize("name", CRYSTAL)
def test_the_camera_of_a_crystal_has_all_of_it_in_view(name, copies):
    """By the perspective of a camera with NGL's 40 degrees, in a square picture."""
    crystal, shown = CRYSTAL[name], with_copies(CRYSTAL[name], copies)
    camera = crystal_camera(crystal, shown)
    distance = np.linalg.det(camera[:3, :3]) ** (1 / 3)
    turn = camera[:3, :3] / distance
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    points = np.vstack([shown.positions_angstrom, cell_edges(crystal).reshape(-1, 3)]) + camera[:3, 3]
    x, y, z = (points @ turn.T).T
    reach = np.tan(np.radians(20)) * (distance - z)
    assert (np.abs(x) < 1.05 * reach).all() and (np.abs(y) < reach).all()
    # Nor is it lost in the picture.
    assert max(np.abs(x / reach).max(), np.abs(y / reach).max()) > 0.5


def test_the_edges_turn_with_the_page(view):
    for dark in (True, False):
        view.set_dark(dark)
        view.show(CRYSTAL["layer"])
        shape = [m for m in view.widget._ngl_msg_archive if m["methodName"] == "addShape"][-1]
        assert (shape["args"][1][0][3][0] > 0.5) == dark


def test_the_atom_under_the_pointer_is_told(view):
    told = []
    view.on_hover(told.append)
    view.show(some("C2H6"))
    for message in (
        {"type": "hovered_atom", "index": 3},
        {"type": "hovered_atom", "index": None},
        {"type": "other"},
    ):
        view.widget._handle_custom_msg(message, [])
    assert told == [3, None]
