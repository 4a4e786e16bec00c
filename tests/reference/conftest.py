"""Molecules small enough for seconds, a quick method, and a store of the test's own."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure

#: Off the axes and off the origin (bohr), so that no symmetry hides a mistake.
GEOMETRIES = {
    "H2": ([1, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 1.4]]),
    "He": ([2], [[0.3, 0.0, 0.1]]),
    "HF": ([9, 1], [[0.1, 0.2, 0.3], [0.4, 0.5, 2.0]]),
    "water": ([8, 1, 1], [[0.1, -0.2, 0.3], [0.2, 1.5, 1.4], [-0.1, -1.6, 1.5]]),
    "hydroxide": ([8, 1], [[0.1, 0.0, 0.2], [0.0, 0.3, 2.0]]),
    "OH": ([8, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 1.8]]),
    "UH2": ([92, 1, 1], [[0.0, 0.0, 0.0], [0.0, 0.0, 3.8], [3.8, 0.0, 0.0]]),
}
CHARGES = {"hydroxide": -1}


@pytest.fixture
def molecule():
    """name -> Structure."""

    def build(name: str) -> Structure:
        numbers, positions = GEOMETRIES[name]
        return Structure(np.array(numbers), np.array(positions), charge=CHARGES.get(name, 0), name=name)

    return build


@pytest.fixture
def hydrogens():
    """n -> n hydrogen molecules of different lengths."""

    def build(n: int) -> list[Structure]:
        return [
            Structure(
                np.array([1, 1]), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.3 + 0.05 * k]]), name=f"H2 {k}"
            )
            for k in range(n)
        ]

    return build


@pytest.fixture
def quick() -> ReferenceMethod:
    """A whole reference calculation in a tenth of a second."""
    return ReferenceMethod(xc="hf", small_basis="sto-3g", large_basis="6-31g")


@pytest.fixture
def store(tmp_path) -> ReferenceStore:
    return ReferenceStore(tmp_path / "store")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
