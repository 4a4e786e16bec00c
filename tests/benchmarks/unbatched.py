"""The physics of a training step molecule by molecule, with PySCFAD's ordinary classes: what ours is measured against.

As in the method's first implementation: a mean field of each molecule solves H C = S C ε and gives occupations, density
matrix and dipole moment; the polarizability is the derivative of the dipole moment by a field, three passes backwards;
the loss is differentiated through all of it. Written anew, from the description of the method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from pyscfad import gto, scf

from hamexplorer.train.frames import Frame


class Unbatched(NamedTuple):
    """One molecule.

    Attributes:
        mf: PySCFAD's mean field.
        root: S^½, from the learned matrix between Löwdin orbitals to one between atomic orbitals, (n_ao, n_ao).
        frame: with the reference values.
    """

    mf: Any
    root: Any
    frame: Frame

    @property
    def n_ao(self) -> int:
        return len(self.root)

    @classmethod
    def of(cls, frame: Frame, basis: str) -> Unbatched:
        structure = frame.structure
        mol = gto.Mole()
        mol.atom = [(s, tuple(r)) for s, r in zip(structure.symbols, structure.positions, strict=True)]
        mol.unit, mol.basis, mol.verbose = "Bohr", basis, 0
        mol.build(trace_exp=False, trace_ctr_coeff=False, trace_coords=False)
        return cls(scf.RHF(mol), jnp.asarray(frame.integrals.root), frame)

    def loss(self, matrix: Any, scales: Sequence[float], n_structures: int, *, traced: bool = False) -> Any:
        """Σ_p scale_p ‖Δ_p‖²/N² / n_structures of H̃, shape (n_ao, n_ao); targets in the order of ε, μ, α.

        ``traced``: for being compiled, where occupations cannot be looked at.
        """
        mf, mol = self.mf, self.mf.mol
        h, overlap = self.root @ matrix @ self.root, mf.get_ovlp()
        with mol.with_common_origin((0.0, 0.0, 0.0)):
            r = mol.intor_symmetric("int1e_r", comp=3)

        def dipole(field: Any) -> tuple[Any, Any]:
            energy, coeff = mf.eig(h + jnp.einsum("x,xpq->pq", field, r), overlap)
            if traced:
                occupied = coeff[:, : mol.nelectron // 2]
                density = 2 * occupied @ occupied.T
            else:
                density = mf.make_rdm1(coeff, mf.get_occ(energy, coeff))
            return mf.dip_moment(mol, density, unit="AU", verbose=0), energy

        no_field = jnp.zeros(3)
        moment, energy = dipole(no_field)
        alpha = jax.jacrev(lambda field: dipole(field)[0])(no_field)
        total = 0.0
        for name, scale, value in zip(
            ("mo_energy", "dipole", "polarizability"), scales, (energy, moment, alpha), strict=True
        ):
            if name in self.frame.targets:
                known, weight = self.frame.targets[name]
                total = total + scale * (weight * (value - known) ** 2).sum()
        return total / self.frame.structure.n_atoms**2 / n_structures


#: Of one molecule: H̃ → loss and its derivative by H̃.
LossAndGradient = Callable[[Any], tuple[Any, Any]]


def eager(molecules: Sequence[Unbatched], scales: Sequence[float]) -> list[LossAndGradient]:
    """Uncompiled, as the method's first implementation runs."""
    n = len(molecules)
    return [jax.value_and_grad(lambda h, m=m: m.loss(h, scales, n)) for m in molecules]


def compiled(molecules: Sequence[Unbatched], scales: Sequence[float]) -> list[LossAndGradient]:
    """Each molecule compiled by itself; its integrals become constants."""
    n = len(molecules)
    return [jax.jit(jax.value_and_grad(lambda h, m=m: m.loss(h, scales, n, traced=True))) for m in molecules]


def molecule_by_molecule(
    each: Sequence[LossAndGradient], matrices: Any, n_ao: Sequence[int]
) -> tuple[float, np.ndarray]:
    """Loss of a batch and its derivative by the padded matrices (n_structures, 1, n_ao, n_ao)."""
    total, gradient = 0.0, np.zeros(matrices.shape)
    for k, (one, n) in enumerate(zip(each, n_ao, strict=True)):
        value, by_matrix = one(matrices[k, 0, :n, :n])
        total += float(value)
        gradient[k, 0, :n, :n] = by_matrix
    return total, gradient
