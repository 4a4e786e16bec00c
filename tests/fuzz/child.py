"""Reads what the fuzz run sends, one input at a time, with a bound on memory; the parent ends what never returns.

A line of JSON comes in with the name of a reader, a folder of files and what else the reader needs; a line goes out
with what became of it: "loaded", "refused" with the sentence, or "broken" with the reason.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hamexplorer.errors import HamExplorerError

#: How much the address space may grow over one input, bytes.
ROOM = 2**30
#: The longest sentence that still fits a message.
LONGEST = 1000


def main() -> None:
    """Answer until the parent closes the pipe."""
    # Libraries print; the answers have a way of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from tests.fuzz.readers import READERS

    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        folder, reader = Path(request.pop("folder")), READERS[request.pop("reader")]
        told = attempt(reader, folder, request.pop("patience"), request)
        print(json.dumps(told), file=answers, flush=True)


def attempt(
    reader: Callable[..., str], folder: Path, patience: float, options: dict[str, Any]
) -> dict[str, Any]:
    """What became of one input; its seconds are those of the processor, which other programs do not lengthen."""
    before, begun = _status("VmSize"), time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (before + ROOM, hard))
    try:
        told = {"outcome": "loaded", "sentence": reader(folder, **options)}
    except HamExplorerError as error:
        told = {"outcome": "refused", "sentence": str(error)}
        if wrong := wrong_with(str(error), error):
            told = {"outcome": "broken", "sentence": f"{wrong}: {str(error)[:500]!r}"}
    except BaseException as error:
        told = {"outcome": "broken", "sentence": "".join(traceback.format_exception(error))[-3000:]}
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    if (seconds := time.process_time() - begun) > patience:
        told = {"outcome": "broken", "sentence": f"took {seconds:.1f} s; it was {told['outcome']}"}
    return told


def wrong_with(sentence: str, error: BaseException | None = None) -> str:
    """What makes a sentence none for a person; empty if it is one."""
    while error is not None:
        # Whoever swallows this would have filled a larger machine.
        if isinstance(error, MemoryError) or "memory allocation" in str(error):
            return f"it asked for more than {ROOM >> 20} MB"
        error = error.__cause__ or error.__context__
    if not 20 < len(sentence) <= LONGEST:
        return f"a sentence of {len(sentence)} characters"
    if "\n" in sentence or "Traceback" in sentence or "site-packages" in sentence:
        return "no sentence"
    if str(Path(__file__).parents[2] / "hamexplorer") in sentence:
        return "a sentence with a path of the package"
    if sentence.startswith("something unexpected"):
        return "an apology"
    try:
        sentence.encode()
    except UnicodeEncodeError:
        return "a sentence that no page can take"
    return ""


def _status(name: str) -> int:
    """A figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name} in /proc/self/status")


if __name__ == "__main__":
    main()
