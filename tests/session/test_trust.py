"""What is said of one structure by a committee, by its newness, and by both together."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.plots import History
from hamexplorer.session.health import signs
from hamexplorer.train.spread import Disagreement
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
