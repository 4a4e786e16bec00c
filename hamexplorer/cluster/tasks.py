"""A pool of tasks that survives the death of any worker."""

from __future__ import annotations

import queue
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hamexplorer.cluster.workers import ClusterError, Workers


@dataclass(frozen=True)
class Answer:
    """What came of a task: its value, or None where its worker died."""

    task: Any
    value: Any


class TaskPool:
    """Tasks go to workers as these become free; answers come back in the order in which they finish.

    Use it as a context manager: leaving the block, also by Ctrl-C, ends the workers or takes back what they have not
    begun.
    """

    def __init__(self, workers: Workers, function: Callable[..., Any]) -> None:
        """``function`` of a module that the workers can import: called with what :meth:`submit` is given."""
        self.workers = workers
        self._function = _by_name(function)
        self._running: dict[str, tuple[Any, float, Any]] = {}
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __enter__(self) -> TaskPool:
        self.workers.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self.workers.client.status == "running":
                self.workers.client.cancel([future for _, _, future in self._running.values()], force=True)
        finally:
            self._running.clear()
            self.workers.__exit__()

    @property
    def n_busy(self) -> int:
        return len(self._running)

    @property
    def has_room(self) -> bool:
        # One task waits even where no worker has come yet: a batch system may start jobs for it.
        return self.n_busy < max(self.workers.at_once, 1)

    def running(self) -> list[tuple[Any, float]]:
        """Tasks being worked on, and for how many seconds."""
        now = time.monotonic()
        return [(task, now - since) for task, since, _ in self._running.values()]

    def submit(self, task: Any, *arguments: Any) -> None:
        """Give a task, which the answer will carry, to the next free worker."""
        key = f"hamexplorer-{uuid.uuid4().hex}"
        future = self.workers.client.submit(self._function, *arguments, key=key, pure=False)
        self._running[key] = (task, time.monotonic(), future)
        future.add_done_callback(self._finished.put)

    def next_answer(self, timeout: float) -> Answer | None:
        """The next finished or lost task, or None when nothing happens within ``timeout`` seconds.

        Raises:
            ClusterError: if no worker can run any more, or workers lack this package.
        """
        self.workers.tend()
        try:
            future = self._finished.get(timeout=timeout)
        except queue.Empty:
            return None
        task, _, _ = self._running.pop(future.key, (None, 0.0, None))
        if task is None:
            return None
        return Answer(task, self._value_of(future))

    def _value_of(self, future: Any) -> Any:
        from distributed import KilledWorker

        if future.status == "finished":
            return future.result()
        error = future.exception() if future.status == "error" else None
        if error is None or isinstance(error, KilledWorker):
            return None
        first = (str(error).splitlines() or [""])[0][:200]
        raise ClusterError(
            f"a worker of {self.workers.where} could not run its task ({type(error).__name__}: {first}); workers need "
            "the same versions of hamexplorer and Python as this machine"
        ) from error


def _by_name(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, looked up when it is called: a Dask worker dies of a task that names a module which it lacks."""
    module, name = function.__module__, function.__qualname__
    if "<locals>" in name:
        return function  # goes by value anyhow

    def call(*arguments: Any) -> Any:
        import importlib

        return getattr(importlib.import_module(module), name)(*arguments)

    return call
