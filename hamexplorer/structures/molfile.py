"""MDL mol and SDF files, through RDKit: the only reader at hand that knows formal charges."""

from __future__ import annotations

import re

from rdkit import Chem, rdBase

from hamexplorer.errors import StructureError, quoted
from hamexplorer.structures.checks import atomic_number, check_size
from hamexplorer.structures.frames import Frame, frame_label

#: Symbols for isotopes of hydrogen, which are no elements of their own.
_HYDROGENS = {"D", "T"}
#: A field of ten columns; nan and inf are numbers for Python, and damage for RDKit and for us.
_COORDINATE = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_CURE = "get the whole file, or take this record out"


def read_sdf(text: str, file: str) -> list[Frame]:
    """All records of a mol or SDF text, with formal charges and titles.

    Raises:
        StructureError: naming the record (frame) and what is wrong with it.
    """
    records = re.split(r"^\$\$\$\$.*\n?", text.replace("\r\n", "\n"), flags=re.MULTILINE)
    filled = [record for record in records if record.strip()]
    return [_read_record(record, frame_label(file, k)) for k, record in enumerate(filled, start=1)]


def _read_record(record: str, where: str) -> Frame:
    lines = record.splitlines()
    if len(lines) < 4 or not re.search(r"V[23]000\s*$", lines[3]):
        raise StructureError(
            f"{where} is not a mol record: its fourth line should give the number of atoms and end in V2000 "
            f"or V3000; "
            f"{_CURE}"
        )
    _diagnose(lines, where)
    with rdBase.BlockLogs():
        mol = Chem.MolFromMolBlock(record, sanitize=False, removeHs=False)
    if mol is None or mol.GetNumConformers() == 0:
        raise StructureError(f"{where} is damaged: RDKit cannot read its atoms and bonds; {_CURE}")
    _refuse_drawing(mol, lines[1], where)
    return Frame(
        numbers=[atom.GetAtomicNum() for atom in mol.GetAtoms()],
        positions=mol.GetConformer().GetPositions(),
        charge=Chem.GetFormalCharge(mol) or None,
        name=lines[0].strip(),
    )


def _diagnose(lines: list[str], where: str) -> None:
    """Say what is wrong where RDKit would only answer that something is."""
    if lines[3].rstrip().endswith("V3000"):
        counts = re.search(r"^M  V30 COUNTS (\d+)", "\n".join(lines), re.MULTILINE)
        check_size(int(counts[1][:12]) if counts else 0, where)
    else:
        _diagnose_v2000(lines, where)
    if not any(line.startswith("M  END") for line in lines):
        raise StructureError(f"{where} is cut off before its closing line 'M  END'; {_CURE}")


def _diagnose_v2000(lines: list[str], where: str) -> None:
    try:
        n_atoms, n_bonds = int(lines[3][0:3]), int(lines[3][3:6])
    except ValueError:
        raise StructureError(
            f"{where}: line 4 should start with the numbers of atoms and bonds but reads "
            f"{quoted(lines[3].strip())}; {_CURE}"
        ) from None
    check_size(n_atoms, where)
    atoms = lines[4 : 4 + n_atoms]
    if len(lines) < 4 + n_atoms + n_bonds or any(line.startswith("M  END") for line in atoms):
        raise StructureError(
            f"{where} is cut off: line 4 promises {n_atoms} atoms and {n_bonds} bonds, and the record ends "
            f"before; "
            f"{_CURE}"
        )
    for k, line in enumerate(atoms):
        here = f"{where}, line {5 + k} of the record"
        if not all(_COORDINATE.fullmatch(line[column : column + 10]) for column in (0, 10, 20)):
            raise StructureError(
                f"{here} should start with three finite coordinates but reads {quoted(line[:30])}; {_CURE}"
            )
        if (symbol := line[31:34].strip()) not in _HYDROGENS:
            atomic_number(symbol, here)


def _refuse_drawing(mol: Chem.Mol, header: str, where: str) -> None:
    """Flat drawings and records without hydrogens are common, and neither is a molecule's geometry."""
    cure = "give three-dimensional coordinates and all hydrogens, or load the molecule from its SMILES"
    if header[20:22] == "2D":
        raise StructureError(f"{where} is a flat drawing (2D); {cure}")
    mol.UpdatePropertyCache(strict=False)
    missing = sum(atom.GetNumImplicitHs() for atom in mol.GetAtoms())
    if missing and mol.GetNumBonds() and not any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()):
        raise StructureError(f"{where} lacks its {missing} hydrogen atoms; {cure}")
