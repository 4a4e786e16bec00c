"""A trained model as the beginning of a self-consistent field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hamexplorer.physics.guess import density_in, structure_of_mole
from hamexplorer.train.trained import TrainedModel


def scf_guess(mol: Any, model: TrainedModel | Path | str) -> np.ndarray:
    """A learned density matrix to begin with: ``mf.kernel(dm0=scf_guess(mol, model))``.

    The lowest orbitals of the learned Hamiltonian are filled and written in the functions of ``mol``. How much that
    saves depends on the model's basis: a minimal one lacks what polarises the density, so train on the matrix of the
    basis itself (small and large basis alike, target ``hamiltonian``, baseline ``b3lyp_step``).

    Args:
        mol: a built, neutral, closed-shell ``pyscf.gto.Mole``; any basis, unit and order of atoms.
        model: trained on molecules, or the folder that holds it.

    Returns:
        Spin-summed P, shape (mol.nao, mol.nao); tr(P S) is the number of electrons.

    Raises:
        StructureError, BasisError: for a molecule that the model cannot take.
        TrainingError: of a surrogate, which has no orbitals.
        CheckpointError: if the folder holds no model.
    """
    structure = structure_of_mole(mol)
    model = model if isinstance(model, TrainedModel) else TrainedModel.load(model)
    state = model.molecule_state(structure)
    occupied = state.orthogonaliser @ state.sets["learned"].coeff[:, : state.n_occ]
    return density_in(mol, structure, state.basis, occupied)
