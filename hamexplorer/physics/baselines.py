"""Cheap Hamiltonians H̃0 that the model improves on: it learns the difference.

A baseline needs no self-consistency, so prediction stays independent of any reference calculation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from pyscf import df, dft, gto, lib, scf
from scipy.linalg import block_diag, cholesky, solve_triangular

from hamexplorer._registry import Registry
from hamexplorer.errors import BasisError
from hamexplorer.physics.bloch import bloch_sum
from hamexplorer.physics.cell import CellOrbitals
from hamexplorer.physics.molecule import element_basis, make_auxiliary_mole, make_mole
from hamexplorer.physics.populations import inverse_square_root
from hamexplorer.physics.superposed import superposed_matrix
from hamexplorer.physics.xtb import gfn1_shells, pair_levels
from hamexplorer.structures.orientation import broadest_view
from hamexplorer.structures.structure import Structure


class Baseline:
    """Base of every baseline.

    Attributes:
        uses_training_mean: the runner adds the training set's mean on-site blocks instead of a matrix.
        maps_levels: the runner moves its levels onto the training references before anything is learned; worth
            while where the baseline's *orbitals* are good.
        fits_zero: its zero of energy is not that of the references, and the runner moves it by a multiple of the
            overlap. Otherwise the difference would reach as far as the overlap, which in silicon is beyond any cutoff:
            at 6 to 7 Å its elements are 48 mHa without and 3 mHa with it (gth-szv).
        for_molecules, for_crystals: of what it can be had.
        has_orbitals: whether its eigenvectors mean something.
    """

    name = ""
    label = ""
    help = ""
    uses_training_mean = False
    maps_levels = False
    fits_zero = False
    for_molecules = True
    for_crystals = False
    has_orbitals = True

    def matrix(self, structure: Structure, basis: str) -> np.ndarray:
        """H̃0 in Löwdin orbitals of the small basis, shape (n_ao, n_ao), Ha."""
        n_ao = make_mole(structure, basis).nao
        return np.zeros((n_ao, n_ao))

    def matrix_at_k(self, structure: Structure, orbitals: CellOrbitals, k_points: np.ndarray) -> np.ndarray:
        """H0(k) of a crystal between atomic orbitals of the small basis, shape (n_k, n_ao, n_ao), complex, Ha.

        Only asked for where ``for_crystals`` is true.
        """
        n_ao = orbitals.layout(structure).n_ao
        return np.zeros((len(k_points), n_ao, n_ao), complex)


BASELINES: Registry[Baseline] = Registry("baseline")


@BASELINES.register("scf_step")
class OneSCFStep(Baseline):
    """The Hartree-Fock matrix of a density half-way between superposed atoms and their first response.

    Two Fock builds in the small basis, density-fitted (levels differ by 1 mHa or less from exact integrals in
    STO-3G), no self-consistency. Measured on the shipped small molecules, its orbitals have dipoles nearer to
    B3LYP/def2-TZVP than the converged B3LYP/STO-3G ones: Hartree-Fock's exaggerated charge separation offsets what a
    minimal basis lacks.
    """

    label = "One SCF step"
    help = "Atoms laid side by side, then one step towards self-consistency: quick, and charges are nearly right."
    maps_levels = True

    def matrix(self, structure: Structure, basis: str) -> np.ndarray:
        # On one thread: sums over several are not the same twice, and small molecules gain nothing from more.
        with lib.with_omp_threads(1):
            mol = make_mole(structure, basis)
            x = inverse_square_root(mol.intor_symmetric("int1e_ovlp"))
            core = scf.hf.get_hcore(mol)
            mean_field = self._mean_field(mol, structure)
            atoms = block_diag(*(_atom_density(basis, int(z)) for z in structure.numbers))
            _, coeff = np.linalg.eigh(x @ (core + mean_field(atoms)) @ x)
            occupied = x @ coeff[:, : mol.nelectron // 2]
            halfway = atoms / 2 + occupied @ occupied.T
            return x @ (core + mean_field(halfway)) @ x

    def _mean_field(self, mol: gto.Mole, structure: Structure) -> Callable[[np.ndarray], np.ndarray]:
        """Density -> what electrons feel of each other, between atomic orbitals."""
        return _FittedMeanField(mol, structure)


@BASELINES.register("b3lyp_step")
class OneB3LYPStep(OneSCFStep):
    """The same with B3LYP instead of Hartree-Fock, its functional integrated on a coarse grid.

    Made for the matrix of a large basis itself, as an SCF begins with it: there what is left to learn is the second
    response of the density, not the difference between two functionals. Of unseen QM7 molecules in def2-SVP the learned
    matrix is off by 0.10 mHa with it, by 0.3 mHa with ``scf_step`` (mean absolute, some 100 molecules).
    """

    label = "One B3LYP step"
    help = "The same with B3LYP: slower, and the best beginning for the matrix of a large basis."
    maps_levels = False

    def _mean_field(self, mol: gto.Mole, structure: Structure) -> Callable[[np.ndarray], np.ndarray]:
        numint = dft.numint.NumInt()
        fitted = _FittedMeanField(mol, structure, exchange=numint.hybrid_coeff("b3lyp"))
        grids = _turning_grid(structure, level=1)
        return lambda density: fitted(density) + numint.nr_rks(mol, grids, "b3lyp", density)[2]


def _turning_grid(structure: Structure, level: int) -> dft.gen_grid.Grids:
    """Points that turn with the molecule, as PySCF's do not: laid along its own axes."""
    axes = broadest_view(structure.positions)
    grids = dft.gen_grid.Grids(make_mole(structure.moved(structure.positions @ axes.T), "sto-3g"))
    grids.level = level
    grids.build()
    grids.coords = grids.coords @ axes
    return grids


