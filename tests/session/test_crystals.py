"""Crystals in the session: warnings beside what was loaded, other cells, and no calculation of a mixture."""

from __future__ import annotations

import io
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest

from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.session import Selection, Session, references
from hamexplorer.structures.crystals import build_bulk, build_layer
from hamexplorer.structures.sources import SOURCES
from hamexplorer.structures.symmetry import standard_cell

WATER = b"3\nwater\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n"


@pytest.fixture
def empty() -> Session:
    """A session without references."""
    return Session()


def written(structure, format: str = "extxyz", **changes) -> bytes:
    atoms = structure.to_ase()
    for name, value in changes.items():
        setattr(atoms, name, value)
    buffer = io.BytesIO() if format == "cif" else io.StringIO()
    ase.io.write(buffer, atoms, format=format)
    value = buffer.getvalue()
    return value if isinstance(value, bytes) else value.encode()


def load(session: Session, **files: bytes) -> None:
    session.load_upload({name.replace("__", "."): content for name, content in files.items()})
    session.wait()


def test_molecules_and_crystals_stand_in_one_list(session):
    load(session, water__xyz=WATER)
    load(session, si__cif=written(build_bulk("Si"), "cif"))
    session.load_structures("crystal")
    session.wait()
    assert [s.is_crystal for s in session.loaded] == [False, True, True]
    assert session.structures[session.picked].label == "graphene" and session.message.level == "info"


def test_vacuum_that_is_marked_periodic_is_a_warning_with_the_cure(empty):
    load(empty, layer__xyz=written(build_layer(), pbc=True))
    assert len(empty.loaded) == 1 and empty.loaded[0].pbc == (True,) * 3
    assert empty.message.level == "warning"
    assert empty.message.text.startswith(
        "Loaded 1 structure, but graphene repeats along c, where 12.0 Å are empty"
    )
    assert "mark the direction as not periodic" in empty.message.text
    assert empty.why_not_open_vacuum() == ""
    empty.open_vacuum()
    assert empty.loaded[0].pbc == (True, True, False) and empty.picked == 0
    assert empty.message.text == "graphene is a layer now."
    assert "no direction" in empty.why_not_open_vacuum()
    empty.open_vacuum()
    assert empty.message.level == "warning"


def test_many_warnings_are_one_sentence_and_a_count(empty):
    two = written(build_layer(), pbc=True) + written(build_layer("BN", 2.5), pbc=True)
    load(empty, two__xyz=two)
    assert len(empty.loaded) == 2 and empty.message.text.endswith("The same is true of 1 more.")


def test_a_box_around_a_molecule_can_be_taken_away(empty):
    boxed = b'3\nLattice="12 0 0 0 12 0 0 0 12"\nO 0 0 0.117\nH 0 0.757 -0.469\nH 0 -0.757 -0.469\n'
    load(empty, box__xyz=boxed)
    assert empty.loaded[0].is_crystal and empty.message.level == "warning"
    empty.open_vacuum()
    (water,) = empty.loaded
    assert not water.is_crystal and water.cell is None and empty.message.text == "box is a molecule now."
    # The atoms of a molecule cut by the faces come together again.
    assert water.to_ase().get_all_distances().max() < 1.6


@pytest.mark.parametrize(
    "content", [b"", b"data_x\n", b"data_x\n_cell_length_a oops\n", b"\x00\x01" * 99, b"garbage here\n" * 9]
)
def test_a_broken_cif_is_one_sentence_and_nothing_is_lost(session, content):
    load(session, water__xyz=WATER)
    before = session.structures, session.dataset, session.picked, session.selected
    load(session, broken__cif=content)
    assert (session.structures, session.dataset, session.picked, session.selected) == before
    text = session.message.text
    assert (
        session.message.level == "error"
        and "broken.cif" in text
        and "\n" not in text
        and "Traceback" not in text
    )


def test_a_crystal_is_written_in_its_conventional_cell_and_back(empty):
    load(empty, water__xyz=WATER)
    load(empty, si__xyz=written(build_bulk("Si")))
    load(empty, other__xyz=WATER.replace(b"0.757", b"0.758"))
    empty.pick(1)
    assert "2 atoms, as this one has" in empty.why_not_cell(primitive=True)
    assert empty.why_not_cell(primitive=False) == ""
    empty.use_cell(primitive=False)
    assert [s.n_atoms for s in empty.structures] == [3, 8, 3] and empty.picked == 1
    assert empty.message.text == "Si diamond is in its conventional cell now, with 8 atoms."
    empty.use_cell(primitive=True)
    assert empty.structures[1].n_atoms == 2 and empty.picked == 1


