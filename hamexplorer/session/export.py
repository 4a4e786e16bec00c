"""Files that a person takes home: results as CSV or JSON, the trained model as a ZIP archive."""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hamexplorer.physics.crystal_orbital import wave_cube
from hamexplorer.physics.orbital_files import cube_file, molden_file
from hamexplorer.plots.columns import level_name
from hamexplorer.session.state import Download
from hamexplorer.train.crystal_state import PARTS, CrystalOrbital
from hamexplorer.train.molecule_state import MoleculeState
from hamexplorer.train.results import Results
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.trained import TrainedModel


def results_csv(results: Results) -> Download:
    """One line a number: target, molecule, part, reference, predicted and raw small-basis value, atomic units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["target", "unit", "index", "molecule", "part", "reference", "predicted", "raw"])
    labels = [structure.label for structure in results.dataset.structures]
    for name, target in results.targets.items():
        for row, values in zip(
            target.structure.tolist(),
            zip(target.reference.tolist(), target.predicted.tolist(), target.raw.tolist(), strict=True),
            strict=True,
        ):
            numbers = ["" if math.isnan(value) else f"{value:.10g}" for value in values]
            writer.writerow([name, target.unit, row, labels[row], results.split.part_of(row), *numbers])
    return Download(f"{results.dataset.name}-results.csv", text.getvalue().encode())


def results_json(results: Results, settings: RunSettings) -> Download:
    """Errors of every part and target in atomic units, with the settings that gave them."""
    parts = ("train", "validation", "test")
    content: dict[str, Any] = {
        "dataset": results.dataset.name,
        "method": results.dataset.method.label,
        "epoch": results.epoch,
        "settings": settings.to_dict(),
        "errors": {part: {name: _plain(row) for name, row in results.errors(part).items()} for part in parts},
    }
    text = json.dumps(content, indent=2, ensure_ascii=False)
    return Download(f"{results.dataset.name}-results.json", text.encode())


def model_zip(model: TrainedModel, name: str) -> Download:
    """The folder that `hamexplorer evaluate` and `hamexplorer predict` take, packed."""
    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        model.save(folder)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(scratch))
    return Download(f"{name}.zip", packed.getvalue())


def orbital_file(kind: str, state: MoleculeState, from_homo: int) -> Download:
    """The chosen orbital as "cube", or all orbitals as "molden": the learned ones, else those of the small basis."""
    name = next(each for each in ("learned", "raw", "reference") if each in state.sets)
    stem = "".join(c if c.isalnum() else "-" for c in state.structure.label) + f"-{name}"
    if kind == "molden":
        orbitals = state.orthogonaliser @ state.sets[name].coeff
        text = molden_file(state.structure, state.basis, state.sets[name].energy, orbitals, state.n_occ)
        return Download(f"{stem}.molden", text.encode())
    index = min(max(state.n_occ - 1 + from_homo, 0), len(state.sets[name].energy) - 1)
    text = cube_file(state.structure, state.basis, state.orbital(name, index))
    which = level_name(index, state.n_occ).partition(",")[0].replace("−", "-")
    return Download(f"{stem}-{which}.cube", text.encode())


def crystal_cube(chosen: CrystalOrbital, part: str) -> Download:
    """The chosen crystal orbital as it is drawn, "real" or "density", in all shown cells."""
    state = chosen.state
    name = next(each for each in ("learned", "reference", "raw") if each in state.sets)
    k = ", ".join(f"{x:.6g}" for x in state.k)
    comment = f"{PARTS[part]} of band {chosen.band + 1} at k = ({k}), {name}"
    stem = "".join(c if c.isalnum() else "-" for c in state.structure.label)
    which = f"{stem}-{name}-band-{chosen.band + 1}-k-{chosen.place}{'-density' if part == 'density' else ''}"
    text = wave_cube(chosen.grid, chosen.values(name, part), comment.replace("ψ", "psi").replace("²", "^2"))
    return Download(f"{which}.cube", text.encode())


def _plain(row: Any) -> dict[str, Any]:
    # NaN is no JSON: a raw value that is not defined becomes null.
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}
