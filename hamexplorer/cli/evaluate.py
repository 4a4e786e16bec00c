"""Compare a trained model with reference values, beside the raw small basis.

Prints a table and writes the same numbers as JSON:
{"targets": {"mo_energy": {"mae", "rmse", "rmse_per_atom", "unit", "n"}, …},
 "raw": {the same for the raw small basis; null where it has no such value}}.
With --by, the same again for each group of structures, under "by" and the group's name."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hamexplorer.cli.outputs import check_output, write_all
from hamexplorer.cli.tables import compared_with, error_report, error_table
from hamexplorer.structures.qualities import QUALITIES
from hamexplorer.units import ENERGY_UNITS

EXAMPLES = """\
`rmse_per_atom` is the paper's figure: the root of the mean over molecules of |difference|² / n_atoms².

examples:
  hamexplorer evaluate run ethane --json errors.json
  hamexplorer evaluate run other.h5 --split all --units Ha --json errors.json
  hamexplorer evaluate run polyenes.h5 --by formula"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer evaluate`."""
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder that `hamexplorer train` wrote")
    parser.add_argument("dataset", metavar="DATASET", help="a data set file, or the name of a shipped one")
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test", "all"),
        default="test",
        help="which structures count, by the split that the run was trained with (default: test)",
    )
    parser.add_argument(
        "--units", choices=tuple(ENERGY_UNITS), default="eV", help="unit of energies (default: eV)"
    )
    parser.add_argument(
        "--by", choices=tuple(QUALITIES), help="errors also apart, for structures that differ in this"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the numbers to this file")


def run(options: argparse.Namespace) -> int:
    """Evaluate, print, write."""
    out = check_output(options.json, (".json",)) if options.json else None

    from hamexplorer.reference.dataset import read_dataset
    from hamexplorer.train.card import sentence
    from hamexplorer.train.trained import TrainedModel

    model = TrainedModel.load(options.run_folder)
    results = model.evaluate(read_dataset(options.dataset), options.split)
    rows = results.errors(options.split, units=options.units)
    print(f"{options.run_folder}: {sentence(model)}")
    print(f"{options.dataset}, {options.split}{compared_with(model)}")
    print(error_table(rows))
    report: dict[str, Any] = error_report(rows)
    if options.by:
        apart = results.errors_by(options.by, options.split, units=options.units)
        for name, group in apart.items():
            print(f"\n{name}\n{error_table(group)}")
        report["by"] = {name: error_report(group) for name, group in apart.items()}
    if out is not None:
        write_all(out.parent, {out.name: json.dumps(report, indent=2, ensure_ascii=False) + "\n"})
        print(f"written to {out}")
    return 0
