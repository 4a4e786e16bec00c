"""Compute the reference values of the shipped crystals; what the store has is not computed again.

Usage: python scripts/make_crystals.py compute NAME [FIRST [LAST]], and then collect NAME, NAME one of the sets below;
run two at a time with one thread each (OMP_NUM_THREADS=1).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import numpy as np
import pyscf

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.crystal import calculate_crystal
from hamexplorer.reference.crystal_method import CrystalMethod, CrystalPoint
from hamexplorer.reference.dataset import Reference, ReferenceDataset, shipped_path, write_dataset
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.crystals import build_bulk, build_layer, build_polyacetylene, distorted, supercell
from hamexplorer.structures.structure import Structure


class CrystalSet(NamedTuple):
    """Structures and the method with which they are computed."""

    method: CrystalMethod
    structures: Callable[[], list[Structure]]


def _bulk(symbol: str) -> list[Structure]:
    cell = build_bulk(symbol)
    doubled = distorted(supercell(cell, (2, 1, 1)), n=8, amplitude=0.05, strain=0.01, seed=2)
    return [*distorted(cell, n=16, amplitude=0.05, strain=0.01, seed=1), *doubled]


def _polyacetylene() -> list[Structure]:
    return [build_polyacetylene(0.02 * k, mean) for mean in (1.40, 1.38, 1.42) for k in range(8)]


def _graphene() -> list[Structure]:
    return [build_layer(), *distorted(build_layer(), n=60, amplitude=0.08, strain=0.02, seed=0)]


def _method(k_length: float, smearing: float = 0.0, large_basis: str = "gth-szv") -> CrystalMethod:
    return CrystalMethod(k_length=k_length, smearing=smearing, large_basis=large_basis)


SETS = {
    "graphene": CrystalSet(_method(19.7, 0.005, "gth-dzvp"), _graphene),  # 8×8×1
    "graphene-szv": CrystalSet(_method(19.7, 0.005), _graphene),
    "hbn": CrystalSet(  # 6×6×1
        _method(15.0),
        lambda: distorted(build_layer("BN", 2.50), n=24, amplitude=0.08, strain=0.02, seed=0),
    ),
    "polyacetylene": CrystalSet(_method(30.0, 0.002), _polyacetylene),  # 12×1×1
    "silicon": CrystalSet(_method(15.4), lambda: _bulk("Si")),  # 4×4×4
    # Larger cells that a model of the ones above never saw; 2×2×2.
    "silicon-supercells": CrystalSet(
        _method(15.4),
        lambda: distorted(supercell(build_bulk("Si"), (2, 2, 2)), n=3, amplitude=0.05, strain=0.01, seed=9),
    ),
    "diamond": CrystalSet(_method(10.1), lambda: _bulk("C")),  # 4×4×4
}
#: Ha: what is written of matrices and bands is rounded to this power of two, which halves the files. It is a thousand
#: times below what the plane-wave cutoff costs.
_ROUNDING = 2.0**-30


def compute(name: str, first: int = 0, last: int | None = None) -> None:
    """Compute a slice of a set, all structures at the cheap level first."""
    chosen, store = SETS[name], ReferenceStore()
    for size in (0, 1):
        for structure in chosen.structures()[first:last]:
            level = chosen.method.levels(structure)[size]
            if store.has(structure, level):
                continue
            began = time.monotonic()
            try:
                point = calculate_crystal(structure, level)
            except HamExplorerError as error:
                print(f"set aside: {error}", flush=True)
                continue
            store.put(structure, level, point)
            seconds = time.monotonic() - began
            print(f"{structure.label} {level.basis}: {point.e_tot:.6f} Ha, {seconds:.0f} s", flush=True)


def collect(name: str) -> None:
    """Write what the store has of a set into the package's data folder."""
    chosen, store = SETS[name], ReferenceStore()
    found = []
    for structure in chosen.structures():
        small, large = (store.get(structure, level) for level in chosen.method.levels(structure))
        if small is not None and large is not None:
            points = rounded(small), rounded(large)
            found.append(Reference.of_crystal(structure, *points, chosen.method.mesh(structure)))
    path = shipped_path(name)
    write_dataset(path, ReferenceDataset(name, chosen.method, tuple(found), provenance=provenance()))
    print(
        f"{path}: {len(found)} of {len(chosen.structures())} structures, {path.stat().st_size / 1e6:.2f} MB"
    )


def rounded(point: CrystalPoint) -> CrystalPoint:
    """The same with matrices and bands rounded to ``_ROUNDING``."""
    names = ("mo_energy", "fock", "overlap", "path_energy")
    return replace(point, **{n: np.round(getattr(point, n) / _ROUNDING) * _ROUNDING for n in names})


def provenance() -> dict[str, str]:
    """Who made the numbers."""
    return {
        "made_by": "scripts/make_crystals.py",
        "pyscf": pyscf.__version__,
        "date": date.today().isoformat(),
    }


if __name__ == "__main__":
    verb, which, *places = sys.argv[1:]
    {"compute": compute, "collect": collect}[verb](which, *map(int, places))
