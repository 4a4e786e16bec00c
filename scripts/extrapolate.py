"""How far models reach along a series: learned from its short members, tested on the long ones, length by length.

    python scripts/extrapolate.py polyenes --heavy 8 --seeds 42 87 250 --out polyenes.json

Learns the gap in several ways from members of at most that many heavy atoms, and prints mean absolute errors (eV) for
each larger number of heavy atoms. A training that FILE holds already is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import hamexplorer as hx
from hamexplorer.units import HARTREE_EV

#: What is compared: name -> settings. Levels and gap count alike in the Hamiltonian's loss.
WAYS: Mapping[str, Mapping[str, Any]] = {
    "Hamiltonian": {
        "targets": {"mo_energy": 1e4, "homo_lumo_gap": 1e4},
        "baseline": "b3lyp_step",
    },
    "surrogate, orbitals seen": {"targets": {"homo_lumo_gap": 1e4}, "model": "surrogate"},
    "surrogate, geometry alone": {"targets": {"homo_lumo_gap": 1e4}, "model": "surrogate", "features": "geometry"},
}  # fmt: skip


def gap(mo_energy: np.ndarray, n_occ: int) -> float:
    return float(mo_energy[n_occ] - mo_energy[n_occ - 1]) * HARTREE_EV


def by_length(gaps: list[float], long: Any) -> dict[str, float]:
    """Mean absolute error for each number of heavy atoms, eV."""
    errors: dict[int, list[float]] = {}
    for found, reference in zip(gaps, long.references, strict=True):
        n_heavy = int((reference.structure.numbers > 1).sum())
        wrong = abs(found - gap(reference.large.mo_energy, reference.n_occ))
        errors.setdefault(n_heavy, []).append(wrong)
    return {str(n): float(np.mean(errors[n])) for n in sorted(errors)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", help="a shipped name or a file")
    parser.add_argument("--heavy", type=int, default=8, help="most heavy atoms of what is learned from")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 87, 250])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument(
        "--out", type=Path, required=True, help="JSON with what was found, read again to go on"
    )
    options = parser.parse_args()

    dataset = hx.read_dataset(options.dataset)
    is_short = [bool((s.numbers > 1).sum() <= options.heavy) for s in dataset.structures]
    short = dataset.subset([k for k, yes in enumerate(is_short) if yes])
    long = dataset.subset([k for k, yes in enumerate(is_short) if not yes])
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    found["raw small basis"] = by_length([gap(r.small.mo_energy, r.n_occ) for r in long.references], long)
    for way in options.ways:
        for seed in options.seeds:
            name = f"{way}, {options.epochs} epochs, seed {seed}"
            if name not in found:
                settings = hx.settings_for(
                    short.structures,
                    epochs=options.epochs,
                    seed=seed,
                    train_fraction=0.75,
                    validation_fraction=0.24,
                    **WAYS[way],
                )
                model = hx.train_model(short, settings)
                gaps = [p.homo_lumo_gap * HARTREE_EV for p in model.predict(list(long.structures))]
                found[name] = by_length(gaps, long)
                options.out.write_text(json.dumps(found, indent=1))
            print(name, {n: round(error, 3) for n, error in found[name].items()}, flush=True)
    print("raw small basis", {n: round(error, 3) for n, error in found["raw small basis"].items()})


if __name__ == "__main__":
    main()
