"""The way from worker threads to the kernel's event loop: one queue, drained a few times a second.

Workers only ever put things into the queue. Whoever drains it (the event loop, or a test) is the only one who
touches the session, so no widget is changed from a worker.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from hamexplorer.errors import HamExplorerError
from hamexplorer.visiting import told

#: Seconds between two visits to the queue: at most five redraws a second.
INTERVAL = 0.2
#: Of worker threads, on Linux's scale of 0 to 19.
_NICENESS = 10

#: Seconds that a program which ends gives its threads: compiling a step takes about ten.
_PATIENCE = 20.0

Handler = Callable[[list[Any]], None]

_PUMPS: weakref.WeakSet[Pump] = weakref.WeakSet()


class Pump:
    """Daemon threads, the queue they report through, and its draining on an event loop."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Handler, Any]] = queue.SimpleQueue()
        #: What makes each thread's work end early, if anything does.
        self._threads: dict[threading.Thread, Callable[[], None] | None] = {}
        self._draining = threading.Lock()
        self._ticking = False
        _PUMPS.add(self)

    def put(self, handler: Handler, event: Any) -> None:
        """Hand ``event`` over; ``handler`` gets all events of its own since the last visit as one list."""
        self._queue.put((handler, event))

    def start(
        self,
        work: Callable[[], Any],
        *,
        done: Handler,
        failed: Handler,
        end: Callable[[], None] | None = None,
    ) -> threading.Thread:
        """Run ``work`` in a daemon thread; its value goes to ``done``, its exception's sentence to ``failed``.

        ``end`` makes the work end early, and is called when the program ends while it is at work.
        """

        def run() -> None:
            _step_back()
            try:
                value = work()
            except BaseException as error:  # whatever it is, the person must hear of it
                self.put(failed, sentence_of(error))
            else:
                self.put(done, value)

        thread = threading.Thread(target=run, daemon=True)
        self._threads[thread] = end
        thread.start()
        self._tick_on_running_loop()
        return thread

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads) or not self._queue.empty()

    def drain(self) -> None:
        """Deliver everything that waits in the queue, grouped by handler, in order of first arrival."""
        # A handler may call a verb that drains again; that inner call has nothing to do.
        if not self._draining.acquire(blocking=False):
            return
        try:
            waiting: dict[Handler, list[Any]] = {}
            for _ in range(self._queue.qsize()):
                handler, event = self._queue.get()
                waiting.setdefault(handler, []).append(event)
            errors = []
            for handler, events in waiting.items():
                try:
                    handler(events)
                except Exception as error:  # one broken view must not cost the others their news
                    errors.append(error)
        finally:
            self._draining.release()
        self._threads = {thread: end for thread, end in self._threads.items() if thread.is_alive()}
        if errors:
            raise errors[0]

    def wait(self, timeout: float = 60.0) -> None:
        """Drain until every thread has ended: for scripts and tests, which have no event loop.

        Raises:
            TimeoutError: if a thread is still at work after ``timeout`` seconds.
        """
        end = time.monotonic() + timeout
        while self.busy:
            if time.monotonic() > end:
                raise TimeoutError(f"work in the background did not end within {timeout:g} s")
            for thread in list(self._threads):
                thread.join(INTERVAL / 4)
            self.drain()

    def end(self, timeout: float) -> None:
        """Ask what can be ended to end, and wait for it; the rest is left to itself."""
        until = time.monotonic() + timeout
        ends = {thread: end for thread, end in self._threads.items() if end is not None}
        for end in ends.values():
            end()
        for thread in ends:
            thread.join(max(0.0, until - time.monotonic()))

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back when the event loop has looked after waiting clicks; at once where there is no loop."""
        try:
            asyncio.get_running_loop().call_soon(callback)
        except RuntimeError:
            callback()

    def _tick_on_running_loop(self) -> None:
        try:
            # In JupyterLab a widget's messages may be handled by a subshell with a loop of its own; the loop
            # that called the verb is the one that may touch the widgets.
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if not self._ticking:
            self._ticking = True
            loop.call_later(INTERVAL, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self.drain()
        finally:
            self._ticking = self.busy
            if self._ticking:
                loop.call_later(INTERVAL, self._tick, loop)


@atexit.register
def _end_all() -> None:
    """Python cancels threads that outlive it, and a thread cancelled inside JAX's C++ aborts the whole program."""
    until = time.monotonic() + _PATIENCE
    for pump in list(_PUMPS):
        pump.end(max(0.0, until - time.monotonic()))


def _step_back() -> None:
    """Let the page, the kernel's messages and a browser on the same machine go first; threads started from here too."""
    if (
        sys.platform == "linux"
    ):  # elsewhere niceness belongs to the process, and the whole kernel would step back
        with contextlib.suppress(OSError):  # already nicer, and only root may take that back
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


def sentence_of(error: BaseException) -> str:
    """What to tell a person about an exception: our own sentence, or an apology with the exception's name."""
    if isinstance(error, HamExplorerError):
        return told(str(error))
    if isinstance(error, MemoryError):
        return "the memory is full; choose fewer or smaller molecules, or a smaller batch size"
    detail = told(" ".join(str(error).split())[:200])
    return f"something unexpected went wrong ({type(error).__name__}{': ' + detail if detail else ''}); try again"
