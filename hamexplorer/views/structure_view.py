"""One molecule in 3D, drawn by nglview."""

from __future__ import annotations

from typing import Any

import numpy as np

from hamexplorer.structures.structure import Structure
from hamexplorer.views._nglview import import_nglview
from hamexplorer.views.charges import CHARGE_COLORS, LegendEntry, charge_legend, charge_range

_BACKGROUND = {False: "#ffffff", True: "#111111"}
#: Charges are written with four decimals into a column that has two.
CHARGE_FACTOR = 100.0
#: Nearest that anything comes to the eye, Å.
_CLIP_DISTANCE = 3


class StructureView:
    """A ball-and-stick view that shows one structure after the other in the same widget.

    nglview starts threads with every widget that never end: make few views and keep them.
    """

    def __init__(self, *, dark: bool = False, height: str = "320px") -> None:
        self._nglview = import_nglview()
        self.widget: Any = self._nglview.NGLWidget()
        self.widget.layout.width, self.widget.layout.height = "100%", height
        self.widget.camera = "perspective"
        # NGL steps back by its clipping distance, 10 Å: far too far for a small molecule.
        self.widget.stage.set_parameters(clip_dist=_CLIP_DISTANCE)
        self.legend: tuple[LegendEntry, ...] = ()
        self._component: Any = None
        self._oriented: tuple[str, ...] = ()
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
        text = self._nglview.TextStructure(pdb_text(structure, charges), ext="pdb")
        self._component = self.widget.add_component(text, default_representation=False)
        self._component.add_representation("ball+stick", **self._colors(charges), **_STYLE)
        if structure.symbols != self._oriented:
            # Turned once for each kind of molecule: among distorted copies the reader's own turn stays.
            self._oriented = structure.symbols
            self.widget.control.orient(orientation(structure.positions).ravel(order="F").tolist())
        self._component.center()

    def set_dark(self, dark: bool) -> None:
        """Match the background to a dark or a light page."""
        self.widget.background = _BACKGROUND[dark]

    def resize(self) -> None:
        """Fill the box again, after it was hidden or changed its size."""
        self.widget.handle_resize()

    def _colors(self, charges: np.ndarray | None) -> dict[str, Any]:
        if charges is None:
            return {"color_scheme": "element"}
        full = charge_range(charges)
        self.legend = charge_legend(full)
        # The charges travel in the B-factor column. A scheme of nglview's ColormakerRegistry would not do: a
        # browser that returns draws the atoms before it knows the scheme, and they come out black.
        domain = [-full * CHARGE_FACTOR, full * CHARGE_FACTOR]
        scale = list(CHARGE_COLORS)
        return {"color_scheme": "bfactor", "color_scale": scale, "color_domain": domain, "color_mode": "rgb"}


_STYLE: dict[str, Any] = {
    "aspect_ratio": 4.0,
    "bond_scale": 0.5,
    "radius_scale": 0.8,
    "multiple_bond": "symmetric",
}


def orientation(positions: np.ndarray) -> np.ndarray:
    """A camera matrix, shape (4, 4), that looks at a molecule's broadest side, its longest axis across the screen."""
    centred = positions - positions.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1].T
    axes *= np.where(axes[np.arange(3), np.abs(axes).argmax(1)] < 0, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    camera = np.eye(4)
    camera[:3, :3] = axes * 50.0  # the scale is a distance; centring sets it anew
    return camera


def pdb_text(structure: Structure, charges: np.ndarray | None = None) -> str:
    """The structure as PDB text that NGL reads: exact positions (Å, three decimals), no cell, no rotation.

    Written by hand because ASE's writer turns cells into standard form; the name of an atom is its element,
    and the element column is what NGL colours by. Charges, if given, stand in the B-factor column, hundredfold.
    """
    factors = np.zeros(structure.n_atoms) if charges is None else np.clip(charges, -9.0, 9.0) * CHARGE_FACTOR
    lines = []
    for index, (symbol, position) in enumerate(
        zip(structure.symbols, structure.positions_angstrom, strict=True)
    ):
        x, y, z = position
        lines.append(
            f"HETATM{(index + 1) % 100000:5d} {symbol.upper():<4s} MOL A   1    {x:8.3f}{y:8.3f}{z:8.3f}"
            f"{1:6.2f}{factors[index]:6.2f}          {symbol.upper():>2s}"
        )
    return "\n".join([*lines, "END", ""])
