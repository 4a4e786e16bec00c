"""What a learned density saves an SCF: `count_iterations.py RUN DATASET`.

Counts B3LYP iterations (and processor time) on the molecules of a data set that a run has not seen, in the run's small
basis, from PySCF's own guesses and from the model's. A model to begin with is made by

    python scripts/make_datasets.py qm7-svp
    hamexplorer train qm7-svp.h5 --out runs/svp --targets hamiltonian --baseline b3lyp_step --model linear --epochs 0 \
        --train-fraction 0.85 --validation-fraction 0.14
    python scripts/count_iterations.py runs/svp qm7-unseen
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pyscf import dft, lib

from hamexplorer.errors import HamExplorerError
from hamexplorer.physics.molecule import make_mole
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.structures.structure import Structure
from hamexplorer.train.scf_guess import scf_guess
from hamexplorer.train.trained import TrainedModel

#: PySCF's, and ours.
GUESSES = ("minao", "huckel", "vsap", "learned")


class Count(NamedTuple):
    """One SCF: iterations, processor seconds (the guess among them), and whether it converged."""

    iterations: int
    seconds: float
    converged: bool


def count(structure: Structure, model: TrainedModel, guess: str, grid_level: int) -> Count:
    """Run B3LYP with density fitting and PySCF's default convergence from one of the guesses."""
    mol = make_mole(structure, model.method.small_basis)
    mf = dft.RKS(mol, xc="b3lyp").density_fit()
    mf.grids.level = grid_level
    began = time.process_time()
    if guess == "learned":
        mf.kernel(dm0=scf_guess(mol, model))
    else:
        mf.init_guess = guess
        mf.kernel()
    return Count(mf.cycles, time.process_time() - began, bool(mf.converged))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder that `hamexplorer train` wrote")
    parser.add_argument("dataset", metavar="DATASET", help="data set whose molecules are counted, if unseen")
    parser.add_argument(
        "--part", default="1/1", help="every n-th molecule from the k-th on, as k/n (default 1/1)"
    )
    parser.add_argument(
        "--guesses", default=",".join(GUESSES), help="some of minao,huckel,vsap,learned (default: all)"
    )
    parser.add_argument("--grid-level", type=int, default=1, help="of the SCF (default 1; PySCF's is 3)")
    options = parser.parse_args()
    lib.num_threads(1)
    try:
        model, dataset = TrainedModel.load(options.run_folder), read_dataset(options.dataset)
    except HamExplorerError as error:
        print(error, file=sys.stderr)
        return 1
    seen = {*model.split_keys["train"], *model.split_keys["validation"]}
    first, step = (int(number) for number in options.part.split("/"))
    unseen = [s for s in dataset.structures if s.key not in seen][first - 1 :: step]
    guesses = options.guesses.split(",")
    if not unseen:
        print(f"{options.dataset} holds no molecule that the run has not seen", file=sys.stderr)
        return 1
    count(unseen[0], model, "learned", options.grid_level)  # compiles
    found = {guess: [] for guess in guesses}
    for structure in unseen:
        for guess in guesses:
            found[guess].append(count(structure, model, guess, options.grid_level))
        print(structure.label, *(f"{guess} {found[guess][-1].iterations}" for guess in guesses), flush=True)
    usual = np.mean([each.iterations for each in found.get("minao", [])] or [np.nan])
    print(
        f"\n{len(unseen)} molecules: iterations (standard deviation), fewer than minao, seconds, not converged"
    )
    for guess, counts in found.items():
        iterations = np.array([each.iterations for each in counts])
        seconds, failed = np.mean([c.seconds for c in counts]), sum(not c.converged for c in counts)
        fewer = 1 - iterations.mean() / usual
        print(
            f"{guess:>8}  {iterations.mean():5.2f} ({iterations.std():.2f})  {fewer:6.1%}  {seconds:6.1f}  {failed}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
