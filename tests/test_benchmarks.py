"""The pieces of the speed command run; how fast anything is, is measured by hand (tests/benchmarks/ratios.py)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

FOLDER = Path(__file__).parent / "benchmarks"


@pytest.fixture(scope="module")
def module() -> Iterator[Callable[[str], ModuleType]]:
    """Modules of the command, which import one another by name."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield importlib.import_module
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture(scope="module")
def tiny(module):
    return module("measuring").Scale(tiny=True, repeats=1)


def test_every_letter_has_its_function(module):
    ratios = module("ratios")
    for name, function in ratios.PARTS.values():
        assert callable(getattr(module(name), function))


def test_a_line_of_the_table(module):
    row = module("measuring").Row("a step", "3 ms", "900 ms", 300.0, "≥ 100×", True)
    assert module("ratios").line("a", row) == "| a | a step | 3 ms | 900 ms | 300 | ≥ 100× | yes |"


def test_calls_take_turns(module):
    turns: list[str] = []
    found = module("measuring").medians({n: lambda n=n: turns.append(n) for n in "ab"}, 2)
    assert turns == ["a", "b", "a", "b", "a", "b"] and set(found) == {"a", "b"}


def test_exponents_are_those_of_powers(module):
    sizes = np.array([10, 30, 90])
    assert module("measuring").exponent(sizes, 5 * sizes**1.5) == pytest.approx(1.5)


def test_ours_and_pyscfads_ordinary_classes_agree(module, tiny):
    """What is compared gives the same loss and the same derivative by every matrix."""
    ratios, unbatched = module("training_ratios"), module("unbatched")
    work = module("workload").training_workload(
        tiny, response="matrix", baseline="sap", model="linear", batch_size=2
    )
    matrices = work.batches[0].base
    molecules = [unbatched.Unbatched.of(frame, "sto-3g") for frame in work.members[0]]
    scales, sizes = [float(s) for s in work.scales], [m.n_ao for m in molecules]
    each = unbatched.compiled(molecules, scales)
    theirs = unbatched.molecule_by_molecule(each, matrices, sizes)
    ours = ratios.physics(matrices, work.batches[0], work.scales)
    assert max(ratios.differences(ours, theirs, len(molecules))) < 1e-6


@pytest.mark.slow
def test_single_precision_is_enough_for_the_network_and_not_for_eigensolves(module, tiny):
    """The network in float32 changes nothing that counts; eigensolves in float32 change more, and gain nothing."""
    precision = module("precision")
    found = precision.errors(precision.stirred_workload(tiny, batch_size=4))
    for name, allowed in precision.ALLOWED.items():
        assert found["network"][name] <= allowed
    levels = {what: each["mo_energy"] for what, each in found.items()}
    assert levels["network and eigensolves"] > 2 * levels["network"]


def test_descriptors_are_lists_of_neighbours(module):
    """An atom of a long chain costs no more than one of a short chain: no array has an entry a pair of atoms."""
    scaling = module("scaling")
    settings = scaling.GraphSettings((1, 6))
    chain = scaling.build_polyethylene()
    few, many = (scaling.make_graph(scaling.supercell(chain, (n, 1, 1)), settings) for n in (8, 32))
    held = [sum(np.asarray(x).nbytes for x in graph) for graph in (few, many)]
    assert held[1] == pytest.approx(4 * held[0], rel=1e-6)


def test_a_stream_gives_every_molecule(module, tiny):
    scaling, prediction = module("scaling"), module("prediction_ratios")
    predictor = scaling.SteadyPredictor(
        prediction.untrained(tiny, baseline="none", features="geometry", response="matrix", model="linear"),
        ("homo_lumo_gap",),
    )
    gaps = list(scaling.stream(predictor, prediction.qm7_molecules(2), 5))
    assert len(gaps) == 5 and gaps[0] == pytest.approx(gaps[2]) and np.isfinite(gaps).all()
