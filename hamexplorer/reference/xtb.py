r"""GFN1-xTB to self-consistency, with k-points: reference values for crystals and molecules in an instant.

$$ F(\mathbf T) = H^0(\mathbf T) - \tfrac12 S(\mathbf T)\, (V_a + V_b), \qquad
V_a = \sum_b \gamma_{ab} q_b + \Gamma_A q_A^2 $$

with the charge q_a of each shell. F(T) is so known in every cell, and bands are exact at any k. Energies lack
dispersion and halogen bonds, which leave the levels alone.

Source: Grimme, Bannwarth & Shushkov, J. Chem. Theory Comput. 13, 1989 (2017). Checked against tblite in
`test_levels_are_tblites`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pyscf import lib
from scipy.special import expit

from hamexplorer.errors import ReferenceCalculationError, SettingsError, StructureError
from hamexplorer.physics.bloch import bloch_sum, decay, mesh_points, mesh_translations, real_space
from hamexplorer.physics.filling import fermi_level
from hamexplorer.physics.xtb import gfn1_hamiltonian, repulsion
from hamexplorer.physics.xtb_coulomb import gamma, vacuum_level
from hamexplorer.physics.xtb_parameters import atoms_of, shells_of
from hamexplorer.reference.crystal_method import CrystalPoint
from hamexplorer.reference.xtb_method import XTBLevel
from hamexplorer.structures.paths import N_POINTS, standard_path
from hamexplorer.structures.structure import Structure

#: Largest change of a shell's charge between cycles, e.
CONVERGENCE = 1e-9
MAX_CYCLE = 200
#: Smallest eigenvalue that an overlap may have.
_DEPENDENT = 1e-7


def check_xtb(structure: Structure, level: XTBLevel) -> int:
    """The number of valence electrons of a calculation that can be set up.

    Raises:
        SettingsError: if the mesh has points along a direction that does not repeat.
        BasisError: if an element has no parameters.
        StructureError: if the valence electrons are odd in number, or there are none.
    """
    for n, repeats, axis in zip(level.mesh, structure.pbc, "abc", strict=True):
        if n < 1 or (n > 1 and not repeats):
            raise SettingsError(
                f"{structure.label} does not repeat along {axis}, and the mesh has {n} points there; use 1"
            )
    n_electrons = round(float(shells_of(structure)[0].occupation.sum())) - structure.charge
    if n_electrons <= 0 or n_electrons % 2:
        raise StructureError(
            f"{structure.label} has {n_electrons} valence electrons a cell; this model is closed-shell and needs an "
            f"even, positive number: double the cell or change the charge"
        )
    return n_electrons


def xtb_seconds(structure: Structure, level: XTBLevel) -> float:
    """Estimated seconds of one calculation on one core; fitted from 8 to 288 orbitals, graphene, silicon and chains.

    Raises:
        SettingsError, BasisError, StructureError: as :func:`check_xtb`.
    """
    check_xtb(structure, level)
    n_ao = len(shells_of(structure)[2])
    # Matrices to be solved: fifteen cycles on the mesh, and once along the path.
    return 0.02 + (15 * math.prod(level.mesh) + N_POINTS) * (2e-5 + 3e-9 * n_ao**3)


def calculate_xtb(structure: Structure, level: XTBLevel) -> CrystalPoint:
    """Run the calculation of one crystal, or of a molecule on the mesh of one point.

    Raises:
        ReferenceCalculationError: if it does not converge, or functions of neighbouring atoms are nearly the same.
        SettingsError, BasisError, StructureError: as :func:`check_xtb`.
    """
    n_electrons = check_xtb(structure, level)
    model = _set_up(structure, level, n_electrons)
    charges = _self_consistent_charges(model)
    potential = model.potential(charges)
    energy, _, occ = _fill(model, potential)
    fock_k = model.fock(model.h0_k, model.overlap_k, potential)
    in_cells = real_space(fock_k, level.mesh)
    path = standard_path(structure).points if structure.is_crystal else np.zeros((1, 3))
    return CrystalPoint(
        mo_energy=energy,
        mo_occ=occ,
        translations=mesh_translations(level.mesh),
        fock=in_cells,
        overlap=real_space(model.overlap_k, level.mesh),
        fermi=fermi_level(energy, n_electrons, smearing=level.smearing),
        vacuum=vacuum_level(structure, model.atomic(charges)),
        n_electrons=n_electrons,
        e_tot=_total_energy(model, charges, potential, float((occ * energy).sum() / len(energy))),
        decay=decay(in_cells, level.mesh),
        path_points=path,
        path_energy=_bands(model, potential, path),
    )


@dataclass(frozen=True, eq=False)
class _Model:
    """What stays the same while charges become self-consistent.

    Attributes:
        h0, overlap: on ``cells``, shape (n_T, n_ao, n_ao); ``h0_k`` and ``overlap_k`` on the mesh, (n_k, n_ao, n_ao).
        root: S(k)^-½, shape (n_k, n_ao, n_ao).
        occupation: electrons of each shell in neutral atoms, shape (n_shells,).
        gamma: Coulomb interaction of the shells' charges, shape (n_shells, n_shells), Ha/e².
        cubic: Γ of each atom, shape (n_atoms,), Ha/e³.
    """

    structure: Structure
    level: XTBLevel
    n_electrons: int
    cells: np.ndarray
    h0: np.ndarray
    overlap: np.ndarray
    h0_k: np.ndarray
    overlap_k: np.ndarray
    root: np.ndarray
    occupation: np.ndarray
    atom_of_shell: np.ndarray
    shell_of_ao: np.ndarray
    gamma: np.ndarray
    cubic: np.ndarray

    def atomic(self, charges: np.ndarray) -> np.ndarray:
        """Charges of the atoms from those of their shells."""
        return np.bincount(self.atom_of_shell, charges, len(self.cubic))

    def potential(self, charges: np.ndarray) -> np.ndarray:
        """V of each shell, Ha/e."""
        return self.gamma @ charges + (self.cubic * self.atomic(charges) ** 2)[self.atom_of_shell]

    def fock(self, h0: np.ndarray, overlap: np.ndarray, potential: np.ndarray) -> np.ndarray:
        """F from H0 and S, in cells or at k."""
        at_ao = potential[self.shell_of_ao]
        return h0 - overlap * (at_ao[:, None] + at_ao) / 2


def _set_up(structure: Structure, level: XTBLevel, n_electrons: int) -> _Model:
    cells, h0, overlap = gfn1_hamiltonian(structure)
    shells, atom_of_shell, shell_of_ao = shells_of(structure)
    points = mesh_points(level.mesh)
    h0_k, overlap_k = (bloch_sum(matrices, cells, points) for matrices in (h0, overlap))
    return _Model(
        structure=structure,
        level=level,
        n_electrons=n_electrons,
        cells=cells,
        h0=h0,
        overlap=overlap,
        h0_k=h0_k,
        overlap_k=overlap_k,
        root=_inverse_root(structure, overlap_k),
        occupation=shells.occupation,
        atom_of_shell=atom_of_shell,
        shell_of_ao=shell_of_ao,
        gamma=gamma(structure),
        cubic=atoms_of(structure).cubic,
    )


def _inverse_root(structure: Structure, overlap: np.ndarray) -> np.ndarray:
    eigenvalue, vector = np.linalg.eigh(overlap)
    if eigenvalue.min() < _DEPENDENT:
        raise ReferenceCalculationError(
            f"the functions of {structure.label} are nearly linearly dependent (smallest eigenvalue of the overlap "
            f"{eigenvalue.min():.0e}); check for atoms that are too close, or use another method"
        )
    return (vector / np.sqrt(eigenvalue)[:, None]) @ vector.conj().swapaxes(1, 2)


def _self_consistent_charges(model: _Model) -> np.ndarray:
    """Charge of every shell that its own potential gives back, shape (n_shells,), e."""
    charges = np.zeros(len(model.occupation))
    mixer = lib.diis.DIIS(incore=True)
    mixer.verbose, mixer.space = 0, 8
    for _ in range(MAX_CYCLE):
        _, coeff, occ = _fill(model, model.potential(charges))
        of_ao = np.einsum("kn,kan,kan->a", occ, coeff.conj(), model.overlap_k @ coeff).real / len(occ)
        change = model.occupation - np.bincount(model.shell_of_ao, of_ao) - charges
        if np.abs(change).max() < CONVERGENCE:
            return charges
        # A part of the step: the whole of it swings in large cells, where charge moves far.
        charges = mixer.update(charges + 0.4 * change, xerr=change)
    raise ReferenceCalculationError(
        f"the charges of {model.structure.label} did not converge in {MAX_CYCLE} cycles of GFN1-xTB; check the "
        f"geometry, or use a wider smearing than {model.level.smearing:g} Ha"
    )


def _fill(model: _Model, potential: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels (n_k, n_ao), orbitals (n_k, n_ao, n_ao) and occupations (n_k, n_ao) on the mesh in a potential."""
    fock = model.fock(model.h0_k, model.overlap_k, potential)
    energy, vector = np.linalg.eigh(model.root @ fock @ model.root)
    smearing = model.level.smearing
    if smearing:
        fermi = fermi_level(energy, model.n_electrons, smearing=smearing)
        occ = 2 * expit((fermi - energy) / smearing)
    else:
        occ = np.zeros(energy.shape)
        occ.flat[np.argsort(energy, axis=None)[: model.n_electrons // 2 * len(energy)]] = 2.0
    return energy, model.root @ vector, occ


def _bands(model: _Model, potential: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Levels at any k, shape (n_points, n_ao), Ha."""
    fock = model.fock(model.h0, model.overlap, potential)
    fock_k, overlap_k = (bloch_sum(matrices, model.cells, points) for matrices in (fock, model.overlap))
    root = _inverse_root(model.structure, overlap_k)
    return np.linalg.eigvalsh(root @ fock_k @ root)


def _total_energy(model: _Model, charges: np.ndarray, potential: np.ndarray, bands: float) -> float:
    """Energy of a cell without dispersion, halogen bonds and the entropy of smearing, Ha."""
    atomic = model.atomic(charges)
    electrons = bands + potential @ (model.occupation - charges)
    second, third = charges @ model.gamma @ charges / 2, (model.cubic * atomic**3).sum() / 3
    return float(electrons + second + third + repulsion(model.structure))
