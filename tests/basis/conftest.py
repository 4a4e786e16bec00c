"""A molecule without symmetry, its rotations, and what PySCF says of its orbitals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hamexplorer.structures.structure import Structure


@pytest.fixture(scope="session")
def formamide() -> Structure:
    """H, C, N and O, a little off its plane (bohr)."""
    positions = [
        [-0.30, 0.79, 0.05],
        [-2.27, 0.51, -0.09],
        [1.15, -1.34, 0.11],
        [0.42, 2.73, -0.20],
        [0.48, -3.13, -0.05],
        [3.04, -1.11, 0.16],
    ]
    return Structure(np.array([6, 8, 7, 1, 1, 1]), np.array(positions), name="formamide")


@pytest.fixture(scope="session")
def rotation() -> np.ndarray:
    """A proper rotation about no axis in particular."""
    return Rotation.from_rotvec([0.7, -1.1, 0.4]).as_matrix()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)
