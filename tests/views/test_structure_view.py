import re

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read

from hamexplorer.structures.structure import Structure
from hamexplorer.views._nglview import front_end_version, import_nglview
from hamexplorer.views.charges import charge_colors, charge_legend, charge_range
from hamexplorer.views.structure_view import StructureView, orientation, pdb_text


@pytest.fixture(scope="module")
def view() -> StructureView:
    return StructureView()


def some(name: str) -> Structure:
    return Structure.from_ase(molecule(name), name=name)


def calls(view: StructureView) -> list[str]:
    return [message["methodName"] for message in view.widget._ngl_msg_archive]


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
