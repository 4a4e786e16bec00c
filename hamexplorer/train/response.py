"""The start of a model in which atoms add to what the Hamiltonian answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hamexplorer.model import ADDED_TO, MODELS, SURROGATES, BlockModel, WithResponse, screened
from hamexplorer.physics.targets import sum_over_states
from hamexplorer.structures.selection import Split
from hamexplorer.train.frames import Frame
from hamexplorer.train.geometry import Geometry
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.surrogates import surrogate_start

#: So many molecules more than elements have to be known before their screening is fitted.
_MORE_THAN_ELEMENTS = 4
#: The kind of surrogate that reads what atoms add.
_ATOMS = "surrogate"


def atoms_respond(settings: RunSettings, geometry: Geometry) -> bool:
    """Whether the model has a part that adds to what the Hamiltonian answers."""
    return settings.response == "atoms" and settings.model in MODELS and isinstance(geometry.basis, str)


def empty_response(model: Any, geometry: Geometry, screens: bool) -> WithResponse:
    """A model of blocks with such a part of the right shape, its weights meaningless; ``screens``: by factors."""
    atoms = SURROGATES[_ATOMS].empty(geometry.template, geometry.graph, pools=False)
    return WithResponse(model, atoms, jnp.ones(2) if screens else None)


def with_response(
    model: BlockModel, geometry: Geometry, frames: Sequence[Frame], split: Split, settings: RunSettings
) -> WithResponse:
    """The model with a part for what atoms add, fitted to what its start leaves of these properties.

    Args:
        model: as it starts.
        geometry: of the model.
        frames: all molecules, with their targets, and in their base the matrices that the model starts with.
        split: which of them it may learn from, and which choose the regularisation.
        settings: of the run.
    """
    known = [k for k, frame in enumerate(frames) if any(name in frame.targets for name in ADDED_TO)]
    # The network has nothing to say yet: compiling it once more, or the compiled formula, would take seconds.
    given = {k: sum_over_states(frames[k].base[0], frames[k].integrals) for k in known}
    taught = sorted(set(split.train) & set(known))
    screening = _screening([(frames[k], given[k]) for k in taught])
    left = [
        dataclasses.replace(
            frame,
            targets={
                name: target._replace(value=target.value - np.asarray(screened(given[k], screening)))
                for name, target in frame.targets.items()
                if name in ADDED_TO
            },
        )
        for k, frame in enumerate(frames)
    ]
    atoms = surrogate_start(_ATOMS, left, split, geometry.graph, settings.seed, pools=False)
    return WithResponse(model, atoms, screening)


def _screening(found: Sequence[tuple[Frame, np.ndarray]]) -> jax.Array:
    """Factors of the isotropic and of the traceless part of what the Hamiltonians give, shape (2,).

    The first by least squares beside a constant of each element, the second by itself; one where too little is known.
    """
    elements = sorted({int(z) for frame, _ in found for z in frame.structure.numbers})
    if len(found) < len(elements) + _MORE_THAN_ELEMENTS:
        return jnp.ones(2)
    (name,) = ADDED_TO
    weight = np.array([1 / frame.structure.n_atoms for frame, _ in found])
    wanted = np.stack([frame.targets[name].value for frame, _ in found])
    given = np.stack([tensor for _, tensor in found])
    counts = np.array([[np.count_nonzero(f.structure.numbers == z) for z in elements] for f, _ in found])
    mean = [np.trace(each, axis1=1, axis2=2) / 3 for each in (wanted, given)]
    columns = np.column_stack([mean[1], counts]) * weight[:, None]
    isotropic = np.linalg.lstsq(columns, mean[0] * weight, rcond=None)[0][0]
    rest = [each - m[:, None, None] * np.eye(3) for each, m in zip((wanted, given), mean, strict=True)]
    product, square = (np.einsum("n,nxy,nxy", weight**2, rest[1], each) for each in rest)
    return jnp.clip(jnp.asarray([isotropic, product / max(square, 1e-12)]), 0.0, 2.0)
