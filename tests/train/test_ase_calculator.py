"""The model behind ASE's interface: the same numbers in ASE's units, and ASE's own error for what it has not."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from ase import units
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError

import hamexplorer
from hamexplorer.errors import StructureError, TrainingError


@pytest.fixture(scope="module")
def calculator(three_epochs):
    return hamexplorer.HamiltonianCalculator(three_epochs.folder)


@pytest.fixture
def atoms(ethanes, calculator):
    atoms = ethanes.structures[0].to_ase()
    atoms.calc = calculator
    return atoms


def test_it_answers_as_the_model_does(atoms, three_epochs, ethanes):
    (known,) = three_epochs.model.predict(ethanes.structures[:1])
    np.testing.assert_allclose(atoms.get_dipole_moment(), known.dipole * units.Bohr, atol=1e-6)
    np.testing.assert_allclose(atoms.get_charges(), known.lowdin_charge, atol=1e-6)
    levels = atoms.calc.get_property("eigenvalues", atoms)
    np.testing.assert_allclose(levels[0, 0], known.mo_energy * units.Ha, atol=1e-5)
    homo, lumo = atoms.calc.get_homo_lumo(atoms)
    assert lumo - homo == pytest.approx(known.homo_lumo_gap * units.Ha, abs=1e-5)
    assert atoms.calc.get_property("occupations", atoms).sum() == ethanes.structures[0].n_electrons


def test_results_follow_the_atoms(atoms):
    before = atoms.get_dipole_moment()
    assert np.linalg.norm(before) > 1e-4
    atoms.rotate(180, "z", center="COM")
    np.testing.assert_allclose(atoms.get_dipole_moment(), before * [-1, -1, 1], atol=1e-4)


def test_frames_of_one_composition_are_compiled_once(atoms):
    atoms.get_dipole_moment()
    compiled: list[str] = []

    def listen(event: str, seconds: float, **_: object) -> None:
        if "compile" in event:
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for stretch in (1.05, 1.3, 3.0):  # in the last one many pairs lie beyond the cutoff
            atoms.set_positions(atoms.positions * stretch)
            atoms.get_dipole_moment()
        assert not compiled
        other = molecule("C3H8")
        other.calc = atoms.calc
        other.get_dipole_moment()
        assert compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


@pytest.mark.parametrize("ask", ["get_potential_energy", "get_forces", "get_stress"])
def test_it_has_neither_energy_nor_forces(atoms, ask):
    with pytest.raises(PropertyNotImplementedError):
        getattr(atoms, ask)()


def test_what_it_cannot_take_is_a_sentence(atoms, calculator, run):
    atoms.pbc = True
    with pytest.raises(StructureError, match="the atoms repeat, and the calculator takes molecules only"):
        atoms.get_dipole_moment()
    water = molecule("H2O")
    water.calc = calculator
    with pytest.raises(StructureError, match="holds O, which the model has not learned"):
        water.get_charges()
    surrogate = run(model="surrogate", targets={"dipole": 1e3}, epochs=0).model
    with pytest.raises(TrainingError, match="needs a Hamiltonian of molecules"):
        hamexplorer.HamiltonianCalculator(surrogate)
