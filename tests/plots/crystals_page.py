"""The results of a made-up run on textbook crystals as a page of their own, for tests in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import textbook

from hamexplorer.panels.page import Page
from hamexplorer.panels.parts import styled
from hamexplorer.panels.results import ResultsPanel
from hamexplorer.session import Session
from hamexplorer.structures.selection import Split
from hamexplorer.train.results import Results, TargetResult


@dataclass(frozen=True, eq=False)
class Dataset:
    references: tuple[SimpleNamespace, ...]
    method: SimpleNamespace
    name: str = "crystals"

    @property
    def structures(self) -> list:
        return [each.structure for each in self.references]

    def __len__(self) -> int:
        return len(self.references)


def results() -> Results:
    bands = tuple(make() for make in textbook.CRYSTALS.values())
    owner = np.repeat(np.arange(len(bands)), [each.sets["reference"].mesh_energy.size for each in bands])
    values = [
        np.concatenate([each.sets[name].mesh_energy.ravel() for each in bands])
        for name in ("reference", "learned", "raw")
    ]
    target = TargetResult(
        "mo_energy", "Orbital energies", "Ha", True, owner, *values, weight=np.ones(len(owner))
    )
    references = tuple(
        SimpleNamespace(
            structure=each.structure,
            n_occ=each.sets["reference"].n_occ,
            small=SimpleNamespace(mo_energy=each.sets["raw"].mesh_energy),
            large=SimpleNamespace(mo_energy=each.sets["reference"].mesh_energy),
        )
        for each in bands
    )
    method = SimpleNamespace(small_basis="sto-3g", large_basis="def2-svp", label="made up")
    dataset = Dataset(references, method)
    learned = tuple(each.sets["learned"].mesh_energy for each in bands)
    split = Split((0,), (1,), (2,))
    return Results(3, {"mo_energy": target}, split, dataset, learned, bands=bands.__getitem__)


def build() -> tuple[widgets.Widget, ResultsPanel, Session]:
    """The page, with a sentence in it that repeats what Python was told of the pointer."""
    session, page, found = Session(), Page(), results()
    session.structures = tuple(found.dataset.structures)
    panel = ResultsPanel(session, page)
    session.results = found
    session.pick(0)
    told = styled(widgets.HTML("nothing"), "told")

    def tell(_: object) -> None:
        bands = panel._bands
        points = {"hovered": bands.hovered, "clicked": bands.clicked}
        told.value = "; ".join(
            f"{name} {p.set} band {p.band} k {np.round(p.k, 4).tolist()}" for name, p in points.items() if p
        )

    panel._bands.observe(tell, ["hovered", "clicked"])
    pick = widgets.Dropdown(
        options=[(s.label, k) for k, s in enumerate(session.structures)], description="Crystal"
    )
    pick.observe(lambda change: session.pick(change["new"]), "value")
    app = styled(widgets.VBox([page, pick, told, panel.widget]), "hx-app")
    return app, panel, session
