"""A long training watched from outside: does anything grow? `python tests/browser/an_hour.py [--minutes 60]`.

One visitor trains without an end. Twelve times the memory, file handles and threads of kernel and server, the page's
heap and nodes after a collection of garbage, and the messages that came are noted. Half-way the connection is cut for
a minute.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlparse

import numpy as np
import psutil
from conftest import Visit, wait_until
from line import Line
from measure import dashboard, metrics, train_without_end

SAMPLES = 12
#: Growth over the second half that counts as a leak, as a share of what was there, and in whole pieces.
SHARE, PIECES = 0.05, 3


@dataclass
class Watch:
    """What is noted of one run; each row is a dictionary of numbers."""

    visit: Visit
    server: psutil.Process
    rows: list[dict[str, float]] = field(default_factory=list)
    received: int = 0

    def note(self, minutes: float) -> None:
        """Measure once and print it."""
        kernel = max(self.server.children(recursive=True), key=lambda each: each.memory_info().rss)
        session = self.visit.page.context.new_cdp_session(self.visit.page)
        page = metrics(session)
        session.detach()
        row = {
            "minute": minutes,
            "epoch": float(self.visit.epoch),
            "kernel MB": kernel.memory_full_info().uss / 1e6,
            "kernel files": kernel.num_fds(),
            "kernel threads": kernel.num_threads(),
            "server MB": self.server.memory_full_info().uss / 1e6,
            "server files": self.server.num_fds(),
            "page MB": page["JSHeapUsedSize"] / 1e6,
            "page nodes": page["Nodes"],
            "messages": self.received,
        }
        if not self.rows:
            print("| " + " | ".join(row) + " |\n|" + "---|" * len(row), flush=True)
        self.rows.append(row)
        print("| " + " | ".join(f"{value:.0f}" for value in row.values()) + " |", flush=True)

    def grown(self) -> list[str]:
        """What grew over the second half, in words; the first half fills caches and curves."""
        half = self.rows[len(self.rows) // 2 :]
        found = []
        for name in half[0]:
            values = np.array([row[name] for row in half])
            if name in ("minute", "epoch", "messages"):
                continue
            slope = np.polyfit(np.linspace(0, 1, len(values)), values, 1)[0]
            if slope > max(SHARE * values[0], PIECES):
                found.append(f"{name}: {values[0]:.0f} to {values[-1]:.0f}")
        return found


def watch(visit: Visit, server: psutil.Process, line: Line, minutes: float) -> int:
    watched = Watch(visit, server)

    def count(_: object) -> None:
        watched.received += 1

    visit.page.on("websocket", lambda socket: socket.on("framereceived", count))
    visit.page.goto(f"http://127.0.0.1:{line.port}/dashboard", wait_until="commit")
    visit.wait_until_ready()
    train_without_end(visit)
    began = time.monotonic()

    def minutes_gone() -> float:
        return (time.monotonic() - began) / 60

    for turn in range(SAMPLES + 1):
        while minutes_gone() < turn * minutes / SAMPLES:
            visit.page.wait_for_timeout(1000)
        if turn == SAMPLES // 2:
            print(
                f"cut off for {be_cut_off(visit, line, minutes_gone):.0f} s, and back at the run", flush=True
            )
        watched.note(minutes_gone())
    grown = watched.grown()
    print("nothing grew" if not grown else "grew: " + "; ".join(grown))
    return 1 if grown else 0


def be_cut_off(visit: Visit, line: Line, minutes_gone: Callable[[], float]) -> float:
    """Cut the line for a minute; seconds until the page shows later epochs than it could know."""
    left_at, began = visit.epoch, minutes_gone()
    line.cut()
    while minutes_gone() - began < 1:
        visit.page.wait_for_timeout(1000)
    line.mend()
    wait_until(lambda: visit.epoch > left_at + 1, "the page shows later epochs", tries=1800)
    return 60 * (minutes_gone() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with dashboard() as (address, pid, page):
        line = Line(urlparse(address).port)
        return watch(Visit(page, "an-hour"), psutil.Process(pid), line, minutes)


if __name__ == "__main__":
    sys.exit(main())
