"""Extended xyz files made elsewhere. `foreign.xyz` was written by ASE from two small Hartree-Fock runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hamexplorer.errors import DatasetError
from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.single_point import calculate

FILE = Path(__file__).with_name("foreign.xyz")


def test_values_are_read(molecule):
    dataset = read_dataset(FILE)
    assert [s.label for s in dataset.structures] == ["water", "hydroxide"]
    assert [s.charge for s in dataset.structures] == [0, -1]
    assert (dataset.method.small_basis, dataset.method.large_basis) == ("sto-3g", "def2-tzvp")
    for reference in dataset.references:
        expected = calculate(molecule(reference.structure.name), LevelOfTheory("hf", "sto-3g", False, 0))
        small = reference.small
        np.testing.assert_allclose(small.mo_energy, expected.mo_energy, atol=1e-6)
        np.testing.assert_allclose(small.dipole, expected.dipole, atol=1e-6)
        np.testing.assert_allclose(small.polarizability, expected.polarizability, atol=1e-5)
        np.testing.assert_allclose(small.mulliken_charge, expected.mulliken_charge, atol=1e-5)
        np.testing.assert_allclose(small.mayer_bond_order, expected.mayer_bond_order, atol=1e-5)
        assert small.e_tot == pytest.approx(expected.e_tot, abs=1e-7)
        assert reference.n_occ == expected.n_occ


def test_what_the_file_lacks_is_none(tmp_path):
    dataset = read_dataset(FILE)
    for reference in dataset.references:
        assert reference.large.polarizability is None
        assert reference.large.polarizability_uncoupled is not None
        assert reference.large.lowdin_charge is None
        assert reference.overlap is reference.fock is reference.iao_fock is None
    write_dataset(tmp_path / "again.h5", dataset)
    again = read_dataset(tmp_path / "again.h5").references[1]
    assert again.large.polarizability is None
    assert again.fock is None
    np.testing.assert_array_equal(again.small.dipole, dataset.references[1].small.dipole)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("tz_dipole=", "tz_moment=", r"frame 0 lacks tz_dipole"),
        ("nocc=5", "nocc=4", r"frame 0: nocc is 4 but water has 5"),
        ("charge=-1", "charge=0", r"frame 1.* 9 electrons"),
        ("-0.10583544", "nan", r"frame 0.*nan"),
        ("0.79376582       0.74084809", "-0.15 0.20", r"frame 0.*Å"),
        ("charge=-1", "charge=half", r"frame 1: the charge must be a whole number"),
        ('sto_mo_energy="-20.', 'sto_mo_energy="20.', r"sto_mo_energy is not ascending"),
        ('sto_mo_energy="-20.', 'sto_mo_energy="nan -20.', r"sto_mo_energy holds values that are not finite"),
        ('sto_dipole="', 'sto_dipole="1.0 ', r"sto_dipole has shape \(4,\) instead of \(3,\)"),
        ('sto_dipole="', 'sto_dipole="x ', r"sto_dipole is not numeric"),
    ],
)
def test_a_wrong_value_names_the_frame_and_the_cure(tmp_path, old, new, sentence):
    text = FILE.read_text()
    assert old in text
    (tmp_path / "wrong.xyz").write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=sentence) as caught:
        read_dataset(tmp_path / "wrong.xyz")
    assert "wrong.xyz" in str(caught.value)


@pytest.mark.parametrize("keep", [0, 1, 3, 6])
def test_a_cut_file_gets_a_sentence(tmp_path, keep):
    lines = FILE.read_text().splitlines(keepends=True)
    (tmp_path / "cut.xyz").write_text("".join(lines[:keep]))
    with pytest.raises(DatasetError, match=r"cut\.xyz .*; (check|choose)"):
        read_dataset(tmp_path / "cut.xyz")


def test_binary_content_gets_a_sentence(tmp_path):
    (tmp_path / "binary.xyz").write_bytes(bytes(range(256)))
    with pytest.raises(DatasetError, match="cannot be read as extended xyz"):
        read_dataset(tmp_path / "binary.xyz")
