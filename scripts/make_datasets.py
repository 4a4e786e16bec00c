"""Make the datasets that the package ships, and those that judge its models: `make_datasets.py [NAME …]`.

Without a name the shipped ones are made: `ethane`, `small-molecules` and `qm7`, to test on `qm7-unseen` and
`larger-molecules` (beyond the size of QM7's), and `polyenes`, a series whose short members teach and long ones test.
The others are written as NAME.h5 into the present folder: `qm7-svp`, the molecules of `qm7` in def2-SVP alone, to
begin an SCF with; `acenes` and `polyenoic-acids`, two more series.

What the file holds already is not computed again, and each finished molecule is kept in the store, so the script may be
stopped and started again at will; `--finished` writes what there is. On two slow cores the shipped ones take some seven
hours from nothing; of each set an estimate comes first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyscf

from hamexplorer.errors import HamExplorerError
from hamexplorer.reference.dataset import SHIPPED, Reference, read_dataset, shipped_path, write_dataset
from hamexplorer.reference.execute import ReferenceProgress, estimate_seconds, run_references
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.store import ReferenceStore
from hamexplorer.structures.collections import g2_chno, series
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

#: CHNO molecules of eight or nine heavy atoms, like the larger ones of QM9. A line each: chains, a cage, a ring; rings
#: with oxygen, ethers; unsaturated chains; benzenes; five-membered, six-membered heteroaromatics; amides; esters and
#: acids with small rings; amines.
LARGER = """
CCCCCCCC CC(C)CC(C)(C)C C12C3C4C1C5C4C3C25 C1=CC=CC=CC=C1
O=C1CC2CCC1C2 C1CC12CCOC2=O OCC1OCC(O)C1O COCCOCCOC
C#CC#CCOCC C/C=C/C=C/C(C)=O COC(=O)C#CC(C)O
C=Cc1ccccc1 N#Cc1ccccc1 COc1ccccc1C
c1ccc2[nH]ccc2c1 c1ccc2occc2c1 Cc1noc(C)c1C=O Cn1cnc(C#N)c1C
c1ncc2[nH]cnc2n1 CN(C)c1ccncc1 COc1cnccn1 O=c1ccn(C)c(=O)[nH]1
NC(=O)c1ccccc1 CC(=O)NCCC#C CC(O)C(=O)NC(C)=O CC(C)(C)OC(N)=O
CC1OC1C(=O)OC OC(=O)C1CC1C#N
CN1CCOCC1C#N NCCc1c[nH]cn1
""".split()  # noqa: SIM905


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
    return _listed("qm7.xyz")


def qm7_unseen() -> list[Structure]:
    """Thirty other molecules of QM7 with C, H, N and O, drawn at random, to test what the rest of QM7 taught.

    The first thirty of `numpy.random.default_rng(20261127).permutation(numpy.arange(1, 7166))` that are not in `qm7`
    and whose geometry was at hand.
    """
    return _listed("qm7-unseen.xyz")


def _listed(name: str) -> list[Structure]:
    path = Path(__file__).with_name(name)
    return read_structures(path.read_bytes(), filename=path.name)


def larger() -> list[Structure]:
    """CHNO molecules of eight or nine heavy atoms: larger than any of QM7."""
    return [from_smiles(smiles, seed=42) for smiles in LARGER]


def polyenes() -> list[Structure]:
    """All-trans polyenes: C2H4 to C8H10 twelve times distorted, C10H12 to C20H22 relaxed and twice distorted."""
    short, long = series("polyenes", first=1, last=4, seed=42), series("polyenes", first=5, last=10, seed=42)
    return [copy for chain in short for copy in _distorted(chain, 12)] + _with_distorted(long, 2)


def acenes() -> list[Structure]:
    """Benzene to pentacene, each relaxed and four times distorted."""
    return _with_distorted(series("acenes", first=1, last=5, seed=42), 4)


def polyenoic_acids() -> list[Structure]:
    """All-trans polyenoic acids H(CH=CH)nCOOH, n from 1 to 6, each relaxed and three times distorted."""
    return _with_distorted(series("polyenoic acids", first=1, last=6, seed=42), 3)


def _with_distorted(relaxed: list[Structure], n: int) -> list[Structure]:
    return [copy for structure in relaxed for copy in (structure, *_distorted(structure, n))]


def _distorted(structure: Structure, n: int) -> list[Structure]:
    # Most of 0.08 Å goes into soft modes: bonds between heavy atoms change by 0.014 to 0.025 Å (root mean square).
    return normal_mode_displacements(structure, n=n, amplitude=0.08, seed=42)


class DataSet(NamedTuple):
    """Structures, and how they are computed; a reference calculation always gives all quantities."""

    structures: Callable[[], list[Structure]]
    method: ReferenceMethod


#: What the paper compares with: STO-3G seen from def2-TZVP.
TZVP = ReferenceMethod(large_basis="def2-tzvp")
#: For molecules of up to 42 atoms: by the estimate def2-TZVP takes four to five times as long, 46 min for C20H22.
SVP = ReferenceMethod(large_basis="def2-svp")

#: What is made when no name is given, because the package ships it.
SHIPPED_SETS = {
    "ethane": DataSet(ethane, TZVP),
    "small-molecules": DataSet(small_molecules, TZVP),
    "qm7": DataSet(qm7, TZVP),
    "qm7-unseen": DataSet(qm7_unseen, TZVP),
    "larger-molecules": DataSet(larger, TZVP),
    "polyenes": DataSet(polyenes, SVP),
}
DATASETS = {
    **SHIPPED_SETS,
    "qm7-svp": DataSet(qm7, ReferenceMethod(small_basis="def2-svp", large_basis="def2-svp")),
    "acenes": DataSet(acenes, SVP),
    "polyenoic-acids": DataSet(polyenoic_acids, SVP),
}


def make(name: str, jobs: int, *, finished: bool = False) -> None:
    """Compute what the file of a dataset lacks, or take it from the store, and write both."""
    source, method = DATASETS[name]
    structures = source()
    path = shipped_path(name) if name in SHIPPED else Path(f"{name}.h5")
    known = _known(path, method)
    missing = [s for s in structures if s.key not in known]
    if finished:
        store = ReferenceStore()
        missing = [s for s in missing if all(store.has(s, level) for level in (method.small, method.large))]
    minutes = estimate_seconds(missing, method, jobs=jobs) / 60
    print(f"{name}: {len(missing)} molecules to compute, about {minutes:.0f} min (an estimate)", flush=True)
    dataset = run_references(missing, method, jobs=jobs, name=name, report=_show)
    for label, reason in dataset.set_aside:
        print(f"  set aside {label}: {reason}")
    known |= {reference.structure.key: reference for reference in dataset.references}
    references = tuple(known[s.key] for s in structures if s.key in known)
    description = SHIPPED.get(name, (source.__doc__ or "").partition("\n")[0])
    script = {"script": "scripts/make_datasets.py", "description": description}
    provenance = {**dataset.provenance, **script}
    write_dataset(path, replace(dataset, references=references, provenance=provenance))
    print(f"  {len(references)} molecules in {path.name}, {path.stat().st_size / 1e6:.1f} MB")


def _known(path: Path, method: ReferenceMethod) -> dict[str, Reference]:
    """What the file holds, by the structures' keys; nothing if it was computed otherwise."""
    if not path.exists():
        return {}
    dataset = read_dataset(path)
    if dataset.method != method or dataset.provenance.get("pyscf") != pyscf.__version__:
        return {}
    return {reference.structure.key: reference for reference in dataset.references}


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
    parser.add_argument("--finished", action="store_true", help="write what is finished, compute nothing")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(DATASETS)
    if unknown:
        parser.error(f"there is no dataset {unknown.pop()!r}; choose from {', '.join(DATASETS)}")
    try:
        for name in arguments.names or SHIPPED_SETS:
            make(name, arguments.jobs, finished=arguments.finished)
    except HamExplorerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what is finished is kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
