"""Formats that ASE reads: its own databases, and the files of quantum chemistry and solid-state programs."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
import warnings
from pathlib import Path

import ase.db
import ase.io
from ase import Atoms
from ase.io.formats import UnknownFileTypeError, filetype

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import check_size
from hamexplorer.structures.claims import check_database, check_text, check_trajectory
from hamexplorer.structures.crystal_files import CRYSTAL_FORMATS, check_ordered, check_whole
from hamexplorer.structures.frames import Frame, frame_label, whole_charge

#: Formats through ASE's readers, with their names there. Chosen because they hold molecules or crystals and because
#: reading them runs no code of the file: formats with pickles and database servers are left out on purpose.
ASE_FORMATS = {
    "traj": "ASE trajectory",
    "gaussian-in": "Gaussian input",
    "gaussian-out": "Gaussian output",
    "orca-output": "ORCA output",
    "turbomole": "Turbomole coord",
    "gamess-us-out": "GAMESS-US output",
    "nwchem-in": "NWChem input",
    "nwchem-out": "NWChem output",
    "cube": "Gaussian cube",
    "cjson": "Chemical JSON",
    "gromacs": "Gromacs gro",
    "gromos": "Gromos g96",
    "dmol-car": "DMol3 car",
    "dmol-arc": "DMol3 arc",
    **CRYSTAL_FORMATS,
}
#: Their cell is the box in which a field is drawn; it does not repeat.
_BOXES = {"cube"}


def read_ase_database(content: bytes, file: str, kind: str) -> list[Frame]:
    """Rows of an ASE database of ``kind`` "json" or "db", with the pairs ``name`` and ``total_charge``.

    Raises:
        StructureError: if it is not a database of ASE, or damaged.
    """
    with _on_disk(content, f"structures.{kind}") as path:
        try:
            check_database(path, kind)
            rows = list(ase.db.connect(path, type=kind, use_lock_file=False).select(include_data=False))
            parts = [(str(row.get("name", "")), row.get("total_charge"), row.toatoms()) for row in rows]
        except Exception as error:
            raise StructureError(
                f"{file} cannot be read as a database of ASE; it may be damaged or of another program: "
                f"write it again "
                f"with ase.io.write, or give an XYZ file"
            ) from error
    return [
        # A pair "charge" is not asked for: ASE overwrites it with the sum of the initial charges.
        _frame(atoms, name, charge, frame_label(file, k))
        for k, (name, charge, atoms) in enumerate(parts, start=1)
    ]


def read_with_ase(content: bytes, file: str, format: str | None) -> list[Frame]:
    """Read with the reader of ASE that fits ``format``, or the file's name and content where it is None.

    Raises:
        StructureError: if no reader fits, or the one that fits cannot read it.
    """
    with _on_disk(content, _harmless(file)) as path:
        try:
            chosen = format or filetype(str(path))
        except (UnknownFileTypeError, OSError, ValueError) as error:
            raise _unreadable(file) from error
        if chosen not in ASE_FORMATS:
            raise _unreadable(file)
        try:
            options = {"attach_calculator": True} if chosen == "gaussian-in" else {}  # it knows the charge
            check_trajectory(content) if chosen == "traj" else check_text(content, chosen)
            images = ase.io.read(path, ":", format=chosen, do_not_split_by_at_sign=True, **options)
            if not all(isinstance(atoms, Atoms) for atoms in images):
                raise ValueError("frames without atoms")
        except Exception as error:
            raise StructureError(
                f"{file} cannot be read as {ASE_FORMATS[chosen]}; it may be damaged or cut off: get the "
                f"whole file, or "
                f"give an XYZ file"
            ) from error
    if chosen == "cif":
        check_whole(images, content.decode("utf-8", "replace"), file)
    if chosen in _BOXES:
        for atoms in images:
            atoms.pbc = False
    return [
        _frame(atoms, str(atoms.info.get("name", "")), atoms.info.get("charge"), frame_label(file, k))
        for k, atoms in enumerate(images, start=1)
    ]


def _harmless(file: str) -> str:
    """A name for the copy that tells ASE the format and nothing else: it unpacks what is named .gz, for example."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", Path(file).name)[-80:]
    return re.sub(r"(\.(gz|bz2|xz))+$", "", name, flags=re.IGNORECASE) or "structures"


def _frame(atoms: Atoms, name: str, charge: object, where: str) -> Frame:
    """A structure of ASE; a charge that its file does not state may stand in its calculator or on its atoms."""
    check_size(len(atoms), where)
    check_ordered(atoms, where)
    if charge is None and atoms.calc is not None:
        charge = getattr(atoms.calc, "parameters", {}).get("charge")
    if charge is None and atoms.has("initial_charges"):
        charge = round(float(atoms.get_initial_charges().sum()), 2)  # partial charges are rounded numbers
    stated = None if charge is None else whole_charge(charge, where)
    a, b, c = (bool(repeats) for repeats in atoms.pbc)
    return Frame(atoms.numbers.tolist(), atoms.get_positions(), stated, name, atoms.cell.array, (a, b, c))


def _unreadable(file: str) -> StructureError:
    return StructureError(
        f"{file} is in no format that is read here; give molecules as xyz, sdf, mol, pdb, an ASE database "
        f"(json, db) or a file of Gaussian, ORCA, NWChem, GAMESS-US, Turbomole or DMol3, and crystals as CIF, POSCAR "
        f"or extended XYZ"
    )


@contextlib.contextmanager
def _on_disk(content: bytes, name: str):
    """A copy in a folder that is deleted afterwards: some readers want a path, and none touches the original."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / name
        path.write_bytes(content)
        with contextlib.redirect_stdout(io.StringIO()):
            yield path
