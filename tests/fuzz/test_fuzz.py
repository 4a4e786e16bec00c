"""Two thousand spoiled inputs: each loads or gives one sentence, within ten seconds and a gigabyte.

Always the same inputs; ``HAMEXPLORER_FUZZ_SEED`` asks for others. One that fails is kept in the folder
``HAMEXPLORER_FUZZ_FOLDER``, or in one of the test, with the seed in the message.
"""

from __future__ import annotations

import collections
import dataclasses
import io
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamexplorer.reference.dataset import read_dataset, write_dataset
from hamexplorer.session.archive import Saved, write_session
from hamexplorer.session.runs import Run
from hamexplorer.session.state import Selection
from hamexplorer.structures.structure import Structure
from hamexplorer.train.grid import PlannedRun
from hamexplorer.train.results import ErrorRow
from hamexplorer.train.rows import Row
from hamexplorer.train.run import train
from hamexplorer.train.settings import RunSettings
from tests.fuzz.inputs import SEED, Input
from tests.fuzz.matrix_inputs import matrix_inputs
from tests.fuzz.reference_inputs import h5_inputs, reference_xyz_inputs
from tests.fuzz.saved_inputs import checkpoint_inputs, session_inputs
from tests.fuzz.structure_inputs import structure_inputs, upload_inputs
from tests.fuzz.typed_inputs import toml_inputs, typed_inputs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
#: Seconds by the clock after which a process counts as stuck, on a machine that is busy with other things.
WATCHDOG = 90.0
#: What is counted over the module.
TOTAL: collections.Counter[str] = collections.Counter()


