"""Predict properties of molecules with a trained model; no reference calculation is needed.

The ending of FILE decides its form: .json holds everything; .csv one line a structure with the scalars;
.extxyz (or .xyz) geometries with the values as ASE reads them."""

from __future__ import annotations

import argparse
from pathlib import Path

from hamexplorer.cli.inputs import STRUCTURES_HELP, add_structures, read_structures_option
from hamexplorer.cli.outputs import check_output
from hamexplorer.cli.predictions import WRITERS

EXAMPLES = f"""\
{STRUCTURES_HELP}

Units: orbital energies and gap Ha, dipole e·bohr, polarizability bohr³, charges e; positions in .extxyz Å.
A model trained with --committee adds its members' spread: how far they stand apart, in the units of the values.

examples:
  hamexplorer predict run smiles:CC --out ethane.json
  hamexplorer predict run molecules.xyz --out table.csv"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer predict`."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder that `hamexplorer train` wrote")
    add_structures(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help=f"file to write: {', '.join(WRITERS)}"
    )


def run(options: argparse.Namespace) -> int:
    """Predict and write."""
    out = check_output(options.out, tuple(WRITERS))
    structures = read_structures_option(options)

    from hamexplorer.train.trained import TrainedModel

    predictions = TrainedModel.load(options.run_folder).predict(structures)
    WRITERS[out.suffix.lower()](out, predictions)
    print(f"{out}: {len(predictions)} structures")
    return 0
