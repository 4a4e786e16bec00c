"""What is drawn into the 3D view has the length and direction of what it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from hamexplorer.reference.dataset import read_dataset
from hamexplorer.views.drawings import (
    BOND_RADIUS,
    DIPOLE_LENGTH,
    POLARIZABILITY_LENGTH,
    bond_order_shapes,
    dipole_shapes,
    polarizability_shapes,
)

NAMES = {"small": "STO-3G", "learned": "learned", "large": "def2-TZVP"}


@pytest.fixture(scope="module")
def reference():
    return next(r for r in read_dataset("small-molecules").references if r.structure.formula == "CH4O")


def test_arrows_are_the_dipoles(reference):
    dipoles = {
        "learned": np.array([0.3, 0, -0.4]),
        "large": reference.large.dipole,
        "small": np.full(3, 1e-4),
    }
    shapes = dipole_shapes(reference.structure, dipoles, NAMES)
    assert [shape[0] for shape in shapes] == ["arrow", "arrow"], "one too short to be seen is left out"
    for shape, dipole in zip(shapes, dipoles.values(), strict=False):
        np.testing.assert_allclose(np.subtract(shape[2], shape[1]), DIPOLE_LENGTH * dipole, atol=1e-12)
    assert shapes[0][-1] == "learned: 0.500 e·bohr"
    assert shapes[0][1] != shapes[1][1], "equal arrows stand side by side"


def test_ellipsoids_have_the_principal_axes(reference):
    tensor = reference.large.polarizability
    (shape,) = polarizability_shapes(reference.structure, {"large": tensor}, NAMES)
    values, axes = np.linalg.eigh(tensor)
    lengths = [np.linalg.norm(shape[4]), np.linalg.norm(shape[5]), shape[3]]
    np.testing.assert_allclose(lengths, POLARIZABILITY_LENGTH * np.cbrt(values[::-1]), rtol=1e-9)
    assert abs(np.dot(shape[4], axes[:, 2])) == pytest.approx(lengths[0])
    assert f"mean {np.trace(tensor) / 3:.1f} bohr³" in shape[-1]


def test_ellipsoids_do_not_touch(reference):
    tensors = {"small": reference.small.polarizability, "large": reference.large.polarizability}
    first, second = polarizability_shapes(reference.structure, tensors, NAMES)
    sizes = [np.linalg.norm(shape[4]) for shape in (first, second)]
    assert np.linalg.norm(np.subtract(second[1], first[1])) > sum(sizes)


def test_bonds_are_as_thick_as_they_are_strong(reference):
    orders = reference.large.mayer_bond_order
    shapes = bond_order_shapes(reference.structure, orders, "def2-TZVP")
    assert len(shapes) == 5, "methanol has five bonds"
    for kind, start, end, _, radius, said in shapes:
        assert kind == "cylinder" and start != end
        assert radius == pytest.approx(BOND_RADIUS * float(said.split("order ")[1].split(" ")[0]), abs=1e-3)
