"""What makes the members of a committee differ: initial weights, and how much each training structure counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hamexplorer.model import MODELS, SURROGATES, BlockModel, Committee, Member, Surrogate
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.response import atoms_respond, empty_response
from hamexplorer.train.settings import RunSettings

#: Set the members' random numbers apart from each other's and from those of the split and the batches.
_WEIGHTS, _STRUCTURES = 101, 102


def assemble(build: Callable[[np.random.Generator], Member], settings: RunSettings) -> BlockModel:
    """A model, or a committee of such; the first member begins like a model that is alone.

    Args:
        build: makes a model with initial weights drawn from a generator.
        settings: how many, and the seed.
    """
    first = build(np.random.default_rng(settings.seed))
    if settings.committee == 1:
        return first
    seeds = [[settings.seed, _WEIGHTS, m] for m in range(1, settings.committee)]
    return Committee.of([first, *(build(np.random.default_rng(seed)) for seed in seeds)])


def empty_model_of(
    settings: RunSettings, geometry: Geometry, *, pools: bool = True, screened: bool = True
) -> BlockModel | Surrogate:
    """The trained part of the right shape, its weights meaningless.

    Args:
        settings, geometry: of the run.
        pools: whether a surrogate knows gaps.
        screened: whether atoms screen what they add to.
    """
    if settings.model in SURROGATES:
        return SURROGATES[settings.model].empty(geometry.template, geometry.graph, pools=pools)
    alone = MODELS[settings.model].empty(geometry.template, geometry.graph)
    empty = alone if settings.committee == 1 else Committee.of([alone] * settings.committee)
    return empty_response(empty, geometry, screened) if atoms_respond(settings, geometry) else empty


def structure_weights(settings: RunSettings, n_structures: int) -> np.ndarray | None:
    """How much each training structure counts for each member: a Bayesian bootstrap.

    Initial weights alone do not make members differ enough: outputs start at zero, and all of them would be drawn to
    the same values. Exponential weights stand for other training sets that might have been drawn as well.

    Returns:
        Shape (n_members, n_structures), every row of mean 1; None for a model that is alone.

    Source: Rubin, Ann. Statist. 9, 130 (1981).
    """
    if settings.committee == 1:
        return None
    rng = np.random.default_rng([settings.seed, _STRUCTURES])
    drawn = rng.exponential(size=(settings.committee, n_structures))
    return drawn / drawn.mean(1, keepdims=True)
