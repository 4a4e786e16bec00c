"""Which matrix the picture of a Hamiltonian shows, what its elements are called, and why one cannot be shown."""

from __future__ import annotations

import numpy as np

from hamexplorer.physics.cell import ALL_ELECTRONS
from hamexplorer.plots.crystal_orbital import k_name
from hamexplorer.plots.crystals import band_structure
from hamexplorer.plots.plot import PlotContext, number
from hamexplorer.train.crystal_state import CrystalState
from hamexplorer.train.molecule_state import MoleculeState

#: Whose Hamiltonian is shown: a molecule's, or a crystal's at one k-point.
State = MoleculeState | CrystalState
#: What differences are made of.
_DIFFERENCES = {"error": ("learned", "reference"), "change": ("learned", "raw")}
#: What stands before the label of the run from which the learned matrix differs.
LESS = "less "


def made_of(name: str) -> tuple[str, ...]:
    """The sets of which a matrix is made: one, or two whose difference it is."""
    return ("learned", name.removeprefix(LESS)) if name.startswith(LESS) else _DIFFERENCES.get(name, (name,))


def state_shown(context: PlotContext) -> State | None:
    """The picked molecule's, or the picked crystal's at the chosen k-point."""
    if context.crystal is not None:
        return context.crystal.state
    return None if context.state is None else context.state.beside(context.states_of_others)


def matrix_shown(state: State, name: str) -> np.ndarray:
    """One of :func:`matrices`, shape (n_ao, n_ao), Ha; of a crystal complex."""
    first, *second = (state.sets[each].matrix for each in made_of(name))
    return first - second[0] if second else first


def why_not_known(state: State, name: str) -> str:
    """Why a set has no matrix, as a sentence."""
    if isinstance(state, MoleculeState):
        return f"The {name} Hamiltonian of this molecule is not known: show another one."
    if name in state.why_not:
        return state.why_not[name]
    if name == "raw" and "reference" in state.sets:
        return "Small basis and reference are one calculation here: show the reference."
    return f"The {name} Hamiltonian of this crystal is not known: show another one."


def where_in_the_zone(matrix: np.ndarray, context: PlotContext) -> str:
    """Where in the zone, and how much of the matrix is imaginary."""
    bands, chosen = band_structure(context), context.crystal
    assert chosen is not None
    where = k_name(bands.path, chosen.place) if bands is not None else ""
    size = float(np.abs(matrix.imag).max())
    if size < 1e-6:
        return f"{where}; real".strip("; ")
    return f"real part {where}; imaginary parts up to {number(size)} {context.units}"


def pair_texts(labels: list[str], matrix: np.ndarray, context: PlotContext) -> list[list[str]]:
    """What the pointer reads at each element: the two orbitals, and the imaginary part where there is one."""
    pairs = [[f"{row} – {column}" for column in labels] for row in labels]
    if np.abs(matrix.imag).max() < 1e-6:
        return pairs
    return [
        [
            f"{pair}<br>imaginary part {number(value)} {context.units}"
            for pair, value in zip(*both, strict=True)
        ]
        for both in zip(pairs, matrix.imag.tolist(), strict=True)
    ]


def labels_of(state: State) -> list[str]:
    """`C1 2px`: people count atoms from one. Without core electrons shells have no such number: `C1 px`."""
    valence = isinstance(state, CrystalState) and state.functions.pseudo != ALL_ELECTRONS
    found = []
    for label in state.layout.labels:
        atom, symbol, orbital = label.split(" ", 2)
        shells = state.layout.shells[int(state.structure.numbers[int(atom)])]
        if valence and len(set(shells)) == len(shells):
            orbital = orbital.lstrip("0123456789")
        found.append(f"{symbol}{int(atom) + 1} {orbital}")
    return found
