"""The way from worker threads to the event loop."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest

from hamexplorer.errors import TrainingError
from hamexplorer.session.pump import INTERVAL, Pump, sentence_of


def test_on_a_running_loop_the_queue_is_drained_by_itself_and_in_the_loops_thread():
    async def main() -> list[tuple[int, list[int]]]:
        pump, seen, done = Pump(), [], asyncio.Event()

        def arrived(events: list[int]) -> None:
            seen.append((threading.get_ident(), events))

        def work() -> None:
            for number in range(100):
                pump.put(arrived, number)

        pump.start(work, done=lambda _: done.set(), failed=lambda sentences: pytest.fail(sentences[0]))
        await asyncio.wait_for(done.wait(), 50 * INTERVAL)
        return seen

    seen = asyncio.run(main())
    assert [number for _, events in seen for number in events] == list(range(100))
    assert {thread for thread, _ in seen} == {threading.get_ident()}
    assert len(seen) <= 2, "reports are handed over in bundles"


def test_a_handler_that_fails_does_not_cost_the_others_their_news():
    pump, seen = Pump(), []

    def broken(_: list[int]) -> None:
        raise RuntimeError("a plot")

    pump.put(broken, 1)
    pump.put(seen.extend, 2)
    with pytest.raises(RuntimeError, match="a plot"):
        pump.drain()
    assert seen == [2]


def test_work_goes_on_where_the_process_is_already_nicer(monkeypatch):
    """Only root may take niceness back, and a thread that died of asking would leave its run waiting for ever."""

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "setpriority", refuse)
    pump, heard = Pump(), []
    pump.start(lambda: "done", done=heard.extend, failed=heard.extend)
    pump.wait()
    assert heard == ["done"]


def test_waiting_gives_up_with_a_sentence():
    pump, door = Pump(), threading.Event()
    pump.start(lambda: door.wait(20), done=lambda _: None, failed=lambda _: None)
    with pytest.raises(TimeoutError, match="did not end"):
        pump.wait(0.1)
    door.set()
    pump.wait()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TrainingError("lower the learning rate"), "lower the learning rate"),
        (MemoryError(), "memory is full"),
        (KeyError("x"), "something unexpected went wrong (KeyError"),
    ],
)
def test_every_exception_has_a_sentence(error, expected):
    assert expected in sentence_of(error)


def test_a_program_that_ends_while_it_trains_ends_cleanly():
    """Python cancels threads that come back to it when it is gone; inside XLA's C++ that aborts the whole program."""
    program = """
import time
from hamexplorer.session import Session

session = Session()
session.open_dataset("ethane")
session.wait()
session.start()
while session.progress.text != "Closed-form start" or session.progress.fraction < 0.5:
    session.pump.drain()
    time.sleep(0.01)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (0, "")
