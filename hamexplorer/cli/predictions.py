"""Predictions as files: JSON, CSV and extended xyz, all in atomic units with the unit said."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamexplorer.units import BOHR_ANGSTROM

if TYPE_CHECKING:
    from hamexplorer.train.screening import FrontierLevels

#: What a prediction holds, with units.
UNITS: dict[str, str] = {
    "mo_energy": "Ha",
    "homo_lumo_gap": "Ha",
    "dipole": "e·bohr",
    "polarizability": "bohr³",
    "mulliken_charge": "e",
    "lowdin_charge": "e",
    "mayer_bond_order": "",
}
_PER_ATOM = ("mulliken_charge", "lowdin_charge")
#: Columns of a committee's spread beside those of the frontier levels.
_SPREAD_HEADS = {
    "homo_lumo_gap": "homo_lumo_gap_spread_Ha",
    "dipole": "dipole_spread_e_bohr",
    "polarizability": "polarizability_spread_bohr3",
    "mulliken_charge": "mulliken_charge_spread_e",
}


def _present(prediction: Any) -> dict[str, np.ndarray]:
    values = {name: getattr(prediction, name) for name in UNITS} | (prediction.others or {})
    found = {name: np.asarray(value, dtype=float) for name, value in values.items() if value is not None}
    # A surrogate has neither levels nor gap.
    return {name: value for name, value in found.items() if np.isfinite(value).any()}


def _spread(prediction: Any) -> dict[str, np.ndarray]:
    """How far a committee's members stand apart in each value; empty of other models."""
    spread = prediction.spread or {}
    return {name: np.asarray(spread[name], dtype=float) for name in UNITS if name in spread}


def _cell(prediction: Any) -> dict[str, Any]:
    """Of a crystal what its numbers refer to: cell in Å, and where the levels are."""
    structure = prediction.structure
    if prediction.k_points is None:
        return {}
    return {
        "cell": (structure.cell * BOHR_ANGSTROM).tolist(),
        "pbc": list(structure.pbc),
        "k_points": prediction.k_points.tolist(),
        "k_weights": prediction.k_weights.tolist(),
    }


