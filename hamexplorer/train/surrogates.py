r"""The closed-form start of a surrogate: ridge fits of moments to properties, as the Hamiltonian has one of its own.

Moments are linear in fixed descriptors, and properties linear in the moments: the dipole moment, for example, is

$$ \mu - Q\bar R = \sum_A (w \cdot d^0_A)(R_A - \bar R) + \sum_A v \cdot d^1_A, $$

which one least-squares problem determines. Rows count 1/N², as in the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from hamexplorer.basis.coupling import clebsch_gordan
from hamexplorer.model import SURROGATES, GraphSettings, Surrogate
from hamexplorer.model.correction import density_units
from hamexplorer.model.linear import STRENGTHS
from hamexplorer.model.surrogate import SCALARS, XYZ, Start, Units, atom_descriptors
from hamexplorer.structures.selection import Split
from hamexplorer.train.frames import Frame
from hamexplorer.train.start import DEFAULT_STRENGTH, OUTPUT_SCALE

#: Of a network's output, atomic units.
_SMALLEST_UNIT = 1e-4


class Rows(NamedTuple):
    """A molecule's rows of a regression: descriptors, shape (n_rows, n_columns), and values, shape (n_rows,)."""

    x: np.ndarray
    y: np.ndarray


class Seen(NamedTuple):
    """A molecule as the regressions see it.

    Attributes:
        by_element: normalised descriptors of l = 0, 1 and 2 of each atom, in the columns of its element; shape
            (n_atoms, n_elements · n_descriptors, 2 l + 1).
        frame: the molecule.
    """

    by_element: tuple[np.ndarray, ...]
    frame: Frame

    @property
    def charge(self) -> float:
        return float(self.frame.structure.charge)

    @property
    def centred(self) -> np.ndarray:
        positions = self.frame.structure.positions
        return positions - positions.mean(0)


def surrogate_start(
    kind: str,
    frames: Sequence[Frame],
    split: Split,
    settings: GraphSettings,
    seed: int,
    report: Callable[[float], None] = lambda fraction: None,
    *,
    pools: bool = True,
) -> Surrogate:
    """A surrogate with its closed-form start, fitted to all properties that the frames have values for.

    Args:
        kind: of :data:`hamexplorer.model.SURROGATES`.
        frames: all molecules, with their targets.
        split: which of them it may learn from, and which choose the regularisation.
        settings: how geometry becomes numbers.
        seed: of the network's first weights.
        report: called with the share that is done.
        pools: whether it knows gaps.
    """
    seen, scales = _seen(frames, split, len(settings.elements))
    report(0.3)
    n, sizes = len(settings.elements), [len(scale) for scale in scales]
    widths = dict.fromkeys(_REGRESSIONS, n * sizes[0]) | {
        "dipole": n * (sizes[0] + sizes[1]),
        "tensor": n * sizes[2],
    }
    weights: dict[str, np.ndarray] = {}
    left: dict[str, float] = {}
    for done, (name, rows_of) in enumerate(_REGRESSIONS.items()):
        rows = {k: rows_of(molecule) for k, molecule in enumerate(seen)}
        fitted = _ridge(rows, frames, split)
        weights[name], left[name] = fitted or (np.zeros(widths[name]), 0.0)
        report(0.3 + 0.7 * (done + 1) / len(_REGRESSIONS))
    of_charge, of_vector = np.split(weights["dipole"], [n * sizes[0]])
    scalars = [of_charge, weights["isotropic"], weights["mulliken_charge"], weights["lowdin_charge"]]
    start = Start(
        _weights(np.stack([w.reshape(n, -1) for w in scalars], -1)),
        _weights(of_vector.reshape(n, -1)),
        _weights(weights["tensor"].reshape(n, -1)),
        (_weights(scales[0]), _weights(scales[1]), _weights(scales[2])),
        _weights(weights["gap"].reshape(n, -1)) if pools else None,
    )
    training = [frames[k] for k in split.train]
    units = _units(left, [seen[k] for k in split.train], *density_units([f.graph.density for f in training]))
    units = units if pools else units._replace(gap=None)
    return SURROGATES[kind].build(settings, start, units, rng=np.random.default_rng(seed))


def _seen(frames: Sequence[Frame], split: Split, n: int) -> tuple[list[Seen], list[np.ndarray]]:
    """Every molecule's descriptors, normalised, in the columns of ``n`` elements; and what they were divided by."""
    # All atoms at once: JAX compiles anew for every number of atoms.
    parts = {
        name: np.concatenate([getattr(f.graph, name) for f in frames]) for name in ("density", "orbital")
    }
    ends = np.cumsum([f.structure.n_atoms for f in frames])[:-1]
    of_all = atom_descriptors(frames[0].graph._replace(**parts))
    raw = list(zip(*(np.split(np.asarray(x, np.float64), ends) for x in of_all), strict=True))
    scales = []
    for l in range(3):
        together = np.concatenate([raw[k][l] for k in split.train])
        rms = np.sqrt((together**2).mean((0, 2)))
        scales.append(np.where(rms > 1e-12, rms, 1.0))
    seen = []
    for frame, mine in zip(frames, raw, strict=True):
        one_hot = np.eye(n)[frame.graph.species]
        columns = [
            np.einsum("ae,afm->aefm", one_hot, x / scale[:, None]).reshape(len(x), -1, x.shape[2])
            for x, scale in zip(mine, scales, strict=True)
        ]
        seen.append(Seen(tuple(columns), frame))
    return seen, scales


