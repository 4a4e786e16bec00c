"""Compute reference values of molecules or crystals with PySCF, in a small and in a large basis.

The result is a data set for `hamexplorer train`. Each finished structure is kept at once in your store of
calculations: after Ctrl-C or a crash, the same command goes on where it ended."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hamexplorer.cli.console import ProgressLine, duration
from hamexplorer.cli.inputs import STRUCTURES_HELP, add_structures, read_structures_option
from hamexplorer.cli.options import add_alternatives, add_config, chosen_settings, refuse_others
from hamexplorer.cli.outputs import check_output
from hamexplorer.cli.where import add_workers, chosen_workers
from hamexplorer.errors import ReferenceCalculationError, SettingsError
from hamexplorer.reference.kinds import Method
from hamexplorer.reference.methods import METHODS, structure_kind
from hamexplorer.structures.cells import warnings_about
from hamexplorer.structures.descriptions import contents_of
from hamexplorer.structures.structure import Structure

EXAMPLES = f"""\
{STRUCTURES_HELP}

examples:
  hamexplorer reference g2:2 --out small.h5
  hamexplorer reference molecules.xyz --out mine.h5 --xc pbe0 --large-basis def2-tzvp --jobs 4
  hamexplorer reference distorted:CCO --out ethanol.h5
  hamexplorer reference rattled:graphene,n=20 --out graphene.h5 --k-length 20
  hamexplorer reference mine.cif --out mine.h5 --xc pbe --smearing 0
  hamexplorer reference molecules.xyz --out mine.h5 --scheduler tcp://10.0.0.1:8786

Crystals are computed with k-points; options of the other kind of structure are refused."""

INTERRUPTED = 130


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer reference`."""
    add_structures(parser)
    parser.add_argument("--out", metavar="FILE.h5", type=Path, required=True, help="the data set to write")
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=2, help="structures computed at the same time (default: 2)"
    )
    add_workers(parser)
    add_config(parser)
    names = list(dict.fromkeys(name for offers in METHODS.values() for name in offers))
    if len(names) > 1:
        told = "; ".join(
            f"{name}: {offer.label}" for offers in METHODS.values() for name, offer in offers.items()
        )
        parser.add_argument(
            "--method", choices=names, default=names[0], help=f"how to compute; {told} (default: {names[0]})"
        )
    add_alternatives(parser, method_classes())


def method_classes() -> dict[str, type]:
    """Title of a group of options -> class of methods, for molecules first."""
    found = {}
    for kind, offers in METHODS.items():
        for name, offer in offers.items():
            title = f"method for {kind}s" if len(offers) == 1 else f"method {name} for {kind}s"
            found[title] = offer.method
    return found


def chosen_method(structures: Sequence[Structure], options: argparse.Namespace) -> Method:
    """The method for these structures, as the options say.

    Raises:
        StructureError: if there are molecules and crystals among them.
        SettingsError: if an option is out of bounds or belongs to the other kind of structure.
    """
    kind = structure_kind(structures)
    name = getattr(options, "method", next(iter(METHODS[kind])))
    if name not in METHODS[kind]:
        raise SettingsError(f"{name} is no method for {kind}s; choose one of {', '.join(METHODS[kind])}")
    cls = METHODS[kind][name].method
    refuse_others(cls, method_classes(), options, because=f"the structures are {kind}s")
    return cls(**chosen_settings(cls, options))


def run(options: argparse.Namespace) -> int:
    """Compute and write; Ctrl-C keeps what is finished in the store."""
    out = check_output(options.out, (".h5", ".hdf5"))
    structures = read_structures_option(options)
    method = chosen_method(structures, options)
    workers = chosen_workers(options)
    for sentence in (sentence for structure in structures for sentence in warnings_about(structure)):
        print(f"warning: {sentence}", file=sys.stderr)

    from hamexplorer.reference.dataset import write_dataset
    from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references

    line = ProgressLine()
    expected = duration(estimate_seconds(structures, method, jobs=1 if workers else options.jobs))
    on_one = ", on one core" if workers else ""
    line.say(f"{contents_of(structures)}, {method.label}; estimated time{on_one}: {expected}")

    def report(progress: ReferenceProgress) -> None:
        left = "" if progress.seconds_left is None else f", {duration(progress.seconds_left)} left"
        line.update(progress.done, progress.total, f"{progress.done}/{progress.total} {progress.label}{left}")

    cancel = threading.Event()
    with cancelled_by_ctrl_c(cancel):
        dataset = run_references(
            structures,
            method,
            jobs=options.jobs,
            workers=workers,
            name=out.stem,
            report=report,
            cancel=cancel,
        )
    line.clear()
    for label, reason in dataset.set_aside:
        print(f"set aside: {label}: {reason}", file=sys.stderr)
    if cancel.is_set():
        line.say(
            f"interrupted; {len(dataset)} structures are finished and kept: run the same command to go on"
        )
        return INTERRUPTED
    if not len(dataset):
        raise ReferenceCalculationError(
            f"none of the {len(structures)} structures could be computed, so {out} was not written; "
            f"the reasons stand above"
        )
    write_dataset(out, dataset)
    print(f"{out}: {contents_of(dataset.structures)}, {len(dataset.set_aside)} set aside")
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
