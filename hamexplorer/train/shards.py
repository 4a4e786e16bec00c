"""A batch in parts, one for each device: every process builds the whole batch and places what its devices need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from hamexplorer.basis.blocks import BlockTemplate
from hamexplorer.errors import SettingsError
from hamexplorer.train.batches import Batch, deal, make_batch, shard_shape
from hamexplorer.train.frames import Frame
from hamexplorer.train.step import StepReport

_AXIS = "structures"


def mesh_of(n_devices: int) -> Mesh | None:
    """The first devices that JAX sees, of all processes; None for one alone.

    Raises:
        SettingsError: if there are fewer.
    """
    there = jax.devices()
    if not 1 <= n_devices <= len(there):
        raise SettingsError(
            f"{n_devices} devices were asked for, and JAX sees {len(there)}; choose 1 to {len(there)}, or for "
            "processor cores set XLA_FLAGS=--xla_force_host_platform_device_count=N before the start"
        )
    return None if n_devices == 1 else Mesh(np.array(there[:n_devices]), (_AXIS,))


class Shards:
    """Deals the structures of a batch to devices in turn, so that each gets small and large ones alike."""

    def __init__(self, mesh: Mesh, frames: Sequence[Frame], batch_size: int) -> None:
        fewest = min(len(batch) for batch in deal(frames, batch_size, None))
        if fewest < mesh.size:  # a device without work would wait for the others
            mesh = Mesh(mesh.devices.ravel()[:fewest], mesh.axis_names)
        self.mesh = mesh
        self._shape = shard_shape(frames, batch_size, mesh.size)

    def batch(self, frames: Sequence[Frame], template: BlockTemplate, names: Sequence[str]) -> Batch:
        """The parts stacked along a leading axis, each on its device."""
        n = self.mesh.size
        parts = [make_batch(frames[k::n], self._shape, template, names) for k in range(n)]
        return self._placed(jax.tree.map(lambda *leaves: np.stack(leaves), *parts))

    def weights(self, weights: np.ndarray) -> Any:
        """Of each member and structure, (n_members, n_structures), likewise; empty slots count for none."""
        n = self.mesh.size
        found = np.zeros((n, len(weights), self._shape.n_structures))
        for k in range(n):
            own = weights[:, k::n]
            found[k, :, : own.shape[1]] = own
        return self._placed(found)

    def _placed(self, tree: Any) -> Any:
        sharding = NamedSharding(self.mesh, P(_AXIS))
        return jax.tree.map(lambda x: jax.make_array_from_callback(x.shape, sharding, lambda at: x[at]), tree)

    def in_order(self, report: StepReport, n_structures: int) -> StepReport:
        """The report of one batch without devices, slot by slot as the structures were given."""
        slot, device = np.divmod(np.arange(n_structures), self.mesh.size)

        def picked(value: Any) -> np.ndarray:
            return np.asarray(value)[device, slot]

        return report._replace(
            each=np.asarray(report.each)[device, :, slot].T,
            mo_energy=picked(report.mo_energy),
            predicted=jax.tree.map(picked, report.predicted),
            spread=jax.tree.map(picked, report.spread),
        )
