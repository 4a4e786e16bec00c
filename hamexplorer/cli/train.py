"""Train a model of an effective Hamiltonian on a data set.

The defaults give a good model. RUN becomes a folder with the settings, the history and the best state;
Ctrl-C stops after the current step and keeps the best state so far."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from typing import Any

from hamexplorer.cli.console import ProgressLine, duration
from hamexplorer.cli.options import add_config, add_settings, chosen_settings, parse_targets
from hamexplorer.cli.reference import INTERRUPTED, cancelled_by_ctrl_c
from hamexplorer.cli.tables import compared_with, error_table
from hamexplorer.errors import SettingsError
from hamexplorer.physics.targets import TARGETS
from hamexplorer.reference.dataset import SHIPPED, read_dataset
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import settings_for

EXAMPLES = """\
examples:
  hamexplorer train ethane --out run
  hamexplorer train small-molecules --out run --targets mo_energy,dipole,polarizability
  hamexplorer train mine.h5 --out run --targets mo_energy,dipole --weights mo_energy=1,dipole=0.1
  hamexplorer train ethane --out run --config settings.toml --epochs 50
  hamexplorer train ethane --out run --resume        go on with a run that was stopped

settings.toml holds the same names, for example:
  epochs = 50
  reduction = "lowest_n"
  [targets]
  mo_energy = 1.0
  dipole = 0.1"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer train`."""
    shipped = ", ".join(SHIPPED)
    parser.add_argument("dataset", metavar="DATASET", help=f"a data set file (.h5, .xyz) or one of {shipped}")
    parser.add_argument("--out", metavar="RUN", type=Path, required=True, help="folder for the trained model")
    parser.add_argument(
        "--targets",
        metavar="NAME,…",
        help=f"what to learn, any of {', '.join(TARGETS)} (default: {','.join(RunSettings().targets)})",
    )
    parser.add_argument(
        "--weights",
        metavar="X,… or NAME=X,…",
        help="weights in the loss, in the order of the targets or by name (default: each target's own)",
    )
    parser.add_argument(
        "--devices",
        metavar="N",
        type=int,
        default=1,
        help="how many of JAX's devices share each batch (default: 1; docs/clusters.md)",
    )
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in RUN")
    add_config(parser)
    add_settings(parser, RunSettings, title="settings")


def run(options: argparse.Namespace) -> int:
    """Train, save, and say how good the model is."""
    typed = _typed_settings(options)
    if (options.out / "settings.json").exists() and not options.resume:
        raise SettingsError(
            f"{options.out} holds a run already; go on with --resume, or give another folder after --out"
        )
    dataset = read_dataset(options.dataset)
    settings = settings_for(dataset.structures, **typed)
    # Before the work rather than after it: can the model be kept there?
    options.out.mkdir(parents=True, exist_ok=True)

    from hamexplorer.train.run import Controls, train

    controls, stop, narrator = Controls(), threading.Event(), _Narrator(ProgressLine())
    resume = options.out if options.resume else None
    with cancelled_by_ctrl_c(stop, controls.stop):
        model = train(
            dataset,
            settings,
            controls=controls,
            report=narrator,
            folder=options.out,
            resume=resume,
            snapshots=False,  # nobody looks
            devices=options.devices,
        )
    narrator.line.clear()
    part = "test" if model.split_of(dataset).test else "all"
    which = "the test" if part == "test" else "all"
    print(f"{options.out}: errors on {which} structures{compared_with(model)}")
    print(error_table(model.evaluate(dataset, part).errors(part, units="eV")))
    if stop.is_set():
        print(f"stopped early; the best state so far is in {options.out}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _typed_settings(options: argparse.Namespace) -> dict[str, Any]:
    """What was chosen; checked at once, before a dataset is read."""
    values = chosen_settings(RunSettings, options, also=["targets"])
    if isinstance(values.get("targets"), list):
        values["targets"] = parse_targets(",".join(map(str, values["targets"])), None, TARGETS)
    elif isinstance(values.get("targets"), str):
        values["targets"] = parse_targets(values["targets"], None, TARGETS)
    targets = options.targets
    if targets is None and options.weights is not None and "=" not in options.weights:
        targets = ",".join(values.get("targets") or RunSettings().targets)
    typed = parse_targets(targets, options.weights, TARGETS)
    if typed is not None:
        values["targets"] = typed
    RunSettings.from_dict(values)
    return values


class _Narrator:
    """Turns events of the training into a progress line."""

    def __init__(self, line: ProgressLine) -> None:
        self.line = line

    def __call__(self, event: object) -> None:
        from hamexplorer.train import events

        match event:
            case events.Stage():
                known = event.fraction is not None
                self.line.update(event.fraction or 0.0, 1.0 if known else 0.0, event.text)
            case events.EpochReport():
                self.line.update(event.epoch, event.n_epochs, _epoch_sentence(event))
            case events.Finished():
                self.line.say(event.reason)


def _epoch_sentence(event) -> str:  # type: ignore[no-untyped-def]
    left = "" if event.seconds_left is None else f", {duration(event.seconds_left)} left"
    return (
        f"epoch {event.epoch}/{event.n_epochs}, loss {event.loss_train:.3g} "
        f"(validation {event.loss_validation:.3g}), {event.molecules_per_second:.0f} structures/s{left}"
    )
