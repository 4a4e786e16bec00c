"""Levels of listed SMILES: in order, a reason where there is none, and never more than a few held at once."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import hamexplorer
from hamexplorer.cli.predictions import write_levels
from hamexplorer.errors import TrainingError
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.train import screening
from hamexplorer.units import HARTREE_EV

LINES = ["# hydrocarbons", "CC ethane, staggered", "", "C(", "C#C", "CO", "[CH3]", "C.C", "CCC propane"]


@pytest.fixture(scope="module")
def found(three_epochs, ethanes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(screening, "_CHUNK", 3)
        novelty = hamexplorer.Novelty(ethanes.structures)
        return list(hamexplorer.screen_smiles(LINES, three_epochs.model, novelty=novelty))


def test_every_line_is_answered_in_its_place(found):
    assert [each.name for each in found] == [
        "ethane, staggered",
        "C(",
        "C#C",
        "CO",
        "[CH3]",
        "C.C",
        "propane",
    ]
    assert [bool(each.reason) for each in found] == [False, True, False, True, True, True, False]
    sentences = {each.smiles: each.reason for each in found if each.reason}
    assert "is not a SMILES" in sentences["C("] and "has not learned" in sentences["CO"]
    assert "odd number" in sentences["[CH3]"] and "several separate molecules" in sentences["C.C"]
    assert all(np.isnan(each.gap_eV) for each in found if each.reason)


def test_levels_are_those_of_the_model(found, three_epochs):
    (known,) = three_epochs.model.predict([from_smiles("CC")])
    homo, lumo = known.mo_energy[known.n_occ - 1 : known.n_occ + 1] * HARTREE_EV
    assert (found[0].homo_eV, found[0].lumo_eV) == pytest.approx((homo, lumo), abs=1e-4)
    assert found[0].gap_eV == pytest.approx(lumo - homo, abs=1e-4)


def test_novelty_warns_of_what_is_unlike_the_training_set(found):
    by_smiles = {each.smiles: each for each in found}
    assert by_smiles["C#C"].novelty > by_smiles["CC"].novelty
    assert "unlike the training set" in by_smiles["C#C"].remark


def test_lines_are_read_as_they_are_needed(three_epochs):
    read: list[str] = []

    def endless():
        while True:
            read.append("C")
            yield "C"

    levels = screening.screen_smiles(endless(), three_epochs.model)
    assert not read
    next(levels)
    assert len(read) == screening._CHUNK


def test_a_surrogate_is_a_sentence(run):
    surrogate = run(model="surrogate", targets={"dipole": 1e3}, epochs=0).model
    with pytest.raises(TrainingError, match="a surrogate has no levels"):
        next(hamexplorer.screen_smiles(["CC"], surrogate))


def test_the_table_has_a_line_each(found, tmp_path):
    assert write_levels(tmp_path / "levels.csv", found) == (7, 4)
    with (tmp_path / "levels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["smiles"] for row in rows] == [each.smiles for each in found]
    assert float(rows[0]["homo_lumo_gap_eV"]) == pytest.approx(found[0].gap_eV, rel=1e-4)
    assert rows[1]["homo_eV"] == "" and rows[1]["remark"] == found[1].reason
