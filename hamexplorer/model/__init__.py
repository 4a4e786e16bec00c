"""Models that see the geometry alone and know no quantum chemistry.

Those of MODELS predict coupled blocks of H̃ - H̃0; those of SURROGATES moments of atoms, without any Hamiltonian.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from jax import Array

from hamexplorer._registry import Registry
from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.model.committee import Committee
from hamexplorer.model.correction import NetworkCorrection, Scales
from hamexplorer.model.graph import Graph, GraphSettings
from hamexplorer.model.linear import LinearModel, RidgeFit, empty_linear
from hamexplorer.model.network import EquivariantNetwork, NetworkSettings
from hamexplorer.model.response import ADDED_TO, Response, WithResponse, committee_in, screened
from hamexplorer.model.surrogate import PREDICTS, Start, Surrogate, Units, empty_parts

__all__ = [
    "ADDED_TO",
    "KINDS",
    "MODELS",
    "SURROGATES",
    "BlockModel",
    "Committee",
    "EquivariantNetwork",
    "Graph",
    "GraphSettings",
    "LinearModel",
    "Member",
    "ModelKind",
    "NetworkCorrection",
    "NetworkSettings",
    "Response",
    "RidgeFit",
    "Scales",
    "Surrogate",
    "SurrogateKind",
    "WithResponse",
    "committee_in",
    "screened",
]


class BlockModel(Protocol):
    """What training asks of a model."""

    @property
    def template(self) -> BlockTemplate: ...
    def __call__(self, graph: Graph) -> Array: ...
    def trainable(self) -> BlockModel: ...


class Member(BlockModel, Protocol):
    """What a committee asks of its members beside: the same tree with True at what each has for itself."""

    def heads(self) -> BlockModel: ...


class ModelKind:
    """Base of every kind of model.

    Attributes:
        keeps_start: the closed-form start stays fixed and the trained part adds to it.
    """

    name = ""
    label = ""
    help = ""
    keeps_start = False

    def build(self, start: LinearModel, scales: Scales, *, rng: np.random.Generator) -> Member:
        """The trainable part.

        Args:
            start: closed-form ridge fit.
            scales: of what the model sees, and of what the start leaves unexplained.
            rng: for the initial weights.
        """
        raise NotImplementedError

    def empty(self, template: BlockTemplate, settings: GraphSettings) -> Member:
        """A trainable part of the right shape whose weights mean nothing."""
        raise NotImplementedError


MODELS: Registry[ModelKind] = Registry("model")


@MODELS.register("network")
class Network(ModelKind):
    """Equivariant network with messages between atoms, on top of the ridge start."""

    label = "Equivariant network"
    help = "Nonlinear: atoms exchange messages; more accurate, some ten thousand weights."
    keeps_start = True
    settings = NetworkSettings()

    def build(self, start: LinearModel, scales: Scales, *, rng: np.random.Generator) -> Member:
        return self._correction(start.template, start.graph_settings, scales, rng)

    def empty(self, template: BlockTemplate, settings: GraphSettings) -> Member:
        n, size = len(settings.elements), template.size**2
        density = np.zeros((1, settings.n_density_channels, (settings.l_max + 1) ** 2))
        scales = Scales.of(np.ones((n, size)), np.ones((n, n, size)), [density])
        return self._correction(template, settings, scales, np.random.default_rng(0))

    def _correction(
        self,
        template: BlockTemplate,
        settings: GraphSettings,
        scales: Scales,
        rng: np.random.Generator,
    ) -> NetworkCorrection:
        return NetworkCorrection(EquivariantNetwork(template, settings, self.settings, rng=rng), scales)


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
    help = (
        "Linear in fixed descriptors, started in closed form: the paper's kind of model. On crystals its weights are "
        "many: choose a learning rate of 1e-6 there."
    )

    def build(self, start: LinearModel, scales: Scales, *, rng: np.random.Generator) -> Member:
        return start

    def empty(self, template: BlockTemplate, settings: GraphSettings) -> Member:
        return empty_linear(template, settings)


class SurrogateKind:
    """Base of every kind of surrogate.

    Attributes:
        predicts: targets that it can be asked; it has no Hamiltonian for the others.
    """

    name = ""
    label = ""
    help = ""
    predicts: tuple[str, ...] = ()

    def build(
        self, graph: GraphSettings, start: Start, units: Units, *, rng: np.random.Generator
    ) -> Surrogate:
        """A surrogate that begins as its start.

        Args:
            graph: how geometry becomes numbers.
            start: closed-form fit.
            units: of what the network sees, and of what the start leaves unexplained.
            rng: for the initial weights.
        """
        raise NotImplementedError

    def empty(self, template: BlockTemplate, settings: GraphSettings, *, pools: bool = True) -> Surrogate:
        """A surrogate of the right shape whose weights mean nothing; ``pools`` as of :func:`empty_parts`."""
        return self.build(settings, *empty_parts(settings, pools=pools), rng=np.random.default_rng(0))


SURROGATES: Registry[SurrogateKind] = Registry("surrogate")


@SURROGATES.register("surrogate")
class MomentsNetwork(SurrogateKind):
    """The network's atom features read out as moments of atoms."""

    label = "Surrogate, no Hamiltonian"
    help = (
        "The same descriptors and messages, read out as dipole, polarizability, charges and gap directly: what the "
        "Hamiltonian is measured against. It knows no orbital energies."
    )
    predicts = tuple(PREDICTS)
    settings = NetworkSettings()

    def build(
        self, graph: GraphSettings, start: Start, units: Units, *, rng: np.random.Generator
    ) -> Surrogate:
        return Surrogate(graph, self.settings, start, units, rng=rng)


#: Everything that can be trained, by name.
KINDS: Mapping[str, ModelKind | SurrogateKind] = {**MODELS, **SURROGATES}
