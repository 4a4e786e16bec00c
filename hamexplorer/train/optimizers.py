"""The optimizers, made once: a compiled step belongs to its optimizer, and a second run then finds it again."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import optax

#: Both give updates for a learning rate of 1.
OPTIMIZERS: dict[str, optax.GradientTransformationExtraArgs] = {
    "adam": optax.chain(optax.scale_by_adam(b2=0.99), optax.scale(-1.0)),  # type: ignore[dict-item]
    "lbfgs": optax.lbfgs(),
}


@eqx.filter_jit
def start_of(name: str, weights: Any) -> Any:
    """State of an optimizer before its first step; compiled as a whole, because leaf by leaf takes half a second."""
    return OPTIMIZERS[name].init(weights)
