"""Predict properties of molecules with a trained model; no reference calculation is needed.

The ending of FILE decides its form: .json holds everything; .csv one line a structure with the scalars;
.extxyz (or .xyz) geometries with the values as ASE reads them.

With --smiles, levels and gaps of as many molecules as a file lists, line by line, as .csv."""

from __future__ import annotations

import argparse
from pathlib import Path

from hamexplorer.cli.inputs import STRUCTURES_HELP, add_structures, read_structures_option
from hamexplorer.cli.outputs import check_output
from hamexplorer.cli.predictions import WRITERS, write_levels
from hamexplorer.errors import SettingsError

EXAMPLES = f"""\
{STRUCTURES_HELP}

Units: orbital energies and gap Ha, dipole e·bohr, polarizability bohr³, charges e; positions in .extxyz Å.
A model trained with --committee adds its members' spread: how far they stand apart, in the units of the values.

examples:
  hamexplorer predict run smiles:CC --out ethane.json
  hamexplorer predict run molecules.xyz --out table.csv
  hamexplorer predict run --smiles molecules.smi --novelty small-molecules --out levels.csv"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer predict`."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder that `hamexplorer train` wrote")
    add_structures(parser, required=False)
    parser.add_argument(
        "--smiles",
        metavar="LIST",
        type=Path,
        help="instead of STRUCTURES: a file with a SMILES and maybe a name a line; HOMO, LUMO and gap in eV of each",
    )
    parser.add_argument(
        "--novelty",
        metavar="DATASET",
        help="with --smiles: the data set of the run, to warn of molecules unlike those learned from",
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help=f"file to write: {', '.join(WRITERS)}"
    )


def run(options: argparse.Namespace) -> int:
    """Predict and write."""
    if (options.smiles is None) == (options.structures is None):
        raise SettingsError("give either STRUCTURES or --smiles LIST, one of the two")
    if options.smiles is not None:
        return _run_smiles(options)
    if options.novelty is not None:
        raise SettingsError("--novelty goes with --smiles; leave it out")
    out = check_output(options.out, tuple(WRITERS))
    structures = read_structures_option(options)

    from hamexplorer.reference.aside import write_aside
    from hamexplorer.train.card import sentence
    from hamexplorer.train.trained import TrainedModel

    model = TrainedModel.load(options.run_folder)
    print(f"{options.run_folder}: {sentence(model)}")
    predictions = model.predict(structures)
    with write_aside(out) as aside:
        WRITERS[out.suffix.lower()](aside, predictions)
    print(f"{out}: {len(predictions)} structures")
    return 0


def _run_smiles(options: argparse.Namespace) -> int:
    if options.charge is not None:
        raise SettingsError("SMILES state their charge themselves; leave --charge out")
    out = check_output(options.out, (".csv",))

    from hamexplorer.reference.dataset import read_dataset
    from hamexplorer.train.card import sentence
    from hamexplorer.train.novelty import Novelty
    from hamexplorer.train.screening import screen_smiles
    from hamexplorer.train.trained import TrainedModel

    model = TrainedModel.load(options.run_folder)
    print(f"{options.run_folder}: {sentence(model)}")
    novelty = None
    if options.novelty is not None:
        dataset = read_dataset(options.novelty)
        learned_from = model.split_of(dataset).train
        if len(learned_from) < 2:
            raise SettingsError(
                f"{len(learned_from)} structures of {options.novelty} are among those that the run learned from; "
                f"give the data set that it was trained on"
            )
        novelty = Novelty([dataset.structures[k] for k in learned_from])
    # A line that is no text is no SMILES, and says so in its place.
    with options.smiles.open(encoding="utf-8", errors="replace") as lines:
        done, without = write_levels(out, screen_smiles(lines, model, novelty=novelty))
    print(f"{out}: {done} molecules" + (f", {without} of them without a prediction" if without else ""))
    return 0
