"""Molecules from SMILES: RDKit's ETKDG embedding, seeded, relaxed with MMFF."""

from __future__ import annotations

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem

from hamexplorer.errors import StructureError
from hamexplorer.structures.checks import check_size
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


def from_smiles(smiles: str, *, seed: int = 0, name: str = "") -> Structure:
    """Embed one SMILES in three dimensions; equal seeds give equal coordinates.

    Raises:
        StructureError: if the text is no SMILES, has several fragments, or cannot be embedded.
    """
    text = smiles.strip()
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(text) if text else None
        if mol is None:
            raise StructureError(
                f"{text!r} is not a SMILES that RDKit understands; "
                f"check brackets and ring numbers, for example CCO for ethanol"
            )
        if len(Chem.GetMolFrags(mol)) > 1:
            raise StructureError(
                f"{text!r} holds several separate molecules; give them one by one, without dots"
            )
        mol = Chem.AddHs(mol)
        check_size(mol.GetNumAtoms(), text)  # before the embedding, which takes minutes for a large molecule
        options = AllChem.ETKDGv3()
        options.randomSeed = seed
        if AllChem.EmbedMolecule(mol, options) != 0:
            options.useRandomCoords = True
            if AllChem.EmbedMolecule(mol, options) != 0:
                raise StructureError(
                    f"RDKit found no three-dimensional shape for {text!r}; try another seed, or load a file "
                    f"with "
                    f"coordinates"
                )
        if AllChem.MMFFHasAllMoleculeParams(mol):
            AllChem.MMFFOptimizeMolecule(mol, maxIters=2000)
        else:
            AllChem.UFFOptimizeMolecule(mol, maxIters=2000)
    return Structure(
        numbers=np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()]),
        positions=mol.GetConformer().GetPositions() / BOHR_ANGSTROM,
        charge=Chem.GetFormalCharge(mol),
        name=name or text,
        source=f"SMILES {text}",
    )
