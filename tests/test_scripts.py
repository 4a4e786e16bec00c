"""The lists of structures behind the data sets that scripts make are what they say; nothing is computed."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from rdkit import Chem

from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.structure import Structure

SCRIPT = Path(__file__).parent.parent / "scripts" / "make_datasets.py"
#: What LARGER should cover, as substructures.
COVERED = {
    "chain": "[CH3][CH2][CH2][CH2][CH2]",
    "small ring": "[r3]",
    "aromatic": "c1ccccc1",
    "five-membered heteroaromatic": "[n,o]1aaaa1",
    "six-membered heteroaromatic": "n1aaaaa1",
    "amide": "C(=O)[NX3]",
    "nitrile": "C#N",
    "ether": "[CX4]O[CX4]",
    "ester": "C(=O)O[#6]",
    "acid": "C(=O)[OH]",
    "alkyne": "C#C",
    "amine": "[CX4][NX3;!$(NC=O)]",
}


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("make_datasets", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_datasets"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_datasets"]


@pytest.mark.parametrize(
    "name", ["larger-molecules", "polyenes", "acenes", "polyenoic-acids", "qm7", "qm7-unseen", "qm7-svp"]
)
def test_structures_are_different_and_can_be_computed(script: ModuleType, name: str) -> None:
    structures = check_structures(script.DATASETS[name].structures())
    assert len({structure.key for structure in structures}) == len(structures)
    assert len({structure.label for structure in structures}) == len(structures)
    assert all(structure.charge == 0 and not structure.is_crystal for structure in structures)
    assert {element for structure in structures for element in structure.elements} <= set("CHNO")


def test_larger_molecules_are_thirty_beyond_the_size_of_qm7(script: ModuleType) -> None:
    structures = script.DATASETS["larger-molecules"].structures()
    assert len(structures) == 30
    assert {structure.n_heavy for structure in structures} == {8, 9}
    assert max(structure.n_heavy for structure in script.DATASETS["qm7"].structures()) < 8
    molecules = [Chem.MolFromSmiles(smiles) for smiles in script.LARGER]
    assert len({Chem.MolToSmiles(molecule) for molecule in molecules}) == 30
    for what, pattern in COVERED.items():
        query = Chem.MolFromSmarts(pattern)
        assert any(molecule.HasSubstructMatch(query) for molecule in molecules), what


def test_unseen_molecules_of_qm7_are_thirty_others(script: ModuleType) -> None:
    known = script.DATASETS["qm7"].structures()
    unseen = script.DATASETS["qm7-unseen"].structures()
    assert len(unseen) == 30 and max(structure.n_heavy for structure in unseen) < 8
    assert not {s.label for s in unseen} & {s.label for s in known}
    assert not {s.key for s in unseen} & {s.key for s in known}


def test_polyenes_grow_by_two_carbons(script: ModuleType) -> None:
    structures = script.DATASETS["polyenes"].structures()
    expected = {f"C{n}H{n + 2}": 12 if n <= 8 else 3 for n in range(2, 21, 2)}
    assert Counter(structure.formula for structure in structures) == expected


def test_acenes_grow_by_a_ring(script: ModuleType) -> None:
    structures = script.DATASETS["acenes"].structures()
    expected = {f"C{4 * n + 2}H{2 * n + 4}": 5 for n in range(1, 6)}
    assert Counter(structure.formula for structure in structures) == expected


def test_polyenoic_acids_grow_by_a_double_bond(script: ModuleType) -> None:
    structures = script.DATASETS["polyenoic-acids"].structures()
    expected = {f"C{2 * n + 1}H{2 * n + 2}O2": 4 for n in range(1, 7)}
    assert Counter(structure.formula for structure in structures) == expected


@pytest.mark.parametrize("name", ["polyenes", "acenes", "polyenoic-acids"])
def test_the_relaxed_members_of_a_series_are_flat_and_the_chains_stretched(
    script: ModuleType, name: str
) -> None:
    relaxed = [s for s in script.DATASETS[name].structures() if not s.label.split()[-2].isdecimal()]
    assert relaxed
    for structure in relaxed:
        centred = structure.positions_angstrom - structure.positions_angstrom.mean(0)
        assert np.linalg.svd(centred, compute_uv=False)[2] < 0.01, structure.label
    # An s-cis chain would be shorter: each double bond and the single bond after it advance by 2.4 to 2.5 Å.
    lengths = [_longest_distance(structure) for structure in relaxed]
    assert np.allclose(np.diff(lengths), 2.44, atol=0.2)


@pytest.mark.parametrize(
    ("name", "basis"),
    [
        ("larger-molecules", "def2-tzvp"),
        ("polyenes", "def2-svp"),
        ("acenes", "def2-svp"),
        ("polyenoic-acids", "def2-svp"),
    ],
)
def test_each_set_has_its_large_basis(script: ModuleType, name: str, basis: str) -> None:
    method = script.DATASETS[name].method
    assert (method.xc, method.small_basis, method.large_basis) == ("b3lyp", "sto-3g", basis)


def _longest_distance(structure: Structure) -> float:
    heavy = structure.positions_angstrom[structure.numbers > 1]
    return float(np.linalg.norm(heavy[:, None] - heavy[None], axis=-1).max())
