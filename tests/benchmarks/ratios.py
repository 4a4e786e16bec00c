"""How fast it is, as ratios measured side by side in one run on one machine.

    python tests/benchmarks/ratios.py                     all of it, some ten minutes
    python tests/benchmarks/ratios.py a c --out speed.md  two parts, the table also in a file
    python tests/benchmarks/ratios.py e --most 100000     predictions streamed up to so many molecules

(a) a training step against the same physics molecule by molecule; (b) against its bare eigensolves; (c) predictions
against SCF; (d) bands against get_bands; (e) cost against size; (f) starting; (g) memory of the dashboard; (p) single
and double precision. Each part runs in a process of its own, whose peak memory is told, and within it what is compared
takes turns.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import importlib
import json
import math
import subprocess
import sys
import time
from pathlib import Path

# This checkout is measured, whatever else is installed.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
from measuring import Row, Scale, machine, peak_memory  # noqa: E402

#: Letter -> module and function that measures it.
PARTS = {
    "a": ("training_ratios", "against_unbatched"),
    "b": ("training_ratios", "against_eigensolves"),
    "c": ("prediction_ratios", "against_scf"),
    "d": ("band_ratios", "against_get_bands"),
    "e": ("scaling", "scaling"),
    "f": ("starting", "starts"),
    "g": ("starting", "memory_of_dashboard"),
    "p": ("precision", "precision"),
}
HEAD = "| | what | ours | against | ratio | goal | reached |\n|---|---|---|---|---|---|---|"


def measure(letter: str, scale: Scale, most: int = 1000) -> list[Row]:
    """Rows of one part, the last of them the peak memory of this process."""
    module, function = PARTS[letter]
    more = {"most": most} if letter == "e" else {}
    rows = getattr(importlib.import_module(module), function)(scale, **more)
    return [*rows, Row("peak memory of this part's process", f"{peak_memory():.0f} MB")]


def line(letter: str, row: Row) -> str:
    """One line of the table."""
    ratio = "" if math.isnan(row.ratio) else f"{row.ratio:.3g}"
    reached = {None: "", True: "yes", False: "**no**"}[row.reached]
    return f"| {letter} | {row.what} | {row.ours} | {row.against} | {ratio} | {row.goal} | {reached} |"


def apart(letter: str, options: argparse.Namespace) -> list[Row]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, letter, "--alone", "--most", str(options.most)]
    command += ["--tiny"] if options.tiny else []
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return [Row(f"failed, exit status {done.returncode}")]
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help="letters; all without")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument(
        "--most", type=int, default=1000, help="molecules of (e), a power of ten (default 1000)"
    )
    parser.add_argument(
        "--tiny", action="store_true", help="only try that it runs: seconds, figures mean nothing"
    )
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.alone:
        rows = measure(options.parts[0], Scale(tiny=options.tiny), options.most)
        print("\n" + json.dumps([dataclasses.asdict(row) for row in rows]))
        return 0
    lines = [f"{datetime.date.today()}, {machine()}.", "", HEAD]
    print("\n".join(lines), flush=True)
    for letter in options.parts or PARTS:
        began = time.perf_counter()
        rows = apart(letter, options)
        found = [line(letter, row) for row in rows]
        print("\n".join(found), flush=True)
        print(f"({letter}: {time.perf_counter() - began:.0f} s)", file=sys.stderr, flush=True)
        lines += found
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
