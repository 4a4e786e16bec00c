"""A class on one public server: ``python -m tests.visitors.class_of_thirty [--visitors 30] [--within 120] [--ready 2]``

Visitors arrive evenly, each opens the page, loads another data set, trains on it, looks at its results meanwhile and
leaves. Prints what whoever serves such a class wants to know, and ends with 1 if anybody failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from hamexplorer.visitors.memory import proportional_memory
from tests.visitors.scripted import Visitor, fetch
from tests.visitors.serving import Server, public_server, wait_until

#: Epochs of each visitor's training.
EPOCHS = 5
#: Seconds between two questions to the server; the kernels, whose weighing takes the system a while, are weighed with
#: every tenth.
_ASK_EVERY, _WEIGH_EVERY = 2.0, 10


@dataclass
class Report:
    """What happened; times in seconds, memory in bytes."""

    failures: list[str] = field(default_factory=list)
    to_page: list[float] = field(default_factory=list)
    to_widgets: list[float] = field(default_factory=list)
    to_results: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    largest: int = 0
    together: int = 0
    most_kernels: int = 0
    until_gone: float = 0.0

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"failed: {len(self.failures)}" + "".join(f"\n  {one}" for one in self.failures),
            f"page:               {_spread(self.to_page)}",
            f"all widgets:        {_spread(self.to_widgets)}",
            f"training finished:  {_spread(self.to_results)}",
            f"a small request:    {_spread(self.answers)}",
            f"memory of a kernel: at most {self.largest / 1e6:.0f} MB",
            f"of all together:    at most {self.together / 1e6:.0f} MB, {self.most_kernels} kernels",
            f"last kernel gone:   {self.until_gone:.1f} s after the last visitor",
        ]


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p95 = ordered[round(0.95 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):.2f} s, 95 % within {p95:.2f} s, longest {ordered[-1]:.2f} s"


async def visit(server: Server, delay: float, report: Report, number: int) -> None:
    """One visitor, from the door to the goodbye."""
    await asyncio.sleep(delay)
    visitor = Visitor(server.address)
    begun = time.monotonic()
    try:
        assert await visitor.arrive() == 200, "the page did not come"
        report.to_page.append(visitor.seconds_to_page)
        await visitor.connect()
        report.to_widgets.append(time.monotonic() - begun)
        begun = time.monotonic()
        await learn(visitor)
        report.to_results.append(time.monotonic() - begun)
        await visitor.leave()
    except (AssertionError, LookupError, OSError) as error:
        report.failures.append(f"visitor {number}: {type(error).__name__}: {error}")


async def learn(visitor: Visitor) -> None:
    """Load another data set, go back to the first, train on it, and look at a structure while it trains."""
    menu = visitor.find(lambda state: state.get("description") == "Dataset")
    await visitor.change(menu, index=1)
    await visitor.until(lambda: "123 structures" in visitor.text("hx-facts"), "the data set is open")
    await visitor.change(menu, index=0)
    await visitor.until(
        lambda: "100 structures" in visitor.text("hx-facts"), "the first data set is open again"
    )
    epochs = visitor.find(lambda state: state.get("description") == "Epochs" and state.get("value") == 300)
    await visitor.change(epochs, value=EPOCHS)
    await visitor.press("Train")
    await visitor.until(lambda: "epoch" in visitor.text("hx-status").lower(), "an epoch is over")
    table = visitor.find(lambda state: "picked" in state and "columns" in state)
    await visitor.change(table, picked=7)
    await visitor.until(lambda: visitor.says("ethane 07") != "", "the structure is shown")
    await visitor.until(lambda: "Finished" in visitor.text("hx-status"), "the training has finished")


async def watch(server: Server, report: Report) -> None:
    """Ask the server for something small, and weigh its kernels, again and again."""
    for asked in itertools.count():
        begun = time.monotonic()
        await fetch(server.address, method="HEAD")
        report.answers.append(time.monotonic() - begun)
        if asked % _WEIGH_EVERY == 1:
            weights = await asyncio.to_thread(
                lambda: [proportional_memory(one.pid) for one in server.kernels()]
            )
            report.largest = max([report.largest, *weights])
            report.together = max(report.together, sum(weights))
            report.most_kernels = max(report.most_kernels, len(weights))
        await asyncio.sleep(_ASK_EVERY)


async def hold_class(server: Server, n: int, within: float, waiting: int) -> Report:
    """``n`` visitors who arrive within so many seconds; ends when only ``waiting`` kernels are left."""
    report = Report()
    watcher = asyncio.create_task(watch(server, report))
    await asyncio.gather(*(visit(server, within * i / n, report, i + 1) for i in range(n)))
    watcher.cancel()
    begun = time.monotonic()
    await asyncio.to_thread(
        wait_until, lambda: len(server.kernels()) <= waiting, "all kernels have gone", 600
    )
    report.until_gone = time.monotonic() - begun
    return report


def main() -> int:
    """Hold the class and print what was seen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--within", type=float, default=120.0, metavar="SECONDS", help="of the first arrival")
    parser.add_argument("--ready", type=int, default=2, help="kernels that wait")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        public_server(Path(folder), visitors=options.visitors, ready=options.ready) as server,
    ):
        report = asyncio.run(hold_class(server, options.visitors, options.within, options.ready))
        print(
            "\n".join([*report.lines(), "the server said:", *(line.rstrip() for line in server.lines[-20:])])
        )
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
