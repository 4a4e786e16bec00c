"""The grammar of the command line; each verb's own options are in its module."""

from __future__ import annotations

import argparse
import difflib
import importlib
import itertools
from collections.abc import Sequence
from typing import NoReturn

#: Verb -> what it does; its module in this package has the same name.
VERBS: dict[str, str] = {
    "reference": "compute reference values of molecules or crystals with PySCF",
    "train": "train a model on a data set",
    "evaluate": "compare a trained model with reference values",
    "predict": "predict properties of new structures",
    "study": "train and compare a grid of models",
    "bands": "bands of a Hamiltonian in real space made elsewhere",
    "pack": "make a folder that installs this without internet",
}
_DESCRIPTION = """\
Learn effective Hamiltonians of molecules and crystals from quantum-chemical properties, and watch it happen.

Without a verb, dashboard and lessons open in your browser."""
_EXAMPLES = """\
examples:
  hamexplorer                                        open dashboard and lessons
  hamexplorer --open lesson.hxsession                everyone begins where this session was saved
  hamexplorer --public explorer.example.org          serve it to visitors; see docs/serving.md
  hamexplorer train ethane --out run                 train on the shipped ethanes
  hamexplorer evaluate run ethane --json errors.json how good is it on molecules it has not seen?
  hamexplorer predict run smiles:CC --out ethane.csv orbital energies, dipole … of a new molecule
  hamexplorer reference g2:3 --out mine.h5           make a data set of your own
  hamexplorer study grid.toml --out study            compare target sets, models and seeds
  hamexplorer bands graphene.npz --out bands.csv     bands of H(T) and S(T) made elsewhere
  hamexplorer pack hamexplorer-pack                  a folder to install from without internet

`hamexplorer VERB --help` explains a verb.
exit codes: 0 done, 1 an error that the sentence explains, 2 wrong usage, 130 Ctrl-C"""


class Parser(argparse.ArgumentParser):
    """Answers wrong usage with one sentence instead of a page of usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"hamexplorer: {message}; see `{self.prog} --help`\n")


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and gives options room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30)


def build_parser(words: Sequence[str]) -> Parser:
    """The parser for this command line, with the options of the verb that occurs in it."""
    parser = Parser(
        prog="hamexplorer", description=_DESCRIPTION, epilog=_EXAMPLES, formatter_class=HelpFormatter
    )
    parser.set_defaults(run=_dashboard, debug=False)
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("hamexplorer")
    except PackageNotFoundError:
        number = "(not installed)"
    parser.add_argument("--version", action="version", version=f"hamexplorer {number}")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="port of the server (default: 8866 or a free one)"
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="do not open the browser, only print the address"
    )
    parser.add_argument(
        "--open",
        metavar="FILE",
        default="",
        help="begin every dashboard with this session file or data set (a shipped name or a file; default: ethane)",
    )
    _add_public(parser)
    _add_debug(parser)
    chosen = next((word for word in words if word in VERBS), None)
    unknown = next((word for word in _without_values(words) if not word.startswith("-")), None)
    if chosen is None and unknown is not None and not unknown.isdigit():
        parser.error(_unknown_verb(unknown))
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=Parser)
    for name, summary in VERBS.items():
        verb = verbs.add_parser(name, help=summary, formatter_class=HelpFormatter)
        if name == chosen:
            module = importlib.import_module(f"hamexplorer.cli.{name}")
            verb.description = module.__doc__
            verb.epilog = module.EXAMPLES
            module.add_options(verb)
            _add_debug(verb)
            verb.set_defaults(run=module.run)
    return parser


def _add_public(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("serving visitors")
    group.add_argument(
        "--public",
        metavar="NAME",
        help="serve visitors, who come under this host name and reach no files of this machine",
    )
    group.add_argument(
        "--address",
        default="127.0.0.1",
        help="network address to listen at (default: 127.0.0.1, for a reverse proxy; 0.0.0.0: all)",
    )
    group.add_argument("--visitors", type=int, default=30, metavar="N", help="at a time (default: 30)")
    group.add_argument(
        "--ready", type=int, default=1, metavar="N", help="dashboards that wait for visitors (default: 1)"
    )


def _add_debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
    )


def _without_values(words: Sequence[str]) -> list[str]:
    """The words of a command line that are no names after the options of visitors."""
    return [
        word
        for before, word in itertools.pairwise(["", *words])
        if before not in ("--public", "--address", "--open")
    ]


def _unknown_verb(word: str) -> str:
    near = difflib.get_close_matches(word, VERBS, n=1)
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else f"choose one of {', '.join(VERBS)}, or none for the dashboard"
    )
    return f"the verb {word!r} is unknown; {hint}"


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, got {text!r}")
    return int(text)


def _dashboard(options: argparse.Namespace) -> int:
    from hamexplorer.launch import serve
    from hamexplorer.visitors.settings import Public

    public = None
    if options.public is not None:
        public = Public(options.public, options.address, options.visitors, options.ready)

    def announce(address: str) -> None:
        print(f"hamexplorer runs at {address} (Ctrl-C stops it)", flush=True)

    serve(
        port=options.port,
        open_browser=not options.no_browser and public is None,
        opened=options.open,
        public=public,
        debug=options.debug,
        announce=announce,
    )
    print("hamexplorer has stopped")
    return 0
