"""What is particular to files of crystals: which formats there are, and what makes one unusable."""

from __future__ import annotations

import re

from ase import Atoms
from ase.formula import Formula

from hamexplorer.errors import StructureError

#: Formats of ASE that hold cells and whose readers run no code of the file, with their names.
CRYSTAL_FORMATS: dict[str, str] = {
    "cif": "CIF",
    "vasp": "POSCAR",
    "vasp-xdatcar": "XDATCAR",
    "vasp-out": "OUTCAR",
    "xsf": "XSF",
    "espresso-in": "Quantum ESPRESSO input",
    "espresso-out": "Quantum ESPRESSO output",
    "castep-cell": "CASTEP cell",
    "res": "SHELX res",
    "aims": "FHI-aims geometry",
    "struct": "WIEN2k struct",
    "gen": "DFTB+ gen",
}
#: Endings of file names, or whole names -> format.
CRYSTAL_ENDINGS: dict[str, str] = {
    "cif": "cif",
    **dict.fromkeys(("poscar", "contcar", "vasp"), "vasp"),
    "xdatcar": "vasp-xdatcar",
    "outcar": "vasp-out",
    "xsf": "xsf",
    "pwi": "espresso-in",
    "pwo": "espresso-out",
    "cell": "castep-cell",
    **dict.fromkeys(("res", "shelx"), "res"),
    "struct": "struct",
    "gen": "gen",
}
_STATED = re.compile(r"""^_chemical_formula_sum[ \t]+(?:'([^']*)'|"([^"]*)"|(\S+))""", re.MULTILINE)
_COUNT = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")


def looks_like_poscar(text: str) -> bool:
    """Whether the second to fifth line hold one number and three vectors, as in a POSCAR."""
    words = [line.split() for line in text[:10_000].splitlines()[1:5]]
    return [len(w) for w in words] == [1, 3, 3, 3] and all(_is_number(x) for w in words for x in w)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def check_ordered(atoms: Atoms, where: str) -> None:
    """Refuse a crystal whose sites are shared by elements or empty here and there.

    Raises:
        StructureError: starting with ``where``.
    """
    occupied = atoms.info.get("occupancy")
    if occupied and any(len(kinds) > 1 or sum(kinds.values()) < 0.999 for kinds in occupied.values()):
        raise StructureError(
            f"{where} has sites that are shared or partly empty; give an ordered crystal, with one atom a site"
        )


def check_whole(images: list[Atoms], text: str, file: str) -> None:
    """Refuse a CIF of one crystal whose atoms are not those of the formula that it states.

    A file that was cut off, or one without its hydrogen atoms, reads well otherwise.

    Raises:
        StructureError: starting with the file's name.
    """
    stated = ["".join(words) for words in _STATED.findall(text)]
    if len(images) != 1 or len(stated) != 1:
        return
    promised = {symbol: float(count or 1) for symbol, count in _COUNT.findall(stated[0])}
    listed: dict[str, int] = Formula(images[0].get_chemical_formula()).count()
    if not promised or not listed or min(promised.values()) <= 0:
        return
    n_promised, n_listed = sum(promised.values()), sum(listed.values())
    shares = [promised.get(s, 0.0) / n_promised - listed.get(s, 0) / n_listed for s in {*promised, *listed}]
    if max(map(abs, shares)) > 0.01:
        raise StructureError(
            f"{file} states the formula {stated[0].strip()[:60]} but lists "
            f"{images[0].get_chemical_formula('hill')}; it may "
            f"be cut off or lack its hydrogen atoms: get the whole file, with every atom in it"
        )
