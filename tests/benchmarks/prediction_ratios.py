"""(c) Prediction of all properties against PySCF's SCF in the small and in the large basis."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Row, Scale, cores, in_ms, medians, seconds
from pyscf import dft, lib
from workload import TARGETS, smallest

from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.structure import Structure
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.stream import SteadyPredictor
from hamexplorer.train.trained import TrainedModel

#: Goals against the SCF in each basis.
FASTER_THAN_SMALL, FASTER_THAN_LARGE = 300, 3000
QM7 = Path(__file__).parents[2] / "scripts" / "qm7.xyz"
#: What models see and stand on: the default, and what costs least.
KINDS: dict[str, dict[str, Any]] = {
    "default settings": {},
    "baseline of atomic potentials": {"baseline": "sap"},
    "no baseline": {"baseline": "none", "features": "geometry"},
}


def qm7_molecules(n: int) -> list[Structure]:
    """The first n of the molecules of QM7 whose list is kept with the scripts."""
    return read_structures(QM7)[:n]


def untrained(scale: Scale, **settings: Any) -> TrainedModel:
    """A model of CHNO molecules as it starts: it predicts as long as any."""
    dataset = read_dataset("small-molecules")
    if scale.tiny:
        dataset = smallest(dataset, 12)
    chosen = RunSettings(**{"targets": TARGETS, "epochs": 0, **settings})
    with tempfile.TemporaryDirectory() as folder:
        train(dataset, chosen).save(folder)
        return TrainedModel.load(folder)


def seconds_of_scf(structure: Structure, basis: str, *, fitted: bool) -> float:
    """B3LYP with PySCF's usual grid, guess and convergence, on all cores; no property, no response."""
    mol = make_mole(structure, basis)

    def run() -> None:
        mf = dft.RKS(mol, xc="b3lyp")
        (mf.density_fit() if fitted else mf).kernel()

    with lib.with_omp_threads(cores()):
        return seconds(run)


def predictions_of(
    models: dict[str, TrainedModel], structures: Sequence[Structure], repeats: int
) -> dict[str, float]:
    """Seconds a molecule of each model, in a stream; compilation is over."""
    calls = {}
    for name, model in models.items():
        predictor = SteadyPredictor(model)
        calls[name] = lambda p=predictor: p(structures)
    return {name: each / len(structures) for name, each in medians(calls, repeats).items()}


def against_scf(scale: Scale) -> list[Row]:
    """(c). From a geometry to levels, gap, dipole, polarizability, charges and bond orders; integrals included."""
    kinds = dict(list(KINDS.items())[-1:]) if scale.tiny else KINDS
    structures = qm7_molecules(scale.few(64, 2))
    ours = predictions_of({n: untrained(scale, **s) for n, s in kinds.items()}, structures, scale.few(5))
    some = sorted(structures[:16], key=lambda s: s.n_atoms)
    # Of middle size, so that two molecules stand for the others.
    middle = some[len(some) // 2 - 1 :]
    small, large = ("sto-3g", "sto-3g") if scale.tiny else ("sto-3g", "def2-tzvp")
    theirs = {
        f"SCF in {small}": (
            np.mean([seconds_of_scf(s, small, fitted=False) for s in middle[: scale.few(6)]]),
            FASTER_THAN_SMALL,
        ),
        f"SCF in {large}, density-fitted": (
            np.mean([seconds_of_scf(s, large, fitted=True) for s in middle[: scale.few(2)]]),
            FASTER_THAN_LARGE,
        ),
    }
    size = np.mean([s.n_atoms for s in structures])
    rows = []
    for kind, mine in ours.items():
        for other, (each, goal) in theirs.items():
            rows.append(
                Row(
                    f"all properties of a QM7 molecule ({size:.1f} atoms), {kind}; {other}",
                    in_ms(mine),
                    in_ms(float(each)),
                    float(each) / mine,
                    f"≥ {goal}×",
                    bool(each / mine >= goal),
                )
            )
    return rows
