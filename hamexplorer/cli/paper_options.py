"""What can be chosen of the paper's study on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from hamexplorer.cli.options import add_config, add_settings
from hamexplorer.errors import SettingsError
from hamexplorer.reference.dataset import SHIPPED, ReferenceDataset, read_dataset
from hamexplorer.train.paper import SEEDS, VARIED
from hamexplorer.train.settings import RunSettings

#: The word that stands in place of a grid's file.
NAME = "paper"
_DEFAULT_SET = "qm7"
_OWN = ("dataset", "test_on", "seeds", "sizes", "sizes_of", "config")


def add_paper_options(parser: argparse.ArgumentParser) -> None:
    """Options that only the paper's study has."""
    group = parser.add_argument_group("options of `study paper`")
    group.add_argument(
        "--dataset",
        metavar="DATASET",
        default=argparse.SUPPRESS,
        help=f"a data set file or a shipped one to learn from (default: {_DEFAULT_SET})",
    )
    group.add_argument(
        "--test-on",
        metavar="DATASET",
        action="append",
        default=argparse.SUPPRESS,
        help="a further set, of larger molecules say, that every model is tested on; may be repeated",
    )
    group.add_argument(
        "--seeds",
        metavar="N,…",
        type=_numbers("seed", 0),
        default=argparse.SUPPRESS,
        help=f"of the runs (default: {','.join(map(str, SEEDS))}, the paper's)",
    )
    group.add_argument(
        "--sizes",
        metavar="N,…",
        type=_numbers("number of training structures", 1),
        default=argparse.SUPPRESS,
        help="a learning curve: the same test structures after so many training structures, 25,50,100 for example",
    )
    group.add_argument(
        "--sizes-of",
        metavar="TARGETS",
        default=argparse.SUPPRESS,
        help="target set of that curve (default: ε + μ)",
    )
    add_config(group)
    add_settings(parser, RunSettings, title="fixed settings of `study paper`", without=VARIED)


def refuse_paper_options(options: argparse.Namespace) -> None:
    """Refuse options of the paper's study beside a grid, which states all that.

    Raises:
        SettingsError: naming the first one.
    """
    names = [*_OWN, *RunSettings().to_dict()]
    typed = next((name for name in names if getattr(options, name, None) is not None), None)
    if typed is not None:
        raise SettingsError(
            f"--{typed.replace('_', '-')} belongs to `hamexplorer study {NAME}`; write it into the grid file instead"
        )


def open_sets(options: argparse.Namespace) -> tuple[dict[str, ReferenceDataset], str, list[str]]:
    """Data sets by the names that tables call them, the one to learn from, and the further ones.

    Raises:
        DatasetError: if one cannot be read.
        SettingsError: if two have the same name.
    """
    sources = [getattr(options, "dataset", _DEFAULT_SET), *getattr(options, "test_on", ())]
    names = [source if source in SHIPPED else Path(source).stem for source in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(
            f"two of the data sets are called {twice!r}; rename one, so that tables tell them apart"
        )
    opened = {name: read_dataset(source) for name, source in zip(names, sources, strict=True)}
    return opened, names[0], names[1:]


def _numbers(what: str, least: int) -> Any:
    """Text → whole numbers parted by commas."""

    def read(text: str) -> tuple[int, ...]:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts or not all(part.isdigit() and int(part) >= least for part in parts):
            raise argparse.ArgumentTypeError(
                f"a {what} is a whole number from {least}, several are parted by commas, got {text!r}"
            )
        return tuple(dict.fromkeys(int(part) for part in parts))

    return read
