"""Other packages bring targets, reductions, sources and plots."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TARGET = """
import jax.numpy as jnp
from hamexplorer.physics.targets import TARGETS, Target

@TARGETS.register("level_spread")
class LevelSpread(Target):
    label = "Spread of levels"
    help = "Highest filled less lowest filled level."
    unit = "Ha"
    default_weight = 1.0
    is_energy = True

    def predict(self, state, integrals):
        filled = state.mo_occ > 0
        return jnp.where(filled, state.mo_energy, -jnp.inf).max() - jnp.where(filled, state.mo_energy, jnp.inf).min()

"""
REDUCTION = """
from hamexplorer.basis.reductions import REDUCTIONS, Reduction

@REDUCTIONS.register("every_second")
class EverySecond(Reduction):
    label = "Every second level"
    help = "To show how a reduction is added."

    def weights(self, pair, choice):
        weights = super().weights(pair, choice)
        weights[1::2] = 0
        return weights
"""
SOURCE = """
import numpy as np
from dataclasses import dataclass
from hamexplorer.structures.sources.base import SOURCES, Source
from hamexplorer.structures.structure import Structure

@SOURCES.register("helium")
class Helium(Source):
    label = "One helium atom"

    @dataclass(frozen=True)
    class Params:
        pass

    def load(self, params):
        return [Structure(np.array([2]), np.zeros((1, 3)), name="helium")]
"""
PLOT = """
import plotly.graph_objects as go
from hamexplorer.plots.plot import PLOTS, Plot

@PLOTS.register("nothing")
class Nothing(Plot):
    label = "Nothing"
    help = "An empty plot."

    def unavailable(self, context):
        return ""

    def figure(self, context):
        return go.Figure()
"""
BROKEN = "raise RuntimeError('too old')\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder on the path with a package as pip would have left it there."""
    folder = tmp_path_factory.mktemp("site")
    modules = {"targets": TARGET, "reductions": REDUCTION, "sources": SOURCE, "plots": PLOT, "broken": BROKEN}
    (folder / "others").mkdir()
    (folder / "others" / "__init__.py").touch()
    for name, code in modules.items():
        (folder / "others" / f"{name}.py").write_text(code)
    info = folder / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    groups = [f"[hamexplorer.{name}]\n{name} = others.{name}\n" for name in modules if name != "broken"]
    (info / "entry_points.txt").write_text(
        "\n".join([*groups, "[hamexplorer.plots]", "broken = others.broken"])
    )
    return folder


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )


def test_what_another_package_brings_stands_beside_ours_and_in_forms_and_options(installed):
    found = run(
        installed,
        """
from hamexplorer.panels import Panels
from hamexplorer.plots import PLOTS
from hamexplorer.basis.reductions import REDUCTIONS
from hamexplorer.structures.sources import SOURCES, resolve
panels = Panels("ethane")
session = panels.session
assert session.configure(reduction="every_second"), session.message
session.load_structures("helium")
session.wait()
print(session.structures[-1].label, "nothing" in PLOTS, "nothing" in list(panels))
def words(widget):
    yield getattr(widget, "description", "")
    for child in getattr(widget, "children", ()):
        yield from words(child)
print("Spread of levels" in set(words(panels["targets"])))
""",
    )
    assert found.stdout.split("\n")[:2] == ["helium True True", "True"], found.stderr


def test_one_that_breaks_is_left_out_with_a_sentence(installed):
    found = run(installed, "from hamexplorer.plots import PLOTS; print(len(PLOTS))")
    assert found.returncode == 0
    assert "'broken' of the package others cannot be used (RuntimeError: too old); update or" in found.stderr
