"""Real small files of every format that holds structures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import ase.io
from ase.build import bulk, molecule
from rdkit import Chem

from tests.fuzz.inputs import HERE

#: Formats that ASE writes: its name -> (file name, format to ask for).
WRITTEN: dict[str, tuple[str, str | None]] = {
    "xyz": ("a.xyz", None),
    "extxyz": ("b.extxyz", None),
    "cif": ("c.cif", None),
    "vasp": ("POSCAR", None),
    "json": ("d.json", None),
    "cube": ("e.cube", "cube"),
    "gaussian-in": ("f.gjf", "gaussian-in"),
    "turbomole": ("coord", "turbomole"),
    "gromacs": ("g.gro", "gromacs"),
    "gromos": ("h.g96", "gromos"),
    "dmol-car": ("i.car", "dmol-car"),
    "dmol-arc": ("i.arc", "dmol-arc"),
    "nwchem-in": ("j.nwi", "nwchem-in"),
    "xsf": ("k.xsf", None),
    "espresso-in": ("l.pwi", None),
    "castep-cell": ("m.cell", None),
    "res": ("n.res", None),
    "aims": ("geometry.in", "aims"),
    "struct": ("o.struct", None),
    "gen": ("p.gen", None),
    "vasp-xdatcar": ("XDATCAR", None),
}


#: Of crystals alone.
_CELLS = (
    "cif",
    "vasp",
    "xsf",
    "espresso-in",
    "castep-cell",
    "res",
    "struct",
    "vasp-xdatcar",
    "extxyz",
    "dmol-arc",
)


#: Logs of which the sample is only a beginning, so that ASE finds no structure in it.
IN_PART = ("orca-output", "espresso-out", "vasp-out", "nwchem-out")
_OPTIONS: dict[str, dict[str, Any]] = {"espresso-in": {"pseudopotentials": {"Si": "Si.UPF"}}}


def written_by_ase(name: str) -> str:
    """A small file of one format."""
    atoms = bulk("Si", cubic=True) if name in _CELLS else molecule("CH3OH")
    if name in ("dmol-car", "gromacs", "gromos", "struct"):
        atoms.center(vacuum=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / WRITTEN[name][0]
        images = [atoms, atoms] if name in ("xyz", "extxyz", "json", "dmol-arc", "vasp-xdatcar") else atoms
        ase.io.write(path, images, format=name, **_OPTIONS.get(name, {}))
        return path.read_text()


def structure_texts() -> dict[str, tuple[str, str, str | None]]:
    """Format -> (text, file name, format to ask for)."""
    texts = {name: (written_by_ase(name), *WRITTEN[name]) for name in WRITTEN}
    block = ""
    for k, smiles in enumerate(("CCO", "C[N+](C)(C)C")):
        from hamexplorer.structures.smiles import from_smiles

        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        made = from_smiles(smiles)
        conformer = Chem.Conformer(mol.GetNumAtoms())
        for atom, place in enumerate(made.positions_angstrom):
            conformer.SetAtomPosition(atom, place.tolist())
        mol.AddConformer(conformer)
        block += Chem.MolToMolBlock(mol, forceV3000=bool(k)) + "$$$$\n"
    texts["sdf"] = (block, "q.sdf", None)
    for name, filename, format in (
        ("pdb", "r.pdb", None),
        ("atoms", "s.txt", None),
        ("gaussian-out", "t.log", "gaussian-out"),
        ("orca-output", "u.out", "orca-output"),
        ("espresso-out", "v.pwo", None),
        ("vasp-out", "OUTCAR", None),
        ("nwchem-out", "w.nwo", "nwchem-out"),
        ("gamess-us-out", "x.log", "gamess-us-out"),
        ("cjson", "y.cjson", "cjson"),
    ):
        texts[name] = ((HERE / "samples" / f"{name}.txt").read_text(), filename, format)
    return texts


#: Names of files that a program might trip over.
NAMES = [
    "../../x.xyz", "x@0.cif", "x.gz", "x.bz2", "x.xz", "x.cif.gz", "-", "x.py", "x.traj@:", "x.db@id=1", "postgresql://a",
    "mysql.json", "x" * 300 + ".cif", "\x00.xyz", '<img src=x onerror="window.hacked=1">.xyz', ".xyz", "", "x.gpw",
    "💥.cif", "x.bundle", "x.nc", "x.xml", "x.html", "x.pickle", "a/b\\c.cif", "x.cif ", "CON.cif", "\ud800.cif",
]  # fmt: skip


def database(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{kind}"
        ase.io.write(path, [molecule("CH3OH"), molecule("H2O")])
        return path.read_bytes()
