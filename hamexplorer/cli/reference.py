"""Compute reference values of molecules with PySCF, in a small and in a large basis.

The result is a data set for `hamexplorer train`. Each finished molecule is kept at once in your store of
calculations: after Ctrl-C or a crash, the same command goes on where it ended."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hamexplorer.cli.console import ProgressLine, duration
from hamexplorer.cli.inputs import STRUCTURES_HELP, add_structures, read_structures_option
from hamexplorer.cli.options import add_config, add_settings, chosen_settings
from hamexplorer.cli.outputs import check_output
from hamexplorer.errors import ReferenceCalculationError
from hamexplorer.reference.method import ReferenceMethod

EXAMPLES = f"""\
{STRUCTURES_HELP}

examples:
  hamexplorer reference g2:2 --out small.h5
  hamexplorer reference molecules.xyz --out mine.h5 --xc pbe0 --large-basis def2-tzvp --jobs 4
  hamexplorer reference distorted:CCO --out ethanol.h5"""

INTERRUPTED = 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer reference`."""
    add_structures(parser)
    parser.add_argument("--out", metavar="FILE.h5", type=Path, required=True, help="the data set to write")
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=2, help="molecules computed at the same time (default: 2)"
    )
    add_config(parser)
    add_settings(parser, ReferenceMethod, title="method")


def run(options: argparse.Namespace) -> int:
    """Compute and write; Ctrl-C keeps what is finished in the store."""
    out = check_output(options.out, (".h5", ".hdf5"))
    method = ReferenceMethod(**chosen_settings(ReferenceMethod, options))
    structures = read_structures_option(options)

    from hamexplorer.reference.dataset import write_dataset
    from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references

    line = ProgressLine()
    expected = duration(estimate_seconds(structures, method, jobs=options.jobs))
    line.say(f"{len(structures)} molecules, {method.label}; estimated time: {expected}")

    def report(progress: ReferenceProgress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        line.update(progress.done, progress.total, f"{progress.done}/{progress.total} {progress.label}{left}")

    cancel = threading.Event()
    with cancelled_by_ctrl_c(cancel):
        dataset = run_references(
            structures, method, jobs=options.jobs, name=out.stem, report=report, cancel=cancel
        )
    line.clear()
    for label, reason in dataset.set_aside:
        print(f"set aside: {label}: {reason}", file=sys.stderr)
    if cancel.is_set():
        line.say(
            f"interrupted; {len(dataset)} molecules are finished and kept: run the same command to go on"
        )
        return INTERRUPTED
    if not len(dataset):
        raise ReferenceCalculationError(
            f"none of the {len(structures)} molecules could be computed, so {out} was not written; "
            f"the reasons stand above"
        )
    write_dataset(out, dataset)
    print(f"{out}: {len(dataset)} molecules, {len(dataset.set_aside)} set aside")
    return 0


@contextmanager
def cancelled_by_ctrl_c(cancel: threading.Event, also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The first Ctrl-C sets ``cancel`` and calls ``also``, the second one ends at once."""

    def ask(signum: int, frame: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        # Not here: the handler may have interrupted this thread while it holds the very lock that it would wait for.
        threading.Thread(target=also, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
