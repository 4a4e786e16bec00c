"""Make the datasets that the package ships: `python scripts/make_datasets.py [ethane] [small-molecules]`.

Every finished molecule is kept in the store, so the script may be stopped and started again at will.
On two slow cores it takes about two hours from nothing.
"""

from __future__ import annotations

from hamexplorer.structures.collections import g2_chno
from hamexplorer.structures.ensembles import normal_mode_displacements
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.structure import Structure

#: Singlet methylene and ozone are multi-reference cases: no closed-shell model is right for them.
NOT_CLOSED_SHELL = {"CH2_s1A1d", "O3"}

#: Small CHNO molecules that are not in g2, at most five heavy atoms each.
SMILES = """
CCCCC CC(C)CC CC(C)(C)C C1CCCC1 C=CCCC C/C=C/CC C=C(C)CC C=C/C=C/C C=CCC=C CC#CCC C=CC#C C1=CCCC1 C1=CC=CC1 CC1CC1
CCCO CCCCO CC(C)(C)O CCOCC C1CCOC1 CC1CO1 C1COC1 CCC=O CCCC=O CCC(C)=O C=CC=O C/C=C/C=O C=CC(C)=O O=C1CCC1
CCC(=O)O COC(C)=O CCOC=O OCCO OCC=O CC(=O)C=O COCCO C1COCO1 C=COC C=CCO C#CCO C=CC(=O)O
CCCN CCNCC CCN(C)C C1CCNC1 C1CNC1 NCCN CCC#N CC(C)C#N C=CCN C#CCN N#CCC#N NCC#N
NC=O CNC=O CN(C)C=O CCC(N)=O CNC(C)=O NC(N)=O NCC(=O)O NCCO OCC#N c1cnc[nH]1 c1cn[nH]c1 c1cocn1 c1conc1 CNN C/C=N/O
""".split()


def ethane() -> list[Structure]:
    """One hundred ethanes, 0.06 Å off a relaxed geometry along its vibrations."""
    return normal_mode_displacements(from_smiles("CC", name="ethane"), n=100, amplitude=0.06, seed=42)


def small_molecules() -> list[Structure]:
    """The CHNO part of g2 up to five heavy atoms, and the SMILES above."""
    from_g2 = [s for s in g2_chno(max_heavy=5) if s.name not in NOT_CLOSED_SHELL]
    return from_g2 + [from_smiles(smiles, seed=42) for smiles in SMILES]


DATASETS = {"ethane": ethane, "small-molecules": small_molecules}