class _FittedMeanField:
    """J - x K/2 of symmetric densities, integrals (ij|P) fitted in Weigend's universal auxiliary basis.

    Source: Weigend, Phys. Chem. Chem. Phys. 8, 1057 (2006).
    """

    def __init__(self, mol: gto.Mole, structure: Structure, *, exchange: float = 1.0) -> None:
        self._share = exchange
        auxiliary = make_auxiliary_mole(structure)
        three = df.incore.aux_e2(mol, auxiliary, intor="int3c2e", aosym="s2ij").T
        lower = cholesky(auxiliary.intor("int2c2e", hermi=1), lower=True)
        # (ij|kl) is the sum over P of these for ij times those for kl.
        self._roots = lib.unpack_tril(solve_triangular(lower, three, lower=True, check_finite=False))

    def __call__(self, density: np.ndarray) -> np.ndarray:
        coulomb = np.tensordot(np.tensordot(self._roots, density, 2), self._roots, 1)
        exchange = np.tensordot(self._roots @ density, self._roots, axes=((0, 2), (0, 1)))
        return coulomb - self._share * exchange / 2


@cache
def _atom_density(basis: str, number: int) -> np.ndarray:
    """Spherical density of a neutral atom in its own functions of a basis, from PySCF's tabulated orbitals."""
    shells = list(element_basis(basis, number))
    atom = gto.M(atom=[(number, (0.0, 0.0, 0.0))], basis={number: shells}, spin=number % 2, verbose=0)
    return np.asarray(scf.hf.init_guess_by_minao(atom))


@BASELINES.register("sap")
class SuperpositionOfAtomicPotentials(Baseline):
    """T + V of superposed atomic potentials, fitted by Gaussians so that they rotate exactly.

    Source: Lehtola, J. Chem. Theory Comput. 15, 1593 (2019); Lehtola, Visscher & Engel, J. Chem. Phys. 152, 144105
    (2020).
    """

    label = "Atomic potentials (SAP)"
    help = "Kinetic energy plus the sum of screened atomic potentials: no iteration, and most of the physics."

    def matrix(self, structure: Structure, basis: str) -> np.ndarray:
        mol = make_mole(structure, basis)
        core = scf.hf.get_hcore(mol) + scf.hf.make_sap(mol, _sap_potentials(structure))
        x = inverse_square_root(mol.intor_symmetric("int1e_ovlp"))
        return x @ core @ x


def _sap_potentials(structure: Structure) -> dict[str, np.ndarray]:
    """Exponents and coefficients of each element's screening charge."""
    return {symbol: _sap_potential(symbol) for symbol in structure.elements}


@cache
def _sap_potential(symbol: str) -> np.ndarray:
    # Reading PySCF's table takes longer than many a molecule's integrals.
    return np.array(gto.basis.load("sapgrasplarge", symbol)[0][1:], dtype=float)


