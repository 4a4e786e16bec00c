r"""How long a reference calculation will take: an estimate, corrected by what this machine has needed so far.

Seconds on one core $\approx a + b\,n_{atoms}\,n_{ao} + c\,n_{ao}^{3}$: starting up and small change, the
functional on its grid (points grow with atoms), integrals and their transformation. The constants are a fit
to the B3LYP calculations of the shipped datasets on a slow core (half of them within 10 %, nine in ten
within 30 %). A factor for the machine at hand, kept in the store, is learned from every run.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence

from hamexplorer.errors import HamExplorerError
from hamexplorer.physics.molecule import element_basis
from hamexplorer.reference.aside import write_aside
from hamexplorer.reference.kinds import Method, kind_of
from hamexplorer.reference.method import LevelOfTheory
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.structure import Structure

_START, _GRID = 0.3, 3.5e-3
#: Per n_ao³, with fitted and with exact integrals.
_FITTED, _EXACT = 5.8e-6, 1e-4
#: How far a grid level moves the number of points, relative to level 2.
_GRID_FACTOR = (0.3, 0.6, 1.0, 1.3, 2.0, 3.0, 4.5)
_MEMORY = "speed.json"


def n_ao(structure: Structure, basis: str) -> int:
    """Number of spherical atomic orbitals of a structure.

    Raises:
        BasisError: if an element has no functions in ``basis``.
    """
    return sum(_n_functions(basis, z) for z in structure.numbers.tolist())


def _n_functions(basis: str, number: int) -> int:
    # A shell is [l, (exponent, c_1, c_2, …), …], maybe with a kappa after l: one function set a coefficient.
    return sum((2 * shell[0] + 1) * (len(shell[-1]) - 1) for shell in element_basis(basis, number))


def level_seconds(structure: Structure, level: LevelOfTheory) -> float:
    """Estimated seconds of one calculation on one core of the machine that made the constants."""
    n = n_ao(structure, level.basis)
    grid = 0.0 if level.xc == "hf" else _GRID * _GRID_FACTOR[level.grid_level] * structure.n_atoms * n
    return float(_START + grid + (_FITTED if level.density_fit else _EXACT) * n**3)


def missing_seconds(structure: Structure, method: Method, store: ReferenceStore) -> float:
    """Estimated seconds of what the store lacks of one structure; 0 for one that will be set aside at once."""
    kind = kind_of(method)
    try:
        levels = kind.levels(structure, method)
        for level in levels:
            kind.check(structure, level)
        missing = [level for level in dict.fromkeys(levels) if not store.has(structure, level)]
        return sum(kind.seconds(structure, level) for level in missing)
    except HamExplorerError:
        return 0.0


def estimate_seconds(
    structures: Sequence[Structure],
    method: Method,
    *,
    jobs: int,
    store: ReferenceStore | None = None,
) -> float:
    """Estimated time for a batch, from what the store lacks of it; an estimate, often off by half.

    Args:
        structures: the molecules wanted.
        method: what to compute.
        jobs: worker processes.
        store: where finished calculations are; the user's own if None.
    """
    store = store or ReferenceStore()
    costs = [missing_seconds(s, method, store) for s in {s.key: s for s in structures}.values()]
    return machine_factor(store) * max(sum(costs) / max(jobs, 1), max(costs, default=0.0))


def machine_factor(store: ReferenceStore) -> float:
    """Measured over estimated seconds in earlier runs with this store; 1 when there were none."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        factor = float(json.loads((store.folder / _MEMORY).read_text())["factor"])
        if 0.01 < factor < 100:
            return factor
    return 1.0


def remember_factor(store: ReferenceStore, factor: float) -> None:
    """Keep the factor of a run for the next estimate; failing to do so is no loss."""
    with contextlib.suppress(HamExplorerError), write_aside(store.folder / _MEMORY) as aside:
        aside.write_text(json.dumps({"factor": factor}))