class Child:
    """The process that reads, started anew when an input takes too long or ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            command = [sys.executable, "-c", "from tests.fuzz.child import main; main()"]
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"}
            with (self.folder / "stderr").open("ab") as stderr:
                self._process = subprocess.Popen(
                    command,
                    env=environment,
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            self._answer(300)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer(WATCHDOG)
        if answer is None:
            code = self._process.poll()
            self.end()
            what = f"had not returned after {WATCHDOG:g} s" if code is None else f"ended the process ({code})"
            return {"outcome": "broken", "sentence": what}
        return json.loads(answer)

    def _answer(self, seconds: float) -> bytes | None:
        assert self._process is not None and self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        return (self._process.stdout.readline() or None) if ready else None

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Child]:
    made = Child(tmp_path_factory.mktemp("child"))
    yield made
    made.end()
    kinds = sorted({name.split(":")[0] for name in TOTAL})
    print(f"\nfuzz run, seed {SEED}:")
    for kind in kinds:
        counts = {what: TOTAL[f"{kind}:{what}"] for what in ("loaded", "refused", "broken")}
        print(f"  {kind:16s}", "  ".join(f"{what} {count:5d}" for what, count in counts.items()))
    print(f"  {'all':16s} {sum(TOTAL.values())}")


def judged(child: Child, each: Input) -> dict[str, Any]:
    """Hand one input over."""
    folder = child.folder / "input"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in each.files.items():
        (folder / name).write_bytes(content)
    told = child.ask(
        {"reader": each.reader, "folder": str(folder), "patience": each.patience, **each.options}
    )
    TOTAL[f"{each.reader}:{told['outcome']}"] += 1
    return told


def run(child: Child, every: Iterable[Input], tmp_path: Path) -> collections.Counter[str]:
    """All inputs, then one list of those that broke."""
    counts: collections.Counter[str] = collections.Counter()
    broken: list[str] = []
    folder = Path(os.environ.get("HAMEXPLORER_FUZZ_FOLDER", tmp_path))
    for each in every:
        told = judged(child, each)
        counts[told["outcome"]] += 1
        if each.label.endswith("as it is") and told["outcome"] == "refused":
            told = {"outcome": "broken", "sentence": f"a sound file was refused: {told['sentence']}"}
        if told["outcome"] == "broken":
            kept = folder / f"{each.label.split()[0]}-{len(broken)}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(child.folder / "input", kept)
            (kept / "options.json").write_text(json.dumps([each.label, each.reader, dict(each.options)]))
            broken.append(f"{each.label} (kept in {kept}): {told['sentence']}")
    head = f"{len(broken)} of {sum(counts.values())} inputs broke something (seed {SEED}):"
    assert not broken, "\n\n".join([head, *broken])
    return counts


def check(counts: collections.Counter[str], fewest: int, *, loads: bool = True) -> None:
    """The run was one: so many inputs, some of which load and most of which do not."""
    assert sum(counts.values()) >= fewest
    assert counts["refused"] > fewest / 5
    assert counts["loaded"] > 0 or not loads


def test_structure_files(child, tmp_path):
    counts = run(child, structure_inputs(16), tmp_path)
    check(counts, 700)


def test_what_is_typed(child, tmp_path):
    check(run(child, typed_inputs(120), tmp_path), 250)


def test_settings_and_grids(child, tmp_path):
    study = (ROOT / "notebooks" / "grid.toml").read_text()
    values = RunSettings().to_dict()
    targets = values.pop("targets")
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    lines += ["[targets]", *(f"{name} = {weight}" for name, weight in targets.items())]
    check(run(child, toml_inputs("\n".join(lines), study, 90), tmp_path), 240)


def test_references_as_extended_xyz(child, tmp_path):
    check(run(child, reference_xyz_inputs(120), tmp_path), 140)


def test_dataset_files(child, tmp_path):
    path = tmp_path / "two.h5"
    write_dataset(path, read_dataset("ethane").subset(range(2)))
    check(run(child, h5_inputs(path.read_bytes(), 60), tmp_path), 200)


def test_matrices(child, tmp_path):
    check(run(child, matrix_inputs(60), tmp_path), 400)


def test_uploads_keep_what_the_session_had(child, tmp_path):
    check(run(child, upload_inputs(150), tmp_path), 190)


# ---- models and sessions --------------------------------------------------------------------------------------------

_TINY = RunSettings(
    targets={"mo_energy": 1e4, "dipole": 1e3},
    model="linear",
    baseline="none",
    response="matrix",
    features="geometry",
    epochs=0,
    train_fraction=0.5,
    validation_fraction=0.25,
)


@pytest.fixture(scope="module")
def trained() -> Any:
    """A linear model of four ethanes, as its fit leaves it."""
    return train(read_dataset("ethane").subset(range(4)), _TINY)


def test_models(child, trained, tmp_path):
    trained.save(tmp_path / "model")
    header = json.loads((tmp_path / "model" / "model.json").read_text())
    npz = (tmp_path / "model" / "model.npz").read_bytes()
    check(run(child, checkpoint_inputs(header, npz, 100), tmp_path), 200)


def session_file(trained: Any) -> bytes:
    """A session with something of everything; its model stands for the best epoch of its only run."""
    dataset = dataclasses.replace(read_dataset("ethane").subset(range(4)), name="four")
    silicon = read_dataset("silicon").structures[0]
    helium = Structure(np.array([2]), np.zeros((1, 3)), name="helium")
    figures = ErrorRow("dipole", "dipole", "e·bohr", 0.1, 0.2, 0.1, 0.3, 0.4, 0.1, 12)
    row = Row(PlannedRun("four", "ε", _TINY), 1.0, 2, 1, {"four": {"dipole": figures}})
    reports, marks = _history()
    from hamexplorer.plots import History

    run = Run(
        1, "four", None, 4, _TINY, ((1, {"dipole": 2.0}),), History(reports, marks), None, trained, None, 3.0
    )
    return write_session(
        Saved(dataset, (helium, silicon), Selection("", None, 9, "", ""), 2, _TINY, (run,), 1, (("k", row),))
    )


def _history() -> tuple[Any, Any]:
    from hamexplorer.plots.history import Mark
    from hamexplorer.train.events import EpochReport

    report = EpochReport(1, 2, 1.0, 1.0, {"dipole": 0.1}, {"dipole": 0.2}, 1e-3, 10.0, 1.0, 0.5)
    return (report,), (Mark(1, "weights", "heavier"),)


def test_sessions(child, trained, tmp_path):
    content = session_file(dataclasses.replace(trained))
    check(run(child, session_inputs(content, 120), tmp_path), 200)


# ---- text that hypothesis thinks of ---------------------------------------------------------------------------------

_smiles = st.text("CNOFSclnos()[]=#123456789%+-@/\\.:*", max_size=40) | st.text(max_size=20)
_xyz = st.builds(
    lambda count, comment, lines: "\n".join([str(count), comment, *lines]),
    st.integers(-2, 5) | st.integers(),
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.lists(
        st.from_regex(
            r"(C|H|O|He|Zz|[0-9]{1,3})( +-?[0-9]{1,3}\.?[0-9]*(e[0-9]{1,3})?){2,4}", fullmatch=True
        ),
        max_size=4,
    ),
)


@settings(max_examples=120, derandomize=True, database=None)
@given(words=_smiles)
def test_any_smiles(child, words):
    told = judged(child, Input("any SMILES", "form", {}, {"name": "smiles", "words": words}))
    assert told["outcome"] != "broken", told["sentence"]


@settings(max_examples=120, derandomize=True, database=None)
@given(text=_xyz)
def test_any_pasted_text(child, text):
    told = judged(child, Input("any text", "form", {}, {"name": "text", "words": text}))
    assert told["outcome"] != "broken", told["sentence"]


_toml = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abmo_energy", min_size=1, max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=100, derandomize=True, database=None)
@given(name=st.sampled_from(sorted(RunSettings().to_dict())), value=_toml)
def test_any_value_of_any_setting(child, name, value):
    text = f"{name} = {_as_toml(value)}\n"
    told = judged(child, Input("any TOML", "run_toml", {"content.toml": text.encode("utf-8", "replace")}))
    assert told["outcome"] != "broken", told["sentence"]


def _as_toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_as_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_toml, value)) + "]"
    if isinstance(value, float):
        return io.StringIO(repr(value)).read()
    return '""' if value is None else json.dumps(value)


def test_it_was_two_thousand(child):
    assert sum(TOTAL.values()) >= 2000 or len(TOTAL) < 8, "fewer inputs than promised"
