"""`hamexplorer study paper`: the study of Suman et al. with its runs, its figures and its report."""

from __future__ import annotations

import argparse
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hamexplorer.cli.console import duration
from hamexplorer.cli.options import chosen_settings
from hamexplorer.cli.outputs import write_all
from hamexplorer.cli.paper_options import open_sets
from hamexplorer.cli.reference import INTERRUPTED, cancelled_by_ctrl_c
from hamexplorer.cli.where import chosen_workers
from hamexplorer.errors import SettingsError
from hamexplorer.reference.dataset import ReferenceDataset
from hamexplorer.train.paper import SEEDS, VARIED, paper_grids
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import settings_for

if TYPE_CHECKING:
    from hamexplorer.train.grid import Grid, PlannedRun
    from hamexplorer.train.paper_summary import Line
    from hamexplorer.train.rows import Row


def run_paper(options: argparse.Namespace, report: Any) -> int:
    """Run what the budget allows, and write the tables and the report."""
    fixed = chosen_settings(RunSettings, options)
    named = next((name for name in VARIED if name in fixed), None)
    if named is not None:
        raise SettingsError(f"{named} is varied by the study itself; leave it out of the settings file")
    datasets, dataset, further = open_sets(options)
    sizes = _fewer(getattr(options, "sizes", ()), fixed, datasets[dataset])
    grids = paper_grids(
        dataset,
        fixed,
        seeds=getattr(options, "seeds", SEEDS),
        test_on=further,
        sizes=sizes,
        sizes_of=getattr(options, "sizes_of", "ε + μ"),
    )
    options.out.mkdir(parents=True, exist_ok=True)
    return _Paper(options, datasets, dataset, grids).run(report)


def _fewer(sizes: Sequence[int], fixed: Mapping[str, Any], dataset: ReferenceDataset) -> list[int]:
    """The sizes that are smaller than the training part; says of the others that they are no point of a curve."""
    settings = settings_for(dataset.structures, **fixed)
    n_train = len(settings.split(dataset.structures).train)
    for size in sizes:
        if size >= n_train:
            print(
                f"no run with {size} training structures: there are {n_train}, which the other runs learn from"
            )
    return [size for size in sizes if size < n_train]


