"""What is said of one structure by a committee, by its newness, and by both together."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.plots import History
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.session import Session
from hamexplorer.session.health import signs
from hamexplorer.structures.selection import Split
from hamexplorer.structures.structure import Structure
from hamexplorer.train.prediction import Prediction
from hamexplorer.train.results import Results, TargetResult
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.spread import Disagreement, spread_of_prediction
from hamexplorer.units import HARTREE_EV

CONFIDENT = Disagreement("dipole", "Dipole moment", "e·bohr", False, 0.01, 0.01, 0.03)


def levels(times: float) -> Disagreement:
    """Members that stand apart so many times as much as usual, 0.1 eV, where errors are 0.2 eV."""
    usual = 0.1 / HARTREE_EV
    return Disagreement("mo_energy", "Orbital energies", "Ha", True, times * usual, usual, 2 * usual)


def said(novelty: float | None, *doubts: Disagreement) -> dict[str, str]:
    return {sign.text: sign.level for sign in signs(History(), None, None, novelty, doubts)}


def test_without_a_committee_nothing_is_said_of_it():
    assert not any("committee" in text for text in said(0.5))


def test_members_that_agree():
    (text,) = said(None, levels(1.5))
    assert "orbital energies within 0.15 eV, where errors of 0.3 eV are usual" in text
    assert said(None, levels(1.5))[text] == "good"


@pytest.mark.parametrize(("times", "level"), [(3.0, "watch"), (6.0, "bad")])
def test_members_that_disagree(times, level):
    (text,) = said(None, levels(times), CONFIDENT)
    assert f"disagree by {0.1 * times:.1g} eV in orbital energies" in text
    assert f"{times:.1f} times as much as on validation structures" in text
    assert f"expect errors of {0.2 * times:.2g} eV, not the usual 0.2 eV" in text
    assert said(None, levels(times), CONFIDENT)[text] == level


def test_the_property_that_is_doubted_most_is_named():
    (text,) = said(
        None, levels(1.0), Disagreement("dipole", "Dipole moment", "e·bohr", False, 0.05, 0.01, 0.03)
    )
    assert "disagree by 0.05 e·bohr in dipole moment" in text


def test_new_and_doubted_is_not_to_be_trusted():
    found = said(5.0, levels(3.0))
    (verdict,) = (text for text in found if text.startswith("Do not trust"))
    assert found[verdict] == "bad" and next(iter(found)) == verdict


def test_agreement_about_what_is_new_proves_little():
    found = said(5.0, levels(1.0))
    assert not any(text.startswith("Do not trust") for text in found)
    assert any("that proves little" in text and level == "watch" for text, level in found.items())


def test_an_unknown_element_needs_no_vote():
    assert [*said(np.inf, levels(9.0)).values()] == ["bad"]


@pytest.mark.parametrize("trained", [{"mo_energy"}, {"dipole"}])
def test_the_session_asks_the_committee_about_what_it_was_trained_on(trained):
    dataset = read_dataset("ethane").subset(range(6))
    owner, values = np.arange(6), np.linspace(0, 1, 6)
    spread = np.array([1, 1, 1, 1, 2, 3]) / 100
    targets = {
        name: TargetResult(name, name, "Ha", False, owner, values, values + 0.1, values, np.ones(6), spread)
        for name in ("mo_energy", "dipole")
    }
    session = Session()
    session.open_dataset("ethane")
    session.wait()
    session.results = Results(1, targets, Split((0, 1), (2, 3), (4, 5)), dataset, (None,) * 6)
    session.pick(5)
    assert {doubt.target for doubt in session.doubts} == {"mo_energy", "dipole"}
    session.model = SimpleNamespace(settings=RunSettings(targets=dict.fromkeys(trained, 1.0)))
    (doubt,) = session.doubts
    assert doubt.target in trained
    assert doubt.times == pytest.approx(3.0) and doubt.expected == pytest.approx(0.3)
    session.pick(4)
    assert session.doubts[0].times == pytest.approx(2.0)


def test_of_levels_those_count_that_the_model_was_to_match():
    water = Structure(np.array([8, 1, 1]), np.array([[0, 0, 0], [0, 1.4, 1.1], [0, -1.4, 1.1]]))
    levels_of_water = np.array([-20, -1, -0.7, -0.5, -0.4, 0.3, 0.5])
    apart = np.array([5.0, 0.3, 0.3, 0.3, 0.3, 0.3, 9.0])
    spread = {"mo_energy": apart, "dipole": np.ones(3)}
    prediction = Prediction(water, 5, levels_of_water, 0.7, spread=spread)
    by_reduction = {
        "lowest_n": np.sqrt(np.mean(apart**2)),
        "occupied_virtual": np.sqrt((25 + 5 * 0.09) / 6),
        "valence": np.sqrt((5 * 0.09 + 81) / 6),
    }
    for reduction, by_hand in by_reduction.items():
        found = spread_of_prediction(prediction, RunSettings(reduction=reduction, n_virtual=1))
        assert found == {"mo_energy": pytest.approx(by_hand), "dipole": pytest.approx(1.0)}
