"""A source of structures: chains of hydrogen atoms, all bonds alike or alternately short and long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hamexplorer.errors import SettingsError
from hamexplorer.params import Real, Whole, param, validate
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure
from hamexplorer.units import BOHR_ANGSTROM


@SOURCES.register("hydrogen_chain")
class HydrogenChain(Source):
    """H₂, H₄, … in a row: the smallest system with a Peierls distortion."""

    label = "Hydrogen chain"
    help = "A row of hydrogen atoms; with an alternation, bonds are short and long in turn."
    main = "n_atoms"  # what stands behind the colon: hydrogen_chain:6

    @dataclass(frozen=True)
    class Params:
        n_atoms: int = param(6, Whole(2, 60), label="Atoms", help="How many; an even number.")
        spacing: float = param(
            0.9, Real(0.5, 5.0), label="Spacing", unit="Å", help="Mean distance of neighbours."
        )
        alternation: float = param(
            0.0, Real(0.0, 1.0), label="Alternation", unit="Å", help="Long less short distance."
        )

        def __post_init__(self) -> None:
            validate(self)
            if self.n_atoms % 2:
                raise SettingsError(
                    f"a chain of {self.n_atoms} hydrogen atoms has an unpaired electron; take {self.n_atoms + 1}"
                )

    def load(self, params: Params) -> list[Structure]:
        half = params.alternation / 2
        steps = [params.spacing + (half if k % 2 else -half) for k in range(params.n_atoms - 1)]
        positions = np.zeros((params.n_atoms, 3))
        positions[1:, 2] = np.cumsum(steps) / BOHR_ANGSTROM  # lengths are in bohr inside
        return [Structure(np.ones(params.n_atoms, int), positions, name=f"H{params.n_atoms} chain")]
