"""The part of the session that changes how a crystal is written down: another cell, or no vacuum that repeats."""

from __future__ import annotations

from hamexplorer.errors import HamExplorerError, StructureError
from hamexplorer.session.molecules import Molecules
from hamexplorer.structures.cells import vacuum_of, without_vacuum
from hamexplorer.structures.descriptions import noun_of, other_cell
from hamexplorer.structures.structure import Structure


class Crystals(Molecules):
    """Verbs for the picked structure; one with references keeps the cell in which they were computed."""

    def why_not_cell(self, *, primitive: bool) -> str:
        """Why the picked structure cannot be written in its primitive or conventional cell; empty if it can."""
        try:
            other_cell(self._changeable(), primitive=primitive)
        except HamExplorerError as error:
            return str(error)
        return ""

    def use_cell(self, *, primitive: bool) -> None:
        """Write the picked crystal in its primitive or conventional cell, in the standard setting."""
        try:
            changed = other_cell(self._changeable(), primitive=primitive)
        except HamExplorerError as error:
            self.say(str(error), "warning")
            return
        noun = "primitive" if primitive else "conventional"
        atoms = f"{changed.n_atoms} atom{'s' * (changed.n_atoms > 1)}"
        self._put_in_place(changed, f"{changed.label} is in its {noun} cell now, with {atoms}.")

    def why_not_open_vacuum(self) -> str:
        """Why no vacuum of the picked structure can be marked as such; empty if one can."""
        try:
            structure = self._changeable()
        except HamExplorerError as error:
            return str(error)
        return "" if vacuum_of(structure) else "no direction that repeats is empty"

    def open_vacuum(self) -> None:
        """Mark the directions of the picked structure that hold vacuum as not repeating."""
        reason = self.why_not_open_vacuum()
        if reason:
            self.say(reason, "warning")
            return
        changed = without_vacuum(self._changeable())
        noun = noun_of(changed)
        self._put_in_place(changed, f"{changed.label} is a {'bulk crystal' if noun == 'bulk' else noun} now.")

    def _changeable(self) -> Structure:
        """The picked structure if it may be changed.

        Raises:
            StructureError: saying why it may not.
        """
        if not 0 <= self.picked < len(self.structures):
            raise StructureError("no structure is picked")
        structure = self.structures[self.picked]
        if not structure.is_crystal:
            raise StructureError(f"{structure.label} is a molecule and has no cell")
        if self.has_reference(self.picked):
            raise StructureError(f"the references of {structure.label} were computed in this cell")
        return structure

    def _put_in_place(self, structure: Structure, sentence: str) -> None:
        keys = [other.key for other in self.structures]
        if structure.key in keys:
            self.pick(keys.index(structure.key))
            self.say(f"{structure.label} in that cell is in the list already; it is picked now.")
            return
        index, place = self.picked, self.picked - (len(self.structures) - len(self.loaded))
        with self.hold_trait_notifications():
            self.loaded = (*self.loaded[:place], structure, *self.loaded[place + 1 :])
            self._rebuild()
            self.pick(index)
        self.say(sentence)
