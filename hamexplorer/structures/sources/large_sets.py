"""Large published sets of molecules, fetched when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase.data import chemical_symbols

from hamexplorer.errors import StructureError
from hamexplorer.params import Choice, Text, Whole, param, validate
from hamexplorer.structures.archives import QM7, QM9, Archive, fetch
from hamexplorer.structures.checks import check_structures
from hamexplorer.structures.composition import composition_test
from hamexplorer.structures.diversity import coulomb_spectra, farthest_points
from hamexplorer.structures.quantum_machine import Molecule, read_qm7, read_qm9
from hamexplorer.structures.read_once import keep, kept
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

#: Ways to choose: name -> sentence.
CHOICES = {
    "random": "drawn by chance",
    "farthest-point": "each as unlike those before as can be (eigenvalues of its Coulomb matrix): few that cover many",
}
#: Molecules between two words on how far the reading is.
_TOLD_EVERY = 5000


def _heavy(default: int, largest: int, label: str) -> Any:
    which = "Fewest" if label == "Smallest" else "Most"
    return param(
        default,
        Whole(1, largest),
        label=label,
        unit="heavy atoms",
        help=f"{which} atoms other than hydrogen in one molecule.",
    )


@dataclass(frozen=True)
class _Chosen:
    """What is asked of every archive."""

    n: int = param(100, Whole(1, 5000), label="Molecules", help="How many to take.")
    choice: str = param(
        "random", Choice(CHOICES), label="Choice", help="How they are chosen among those that fit."
    )
    elements: str = param(
        "C H N O",
        Text(),
        label="Elements",
        help="C H N O for molecules of these only, +N for those with nitrogen, -F for those without fluorine.",
    )
    seed: int = param(
        42,
        Whole(0, 2**31 - 1),
        label="Seed",
        help="Any whole number; the same one gives the same molecules again.",
    )

    def __post_init__(self) -> None:
        validate(self)


class ArchiveSource(Source):
    """Molecules of one file of a public archive.

    Args:
        archive: the file, if it is not the published one at its published address.
    """

    published: ClassVar[Archive]
    reaches = "archives on the internet"
    main = "n"

    def __init__(self, archive: Archive | None = None) -> None:
        self.archive = archive or self.published

    def molecules(self, path: Path, tell: Callable[[str], None]) -> list[Molecule]:
        """All molecules of the file, in its order."""
        raise NotImplementedError

    def load(self, params: Any) -> list[Structure]:
        return self.load_telling(params, lambda text: None)

    def load_telling(self, params: Any, tell: Callable[[str], None]) -> list[Structure]:
        fits = composition_test(
            elements=params.elements, min_atoms=params.min_heavy, max_atoms=params.max_heavy
        )
        path = fetch(self.archive, tell=tell)
        candidates = [
            molecule
            for molecule in self.molecules(path, tell)
            if fits(
                {chemical_symbols[number] for number in molecule.numbers.tolist()},
                int((molecule.numbers > 1).sum()),
            )
        ]
        if len(candidates) < params.n:
            raise StructureError(
                f"{len(candidates)} molecules of {self.archive.label} fit, and {params.n} are asked for; ask for "
                f"fewer, or admit more elements or sizes"
            )
        tell(f"choosing {params.n} of {len(candidates)}")
        return check_structures(
            Structure(m.numbers, m.positions, name=m.name, source=f"{self.archive.label} {self.archive.url}")
            for m in _chosen(candidates, params)
        )


def _chosen(candidates: list[Molecule], params: Any) -> list[Molecule]:
    if params.choice == "random":
        drawn = np.random.default_rng(params.seed).choice(len(candidates), params.n, replace=False)
        return [candidates[k] for k in sorted(drawn)]
    spectra = coulomb_spectra([(molecule.numbers, molecule.positions) for molecule in candidates])
    return [candidates[k] for k in farthest_points(spectra, params.n, seed=params.seed)]


@SOURCES.register("qm7")
class QM7Source(ArchiveSource):
    """Molecules of QM7: Rupp et al., Phys. Rev. Lett. 108, 058301 (2012)."""

    label = "QM7 (download)"
    help = (
        "Some of 7165 molecules with up to seven atoms of C, N, O and S and their hydrogens. The first time, 18 MB are "
        "fetched from quantum-machine.org and kept."
    )
    published = QM7

    @dataclass(frozen=True)
    class Params(_Chosen):
        min_heavy: int = _heavy(1, 7, "Smallest")
        max_heavy: int = _heavy(7, 7, "Largest")

    def molecules(self, path: Path, tell: Callable[[str], None]) -> list[Molecule]:
        return list(read_qm7(path))


@SOURCES.register("qm9")
class QM9Source(ArchiveSource):
    """Molecules of QM9: Ramakrishnan et al., Sci. Data 1, 140022 (2014)."""

    label = "QM9 (download)"
    help = (
        "Some of 133885 molecules with up to nine atoms of C, N, O and F and their hydrogens, relaxed with B3LYP. The "
        "first time, 86 MB are fetched from figshare.com and kept, and reading them takes a minute or two."
    )
    published = QM9

    @dataclass(frozen=True)
    class Params(_Chosen):
        min_heavy: int = _heavy(1, 9, "Smallest")
        max_heavy: int = _heavy(9, 9, "Largest")

    def molecules(self, path: Path, tell: Callable[[str], None]) -> list[Molecule]:
        arrays = path.with_name(f"{path.name}.{self.archive.sha256[:12]}.npz")
        if read := kept(arrays):
            return read
        for molecule in read_qm9(path):
            read.append(molecule)
            if len(read) % _TOLD_EVERY == 0:
                tell(f"{len(read)} molecules read")
        keep(arrays, read)
        return read
