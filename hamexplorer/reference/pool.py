"""A pool of worker processes that survives the death of any of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import hamexplorer
from hamexplorer.errors import ReferenceCalculationError
from hamexplorer.reference.worker import ONE_THREAD

#: Seconds given to a worker to end by itself before it is killed.
_PATIENCE = 1.0


@dataclass(eq=False)
class Worker:
    """One process and what it is doing."""

    process: subprocess.Popen[str]
    questions: IO[str]
    answers: IO[str]
    task: Any = None
    ready: bool = False
    started: float = field(default_factory=time.monotonic)

    def hang_up(self) -> None:
        """Close the pipes of a process that has ended."""
        for pipe in (self.questions, self.answers):
            with contextlib.suppress(OSError):
                pipe.close()


@dataclass(frozen=True)
class Answer:
    """What came of a task: ``message`` is the worker's answer, or None when the worker died."""

    task: Any
    message: dict[str, str] | None
    seconds: float


class WorkerPool:
    """Up to ``jobs`` workers; tasks go to idle ones, answers come back in the order in which they finish.

    Use it as a context manager: leaving the block, also by Ctrl-C, ends every process.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._workers: list[Worker] = []
        self._events: queue.SimpleQueue[tuple[Worker, dict[str, Any] | None]] = queue.SimpleQueue()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the pool
        self._stillborn = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_room(self) -> bool:
        return self.n_busy < self.jobs

    @property
    def n_busy(self) -> int:
        return sum(worker.task is not None for worker in self._workers)

    def running(self) -> list[tuple[Any, float]]:
        """Tasks being worked on, and for how many seconds."""
        now = time.monotonic()
        return [(w.task, now - w.started) for w in self._workers if w.task is not None]

    def submit(self, task: Any, line: str) -> None:
        """Give a task to an idle worker, or to a new one."""
        worker = next((w for w in self._workers if w.task is None), None) or self._start()
        worker.task, worker.started = task, time.monotonic()
        # A worker that has just died is noticed by its reader; its task comes back without an answer.
        with contextlib.suppress(OSError):
            worker.questions.write(line + "\n")
            worker.questions.flush()

    def next_answer(self, timeout: float) -> Answer | None:
        """The next finished or lost task, or None when nothing happens within ``timeout`` seconds.

        Raises:
            ReferenceCalculationError: if workers cannot even start.
        """
        try:
            worker, message = self._events.get(timeout=timeout)
        except queue.Empty:
            return None
        if message is not None and "ready" in message:
            worker.ready, worker.started, self._stillborn = True, time.monotonic(), 0
            return None
        if message is None:
            self._bury(worker)
        task, worker.task = worker.task, None
        return None if task is None else Answer(task, message, time.monotonic() - worker.started)

    def close(self) -> None:
        """End every worker; what they have saved stays."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            try:
                worker.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.hang_up()
        self._workers.clear()
        self._complaints.close()

    def _start(self) -> Worker:
        package_parent = str(Path(hamexplorer.__file__).resolve().parent.parent)
        path = os.pathsep.join(filter(None, (package_parent, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, "-m", "hamexplorer.reference.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
            text=True,
            encoding="utf-8",
        )
        worker = Worker(process, cast(IO[str], process.stdin), cast(IO[str], process.stdout))
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: Worker) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed, or cut off in the middle of a line
            for line in worker.answers:
                self._events.put((worker, json.loads(line)))
        self._events.put((worker, None))

    def _bury(self, worker: Worker) -> None:
        self._workers.remove(worker)
        worker.process.kill()
        worker.process.wait()
        worker.hang_up()
        self._stillborn += not worker.ready
        if self._stillborn >= 3:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").strip().splitlines()
            raise ReferenceCalculationError(
                f"worker processes cannot start ({lines[-1] if lines else 'no message'}); check that "
                f"`{sys.executable} -m hamexplorer.reference.worker` runs"
            )
