"""A basis reduction: empty levels count the less the higher they lie."""

from __future__ import annotations

import numpy as np

from hamexplorer.basis.reductions import REDUCTIONS, LevelChoice, Reduction, SmallAndLarge
from hamexplorer.units import HARTREE_EV

#: An empty level so far above the lowest one counts 1/e as much, eV.
WIDTH_EV = 5.0


@REDUCTIONS.register("fading")
class Fading(Reduction):
    r"""Lowest n levels; occupied ones weigh 1, empty ones $e^{-(\varepsilon - \varepsilon_\mathrm{LUMO})/w}$.

    The high empty levels of a small basis mean little, and an energy window would cut off a level that moves through
    its end from one structure to the next.
    """

    label = "Fading above the gap"
    help = "Match all levels in order; an empty one counts the less the higher it lies above the lowest."

    def weights(self, pair: SmallAndLarge, choice: LevelChoice) -> np.ndarray:
        energy = pair.large_energy[..., : pair.small_energy.shape[-1]]
        if energy.shape[-1] <= pair.n_occ:
            return np.ones(energy.shape)
        lumo = energy[..., pair.n_occ].min()  # of a crystal the lowest of all k-points
        return np.exp(-np.maximum(energy - lumo, 0) * HARTREE_EV / WIDTH_EV)
