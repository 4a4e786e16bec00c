"""The examples of the documentation, installed as a package as their pyproject.toml says, and asked for numbers.

What they answer is computed here by PySCF, without a line of theirs or ours.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pyscf import dft, gto

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "docs" / "examples"
HARTREE_EV = 27.211386


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder on the path, as pip leaves it behind when it has installed the examples."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLES / "pyproject.toml").read_text())["project"]
    groups = project["entry-points"]
    (package,) = {point.split(".")[0] for group in groups.values() for point in group.values()}
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    for path in EXAMPLES.glob("*.py"):
        shutil.copy(path, folder / package)
    info = folder / f"{package}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in points.items())
        for group, points in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    return folder


def run(folder: Path, *words: str, into: Path | None = None) -> str:
    """What a process of its own prints; others of this session do not meet the examples."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    ended = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, cwd=into, timeout=600
    )
    assert ended.returncode == 0, ended.stderr
    assert "cannot be used" not in ended.stderr
    return ended.stdout


def answer(folder: Path, code: str) -> Any:
    """The JSON that a piece of code prints last."""
    return json.loads(run(folder, "-c", code).splitlines()[-1])


def ethane(index: int) -> gto.Mole:
    """A shipped ethane in STO-3G."""
    import hamexplorer as hx

    atoms = hx.read_dataset("ethane").structures[index].to_ase()
    return gto.M(atom=list(zip(atoms.symbols, atoms.positions, strict=True)), basis="sto-3g", verbose=0)


def test_every_example_is_named_in_the_package_and_on_a_page() -> None:
    groups = tomllib.loads((EXAMPLES / "pyproject.toml").read_text())["project"]["entry-points"]
    named = {point.split(".")[1] for group in groups.values() for point in group.values()}
    assert named == {path.stem for path in EXAMPLES.glob("*.py")}
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "extend").glob("*.md"))
    assert all(f"../examples/{name}.py" in pages for name in named)


def test_options_and_forms_offer_them(installed: Path) -> None:
    told = " ".join(run(installed, "-m", "hamexplorer", "train", "--help").split())
    assert "electronegativity" in told
    assert "valence, iao, fading" in told
    found = answer(
        installed,
        """
import json
from hamexplorer.panels import Panels
from hamexplorer.structures.sources import offered_sources
panels = Panels("ethane")
def words(widget):
    yield getattr(widget, "description", "")
    for child in getattr(widget, "children", ()):
        yield from words(child)
def options(widget):
    yield from (label for label, _ in getattr(widget, "_options_full", ()))
    for child in getattr(widget, "children", ()):
        yield from options(child)
print(json.dumps({
    "target": "Electronegativity" in set(words(panels["targets"])),
    "reduction": "Fading above the gap" in set(options(panels["targets"])),
    "source": "Hydrogen chain" in set(options(panels["structures"])),
    "plot": "residuals" in list(panels),
}))
""",
    )
    assert found == {"target": True, "reduction": True, "source": True, "plot": True}


def test_electronegativity_of_pyscfs_own_matrix(installed: Path) -> None:
    found = answer(
        installed,
        """
import json
import hamexplorer as hx
import jax, numpy as np
from pyscf import gto, scf
from hamexplorer.physics.integrals import make_integrals
from hamexplorer.physics.solve import solve
from hamexplorer.physics.targets import TARGETS
water = hx.from_smiles("O")
atoms = water.to_ase()
mol = gto.M(atom=list(zip(atoms.symbols, atoms.positions)), basis="sto-3g", verbose=0)
mf = scf.RHF(mol).run(conv_tol=1e-13)
integrals = make_integrals(water, "sto-3g")
h = integrals.inverse_root @ mf.get_fock() @ integrals.inverse_root
chi = lambda h: TARGETS["electronegativity"].predict(solve(h, integrals), integrals)
homo = mol.nelectron // 2 - 1
# By perturbation theory the slope along a matrix D is -(<HOMO|D|HOMO> + <LUMO|D|LUMO>) / 2.
along = np.diag(np.arange(len(h), dtype=float))
c = integrals.root @ mf.mo_coeff
slope = -(c[:, homo] @ along @ c[:, homo] + c[:, homo + 1] @ along @ c[:, homo + 1]) / 2
print(json.dumps({"ours": float(chi(h)), "levels": mf.mo_energy[homo : homo + 2].tolist(),
                  "slope": float((jax.grad(chi)(h) * along).sum()), "expected": slope}))
""",
    )
    assert_allclose(found["ours"], -np.mean(found["levels"]), atol=1e-7)
    assert_allclose(found["slope"], found["expected"], atol=1e-7)


def test_a_run_learns_the_electronegativity_with_fading_levels(installed: Path, tmp_path: Path) -> None:
    learn = ("--targets", "mo_energy,electronegativity", "--reduction", "fading")
    quick = ("--model", "linear", "--epochs", "1", "--train-fraction", "0.3", "--validation-fraction", "0.6")
    run(installed, "-m", "hamexplorer", "train", "ethane", "--out", "run", *learn, *quick, into=tmp_path)
    told = ("evaluate", "run", "ethane", "--split", "all", "--units", "eV", "--json", "errors.json")
    run(installed, "-m", "hamexplorer", *told, into=tmp_path)
    errors = json.loads((tmp_path / "errors.json").read_text())
    assert errors["targets"]["electronegativity"]["mae"] < errors["raw"]["electronegativity"]["mae"] / 20


