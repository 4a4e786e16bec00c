"""Bands of a Hamiltonian in real space that was made elsewhere: a DeepH folder or an .npz file.

Reads and checks H(T) and S(T), says what it took for granted, and writes the bands on the crystal's standard path."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamexplorer.cli.outputs import check_output
from hamexplorer.units import ENERGY_UNITS

if TYPE_CHECKING:
    from hamexplorer.reference.real_space import ImportedBands, RealSpaceMatrices

EXAMPLES = """\
A DeepH folder holds hamiltonians.h5, overlaps.h5, lat.dat, site_positions.dat, element.dat and orbital_types.dat;
an .npz file translations, hamiltonian, overlap, cell, positions and numbers (or H_0_0_1, S_0_0_1 … for each cell).

examples:
  hamexplorer bands deeph/graphene --out bands.csv
  hamexplorer bands chain.npz --electrons 2 --units Ha --out bands.json"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `hamexplorer bands`."""
    parser.add_argument("source", metavar="FOLDER_OR_NPZ", type=Path, help="DeepH folder, or .npz file")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write the bands to this .csv or .json file")
    parser.add_argument(
        "--electrons",
        metavar="N",
        type=int,
        help="electrons a cell, without those of pseudopotentials "
        "(default: what the source says, or its Fermi level makes of it)",
    )
    parser.add_argument(
        "--units", choices=tuple(ENERGY_UNITS), default="eV", help="unit of energies (default: eV)"
    )
    parser.add_argument(
        "--points", metavar="N", type=_points, default=60, help="k-points on the path, about (default: 60)"
    )
    parser.add_argument(
        "--symmetrize",
        action="store_true",
        help="take the mean of H(T) and H(-T) transposed, however much they differ",
    )
    parser.add_argument(
        "--orthonormal",
        action="store_true",
        help="of a folder: the orbitals are orthonormal, read no overlap",
    )


def run(options: argparse.Namespace) -> int:
    """Read, solve, print, write."""
    out = check_output(options.out, (".csv", ".json")) if options.out else None

    from hamexplorer.reference.aside import write_aside
    from hamexplorer.reference.matrices import read_matrices
    from hamexplorer.units import energy_factor

    matrices = read_matrices(options.source, symmetrize=options.symmetrize, orthonormal=options.orthonormal)
    print(
        f"{matrices.structure.formula}: {matrices.n_orbitals} orbitals a cell, {len(matrices.translations)} cells\n"
        f"assumed: {matrices.assumed}"
    )
    bands = matrices.band_structure(options.electrons, n_points=options.points)
    factor = energy_factor(options.units)
    print(
        f"{bands.n_electrons} electrons a cell, Fermi level {bands.fermi * factor:.4f} {options.units}; "
        f"{_gap(bands, factor, options.units)}"
    )
    if out is not None:
        with write_aside(out) as aside:
            _WRITERS[out.suffix.lower()](aside, matrices, bands, options.units, factor)
        print(f"written to {out}")
    return 0


def _gap(bands: ImportedBands, factor: float, unit: str) -> str:
    n_occ = bands.n_electrons // 2
    both = (bands.path_energy, bands.mesh_energy)
    if bands.n_electrons % 2:
        return "an odd number of electrons: a metal"
    if n_occ >= both[0].shape[1]:
        return "no empty bands"
    top = max(float(energy[:, n_occ - 1].max()) for energy in both)
    bottom = min(float(energy[:, n_occ].min()) for energy in both)
    if bottom <= top:
        return f"bands overlap by {(top - bottom) * factor:.4f} {unit}: a metal"
    return f"gap {(bottom - top) * factor:.4f} {unit}"


def _write_csv(
    out: Path, matrices: RealSpaceMatrices, bands: ImportedBands, unit: str, factor: float
) -> None:
    corners = dict(bands.path.corners)
    assert matrices.structure.cell is not None
    along = bands.path.distance(matrices.structure.cell)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [f"band_{n + 1}_{unit}" for n in range(bands.path_energy.shape[1])]
        writer.writerow(["label", "distance_per_bohr", "k1", "k2", "k3", *names])
        for place, (k, energy) in enumerate(zip(bands.path.points, bands.path_energy, strict=True)):
            numbers = [along[place], *k, *(energy * factor)]
            writer.writerow([corners.get(place, ""), *(f"{x:.10g}" for x in numbers)])


def _write_json(
    out: Path, matrices: RealSpaceMatrices, bands: ImportedBands, unit: str, factor: float
) -> None:
    report: dict[str, Any] = {
        "source": matrices.source,
        "assumed": matrices.assumed,
        "unit": unit,
        "n_electrons": bands.n_electrons,
        "fermi": bands.fermi * factor,
        "path": {
            "convention": bands.path.convention,
            "labels": [[place, label] for place, label in bands.path.corners],
            "k_points": bands.path.points.tolist(),
            "energy": (bands.path_energy * factor).tolist(),
        },
        "mesh": {"size": list(bands.mesh), "energy": (bands.mesh_energy * factor).tolist()},
    }
    out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


_WRITERS = {".csv": _write_csv, ".json": _write_json}


def _points(text: str) -> int:
    if not text.isdecimal() or not 2 <= int(text) <= 10000:
        raise argparse.ArgumentTypeError(
            f"the number of k-points is a whole number from 2 to 10000, got {text!r}"
        )
    return int(text)