def test_a_cell_that_is_in_the_list_already_is_picked(empty):
    load(empty, cubic__xyz=written(standard_cell(build_bulk("Si"), primitive=False)))
    load(empty, si__xyz=written(build_bulk("Si")))
    assert empty.picked == 1
    empty.use_cell(primitive=False)
    assert empty.picked == 0 and [s.n_atoms for s in empty.structures] == [8, 2]
    assert "in the list already" in empty.message.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [(WATER, "is a molecule"), (written(build_layer()), "does not repeat in three directions")],
)
def test_another_cell_is_refused_with_the_reason(empty, content, reason):
    load(empty, a__xyz=content)
    for primitive in (True, False):
        assert reason in empty.why_not_cell(primitive=primitive)
        empty.use_cell(primitive=primitive)
        assert empty.message.level == "warning" and reason in empty.message.text
    assert len(empty.loaded) == 1


def test_without_a_structure_there_is_no_cell(empty):
    assert empty.why_not_cell(primitive=True) == empty.why_not_open_vacuum() == "no structure is picked"


def test_a_mixture_is_not_computed(empty, monkeypatch):
    monkeypatch.setattr(references, "run_references", lambda *_, **__: pytest.fail("it was computed"))
    load(empty, water__xyz=WATER)
    load(empty, si__xyz=written(build_bulk("Si")))
    for method in (ReferenceMethod(), CrystalMethod()):
        empty.compute_references(method)
        assert empty.message.level == "warning" and empty.message.where == "references"
        assert empty.message.text.startswith("1 molecule and 1 crystal cannot be computed together")
    assert empty.reference_kind == "crystal"
    empty.pick(0)
    assert empty.reference_kind == "molecule"


@pytest.mark.parametrize(
    ("kind", "method", "sentence"),
    [
        ("crystals", ReferenceMethod(), "is no method for a crystal"),
        ("molecules", CrystalMethod(), "is no method for a molecule"),
    ],
)
def test_a_method_of_the_other_kind_is_refused(empty, monkeypatch, kind, method, sentence):
    monkeypatch.setattr(references, "run_references", lambda *_, **__: pytest.fail("it was computed"))
    load(empty, water__xyz=WATER)
    load(empty, si__xyz=written(build_bulk("Si")))
    empty.select(Selection(kind=kind))
    assert empty.why_not_references() == ""
    empty.compute_references(method)
    assert sentence in empty.message.text


def test_crystals_go_through_the_same_calculation(empty, monkeypatch):
    asked = []

    def run(structures, method, **_):
        asked.append((structures, method))
        raise ValueError("seen")

    monkeypatch.setattr(references, "run_references", run)
    empty.load_structures("rattled", SOURCES["rattled"].Params(n=3))
    empty.wait()
    method = CrystalMethod(k_length=5.0)
    assert empty.estimate_references(method) > 0
    empty.compute_references(method)
    empty.wait()
    ((structures, used),) = asked
    assert used is method and len(structures) == 3 and all(s.is_crystal for s in structures)


def test_a_selection_can_keep_one_kind(empty):
    load(empty, water__xyz=WATER)
    load(empty, si__xyz=written(build_bulk("Si")))
    empty.select(Selection(kind="crystals"))
    assert empty.selected == (1,)
    empty.select(Selection(kind="molecules"))
    assert empty.selected == (0,)


def test_matrices_from_elsewhere_bring_their_bands(empty, tmp_path):
    """A chain with one orbital an atom and hopping t: E(k) = 2 t cos(k a), a textbook's first band."""
    cells, hopping = np.array([[-1, 0, 0], [0, 0, 0], [1, 0, 0]]), -0.1
    np.savez(
        tmp_path / "chain.npz",
        translations=cells,
        hamiltonian=np.array([hopping, 0.0, hopping]).reshape(3, 1, 1),
        overlap=np.array([0.0, 1.0, 0.0]).reshape(3, 1, 1),
        cell=np.diag([2.0, 10.0, 10.0]),
        positions=np.zeros((1, 3)),
        numbers=np.array([1]),
        pbc=np.array([True, False, False]),
        n_electrons=np.array(2),
    )
    load(empty, chain__npz=(tmp_path / "chain.npz").read_bytes())
    assert empty.message.level == "info" and "energies in" in empty.message.text
    bands = empty.bands_of(empty.picked)
    energy = bands.sets["reference"].path_energy[:, 0]
    np.testing.assert_allclose(sorted([energy.min(), energy.max()]), [2 * hopping, -2 * hopping], atol=1e-9)
    load(empty, broken__npz=b"PK\x03\x04 nothing")
    assert empty.message.level == "error" and "broken.npz" in empty.message.text and len(empty.loaded) == 1


def test_a_crystal_without_references_gets_predicted_bands(empty, script):
    """The model is a stand-in; what is asked for is that its bands reach the plots, and go with the model."""
    load(empty, si__cif=written(build_bulk("Si"), "cif"))
    model = Predicts()
    model.bands = SimpleNamespace(sets={"learned": None})
    empty.model = model
    empty.wait()
    assert empty.bands_of(0) is model.bands
    empty.model = None
    assert empty.bands_of(0) is None


class Predicts:
    """As much of a trained model as the session asks."""

    has_hamiltonian = True

    def predict(self, structures):
        return [SimpleNamespace(structure=s, n_occ=4, mo_energy=np.zeros((1, 8))) for s in structures]

    def band_structure(self, structure):
        return self.bands