def test_references_of_the_electronegativity_are_pyscfs(installed: Path) -> None:
    found = answer(
        installed,
        """
import json
import hamexplorer as hx
from hamexplorer.train.values import reduce_reference, target_values
reference = hx.read_dataset("ethane").references[3]
settings = hx.RunSettings(reduction="fading", targets={"electronegativity": 1.0})
reduced, fock = reduce_reference(reference, settings)
values, raw = target_values(reference, reduced, fock)
print(json.dumps({"raw": float(raw["electronegativity"]), "value": float(values["electronegativity"].value),
                  "large": reference.large.mo_energy.tolist(), "weights": reduced.weights.tolist()}))
""",
    )
    mf = dft.RKS(ethane(3), xc="b3lyp")
    mf.grids.level = 2
    mf.kernel()
    assert_allclose(found["raw"], -(mf.mo_energy[8] + mf.mo_energy[9]) / 2, atol=2e-5)  # nine filled levels
    large = found["large"]
    assert_allclose(found["value"], -(large[8] + large[9]) / 2, atol=1e-12)
    expected = [math.exp(-(energy - large[9]) * HARTREE_EV / 5.0) for energy in large[9:16]]
    assert_allclose(found["weights"], [1.0] * 9 + expected, rtol=1e-6)


def test_hydrogen_chains_are_those_of_pyscf(installed: Path) -> None:
    found = answer(
        installed,
        """
import json
from hamexplorer.errors import HamExplorerError
from hamexplorer.structures.sources import resolve
(plain,), (alternating,) = resolve("hydrogen_chain:4"), resolve("hydrogen_chain:6,spacing=0.8,alternation=0.2")
try:
    resolve("hydrogen_chain:5")
    said = ""
except HamExplorerError as error:
    said = str(error)
along = alternating.positions_angstrom[:, 2].tolist()
print(json.dumps({"plain": plain.positions.tolist(), "along": along, "said": said}))
""",
    )
    chain = gto.M(atom=[("H", (0, 0, 0.9 * k)) for k in range(4)], verbose=0)
    ours = gto.M(atom=[("H", place) for place in found["plain"]], unit="bohr", verbose=0)
    assert_allclose(ours.energy_nuc(), chain.energy_nuc(), rtol=1e-8)
    assert_allclose(np.diff(found["along"]), [0.7, 0.9, 0.7, 0.9, 0.7], atol=1e-9)
    assert found["said"] == "a chain of 5 hydrogen atoms has an unpaired electron; take 6"


def test_residuals_are_those_of_the_predictions(installed: Path) -> None:
    found = answer(
        installed,
        """
import json
import numpy as np
import hamexplorer as hx
from hamexplorer.plots import PLOTS, History, PlotContext
dataset = hx.read_dataset("ethane").subset(range(20))
model = hx.train_model(dataset, hx.settings_for(dataset.structures, model="linear", epochs=0))
context = PlotContext(history=History(), results=model.evaluate(dataset, "all"), target="dipole", part="test")
(points,) = PLOTS["residuals"].figure(context).data
chosen = sorted({int(k) for k in points.customdata})
predicted = model.predict([dataset.structures[k] for k in chosen])
print(json.dumps({"x": np.asarray(points.x).tolist(), "y": np.asarray(points.y).tolist(), "test": chosen,
                  "learned": [p.dipole.tolist() for p in predicted],
                  "reference": [dataset.references[k].large.dipole.tolist() for k in chosen],
                  "waits": PLOTS["residuals"].unavailable(PlotContext(history=History()))}))
""",
    )
    assert len(found["test"]) == 2
    assert_allclose(found["x"], np.ravel(found["reference"]), atol=1e-12)
    # The network's part is float32; another batch rounds otherwise.
    assert_allclose(found["y"], np.subtract(found["learned"], found["reference"]).ravel(), atol=1e-5)
    assert found["waits"] == "Press Train: residuals appear with the first epoch."


def test_predictions_tell_a_target_that_a_package_brings(installed: Path, tmp_path: Path) -> None:
    train = ("train", "ethane", "--out", "run", "--model", "linear", "--epochs", "0")
    run(installed, "-m", "hamexplorer", *train, into=tmp_path)
    predict = ("predict", "run", "hydrogen_chain:4", "--out", "said.json")
    run(installed, "-m", "hamexplorer", *predict, into=tmp_path)
    said = json.loads((tmp_path / "said.json").read_text())
    assert said["units"]["electronegativity"] == "Ha"
    (chain,) = said["molecules"]
    levels = chain["mo_energy"]  # two filled
    assert_allclose(chain["electronegativity"], -(levels[1] + levels[2]) / 2, atol=1e-9)
