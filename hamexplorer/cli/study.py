"""Train a whole grid of models, one after the other, and compare them: target sets × reductions × models × seeds.

`hamexplorer study paper` is the study of Suman et al. (arXiv 2504.01187): Hamiltonians that learn the values of the
small or of the large basis, the closed-form fit of the matrix, and surrogates without a Hamiltonian, three seeds each;
its report (report.html, summary.csv) sets every figure beside the authors' one where there is one.

FOLDER becomes a table (table.csv, table.json), a report with the comparison figure (report.html) and a folder
for every run. Each finished run is kept at once: after Ctrl-C, or when the budget is spent, the same command
goes on where it ended."""

from __future__ import annotations

import argparse
import math
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hamexplorer.cli.console import ProgressLine, duration
from hamexplorer.cli.outputs import write_all
from hamexplorer.cli.paper_options import NAME, add_paper_options, refuse_paper_options
from hamexplorer.cli.paper_study import run_paper
from hamexplorer.cli.reference import INTERRUPTED, cancelled_by_ctrl_c
from hamexplorer.cli.where import add_workers, chosen_workers

if TYPE_CHECKING:
    from hamexplorer.train.rows import Row

EXAMPLES = """\
examples:
  hamexplorer study notebooks/grid.toml --out study
  hamexplorer study notebooks/grid.toml --out study --budget 600    ten minutes of it; again for the next ten
  hamexplorer study paper --out paper --budget 3600 --epochs 40     an hour of the paper's study
  hamexplorer study paper --out paper --cluster slurm.toml          as jobs of a cluster, many at once

GRID.toml, for example:
  dataset = "small-molecules"
  test_on = ["ethane"]                    # further sets of the same small basis, if any
  targets = ["ε", "ε + μ", "ε + μ + α"]   # presets, or names: "mo_energy + dipole"
  models = ["network", "surrogate"]       # a surrogate has no Hamiltonian; also "linear", "network_large"
  reductions = ["lowest_n"]
  seeds = [42, 87, 250]
  [settings]                              # fixed ones, as in `hamexplorer train --config`
  epochs = 100"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer study`."""
    parser.add_argument(
        "grid", metavar="GRID.toml|paper", help="what is varied, see below, or the paper's study"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, required=True, help="folder for table, report and runs"
    )
    parser.add_argument(
        "--budget", metavar="SECONDS", type=_budget, help="stop after this time (default: when all is done)"
    )
    add_workers(parser)
    add_paper_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run the grid, write table and report, and say how good each model is."""
    from hamexplorer.train.controls import Controls
    from hamexplorer.train.grid import Grid

    if options.grid == NAME:
        return run_paper(options, _Narrator(ProgressLine()))
    refuse_paper_options(options)
    grid = Grid.read(options.grid)
    workers = chosen_workers(options)
    # Before the work rather than after it: can anything be kept there?
    options.out.mkdir(parents=True, exist_ok=True)

    from hamexplorer.train.study import run_study

    controls, stop, narrator = Controls(), threading.Event(), _Narrator(ProgressLine())
    with cancelled_by_ctrl_c(stop, controls.stop):
        rows = run_study(
            grid,
            folder=options.out,
            budget=options.budget,
            controls=controls,
            workers=workers,
            report=narrator,
        )
    narrator.line.clear()
    _write(options.out, rows)
    print(_summary(rows))
    print(f"{options.out}: {narrator.reason}")
    return INTERRUPTED if stop.is_set() else 0


def _write(folder: Path, rows: Sequence[Row]) -> None:
    from hamexplorer.panels.study_report import study_html
    from hamexplorer.train.rows import table_csv, table_json

    files = {"table.csv": table_csv(rows), "table.json": table_json(rows)}
    if any(not row.failed for row in rows):
        files["report.html"] = study_html(rows)
    write_all(folder, files)


def _summary(rows: Sequence[Row]) -> str:
    """The paper's per-atom figure of every run, a line a tested set."""
    from hamexplorer.train.rows import in_units

    lines = []
    for row in rows:
        if row.failed:
            lines.append(f"{row.run.label}: failed: {row.sentence}")
        for name, errors in row.errors.items():
            figures = ", ".join(
                f"{entry.label.lower()} {entry.rmse_per_atom:.3g} {entry.unit}".rstrip()
                for target, entry in in_units(errors, "eV").items()
                if target in _TOLD or target in row.run.settings.targets
            )
            lines.append(f"{row.run.label}; {name}: {figures}")
        if row.sentence and not row.failed:
            lines.append(f"{row.run.label}: {row.sentence}")
    return "\n".join(["Errors per atom, √(mean ‖Δ‖²/N²):", *lines]) if lines else "No run is finished."


#: Told of every model, learned or not.
_TOLD = ("mo_energy", "dipole", "polarizability")


def _budget(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds > 0 or not math.isfinite(seconds):
        raise argparse.ArgumentTypeError(f"a budget is a positive number of seconds, got {text!r}")
    return seconds


class _Narrator:
    """Turns events of a study into a progress line."""

    def __init__(self, line: ProgressLine) -> None:
        self.line, self.reason = line, ""

    def __call__(self, event: object) -> None:
        from hamexplorer.train.study import RowReady, StudyEnded, StudyProgress

        match event:
            case StudyProgress():
                left = "" if event.seconds_left is None else f", {duration(event.seconds_left)} left"
                what = f"run {event.number}/{event.total}: {event.label}: {event.text}{left}"
                self.line.update(event.fraction, 1.0, what)
            case RowReady(row=row, known=known):
                how = "failed" if row.failed else "known already" if known else duration(row.seconds)
                self.line.say(f"{row.run.label}: {how}")
            case StudyEnded():
                self.reason = event.reason
                if not event.complete:
                    print(event.reason, file=sys.stderr)
