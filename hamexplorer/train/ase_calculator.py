"""A trained model as an ASE calculator: dipole, charges and levels of molecules along a trajectory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from hamexplorer.errors import HamExplorerError, StructureError, TrainingError
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.structure import Structure
from hamexplorer.train.batches import Shape
from hamexplorer.train.stream import SteadyPredictor
from hamexplorer.train.trained import TrainedModel
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV


class HamiltonianCalculator(Calculator):
    """Electronic properties of molecules from a learned Hamiltonian; it has neither energy nor forces.

    ``results`` holds, in ASE's units and shapes, ``dipole`` (e·Å, shape (3,), origin at 0), ``charges`` (Löwdin, e,
    shape (n_atoms,)), ``eigenvalues`` (eV, shape (1, 1, n_levels)) and ``occupations`` (2 or 0, same shape). Any other
    property raises ASE's ``PropertyNotImplementedError``. Frames of one composition are compiled once.

    Args:
        model: trained on molecules, or the folder that holds it.
        charge: of the molecules, e.

    Raises:
        TrainingError: of a surrogate or a model of crystals.
        CheckpointError: if the folder holds no model.
    """

    implemented_properties: ClassVar[list[str]] = ["dipole", "charges", "eigenvalues", "occupations"]

    def __init__(self, model: TrainedModel | Path | str, charge: int = 0, **of_ase: Any) -> None:
        super().__init__(**of_ase)
        self.model = model if isinstance(model, TrainedModel) else TrainedModel.load(model)
        if not self.model.has_hamiltonian or not isinstance(self.model.geometry.basis, str):
            raise TrainingError(
                "the calculator needs a Hamiltonian of molecules, and this model has none; train one on molecules that "
                "is no surrogate"
            )
        self.charge = charge
        self._composition: tuple[int, ...] = ()
        self._predictor: SteadyPredictor | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: tuple[str, ...] = (),
        system_changes: list[str] = all_changes,
    ) -> None:
        """Predict everything that the calculator gives.

        Raises:
            StructureError, BasisError: for atoms that the model cannot take, a crystal among them.
        """
        super().calculate(atoms, properties, system_changes)
        structure = self._structure()
        (found,) = self._predictor_of(structure)([structure])
        if isinstance(found, HamExplorerError):
            raise found
        assert found.dipole is not None and found.lowdin_charge is not None
        levels = found.mo_energy[None, None] * HARTREE_EV
        self.results = {
            "dipole": found.dipole * BOHR_ANGSTROM,
            "charges": found.lowdin_charge,
            "eigenvalues": levels,
            "occupations": np.broadcast_to(2.0 * (np.arange(levels.shape[-1]) < found.n_occ), levels.shape),
        }

    def get_homo_lumo(self, atoms: Atoms | None = None) -> tuple[float, float]:
        """Highest occupied and lowest empty level, eV."""
        levels = self.get_property("eigenvalues", atoms)[0, 0]
        n_occ = int(self.results["occupations"].sum()) // 2
        return float(levels[n_occ - 1]), float(levels[n_occ]) if n_occ < len(levels) else np.nan

    def _structure(self) -> Structure:
        if self.atoms.pbc.any():
            raise StructureError(
                "the atoms repeat, and the calculator takes molecules only; set atoms.pbc = False, or predict crystals "
                "with `hamexplorer predict`"
            )
        structure = Structure.from_ase(self.atoms, charge=self.charge)
        check_structures([structure])
        return structure

    def _predictor_of(self, structure: Structure) -> SteadyPredictor:
        """One for each composition, in whose shape every pair of atoms has a place: no frame compiles anew."""
        composition = tuple(sorted(structure.numbers.tolist()))
        if self._predictor is None or composition != self._composition:
            n, template = structure.n_atoms, self.model.geometry.template
            # An element that the model does not know is the predictor's to refuse.
            n_ao = template.layout(z for z in structure.numbers.tolist() if z in template.shells).n_ao
            shape = Shape(1, n + 1, max(1, n * (n - 1)), n_ao, n)
            self._predictor = SteadyPredictor(self.model, ("dipole", "lowdin_charge"), shape)
            self._composition = composition
        return self._predictor
