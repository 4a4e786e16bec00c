"""Crystals in the panels: what is told of them, what can be changed, and which form of a method is shown."""

from __future__ import annotations

import io

import ase.io
import ipywidgets as widgets
import pytest

from hamexplorer.panels.add import AddPanel
from hamexplorer.panels.molecule import MoleculePanel
from hamexplorer.panels.page import Page
from hamexplorer.panels.references import ReferencesPanel
from hamexplorer.panels.selection import SelectionPanel
from hamexplorer.panels.structures import StructuresPanel
from hamexplorer.panels.table import PickTable
from hamexplorer.params import params_of
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Session
from hamexplorer.structures.crystals import build_bulk, build_layer
from hamexplorer.structures.sources import SOURCES

WATER = b"3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"


def found(root: widgets.Widget, kind: type, **traits: object) -> list:
    """All widgets of a kind below ``root`` with these trait values."""
    here = [root] if isinstance(root, kind) and all(getattr(root, k) == v for k, v in traits.items()) else []
    return here + [hit for child in getattr(root, "children", ()) for hit in found(child, kind, **traits)]


def words(root: widgets.Widget) -> str:
    """All that is shown as text, hidden parts left out."""
    if root.layout.display == "none":
        return ""
    own = root.value if isinstance(root, widgets.HTML) else ""
    return own + " ".join(words(child) for child in getattr(root, "children", ()))


def extxyz(structure, **changes) -> bytes:
    atoms = structure.to_ase()
    for name, value in changes.items():
        setattr(atoms, name, value)
    buffer = io.StringIO()
    ase.io.write(buffer, atoms, format="extxyz")
    return buffer.getvalue().encode()


@pytest.fixture
def empty() -> Session:
    """A session without references."""
    return Session()


def load(session: Session, name: str, content: bytes) -> None:
    session.load_upload({name: content})
    session.wait()


@pytest.fixture(scope="module")
def shown():
    """A panel whose 3D view is made once: nglview's threads never end."""
    session = Session()
    return session, MoleculePanel(session, Page())


def button(panel, description: str) -> widgets.Button:
    (one,) = found(panel.widget, widgets.Button, description=description)
    return one


def test_a_crystal_is_described_and_a_molecule_is_not(shown):
    session, panel = shown
    load(session, "water.xyz", WATER)
    assert "Repeats along" not in words(panel.widget)
    load(session, "si.xyz", extxyz(build_bulk("Si")))
    told = words(panel.widget)
    for part in (
        "Si2",
        "2 atoms",
        "bulk",
        "a, b and c",
        "a 3.840",
        "\u03b1 60\u00b0",
        "Fd-3m (no. 227)",
        "40.05",
    ):
        assert part in told
    session.load_structures("crystal")
    session.wait()
    told = words(panel.widget)
    assert "p6/mmm (no. 80)" in told and "c 12" not in told
    session.pick(0)
    assert "Repeats along" not in words(panel.widget)


def test_the_cell_is_changed_by_a_button_that_says_why_not(shown):
    session, panel = shown
    load(session, "ge.xyz", extxyz(build_bulk("Ge")))
    primitive, conventional = button(panel, "Primitive cell"), button(panel, "Conventional cell")
    assert primitive.disabled and "2 atoms, as this one has" in primitive.tooltip
    conventional.click()
    assert session.structures[session.picked].n_atoms == 8
    assert conventional.disabled and not primitive.disabled
    session.load_structures("crystal", SOURCES["crystal"].Params(name="hexagonal BN"))
    session.wait()
    assert primitive.disabled and conventional.disabled
    assert "does not repeat in three directions" in words(panel.widget)


def test_vacuum_is_pointed_out_beside_the_structure_and_cured_by_a_button(shown):
    session, panel = shown
    load(session, "layer.xyz", extxyz(build_layer("SiC", 3.1), pbc=True))
    assert "12.0 \u00c5 are empty" in words(panel.widget)
    button(panel, "Mark as vacuum").click()
    assert session.structures[session.picked].pbc == (True, True, False)
    assert "are empty" not in words(panel.widget)