def _frontier_spread(prediction: Any, spread: dict[str, np.ndarray]) -> list[Any]:
    """Of the highest occupied and the lowest empty level; of a crystal where its bands have their edges."""
    if "mo_energy" not in spread:
        return ["", ""]
    levels, n_occ = np.asarray(prediction.mo_energy), int(prediction.n_occ)
    apart = spread["mo_energy"]
    highest = apart[..., n_occ - 1].flat[levels[..., n_occ - 1].argmax()]
    if n_occ == levels.shape[-1]:
        return [highest, ""]
    return [highest, apart[..., n_occ].flat[levels[..., n_occ].argmin()]]


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def write_json(path: Path, predictions: Sequence[Any]) -> None:
    """Everything, with a table of units; positions in Å. A committee's spread has the units of the values."""
    from hamexplorer.physics.targets import TARGETS  # heavy, and the command line's help shall be quick

    molecules = [
        {
            "name": p.structure.label,
            "charge": p.structure.charge,
            "symbols": list(p.structure.symbols),
            "positions": p.structure.positions_angstrom.tolist(),
            "n_occ": int(p.n_occ),
            **_cell(p),
            **{name: value.tolist() for name, value in _present(p).items()},
            **({"spread": {name: value.tolist() for name, value in spread.items()}} if spread else {}),
        }
        for p, spread in ((p, _spread(p)) for p in predictions)
    ]
    units = {**UNITS, "positions": "Å", "charge": "e"}
    units |= {name: TARGETS[name].unit for p in predictions for name in p.others or {}}
    if any(p.k_points is not None for p in predictions):
        units |= {"cell": "Å", "k_points": "reciprocal vectors"}
    content = {"units": units, "molecules": molecules}
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_csv(path: Path, predictions: Sequence[Any]) -> None:
    """One line a structure: frontier levels, gap, dipole and polarizability; the unit is in the heading.

    Of a crystal the frontier levels are the edges of its bands on its k-mesh; it has neither dipole nor polarizability.
    A committee adds how far its members stand apart, of a vector or tensor root mean square over its components.
    """
    head = ["name", "formula", "charge_e", "n_atoms", "n_occ", "homo_Ha", "lumo_Ha", "homo_lumo_gap_Ha"]
    head += ["dipole_norm_e_bohr", *(f"dipole_{x}_e_bohr" for x in "xyz")]
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    head += ["polarizability_mean_bohr3", *(f"polarizability_{'xyz'[i]}{'xyz'[j]}_bohr3" for i, j in pairs)]
    apart = {name: _SPREAD_HEADS[name] for p in predictions for name in _spread(p) if name in _SPREAD_HEADS}
    head += ["homo_spread_Ha", "lumo_spread_Ha", *apart.values()] if apart else []
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(head)
        for p in predictions:
            levels, n_occ = np.asarray(p.mo_energy), int(p.n_occ)
            row = [p.structure.label, p.structure.formula, p.structure.charge, p.structure.n_atoms, n_occ]
            has_empty = n_occ < levels.shape[-1]
            row += [
                levels[..., n_occ - 1].max() if levels.size else "",
                levels[..., n_occ].min() if has_empty else "",
                p.homo_lumo_gap if levels.size else "",
            ]
            row += [""] * 4 if p.dipole is None else [np.linalg.norm(p.dipole), *p.dipole]
            alpha = p.polarizability
            row += [""] * 7 if alpha is None else [np.trace(alpha) / 3, *(alpha[i][j] for i, j in pairs)]
            spread = _spread(p)
            row += _frontier_spread(p, spread) if apart else []
            row += [_root_mean_square(spread[name]) if name in spread else "" for name in apart]
            table.writerow(
                [
                    f"{float(x):.8g}" if isinstance(x, (float, np.floating)) or hasattr(x, "dtype") else x
                    for x in row
                ]
            )


def write_extxyz(path: Path, predictions: Sequence[Any]) -> None:
    """Geometries in Å; values, prefixed ``predicted_``, in the comment line, or as columns for charges."""
    import ase.io

    frames = []
    for p in predictions:
        atoms = p.structure.to_ase()
        atoms.info |= {"name": p.structure.label, "charge": p.structure.charge, "nocc": int(p.n_occ)}
        for name, value in _present(p).items():
            place = atoms.arrays if name in _PER_ATOM else atoms.info
            place[f"predicted_{name}"] = float(value) if value.ndim == 0 else value
        for name, value in _spread(p).items():
            place = atoms.arrays if name in _PER_ATOM else atoms.info
            place[f"spread_{name}"] = float(value) if value.ndim == 0 else value
        frames.append(atoms)
    ase.io.write(path, frames, format="extxyz")


def write_levels(path: Path, levels: Iterable[FrontierLevels]) -> tuple[int, int]:
    """One line a SMILES, written as they come; ``remark`` warns, or says why there is no prediction.

    Returns:
        How many there were, and of how many there is no prediction.
    """
    head = ["name", "smiles", "homo_eV", "lumo_eV", "homo_lumo_gap_eV", "novelty", "remark"]
    done = without = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(head)
        for each in levels:
            numbers = (each.homo_eV, each.lumo_eV, each.gap_eV, each.novelty)
            row = ["" if np.isnan(value) else f"{value:.5g}" for value in numbers]
            table.writerow([each.name, each.smiles, *row, each.remark])
            done, without = done + 1, without + bool(each.reason)
    return done, without


WRITERS: dict[str, Callable[[Path, Sequence[Any]], None]] = {
    ".json": write_json,
    ".csv": write_csv,
    ".extxyz": write_extxyz,
    ".xyz": write_extxyz,
}
