"""(d) Band structures against PySCF's KRKS.get_bands."""

from __future__ import annotations

import numpy as np
from measuring import Row, Scale, in_ms, medians
from pyscf.pbc import dft

from hamexplorer.physics.cell import make_cell
from hamexplorer.reference.dataset import read_dataset
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import defaults_for


def against_get_bands(scale: Scale) -> list[Row]:
    """(d). Theirs is given a density and only builds the matrices and solves them: its SCF costs nothing here."""
    dataset = read_dataset("graphene").subset(range(scale.few(24, 4)))
    settings = RunSettings(**{**defaults_for("crystals"), "targets": {"mo_energy": 1e4}, "epochs": 0})
    model = train(dataset, settings)
    reference = dataset.references[0]
    points = reference.path.points[:: scale.few(1, 20)]
    rows = []
    for basis in ("gth-szv",) if scale.tiny else ("gth-szv", "gth-dzvp"):
        cell = make_cell(reference.structure, basis, pseudo="gth-pbe")
        mf = dft.KRKS(cell, cell.make_kpts(reference.mesh), xc="pbe").multigrid_numint()
        density = mf.get_init_guess()
        turns = medians(
            {
                "ours": lambda: model.bands(reference.structure, points),
                "theirs": lambda mf=mf, density=density, cell=cell: np.asarray(
                    mf.get_bands(cell.get_abs_kpts(points), dm_kpts=density)[0]
                ),
            },
            scale.few(3),
            warm=not scale.tiny,
        )
        rows.append(
            Row(
                f"{len(points)} k-points of graphene, from the structure; get_bands in {basis} from a given density",
                in_ms(turns["ours"]),
                in_ms(turns["theirs"]),
                turns["theirs"] / turns["ours"],
            )
        )
    return rows
