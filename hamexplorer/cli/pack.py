"""Make a folder that installs hamexplorer on computers without internet.

It holds wheels of hamexplorer and of all that it needs, in the versions that are installed here, and INSTALL.txt
with two commands. It fits computers of the same system, processor and Python version as this one."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLES = """\
examples:
  hamexplorer pack stick/hamexplorer-pack    for a class: copy the folder to each computer"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer pack`."""
    parser.add_argument(
        "folder", metavar="FOLDER", type=Path, help="a new or empty folder, or an earlier pack"
    )


def run(options: argparse.Namespace) -> int:
    """Fetch, write, say how large it is."""
    from hamexplorer.packing import INSTRUCTIONS, make_pack

    size = make_pack(options.folder)
    print(
        f"{options.folder}: {size / 1e6:.0f} MB; {options.folder / INSTRUCTIONS} says how to install from it"
    )
    return 0
