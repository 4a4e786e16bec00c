"""One line for a notebook: a structure, and what a model says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
from ase import Atoms

from hamexplorer.panels.one_by_one import Panels
from hamexplorer.session import Session
from hamexplorer.structures.sources import resolve
from hamexplorer.structures.structure import Structure
from hamexplorer.train.trained import TrainedModel

#: What is shown where nothing else is asked for.
OF_MOLECULES, OF_CRYSTALS = ("molecule", "levels", "orbital"), ("molecule", "bands")


def show(
    structures: Structure | Atoms | str | Sequence[Structure | Atoms],
    model: TrainedModel | Path | str | None = None,
    *panels: str,
) -> widgets.Widget:
    """Show structures in 3D, and what a model predicts of them.

    >>> hx.show("smiles:CCO", "runs/small")
    >>> hx.show(atoms, model, "molecule", "spectrum")

    Args:
        structures: one or several of this package or of ASE; or a text as the command line takes it: a file, or a
            description such as `smiles:CCO` or `crystal:graphene`.
        model: a trained model, or its folder; without one there is only the structure.
        panels: names of :class:`hamexplorer.panels.Panels`, in their order; by default what suits the structure.

    Raises:
        HamExplorerError: if a structure, a file or a name makes no sense, or the model knows nothing of its elements.
    """
    found = _structures(structures)
    session = Session()
    session.add(found)
    if model is not None:
        opened = model if isinstance(model, TrainedModel) else TrainedModel.load(model)
        opened.predict(found[:1])  # says now what would be said where nobody looks
        session.model = opened
    session.wait()
    usual = OF_CRYSTALS if found[0].is_crystal else OF_MOLECULES
    return Panels("", session=session).show(*(panels or (usual if model is not None else ("molecule",))))


def _structures(given: Structure | Atoms | str | Sequence[Structure | Atoms]) -> list[Structure]:
    if isinstance(given, str):
        return list(resolve(given))
    several = [given] if isinstance(given, (Structure, Atoms)) else list(given)
    return [
        each if isinstance(each, Structure) else Structure.from_ase(each, periodic=bool(each.pbc.any()))
        for each in several
    ]
