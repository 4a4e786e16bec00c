"""The command line: the dashboard's verbs for a terminal.

Verbs import what they need when they run, and options of a verb are made only when it is asked for, so that
``hamexplorer --help`` answers at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from hamexplorer.cli.parser import build_parser
from hamexplorer.errors import HamExplorerError

OK, USER_ERROR, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        The exit code: 0 done, 1 something that the sentence on stderr explains, 2 wrong usage, 130 Ctrl-C.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = build_parser(words).parse_args(words)
    except SystemExit as ended:  # argparse has printed the help or a sentence
        return int(ended.code or 0)
    try:
        return options.run(options) or OK
    except KeyboardInterrupt:
        print("\nhamexplorer: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (`| head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except HamExplorerError as error:
        return _fail(str(error), options.debug)
    except (OSError, MemoryError) as error:
        return _fail(_system_sentence(error), options.debug)
    except Exception as error:
        sentence = (
            f"something went wrong that should not have ({type(error).__name__}: {error}); "
            f"run the command again with --debug and report what it prints"
        )
        return _fail(sentence, options.debug)


def _fail(sentence: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"hamexplorer: {sentence}", file=sys.stderr)
    return USER_ERROR


def _system_sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "the machine has not enough memory for this; use fewer or smaller molecules, or fewer jobs"
    what = getattr(error, "strerror", None) or str(error)
    name = getattr(error, "filename", None)
    return f"{name}: {what}; check the path and your rights to it" if name else what
