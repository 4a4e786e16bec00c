"""One molecule or crystal in 3D, drawn by nglview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hamexplorer.structures.structure import Structure
from hamexplorer.views._nglview import import_nglview
from hamexplorer.views.camera import crystal_camera, orientation
from hamexplorer.views.cells import Copies, cell_edges, with_copies
from hamexplorer.views.charges import CHARGE_COLORS, SHORTEST, LegendEntry, charge_legend, charge_range

_BACKGROUND = {False: "#ffffff", True: "#111111"}
#: Charges are written with four decimals into a column that has two.
CHARGE_FACTOR = 100.0
#: Nearest that anything comes to the eye, Å.
_CLIP_DISTANCE = 3
#: Of the cylinders along the cell's edges, Å.
_EDGE_RADIUS = 0.05
#: Of the halo around atoms that are pointed out.
_HALO = "#CC79A7"
_EDGE_COLOR = {False: [0.25, 0.32, 0.4], True: [0.72, 0.78, 0.85]}


class StructureView:
    """A ball-and-stick view that shows one structure after the other in the same widget.

    nglview starts threads with every widget that never end: make few views and keep them.
    """

    def __init__(self, *, dark: bool = False, height: str = "320px") -> None:
        self._nglview = import_nglview()
        self.widget: Any = self._nglview.NGLWidget()
        self.widget._fire_callbacks = self._send_first
        self.widget.layout.width, self.widget.layout.height = "100%", height
        self.widget.camera = "perspective"
        # NGL steps back by its clipping distance, 10 Å: far too far for a small molecule.
        self.widget.stage.set_parameters(clip_dist=_CLIP_DISTANCE)
        self.legend: tuple[LegendEntry, ...] = ()
        self._components: list[Any] = []
        self._structure: Structure | None = None
        self._lit: Any = None
        self._drawing: Any = None
        self._drawn: Sequence[Any] = ()
        self._oriented: tuple[Any, ...] = ()
        self._shown: tuple[Any, ...] | None = None
        self._dark = dark
        self.set_dark(dark)

    def _send_first(self, calls: Sequence[Callable[[Any], None]]) -> None:
        """What was asked for before there was a page goes to the page before what was asked for since.

        nglview has a thread for either, of which each waits for what it loads but neither for the other: of a page that
        was given another structure while it came, one that had been replaced stayed.
        """
        self.widget._remote_call_thread.q[:0] = calls

    def show(
        self,
        structure: Structure | None,
        charges: np.ndarray | None = None,
        copies: Copies | None = None,
        *,
        finest: float = SHORTEST,
    ) -> None:
        """Show a structure in place of the one before; None empties the view.

        Args:
            structure: the molecule, or the crystal, of which the cell's edges are drawn, too.
            charges: partial charges in e, shape (n_atoms,): atoms are coloured by them instead of by element.
                The meaning of the colours is in :attr:`legend`.
            copies: cells of a crystal to show; those beside the first are pale.
            finest: the shortest scale of colours, e.
        """
        charges = None if charges is None else np.asarray(charges, dtype=float)
        copies = copies or Copies()
        content = None
        if structure is not None:
            content = (structure.key, b"" if charges is None else charges.tobytes(), copies, self._dark)
        if content == self._shown:
            return
        self._shown, self._structure = content, structure
        self.light(())
        self.draw(())
        for component in reversed(self._components):
            self.widget.remove_component(component)
        self._components = []
        self.legend = ()
        if structure is None or structure.n_atoms == 0:
            return
        shown = with_copies(structure, copies)
        self._add_cell(
            structure
        )  # first: it is there at once, and the browser counts components as they come
        atoms = self._add_atoms(shown, structure.n_atoms, charges, finest)
        # Turned once for each kind of structure: among distorted copies the reader's own turn stays.
        if (kind := (structure.symbols, structure.pbc, copies)) != self._oriented:
            self._oriented = kind
            camera = (
                crystal_camera(structure, shown) if structure.is_crystal else orientation(shown.positions)
            )
            self.widget.control.orient(camera.ravel(order="F").tolist())
        if not structure.is_crystal:
            atoms.center()

    def _add_atoms(self, shown: Structure, n_own: int, charges: np.ndarray | None, finest: float) -> Any:
        """Atoms in one component: the cell's own at full strength, copies pale behind them."""
        repeated = None if charges is None else np.tile(charges, shown.n_atoms // n_own)
        text = self._nglview.TextStructure(pdb_text(shown, repeated), ext="pdb")
        component = self.widget.add_component(text, default_representation=False)
        self._components.append(component)
        colors = self._colors(charges, finest)
        if shown.n_atoms == n_own:
            component.add_representation("ball+stick", **colors, **_STYLE)
            return component
        own = "@" + ",".join(map(str, range(n_own)))
        component.add_representation("ball+stick", selection=own, **colors, **_STYLE)
        # Of all atoms, so that bonds between the cell and its copies are there; the cell's own hide inside the others.
        component.add_representation("ball+stick", **colors, **_STYLE | _PALE)
        return component

    def _add_cell(self, structure: Structure) -> None:
        """The cell's edges as cylinders of one shape component, in the very frame of the atoms."""
        edges = cell_edges(structure)
        if not len(edges):
            return
        color = _EDGE_COLOR[self._dark]
        shapes: list[tuple[Any, ...]] = [
            ("cylinder", start, end, color, _EDGE_RADIUS) for start, end in edges.tolist()
        ]
        corners = np.unique(np.round(edges.reshape(-1, 3), 6), axis=0)
        shapes += [("sphere", corner, color, _EDGE_RADIUS) for corner in corners.tolist()]
        self._components.append(self.widget._add_shape(shapes, name="cell"))

    def draw(self, shapes: Sequence[tuple[Any, ...]]) -> None:
        """Draw shapes (:mod:`hamexplorer.views.drawings`) beside the atoms, in place of those before."""
        if list(shapes) == list(self._drawn):
            return
        self._drawn = list(shapes)
        if self._drawing is not None:
            self.widget.remove_component(self._drawing)
            self._drawing = None
        if shapes:
            self._drawing = self.widget._add_shape(list(shapes), name="drawing")

    def light(self, atoms: Sequence[int]) -> None:
        """Point out some atoms by a halo, in place of those before."""
        if self._lit is not None:
            self.widget.remove_component(self._lit)
            self._lit = None
        structure = self._structure
        chosen = [a for a in atoms if structure is not None and a < structure.n_atoms]
        if not chosen or structure is None:
            return
        halo = Structure(structure.numbers[chosen], structure.positions[chosen])
        text = self._nglview.TextStructure(pdb_text(halo), ext="pdb")
        self._lit = self.widget.add_component(text, default_representation=False)
        self._lit.add_representation(
            "spacefill", color=_HALO, opacity=0.45, radius_scale=0.55, depth_write=False
        )

    def on_atom(self, callback: Callable[[int], None]) -> None:
        """Call ``callback`` with the atom that is clicked; copies stand for the cell's own."""

        def clicked(change: dict[str, Any]) -> None:
            index = (change["new"] or {}).get("atom1", {}).get("index")
            if isinstance(index, int) and self._structure is not None:
                callback(index % self._structure.n_atoms)

        self.widget.observe(clicked, "picked")

    def on_hover(self, callback: Callable[[int | None], None]) -> None:
        """Call ``callback`` with the atom under the pointer, as for a click, and with None when it leaves."""

        def told(_widget: Any, message: Any, _buffers: Any) -> None:
            if isinstance(message, dict) and message.get("type") == "hovered_atom":
                index, structure = message.get("index"), self._structure
                if structure is None or not isinstance(index, int):
                    callback(None)
                else:
                    callback(index % structure.n_atoms)

        self.widget.on_msg(told)
        self.widget._js(_TELL_HOVERED)

    def leave_the_wheel(self) -> None:
        """Let the wheel scroll the page; with Ctrl it brings the structure nearer."""
        self.widget._js(_LEAVE_THE_WHEEL)

    @property
    def dark(self) -> bool:
        return self._dark

    def set_dark(self, dark: bool) -> None:
        """Match the background to a dark or a light page; the cell's edges follow when it is shown again."""
        self._dark = dark
        self.widget.background = _BACKGROUND[dark]

    def resize(self) -> None:
        """Fill the box again, after it was hidden or changed its size: nglview measures it once, when it is made."""
        self.widget._set_size("100%", "100%")
        self.widget.handle_resize()

    def _colors(self, charges: np.ndarray | None, finest: float) -> dict[str, Any]:
        if charges is None:
            return {"color_scheme": "element"}
        full = charge_range(charges, finest)
        self.legend = charge_legend(full)
        # The charges travel in the B-factor column. A scheme of nglview's ColormakerRegistry would not do: a
        # browser that returns draws the atoms before it knows the scheme, and they come out black.
        domain = [-full * CHARGE_FACTOR, full * CHARGE_FACTOR]
        scale = list(CHARGE_COLORS)
        return {"color_scheme": "bfactor", "color_scale": scale, "color_domain": domain, "color_mode": "rgb"}


#: nglview tells Python of clicks alone; the stage in the browser knows what is under the pointer.
_TELL_HOVERED = """
(() => {
    let last = null;
    const tell = (index) => {
        if (index === last) return;
        last = index;
        this.send({ type: 'hovered_atom', index });
    };
    this.stage.signals.hovered.add((found) => tell(found?.atom && !found.bond ? found.atom.index : null));
    this.stage.viewer.container.addEventListener('pointerleave', () => tell(null));
})()
"""

#: NGL takes every turn of the wheel that reaches its canvas, and a page stops where the view comes under the pointer.
_LEAVE_THE_WHEEL = """
this.stage.viewer.container.addEventListener('wheel', (turn) => {
    if (!turn.ctrlKey) turn.stopImmediatePropagation();
}, { capture: true });
"""

_STYLE: dict[str, Any] = {
    "aspect_ratio": 4.0,
    "bond_scale": 0.5,
    "radius_scale": 0.8,
    "multiple_bond": "symmetric",
}
_PALE: dict[str, Any] = {"opacity": 0.3, "radius_scale": 0.7, "depth_write": False}


def pdb_text(structure: Structure, charges: np.ndarray | None = None) -> str:
    """The atoms as PDB text that NGL reads: exact positions (Å, three decimals), no cell, no rotation.

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