@BASELINES.register("gfn1")
class TightBinding(Baseline):
    r"""GFN1-xTB's Hamiltonian before self-consistency, with the overlap of the small basis in place of its own.

    $H^0_{\mu\nu}(\mathbf T) = S_{\mu\nu}(\mathbf T)\,\Pi_{ab}(R)\,\tfrac12(h_a + h_b)$ ends with the overlap. (Carried
    over between Löwdin orbitals instead, it reaches so far that on graphene what lies beyond 8 Å costs 1.0 meV instead
    of 0.1.) Shells that the small basis lacks (hydrogen's second s, silicon's d) are left out; a small basis with more
    shells than GFN1-xTB is refused.

    Source: Grimme, Bannwarth & Shushkov, J. Chem. Theory Comput. 13, 1989 (2017).
    """

    label = "GFN1-xTB"
    help = "The tight-binding Hamiltonian of GFN1-xTB before its charges respond: milliseconds, for crystals."
    fits_zero = True
    for_molecules = False
    for_crystals = True

    def matrix(self, structure: Structure, basis: str) -> np.ndarray:
        raise BasisError("GFN1-xTB is a baseline of crystals here; choose scf_step or sap for molecules")

    def matrix_at_k(self, structure: Structure, orbitals: CellOrbitals, k_points: np.ndarray) -> np.ndarray:
        cells, overlap = orbitals.overlap_in_real_space(structure)
        shell_of_ao = _shells_in_xtb(structure, orbitals)
        levels = pair_levels(structure, cells)[:, shell_of_ao[:, None], shell_of_ao]
        return bloch_sum(overlap * levels, cells, k_points)


def _shells_in_xtb(structure: Structure, orbitals: CellOrbitals) -> np.ndarray:
    """The shell of GFN1-xTB that each orbital of the small basis stands for, shape (n_ao,); raises BasisError."""
    found: list[int] = []
    start = 0
    for symbol, z in zip(structure.symbols, structure.numbers.tolist(), strict=True):
        free = list(enumerate(gfn1_shells(z), start))
        for l in orbitals.shells(z):
            match = next((entry for entry in free if entry[1][1] == l), None)
            if match is None:
                raise BasisError(
                    f"{orbitals.basis} has more shells of {symbol} than GFN1-xTB; choose the baseline 'none'"
                )
            free.remove(match)
            found += [match[0]] * (2 * l + 1)
        start += len(gfn1_shells(z))
    return np.array(found)


@BASELINES.register("atoms")
class SuperposedAtoms(Baseline):
    """The Kohn-Sham matrix of neutral atoms laid side by side (:func:`superposed_matrix`), PBE, small basis.

    No iteration, but a potential on a grid: 0.8 s for graphene on an 8×8×1 mesh (one slow core), where GFN1-xTB takes
    milliseconds. What is left to learn is how charge moves between the atoms: its bands, moved by one number, are 40
    meV off converged ones in distorted graphene and 10 meV in silicon (gth-szv).
    """

    label = "Superposed atoms"
    help = "The potential of atoms laid side by side, once, no iteration: seconds a crystal, and most of the physics."
    fits_zero = True
    for_molecules = False
    for_crystals = True

    def matrix(self, structure: Structure, basis: str) -> np.ndarray:
        raise BasisError(
            "superposed atoms are a baseline of crystals here; choose scf_step or sap for molecules"
        )

    def matrix_at_k(self, structure: Structure, orbitals: CellOrbitals, k_points: np.ndarray) -> np.ndarray:
        if orbitals.is_tight_binding:
            raise BasisError(
                "GFN1-xTB has no pseudopotentials for superposed atoms; choose the baseline 'gfn1'"
            )
        return superposed_matrix(orbitals.cell(structure), k_points)


@BASELINES.register("mean")
class TrainingMean(Baseline):
    """The training set's mean of every rotation-invariant on-site component."""

    label = "Mean of the training set"
    help = "The average on-site blocks of the training molecules, an element at a time."
    uses_training_mean = True
    for_crystals = True
    has_orbitals = False


@BASELINES.register("none")
class NoBaseline(Baseline):
    """Zero: the whole matrix is learned, as in the paper's molecular models."""

    label = "None"
    help = "Learn the whole matrix, as the paper does for molecules."
    for_crystals = True
    has_orbitals = False
