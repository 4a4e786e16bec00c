"""Many small molecules at once: one thread each, as many as there are processors.

Integrals and matrices of a small molecule gain nothing from several threads, and waiting for one another costs them
more than the work itself: one thread a molecule was measured to be four times as fast on two processors. It also makes
results the same to the last bit, because sums over several threads are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pyscf import lib
from threadpoolctl import threadpool_limits

from hamexplorer.visiting import cores

T = TypeVar("T")
R = TypeVar("R")


def each_on_one_thread(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Results in the order of the items, as they come; an exception of ``work`` is raised in its place."""
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(cores(), initializer=lambda: lib.num_threads(1)) as pool,
    ):
        yield from pool.map(work, items)
