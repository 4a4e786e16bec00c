"""One line for a notebook: a structure, and what a model says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import ipywidgets as widgets
from ase import Atoms

from hamexplorer.panels.one_by_one import Panels
from hamexplorer.reference.dataset import ReferenceDataset, read_dataset
from hamexplorer.session import Session
from hamexplorer.structures.sources import resolve
from hamexplorer.structures.structure import Structure
from hamexplorer.train.trained import TrainedModel

#: What is shown where nothing else is asked for.
OF_MOLECULES, OF_CRYSTALS = ("molecule", "levels", "orbital"), ("molecule", "bands")


#: A trained model, or its folder.
Learned: TypeAlias = TrainedModel | Path | str
#: What can be shown: structures of this package or of ASE, or a text as the command line takes it.
Shown: TypeAlias = Structure | Atoms | str | Sequence[Structure | Atoms]


def show(
    structures: Shown,
    model: Learned | None = None,
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
        opened = _opened(model)
        opened.predict(found[:1])  # says now what would be said where nobody looks
        session.model = opened
    session.wait()
    usual = OF_CRYSTALS if found[0].is_crystal else OF_MOLECULES
    return Panels("", session=session).show(*(panels or (usual if model is not None else ("molecule",))))


def show_levels(structures: Shown, model: Learned | None = None) -> widgets.Widget:
    """Orbital levels of molecules as a model has them; arguments and errors as of :func:`show`."""
    return show(structures, model, "levels")


def show_orbital(structures: Shown, model: Learned | None = None) -> widgets.Widget:
    """One orbital in space, and a menu of the others; arguments and errors as of :func:`show`."""
    return show(structures, model, "orbital")


def show_matrix(structures: Shown, model: Learned | None = None) -> widgets.Widget:
    """The learned Hamiltonian as a picture of its blocks; arguments and errors as of :func:`show`."""
    return show(structures, model, "matrix")


def show_spectrum(structures: Shown, model: Learned | None = None) -> widgets.Widget:
    """Density of states and spectra; arguments and errors as of :func:`show`."""
    return show(structures, model, "spectrum")


def show_bands(structures: Shown, model: Learned | None = None) -> widgets.Widget:
    """Bands of a crystal beside its density of states; arguments and errors as of :func:`show`."""
    return show(structures, model, "bands")


def show_errors(model: Learned, dataset: ReferenceDataset | Path | str, part: str = "all") -> widgets.Widget:
    """How well a model meets the references of a data set: predicted against reference values, and a table.

    >>> hx.show_errors("runs/small", "larger-molecules")

    Args:
        model: a trained model, or its folder.
        dataset: one with the model's small basis; or a shipped name or a file.
        part: `train`, `validation` or `test` of the model's own split, or `all`.

    Raises:
        HamExplorerError: if a file or a name makes no sense, or the two do not fit together.
    """
    references = dataset if isinstance(dataset, ReferenceDataset) else read_dataset(dataset)
    session = Session()
    session.results = _opened(model).evaluate(references, part)
    return Panels("", session=session).show("parity", "errors")


def _opened(model: Learned) -> TrainedModel:
    return model if isinstance(model, TrainedModel) else TrainedModel.load(model)


def _structures(given: Shown) -> list[Structure]:
    if isinstance(given, str):
        return list(resolve(given))
    several = [given] if isinstance(given, (Structure, Atoms)) else list(given)
    return [
        each if isinstance(each, Structure) else Structure.from_ase(each, periodic=bool(each.pbc.any()))
        for each in several
    ]