def test_copies_are_only_for_the_eye_and_the_caption_says_so(shown):
    session, panel = shown
    session.load_structures("crystal", SOURCES["crystal"].Params(name="diamond"))
    session.wait()
    (menu,) = found(panel.widget, widgets.Dropdown, description="Cells")
    assert menu.layout.display == "" and [label for label, _ in menu.options] == [
        "one",
        "2×2×2",
        "3×3×1",
        "3×3×3",
    ]
    assert "only to look at" not in words(panel.widget)
    menu.label = "2×2×2"
    assert "only to look at: a calculation has the 2 atoms of one cell" in words(panel.widget)
    assert session.structures[session.picked].n_atoms == 2
    # What the next crystal has as well stays; what it has not goes back to one cell.
    session.load_structures("crystal", SOURCES["crystal"].Params(name="polyethylene"))
    session.wait()
    assert menu.label == "one" and "only to look at" not in words(panel.widget)
    session.pick(0)
    assert menu.layout.display == "none"


def test_the_table_tells_kinds_where_there_are_crystals(session):
    (table,) = found(StructuresPanel(session).widget, PickTable)
    assert [column["label"] for column in table.columns] == ["Structure", "Formula", "Atoms", "Heavy", "Part"]
    load(session, "c.xyz", extxyz(build_layer()))
    assert table.columns[3]["label"] == "Kind"
    assert table.rows[0][4] == "molecule" and table.rows[-1][4] == "layer"
    session.remove_loaded()
    assert table.columns[3]["label"] == "Heavy" and table.rows[0][4] == 2


def test_an_upload_of_a_cif_goes_through_the_same_button(empty):
    import datetime

    buffer = io.BytesIO()
    ase.io.write(buffer, build_bulk("Si").to_ase(), format="cif")
    panel = AddPanel(empty)
    (uploader,) = found(panel.widget, widgets.FileUpload)
    content = buffer.getvalue()
    uploader.value = (
        {
            "name": "si.cif",
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        },
    )
    empty.wait()
    assert empty.structures[0].is_crystal and empty.structures[0].label == "si"


def shown_form(panel) -> list[str]:
    return list(panel._form.fields)


def test_the_form_follows_the_kind_of_structure(empty):
    panel = ReferencesPanel(empty)
    load(empty, "water.xyz", WATER)
    assert shown_form(panel) == [entry.name for entry in params_of(ReferenceMethod)]
    empty.remove_loaded()
    load(empty, "si.xyz", extxyz(build_bulk("Si")))
    assert shown_form(panel) == [entry.name for entry in params_of(CrystalMethod)]
    assert panel._place.children == (panel._form.widget,)
    assert "<b>1</b> crystal has no references" in panel._facts.value and not panel._compute.disabled


def test_a_mixture_is_refused_with_a_sentence(empty):
    panel = ReferencesPanel(empty)
    load(empty, "water.xyz", WATER)
    load(empty, "si.xyz", extxyz(build_bulk("Si")))
    assert (
        panel._compute.disabled
        and "1 molecule and 1 crystal cannot be computed together" in panel._facts.value
    )
    chooser = SelectionPanel(empty)
    (kind,) = found(chooser.widget, widgets.Dropdown, description="Kind")
    assert kind.layout.display == ""
    kind.value = "molecules"
    found(chooser.widget, widgets.Button, description="Choose")[0].click()
    assert empty.selected == (0,) and not panel._compute.disabled
    empty.pick(0)
    assert shown_form(panel)[0] == "xc" and "grid_level" in shown_form(panel)


def test_what_is_typed_for_crystals_is_computed(empty, monkeypatch):
    asked = []
    panel = ReferencesPanel(empty)
    load(empty, "si.xyz", extxyz(build_bulk("Si")))
    monkeypatch.setattr(empty, "compute_references", lambda method, **_: asked.append(method))
    panel._form.fields["k_length"].control.value = 7.0
    panel._compute.click()
    assert asked == [CrystalMethod(k_length=7.0)]


def test_one_kind_alone_is_no_choice(session):
    (kind,) = found(SelectionPanel(session).widget, widgets.Dropdown, description="Kind")
    assert kind.layout.display == "none"
