"""Compilation in the background: shapes are known long before there is anything to train."""

from __future__ import annotations

import ctypes
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from hamexplorer.model import committee_in
from hamexplorer.train.batches import deal, make_batch
from hamexplorer.train.committee import empty_model_of
from hamexplorer.train.optimizers import OPTIMIZERS, start_of
from hamexplorer.train.prepare import Arranged
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.step import evaluate_batch, evaluate_committee, train_step

#: Seconds between two looks at what the compiler has freed.
_INTERVAL = 0.5


class CompiledAhead:
    """Compiles evaluation and training step in a thread while baselines and the closed-form start are computed.

    It simply runs both once on a model of zeros: a compiled function is found again by the shapes of its arguments.
    """

    def __init__(self, arranged: Arranged, settings: RunSettings, *, step: bool = True) -> None:
        """``step`` says whether steps will be those of one device; evaluations always are."""
        self._arranged, self._settings, self._step = arranged, settings, step
        pool = ThreadPoolExecutor(1, thread_name_prefix="compile")
        self._done = pool.submit(self._compile)
        pool.shutdown(wait=False)
        threading.Thread(target=_give_back, args=(self._done,), name="give-back", daemon=True).start()

    def wait(self) -> None:
        """Until both are compiled."""
        self._done.result()

    def _compile(self) -> None:
        arranged, settings = self._arranged, self._settings
        template = arranged.geometry.template
        model = empty_model_of(settings, arranged.geometry)
        names = tuple(settings.targets)
        shape = arranged.batch_shape(settings.batch_size)
        frames = arranged.part("train")
        # A batch as it is dealt: only such ones are sure to fit the shape.
        some = [frames[k] for k in deal(frames, settings.batch_size, None)[0]]
        batch = make_batch(some, shape, template, names)
        weights = None
        if committee_in(model) is not None:
            weights = np.ones((settings.committee, shape.n_structures))
            jax.block_until_ready(evaluate_committee(model, batch, names))
        else:
            jax.block_until_ready(evaluate_batch(model, batch, names))
        if settings.optimizer != "adam" or not self._step:
            return  # a line search runs over all batches at once and takes longest of all: only when it is reached
        trainable, frozen = eqx.partition(model, model.trainable())
        optimizer = OPTIMIZERS["adam"]
        state, scales, rate = start_of("adam", trainable), jnp.zeros(len(names)), jnp.float32(0)
        args = (trainable, frozen, state, batch, scales, rate, names, optimizer, weights, jnp.float32(0))
        jax.block_until_ready(train_step(*args))


def _give_back(compilation: Future[None]) -> None:
    """Return to the system what was freed, until the compilation has ended.

    glibc keeps what a compiler frees for the program's next needs: 0.4 GB, which a small Binder cannot spare. With
    another C library nothing is done.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    while trim is not None:
        ended = wait([compilation], _INTERVAL).done
        trim(0)
        if ended:
            return
