"""(p) What single precision costs: the network in float32, as it is, and eigensolves in float32, as they are not."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from measuring import Row, Scale
from workload import NAMES, Workload, stirred, training_workload

from hamexplorer.model.graph import GraphSettings, join_graphs, make_graph, radial_basis, spherical_harmonics
from hamexplorer.structures.pairs import find_pairs
from hamexplorer.train.batches import Batch
from hamexplorer.train.frames import Frame
from hamexplorer.train.step import hamiltonians, properties_of, responses
from hamexplorer.units import BOHR_ANGSTROM, HARTREE_EV

#: Largest errors that single precision may bring: far below what models err by. eV, e·bohr, bohr³.
ALLOWED = {"mo_energy": 1e-4, "dipole": 1e-5, "polarizability": 1e-3}
UNITS = {"mo_energy": "eV", "dipole": "e·bohr", "polarizability": "bohr³"}


def in_float64(tree: Any) -> Any:
    """Every floating-point leaf in double precision."""
    return jax.tree.map(
        lambda x: jnp.asarray(x, jnp.float64) if eqx.is_inexact_array_like(x) else x,
        tree,
        is_leaf=lambda x: x is None,
    )


def in_float32(tree: Any) -> Any:
    """The same in single precision; integers stay."""
    return jax.tree.map(
        lambda x: jnp.asarray(x, jnp.float32) if jnp.issubdtype(np.asarray(x).dtype, np.floating) else x, tree
    )


def graph_in_float64(frame: Frame, settings: GraphSettings) -> Any:
    """What the model sees of a structure, never rounded to single precision."""
    pairs = find_pairs(frame.structure, cutoff_angstrom=settings.cutoff_angstrom)
    distance, cutoff = np.linalg.norm(pairs.vector, axis=1), settings.cutoff_angstrom / BOHR_ANGSTROM
    rounded = make_graph(frame.structure, settings, pairs)
    harmonics = spherical_harmonics(pairs.vector, settings.l_max)
    radial = radial_basis(distance, cutoff, settings.n_radial, settings.radial_scale)
    shape = len(rounded.species), len(settings.elements), settings.n_radial, harmonics.shape[1]
    density = np.zeros(shape)
    np.add.at(density, (pairs.i, rounded.species[pairs.j]), radial[:, :, None] * harmonics[:, None, :])
    envelope = (1 - np.minimum(distance / cutoff, 1.0) ** 2) ** 3
    return rounded._replace(
        harmonics=harmonics,
        radial=radial,
        envelope=envelope,
        density=density.reshape(rounded.density.shape),
    )


def _levels_and_properties(matrices: Any, batch: Batch, of_atoms: dict[str, Any]) -> dict[str, np.ndarray]:
    levels, found = properties_of(matrices, batch.integrals, NAMES)
    found = {**found, "mo_energy": jnp.where(batch.integrals.ao_mask, levels, 0.0)}
    found |= {name: response.of(found[name]) for name, response in of_atoms.items()}
    return {name: np.asarray(found[name], np.float64) for name in NAMES}


def errors(work: Workload) -> dict[str, dict[str, float]]:
    """Largest differences from float64 everywhere, by what is in float32 and by property; units of :data:`UNITS`."""
    settings, shape = work.prepared.geometry.graph, work.shape
    batch, frames = work.batches[0], work.members[0]
    graphs = [graph_in_float64(frame, settings) for frame in frames]
    exact = batch._replace(graph=join_graphs(graphs, n_atoms=shape.n_atoms, n_pairs=shape.n_pairs))
    exact = exact._replace(base=batch.base + _rounded_off(work, batch, exact))
    double = in_float64(work.model)
    best = _levels_and_properties(hamiltonians(double, exact), exact, responses(double, exact, NAMES))
    matrices, of_atoms = hamiltonians(work.model, batch), responses(work.model, batch, NAMES)
    usual = _levels_and_properties(matrices, batch, of_atoms)
    single = batch._replace(integrals=in_float32(batch.integrals))
    worst = _levels_and_properties(matrices.astype(jnp.float32), single, of_atoms)
    found = {}
    for what, values in (("network", usual), ("network and eigensolves", worst)):
        off = {name: float(np.abs(values[name] - best[name])[: len(frames)].max()) for name in NAMES}
        off["mo_energy"] *= HARTREE_EV
        found[what] = off
    return found


def _rounded_off(work: Workload, batch: Batch, exact: Batch) -> np.ndarray:
    """What the closed-form start, which stands in the base, lost by single precision; shape of the base, Ha."""
    start = work.prepared.fixed
    if start is None:
        return np.zeros_like(batch.base)
    nothing = np.zeros_like(batch.base)
    single = hamiltonians(start, batch._replace(base=nothing))
    return np.asarray(hamiltonians(in_float64(start), exact._replace(base=nothing)) - single)


def stirred_workload(scale: Scale, **settings: Any) -> Workload:
    """A network that sees the geometry and whose outputs are about as large as it may learn to make them."""
    work = training_workload(scale, features="geometry", **settings)
    return work._replace(model=stirred(work.prepared.model, 0.1))


def precision(scale: Scale) -> list[Row]:
    """(p)."""
    found = errors(stirred_workload(scale))
    return [
        Row(
            f"largest error of {name} in float32; network alone (as it is), and eigensolves too (as they are not)",
            f"{found['network'][name]:.1e} {UNITS[name]}",
            f"{found['network and eigensolves'][name]:.1e} {UNITS[name]}",
            found["network and eigensolves"][name] / found["network"][name],
            f"≤ {ALLOWED[name]:g} {UNITS[name]}",
            found["network"][name] <= ALLOWED[name],
        )
        for name in NAMES
    ]
