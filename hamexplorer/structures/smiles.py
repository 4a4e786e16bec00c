"""Molecules from SMILES: RDKit's ETKDG embedding, seeded, relaxed with MMFF."""

from __future__ import annotations

import re
import time

import numpy as np
from ase.data import chemical_symbols
from rdkit import Chem, rdBase
from rdkit.Chem import AllChem

from hamexplorer.errors import StructureError, quoted
from hamexplorer.structures.checks import check_size
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM

#: Characters beyond which a text holds more atoms than a molecule may have, and at which RDKit's parser is still safe.
MAX_CHARACTERS = 2000
#: Seconds after which no shape is looked for any more; chains of two hundred atoms take three or four.
_PATIENCE = 8
#: A word such as water or 2-propanol.
_NAME = re.compile(r"[\d-]*[A-Za-z][a-z-]{2,}")
#: A sum formula such as H2O; a SMILES holds hydrogen in brackets only.
_FORMULA = re.compile(r"(?=.*H(?![a-z]))(?:[A-Z][a-z]?\d*)+")
#: The element of an atom in brackets, after its mass number; "nH" is an aromatic n.
_IN_BRACKETS = re.compile(r"\[\d*([A-Za-z][a-z]?)")
_ELEMENTS = frozenset(chemical_symbols[1:])


def from_smiles(smiles: str, *, seed: int = 0, name: str = "") -> Structure:
    """Embed one SMILES in three dimensions; equal seeds give equal coordinates.

    Raises:
        StructureError: if the text is no SMILES, has several fragments, or cannot be embedded.
    """
    text = smiles.strip()
    if len(text) > MAX_CHARACTERS:
        raise StructureError(
            f"a SMILES of {len(text)} characters is too long, {MAX_CHARACTERS} is the most; give a smaller "
            "molecule, or a file with coordinates"
        )
    with rdBase.BlockLogs():
        # RDKit's messages and ours are for UTF-8, and a SMILES is ASCII.
        mol = Chem.MolFromSmiles(text) if text and text.isascii() and "\0" not in text else None
        if mol is None:
            raise StructureError(_why_not(text))
        if len(Chem.GetMolFrags(mol)) > 1:
            raise StructureError(
                f"{quoted(text)} holds several separate molecules; give them one by one, without dots"
            )
        mol = Chem.AddHs(mol)
        # Before the embedding, which takes minutes for a large molecule.
        check_size(mol.GetNumAtoms(), quoted(text))
        options = AllChem.ETKDGv3()
        options.randomSeed = seed
        options.timeout = _PATIENCE
        begun = time.monotonic()
        if AllChem.EmbedMolecule(mol, options) != 0:
            options.useRandomCoords = True
            options.timeout = int(_PATIENCE - (time.monotonic() - begun))
            if options.timeout < 1 or AllChem.EmbedMolecule(mol, options) != 0:
                raise StructureError(
                    f"RDKit found no three-dimensional shape for {quoted(text)}; try another seed, or load a file "
                    f"with "
                    f"coordinates"
                )
        try:
            if AllChem.MMFFHasAllMoleculeParams(mol):
                AllChem.MMFFOptimizeMolecule(mol, maxIters=2000)
            else:
                AllChem.UFFOptimizeMolecule(mol, maxIters=2000)
        except (RuntimeError, ValueError) as error:  # of bonds to which neither force field has an answer
            raise StructureError(
                f"no force field knows the bonds of {quoted(text)}; load a file with coordinates"
            ) from error
    return Structure(
        numbers=np.array([atom.GetAtomicNum() for atom in mol.GetAtoms()]),
        positions=mol.GetConformer().GetPositions() / BOHR_ANGSTROM,
        charge=Chem.GetFormalCharge(mol),
        name=name or text,
        source=f"SMILES {text}",
    )


def _why_not(text: str) -> str:
    """What is wrong with a text that RDKit refuses."""
    # Letters of aromatic atoms alone are a SMILES with a mistake, not a word.
    if _FORMULA.fullmatch(text) or (_NAME.fullmatch(text) and not set(text) <= set("bcnops")):
        return (
            f"{quoted(text)} is not a SMILES; names and formulas do not work here: write which atom is bonded to "
            "which, without hydrogen, for example O for water, CCO for ethanol, c1ccccc1 for benzene"
        )
    unknown = [symbol for symbol in _IN_BRACKETS.findall(text) if symbol.capitalize() not in _ELEMENTS]
    if unknown:
        return (
            f"{quoted(text)} is not a SMILES: there is no element {quoted(unknown[0])}; write an element's symbol "
            "in the brackets, for example [Na+]"
        )
    return (
        f"{quoted(text)} is not a SMILES that RDKit understands; "
        f"check brackets and ring numbers, for example CCO for ethanol"
    )
