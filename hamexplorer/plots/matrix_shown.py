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
DIFFERENCES = {"error": ("learned", "reference"), "change": ("learned", "raw")}


def state_shown(context: PlotContext) -> State | None:
    """The picked molecule's, or the picked crystal's at the chosen k-point."""
    return context.state if context.crystal is None else context.crystal.state


def matrix_shown(state: State, name: str) -> np.ndarray:
    """One of :data:`MATRICES`, shape (n_ao, n_ao), Ha; of a crystal complex."""
    if name in DIFFERENCES:
        first, second = DIFFERENCES[name]
        return state.sets[first].matrix - state.sets[second].matrix
    return state.sets[name].matrix


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
