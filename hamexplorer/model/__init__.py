"""Models that predict coupled blocks of H̃ - H̃0 from the geometry; they know no quantum chemistry."""

from __future__ import annotations

from typing import Protocol

import equinox as eqx
import jax
import numpy as np
from jax import Array

from hamexplorer._registry import Registry
from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.correction import NetworkCorrection
from hamexplorer.model.graph import Graph, GraphSettings
from hamexplorer.model.linear import LinearModel, RidgeFit
from hamexplorer.model.network import EquivariantNetwork, NetworkSettings

__all__ = [
    "MODELS",
    "BlockModel",
    "EquivariantNetwork",
    "Graph",
    "GraphSettings",
    "LinearModel",
    "ModelKind",
    "NetworkCorrection",
    "NetworkSettings",
    "RidgeFit",
]


class BlockModel(Protocol):
    """What training asks of a model."""

    @property
    def template(self) -> BlockTemplate: ...
    def __call__(self, graph: Graph) -> Array: ...
    def trainable(self) -> BlockModel: ...


class ModelKind:
    """Base of every kind of model.

    Attributes:
        keeps_start: the closed-form start stays fixed and the trained part adds to it.
    """

    name = ""
    label = ""
    help = ""
    keeps_start = False

    def build(self, start: LinearModel, scales: tuple[np.ndarray, np.ndarray], *, key: Array) -> BlockModel:
        """The trainable part.

        Args:
            start: closed-form ridge fit.
            scales: typical size of what the start leaves unexplained, Ha: on-site (n_elements, size²) and
                off-site (n_elements, n_elements, size²).
            key: for the initial weights.
        """
        raise NotImplementedError


MODELS: Registry[ModelKind] = Registry("model")


@MODELS.register("network")
class Network(ModelKind):
    """Equivariant network with messages between atoms, on top of the ridge start."""

    label = "Equivariant network"
    help = "Nonlinear: atoms exchange messages; more accurate, some ten thousand weights."
    keeps_start = True
    settings = NetworkSettings()

    def build(self, start: LinearModel, scales: tuple[np.ndarray, np.ndarray], *, key: Array) -> BlockModel:
        # One compiled function instead of some fifty small ones: seconds at the first start.
        make = eqx.filter_jit(
            lambda k: EquivariantNetwork(start.template, start.graph_settings, self.settings, key=k)
        )
        network = make(key)
        own, pair = (np.asarray(scale, dtype=np.float32) for scale in scales)
        return NetworkCorrection(network, jax.numpy.asarray(own), jax.numpy.asarray(pair))


@MODELS.register("network_large")
class LargeNetwork(Network):
    """The same with twice the channels."""

    label = "Equivariant network, large"
    help = "Twice as wide: several times slower, for larger data sets."
    settings = NetworkSettings(channels=64, hidden=128)


@MODELS.register("linear")
class Linear(ModelKind):
    """The ridge start itself, its weights refined by the gradient: the paper's kind of model."""

    label = "Linear"
    help = "Linear in fixed descriptors, started in closed form: the paper's kind of model."

    def build(self, start: LinearModel, scales: tuple[np.ndarray, np.ndarray], *, key: Array) -> BlockModel:
        return start
