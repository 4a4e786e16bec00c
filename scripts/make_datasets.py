"""Make the datasets that the package ships: `python scripts/make_datasets.py [ethane] [small-molecules]`; and `qm7`.

Every finished molecule is kept in the store, so the script may be stopped and started again at will.
On two slow cores the shipped ones take about an hour from nothing, and the 150 molecules of QM7 about five.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import SHIPPED, shipped_path, write_dataset
from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.collections import g2_chno
from hamexplorer.structures.ensembles import normal_mode_displacements
from hamexplorer.structures.files import read_structures
from hamexplorer.structures.smiles import from_smiles
from hamexplorer.structures.structure import Structure

#: Singlet methylene and ozone are multi-reference cases: no closed-shell model is right for them.
NOT_CLOSED_SHELL = {"CH2_s1A1d", "O3"}

#: Small CHNO molecules that are not in g2, at most five heavy atoms each.
SMILES = """
CCCCC CC(C)CC CC(C)(C)C C1CCCC1 C=CCCC C/C=C/CC C=C(C)CC C=C/C=C/C C=CCC=C CC#CCC C=CC#C C1=CCCC1
C1=CC=CC1 CC1CC1 CCCO CCCCO CC(C)(C)O CCOCC C1CCOC1 CC1CO1 C1COC1 CCC=O CCCC=O CCC(C)=O C=CC=O
C/C=C/C=O C=CC(C)=O O=C1CCC1 CCC(=O)O COC(C)=O CCOC=O OCCO OCC=O CC(=O)C=O COCCO C1COCO1 C=COC C=CCO
C#CCO C=CC(=O)O CCCN CCNCC CCN(C)C C1CCNC1 C1CNC1 NCCN CCC#N CC(C)C#N C=CCN C#CCN N#CCC#N NCC#N NC=O
CNC=O CN(C)C=O CCC(N)=O CNC(C)=O NC(N)=O NCC(=O)O NCCO OCC#N c1cnc[nH]1 c1cn[nH]c1 c1cocn1 c1conc1
CNN C/C=N/O
""".split()  # noqa: SIM905 - a hundred quotation marks would hide the molecules


def ethane() -> list[Structure]:
    """One hundred ethanes, 0.06 Å off a relaxed geometry along its vibrations."""
    return normal_mode_displacements(from_smiles("CC", name="ethane"), n=100, amplitude=0.06, seed=42)


def small_molecules() -> list[Structure]:
    """The CHNO part of g2 up to five heavy atoms, and the SMILES above."""
    from_g2 = [s for s in g2_chno(max_heavy=5) if s.name not in NOT_CLOSED_SHELL]
    return from_g2 + [from_smiles(smiles, seed=42) for smiles in SMILES]


def qm7() -> list[Structure]:
    """Molecules of C, H, N and O drawn at random from QM7 (up to seven heavy atoms), in its own geometries.

    Source: Rupp et al., Phys. Rev. Lett. 108, 058301 (2012); Blum & Reymond, J. Am. Chem. Soc. 131, 8732 (2009).
    """
    path = Path(__file__).with_name("qm7.xyz")
    return read_structures(path.read_bytes(), filename=path.name)


#: What is made when no name is given, because the package ships it.
SHIPPED_SETS = {"ethane": ethane, "small-molecules": small_molecules}
DATASETS = {**SHIPPED_SETS, "qm7": qm7}

#: What the paper compares with: STO-3G seen from def2-TZVP.
METHOD = ReferenceMethod(large_basis="def2-tzvp")


def make(name: str, jobs: int) -> None:
    """Compute one dataset, or take it from the store, and write it into the package."""
    structures = DATASETS[name]()
    minutes = estimate_seconds(structures, METHOD, jobs=jobs) / 60
    print(f"{name}: {len(structures)} molecules, about {minutes:.0f} min (an estimate)", flush=True)
    dataset = run_references(structures, METHOD, jobs=jobs, name=name, report=_show)
    for label, reason in dataset.set_aside:
        print(f"  set aside {label}: {reason}")
    path = shipped_path(name) if name in SHIPPED else Path(f"{name}.h5")
    description = SHIPPED.get(name, (DATASETS[name].__doc__ or "").partition("\n")[0])
    script = {"script": "scripts/make_datasets.py", "description": description}
    write_dataset(path, replace(dataset, provenance={**dataset.provenance, **script}))
    print(f"  {len(dataset)} molecules in {path.name}, {path.stat().st_size / 1e6:.1f} MB")


def _show(progress: ReferenceProgress) -> None:
    left = "" if progress.seconds_left is None else f", about {progress.seconds_left / 60:.0f} min left"
    print(f"  {progress.done}/{progress.total} {progress.label}{left}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of {', '.join(DATASETS)}; default: those that are shipped",
    )
    parser.add_argument("--jobs", type=int, default=2, help="worker processes (default 2)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(DATASETS)
    if unknown:
        parser.error(f"there is no dataset {unknown.pop()!r}; choose from {', '.join(DATASETS)}")
    try:
        for name in arguments.names or SHIPPED_SETS:
            make(name, arguments.jobs)
    except HamExplorerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what is finished is kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