class _Paper:
    """The study while the command runs."""

    def __init__(
        self,
        options: argparse.Namespace,
        datasets: Mapping[str, ReferenceDataset],
        dataset: str,
        grids: Sequence[Grid],
    ) -> None:
        from hamexplorer.train.raw_errors import raw_of_seeds
        from hamexplorer.train.rows import KeptRows
        from hamexplorer.train.study import planned

        self.folder, self.budget, self.workers = options.out, options.budget, chosen_workers(options)
        self.datasets, self.dataset, self.grids = datasets, dataset, grids
        self.kept = KeptRows(options.out)
        self.plan = [run for grid in grids for run in planned(grid, datasets)]
        # Before the work: a reduction that a set cannot be given is told now.
        self.raw = raw_of_seeds(datasets, self.plan)

    def run(self, narrator: Any) -> int:
        from hamexplorer.train.controls import Controls
        from hamexplorer.train.study import run_study

        print(self._announcement())
        controls, stop = Controls(), threading.Event()
        with cancelled_by_ctrl_c(stop, controls.stop):
            rows = run_study(
                self.grids,
                kept=self.kept,
                datasets=self.datasets,
                budget=self.budget,
                controls=controls,
                workers=self.workers,
                report=narrator,
            )
        narrator.line.clear()
        rows = self._with_reasons(rows, stop.is_set())
        print(_told(self._write(rows)))
        for sentence, n in Counter(row.sentence for row in rows if row.failed).items():
            print(f"{n} run{'s' if n > 1 else ''}: {sentence}")
        print(f"{self.folder}: {narrator.reason} Report: {self.folder / 'report.html'}")
        return INTERRUPTED if stop.is_set() else 0

    def _announcement(self) -> str:
        """What is going to happen and how long that may take."""
        from hamexplorer.train.paper_estimate import estimate_seconds
        from hamexplorer.train.paper_summary import why_not_run

        finished, missing, open_runs = 0, 0, []
        for run in self.plan:
            if self._finished(run) is not None:
                finished += 1
            elif why_not_run(run, self.datasets[run.dataset]):
                missing += 1
            else:
                open_runs.append(run)
        seconds = sum(estimate_seconds(run, self.datasets[run.dataset]) for run in open_runs)
        parts = [f"{len(self.plan)} runs on {self.dataset}"]
        parts += [f"{finished} of them finished before"] if finished else []
        parts += [f"{missing} that lack a target in the data set"] if missing else []
        limit = "no --budget is set" if self.budget is None else f"the budget is {duration(self.budget)}"
        return (
            f"{', '.join(parts)}. The others may take {duration(seconds)} on two slow cores; {limit}. Ctrl-C stops, "
            f"and the same command goes on; fewer --epochs or --seeds make it shorter."
        )

    def _finished(self, run: PlannedRun) -> Row | None:
        """The row of a run that has been finished, now or before."""
        further = [self.datasets[name] for name in run.test_on]
        known = self.kept.get(self.kept.key(run, self.datasets[run.dataset], further))
        return None if known is None else replace(known, run=run)

    def _with_reasons(self, rows: Sequence[Row], stopped: bool) -> list[Row]:
        """A row for every planned run, with the reason of those that are not there."""
        from hamexplorer.train.paper_summary import why_not_run
        from hamexplorer.train.rows import Row

        over = "stopped by Ctrl-C" if stopped else f"the budget of {duration(self.budget or 0)} was spent"
        unrun = f"not run: {over}; the same command goes on"
        found = []
        for run in self.plan:
            ended = next((row for row in rows if row.run == run), None)
            # Another choice of seeds may have finished later ones before.
            found.append(ended or self._finished(run) or Row(run, sentence=unrun))
        return [
            replace(row, sentence=why_not_run(row.run, self.datasets[row.run.dataset]) or row.sentence)
            if row.failed
            else row
            for row in found
        ]

    def _write(self, rows: Sequence[Row]) -> list[Line]:
        from hamexplorer.panels.paper_report import paper_html
        from hamexplorer.train.paper_summary import about_csv, circumstances, summarise, summary_csv
        from hamexplorer.train.rows import table_csv, table_json

        lines = summarise(rows, self.dataset, self.raw)
        method = self.datasets[self.dataset].method
        bases = {"small": method.small_basis, "large": method.large_basis}
        title = f"{self.dataset}: the study of Suman et al."
        about = circumstances() | self._about()
        files = {
            "summary.csv": summary_csv(lines),
            "table.csv": table_csv(rows),
            "table.json": table_json(rows),
            "about.csv": about_csv(about),
            "report.html": paper_html(title, lines, rows, bases, about),
        }
        write_all(self.folder, files)
        return lines

    def _about(self) -> dict[str, str]:
        dataset = self.datasets[self.dataset]
        seeds = dict.fromkeys(run.settings.seed for run in self.plan)
        largest = max((run.settings for run in self.plan), key=lambda settings: len(settings.targets))
        settings = largest.to_dict()
        weights = settings.pop("targets")
        return {
            "data set": f"{self.dataset}, {len(dataset)} structures, {dataset.method.label}",
            "seeds": ", ".join(map(str, seeds)),
            "weights of targets": _joined(weights),
            "settings of Hamiltonians": _joined({k: v for k, v in settings.items() if k not in VARIED}),
        }


def _joined(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value != "")


def _told(lines: Sequence[Line]) -> str:
    """Per-atom figures of what each experiment learned, and of the raw small basis, beside the authors'."""
    found = ["Errors per atom, √(mean ‖Δ‖²/N²), mean ± spread over the seeds:"]
    for line in lines:
        e = line.experiment
        if e.kind in ("hybrid", "surrogate") and line.target not in e.targets:
            continue
        if line.target not in ("mo_energy", "dipole", "polarizability"):
            continue
        what = f"{e.kind} of the {e.basis} basis: {' + '.join(e.targets)}" if e.targets else "raw small basis"
        size = f", {line.n_train} structures" if line.n_train else ""
        figure = line.figures["rmse_per_atom"]
        spread = f" ± {figure.spread:.2g}" if len(line.seeds) > 1 else ""
        authors = "" if line.authors is None else f" (authors: {line.authors:g})"
        value = f"{line.label.lower()} {figure.mean:.3g}{spread} {line.unit}{authors}"
        found.append(f"{what}{size}; {line.tested_on}: {value}")
    return "\n".join(found)
