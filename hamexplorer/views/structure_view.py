"""One molecule in 3D, drawn by nglview."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from hamexplorer.structures.structure import Structure
from hamexplorer.views._nglview import import_nglview
from hamexplorer.views.charges import LegendEntry, charge_colors, charge_legend, charge_range

_BACKGROUND = {False: "#ffffff", True: "#111111"}
_FRESH = itertools.count()


class StructureView:
    """A ball-and-stick view that shows one structure after the other in the same widget.

    nglview starts threads with every widget that never end: make few views and keep them.
    """

    def __init__(self, *, dark: bool = False, height: str = "320px") -> None:
        self._nglview = import_nglview()
        self.widget: Any = self._nglview.NGLWidget()
        self.widget.layout.width, self.widget.layout.height = "100%", height
        self.widget.camera = "perspective"
        self.legend: tuple[LegendEntry, ...] = ()
        self._component: Any = None
        self._shown: tuple[str, bytes] | None = None
        self.set_dark(dark)

    def show(self, structure: Structure | None, charges: np.ndarray | None = None) -> None:
        """Show a structure in place of the one before; None empties the view.

        Args:
            structure: the molecule.
            charges: partial charges in e, shape (n_atoms,): atoms are coloured by them instead of by element.
                The meaning of the colours is in :attr:`legend`.
        """
        charges = None if charges is None else np.asarray(charges, dtype=float)
        content = (
            None if structure is None else (structure.key, b"" if charges is None else charges.tobytes())
        )
        if content == self._shown:
            return
        self._shown = content
        if self._component is not None:
            self.widget.remove_component(self._component)
            self._component = None
        self.legend = ()
        if structure is None or structure.n_atoms == 0:
            return
        text = self._nglview.TextStructure(pdb_text(structure), ext="pdb")
        self._component = self.widget.add_component(text, default_representation=False)
        self._component.add_representation("ball+stick", **self._colors(charges), **_STYLE)
        self._component.center()

    def set_dark(self, dark: bool) -> None:
        """Match the background to a dark or a light page."""
        self.widget.background = _BACKGROUND[dark]

    def resize(self) -> None:
        """Fill the box again, after it was hidden or changed its size."""
        self.widget.handle_resize()

    def _colors(self, charges: np.ndarray | None) -> dict[str, str]:
        if charges is None:
            return {"color_scheme": "element"}
        full = charge_range(charges)
        self.legend = charge_legend(full)
        # The browser keeps a scheme under its name for ever: a changed one needs a fresh name.
        name = f"hamexplorer-charge-{next(_FRESH)}"
        pairs = [[color, f"@{index}"] for index, color in enumerate(charge_colors(charges, full))]
        self._nglview.color.ColormakerRegistry.add_selection_scheme(name, pairs)
        return {"color": name}


_STYLE: dict[str, Any] = {
    "aspect_ratio": 4.0,
    "bond_scale": 0.5,
    "radius_scale": 0.8,
    "multiple_bond": "symmetric",
}


def pdb_text(structure: Structure) -> str:
    """The structure as PDB text that NGL reads: exact positions (Å, three decimals), no cell, no rotation.

    Written by hand because ASE's writer turns cells into standard form; the name of an atom is its element,
    and the element column is what NGL colours by.
    """
    lines = []
    for index, (symbol, position) in enumerate(
        zip(structure.symbols, structure.positions_angstrom, strict=True)
    ):
        x, y, z = position
        lines.append(
            f"HETATM{(index + 1) % 100000:5d} {symbol.upper():<4s} MOL A   1    {x:8.3f}{y:8.3f}{z:8.3f}"
            f"{1:6.2f}{0:6.2f}          {symbol.upper():>2s}"
        )
    return "\n".join([*lines, "END", ""])
