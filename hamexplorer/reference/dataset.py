"""Datasets of reference values: read, write, and the ones that come with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from hamexplorer.errors import DatasetError
from hamexplorer.reference.foreign import read_reference_xyz
from hamexplorer.reference.hdf5 import read_hdf5, write_hdf5
from hamexplorer.reference.properties import Properties, Reference, ReferenceDataset

__all__ = [
    "SHIPPED",
    "Properties",
    "Reference",
    "ReferenceDataset",
    "read_dataset",
    "shipped_path",
    "write_dataset",
]

#: Datasets in the package, made by `scripts/make_datasets.py` and `make_crystals.py`: name -> sentence shown beside it.
SHIPPED: dict[str, str] = {
    "ethane": "100 distorted ethanes, STO-3G ← def2-TZVP: small, trains at once",
    "small-molecules": "123 CHNO molecules with up to five heavy atoms, STO-3G ← def2-TZVP",
    "qm7": "150 molecules of QM7 (C, H, N, O) drawn at random, STO-3G ← def2-TZVP",
    "qm7-unseen": "30 others, STO-3G ← def2-TZVP: to test on, no model was chosen by them",
    "larger-molecules": "30 CHNO molecules of eight or nine heavy atoms, STO-3G ← def2-TZVP: to test on",
    "polyenes": "Polyenes, 66 chains of 2 to 20 carbons, STO-3G ← def2-SVP: do short ones teach long ones?",
    "graphene": "Graphene, 61 distorted cells, PBE: bands of gth-dzvp for a gth-szv matrix",
    "graphene-szv": "Graphene in its small basis, the same cells: learn gth-szv itself",
    "hbn": "Hexagonal BN, 24 distorted cells of a layer that has a gap",
    "polyacetylene": "Polyacetylene, 10 chains: the gap opens with the alternation of the bonds",
    "silicon": "Silicon, 20 rattled cells of two and four atoms",
    "silicon-supercells": "Silicon supercells of sixteen atoms, rattled: to test what the smaller ones taught",
    "diamond": "Diamond, 17 rattled cells of two and four atoms",
}
_XYZ_ENDINGS = {".xyz", ".extxyz"}


def shipped_path(name: str) -> Path:
    """Where the package keeps a shipped dataset."""
    return Path(str(resources.files("hamexplorer") / "data" / f"{name}.h5"))


def read_dataset(source: str | Path) -> ReferenceDataset:
    """Read a shipped dataset by name, an HDF5 file, or an extended xyz file with reference values.

    Raises:
        DatasetError: if there is no such dataset, or the file is damaged, foreign or too new.
    """
    path = shipped_path(str(source)) if str(source) in SHIPPED else Path(source)
    if path.is_dir():
        raise DatasetError(f"{path} is a folder; choose a dataset file (.h5, or .xyz with reference values)")
    if not path.exists():
        raise DatasetError(
            f"there is no dataset {str(source)!r}; give the path of a .h5 or .xyz file, "
            f"or one of {', '.join(SHIPPED)}"
        )
    if path.suffix.lower() in _XYZ_ENDINGS:
        return read_reference_xyz(path)
    return read_hdf5(path)


def write_dataset(path: str | Path, dataset: ReferenceDataset) -> None:
    """Write a dataset as HDF5; the file appears whole or not at all.

    Raises:
        DatasetError: if the dataset is empty or the folder cannot be written.
    """
    write_hdf5(Path(path), dataset)