# ---- the regressions: each gives a molecule's rows, or None where it has no value ----------------------------


def _dipole(molecule: Seen) -> Rows | None:
    if "dipole" not in molecule.frame.targets:
        return None
    centre = molecule.frame.structure.positions.mean(0)
    charges = np.einsum("af,ax->xf", molecule.by_element[0][:, :, 0], molecule.centred)
    vectors = molecule.by_element[1].sum(0)[:, XYZ].T
    value = molecule.frame.targets["dipole"].value - molecule.charge * centre
    return Rows(np.concatenate([charges, vectors], 1), value)


def _isotropic(molecule: Seen) -> Rows | None:
    if "polarizability" not in molecule.frame.targets:
        return None
    # √3: what an error of the mean costs in the norm of the tensor.
    mean = np.trace(molecule.frame.targets["polarizability"].value) / 3
    return Rows(np.sqrt(3) * molecule.by_element[0][:, :, 0].sum(0)[None], np.atleast_1d(np.sqrt(3) * mean))


def _tensor(molecule: Seen) -> Rows | None:
    if "polarizability" not in molecule.frame.targets:
        return None
    rows = np.array(XYZ)
    coupling = clebsch_gordan(1, 1, 2)[rows[:, None], rows[None, :]]
    value = np.einsum("ij,ijm->m", molecule.frame.targets["polarizability"].value, coupling)
    return Rows(molecule.by_element[2].sum(0).T, value)


def _charges(name: str) -> Callable[[Seen], Rows | None]:
    def rows(molecule: Seen) -> Rows | None:
        if name not in molecule.frame.targets:
            return None
        x = molecule.by_element[0][:, :, 0]
        return Rows(x - x.mean(0), molecule.frame.targets[name].value - molecule.charge / len(x))

    return rows


def _gap(molecule: Seen) -> Rows | None:
    if "homo_lumo_gap" not in molecule.frame.targets:
        return None
    value = np.atleast_1d(molecule.frame.targets["homo_lumo_gap"].value)
    return Rows(molecule.by_element[0][:, :, 0].mean(0)[None], value)


_REGRESSIONS: dict[str, Callable[[Seen], Rows | None]] = {
    "dipole": _dipole,
    "isotropic": _isotropic,
    "tensor": _tensor,
    "mulliken_charge": _charges("mulliken_charge"),
    "lowdin_charge": _charges("lowdin_charge"),
    "gap": _gap,
}


def _ridge(
    rows: Mapping[int, Rows | None], frames: Sequence[Frame], split: Split
) -> tuple[np.ndarray, float] | None:
    """Weights with the regularisation that serves validation best, and the root mean square that they leave there.

    On the training molecules, a fit with more descriptors than values leaves next to nothing. None where no training
    molecule has a value.
    """
    training, unseen = (_stacked(rows, frames, members) for members in (split.train, split.validation))
    if training is None:
        return None
    u, s, vt = np.linalg.svd(training.x, full_matrices=False)
    projected, mean = s * (u.T @ training.y), float((s**2).sum()) / training.x.shape[1]
    strengths = STRENGTHS if unseen is not None else (DEFAULT_STRENGTH,)
    found = [vt.T @ (projected / (s**2 + strength * max(mean, 1e-30))) for strength in strengths]
    judged = unseen or training
    errors = [float(((judged.x @ w - judged.y) ** 2).mean()) for w in found]
    best = int(np.argmin(errors))
    return found[best], errors[best] ** 0.5


def _stacked(rows: Mapping[int, Rows | None], frames: Sequence[Frame], members: Sequence[int]) -> Rows | None:
    """Rows of several molecules, divided by their numbers of atoms."""
    found = [(k, r) for k in members if (r := rows[k]) is not None]
    if not found:
        return None
    atoms = np.concatenate([np.full(len(r.y), frames[k].structure.n_atoms) for k, r in found])
    x, y = (np.concatenate([getattr(r, part) for _, r in found]) for part in "xy")
    return Rows(x / atoms[:, None], y / atoms)


def _units(
    left: Mapping[str, float], training: Sequence[Seen], mean: np.ndarray, spread: np.ndarray
) -> Units:
    """Units in which independent errors of the atoms add up to a multiple of what the start leaves of a property.

    Args:
        left: root mean square by regression, divided by the number of atoms.
        training: molecules.
        mean, spread: of the densities.
    """
    n_atoms = float(np.mean([len(m.frame.graph.species) for m in training]))
    reach = float(np.sqrt(np.mean([(m.centred**2).mean() for m in training])))
    of_sum = {name: max(OUTPUT_SCALE * rms * n_atoms**0.5, _SMALLEST_UNIT) for name, rms in left.items()}
    of_atom = {name: max(OUTPUT_SCALE * rms * n_atoms, _SMALLEST_UNIT) for name, rms in left.items()}
    sizes = {
        "dipole_charge": of_sum["dipole"] / max(reach, 1.0),
        "isotropic": of_sum["isotropic"] / 3**0.5,
        "mulliken_charge": of_atom["mulliken_charge"],
        "lowdin_charge": of_atom["lowdin_charge"],
    }
    return Units(
        _weights(mean),
        _weights(spread),
        _weights(np.array([sizes[name] for name in SCALARS])),
        _weights(np.array(of_sum["dipole"])),
        _weights(np.array(of_sum["tensor"])),
        # A mean of independent errors instead of their sum.
        _weights(np.array(of_sum["gap"] * n_atoms)),
    )


def _weights(x: np.ndarray) -> Any:
    return jnp.asarray(x, jnp.float32)
