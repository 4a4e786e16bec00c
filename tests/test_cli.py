"""The command line: help, exit codes, sentences instead of tracebacks, and the shape of what it writes."""

from __future__ import annotations

import argparse
import csv
import io
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hamexplorer.cli import INTERRUPTED, OK, USAGE, USER_ERROR, main
from hamexplorer.cli.console import ProgressLine, duration
from hamexplorer.cli.options import add_settings, chosen_settings, parse_targets
from hamexplorer.cli.parser import VERBS
from hamexplorer.cli.predictions import WRITERS
from hamexplorer.cli.tables import error_report, error_table
from hamexplorer.errors import SettingsError
from hamexplorer.params import Choice, Flag, Real, Text, Whole, param, params_of
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.reference.methods import METHODS, Offer
from hamexplorer.structures.crystals import build_layer
from hamexplorer.structures.smiles import from_smiles

WEIGHTS = {"mo_energy": SimpleNamespace(default_weight=5.0), "dipole": SimpleNamespace(default_weight=2.0)}


@dataclass(frozen=True)
class Every:
    """One setting of each kind."""

    n: int = param(3, Whole(1, 5), label="Count", help="How many, at 100 %.")
    x: float = param(0.5, Real(0, 1), label="Share", unit="eV", help="How much.")
    fast: bool = param(True, Flag(), label="Fast", help="Hurry.")
    note: str = param("a", Text(), label="Note", help="Anything.")
    some_kind: str = param("one", Choice({"one": "", "two": ""}), label="Kind", help="Which.")


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    add_settings(parser, Every, title="settings")
    return parser.parse_args(words)


# -- help and usage ---


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from hamexplorer.cli import main; main(['--help']); "
        "print([m for m in ('jax', 'numpy', 'pyscf', 'voila') if m in sys.modules], file=sys.stderr)"
    )
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    assert time.perf_counter() - began < 5  # measured 0.2 s; a loaded machine is no failure
    for verb in VERBS:
        assert f"hamexplorer {verb}" in ended.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == OK
    text = capsys.readouterr().out
    assert f"hamexplorer {verb}" in text.split("examples:")[1]
    assert "--debug" in text


def test_options_of_reference_are_those_of_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    main(["reference", "--help"])
    text = capsys.readouterr().out
    for entry in (*params_of(ReferenceMethod), *params_of(CrystalMethod)):
        assert "--" + entry.name.replace("_", "-") in text
    together, molecules, crystals, tight_binding = (
        text.index(f"\n{title}:")
        for title in (
            "method for molecules or method dft for crystals",
            "method for molecules",
            "method dft for crystals",
            "method dft for crystals or method xtb for crystals",
        )
    )
    assert together < text.index("--xc NAME  ") < molecules < text.index("--grid-level N  ") < crystals
    assert crystals < text.index("--pseudo NAME  ") < tight_binding < text.index("--k-length X  ")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["trian"], "did you mean 'train'?"),
        (["--port", "0"], "a port is a whole number from 1 to 65535, got '0'"),
        (["reference", "g2"], "--out"),
        (["reference", "g2", "--out", "x.h5", "--grid-level", "9"], "from 0 to 6, got 9"),
        (["reference", "g2", "--out", "x.h5", "--frobnicate"], "--frobnicate"),
        (["evaluate", "run", "ethane", "--units", "kcal"], "invalid choice: 'kcal'"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == USAGE
    text = capsys.readouterr().err
    assert sentence in text
    assert text.count("\n") == 1
    assert "--help`" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["reference", "nowhere.xyz", "--out", "x.h5"], "there is no file 'nowhere.xyz'"),
        (["reference", "smiles:C", "--out", "x.txt"], "must end in .h5"),
        (["reference", "smiles:C", "--out", "missing/x.h5"], "'missing' for the output does not exist"),
        (["reference", "smiles:C", "--out", "x.h5", "--charge", "1"], "leave --charge out"),
        (["reference", "smiles:C", "--out", "x.h5", "--xc", "nonsense"], "'nonsense' is not known to libxc"),
        (["reference", "smiles:C", "--out", "x.h5", "--config", "no.toml"], "no settings file 'no.toml'"),
        (["reference", "crystal:grafene", "--out", "x.h5"], "Crystal 'grafene' is unknown"),
        (["reference", "crystal:silicon", "--out", "x.h5", "--xc", "b3lyp"], "Functional 'b3lyp' is unknown"),
        (
            ["reference", "crystal:silicon", "--out", "x.h5", "--grid-level", "3"],
            "--grid-level is an option of the method for molecules, and the structures are crystals; leave it out",
        ),
        (
            ["reference", "smiles:C", "--out", "x.h5", "--k-length", "3"],
            "--k-length is an option of the method dft for crystals, and the structures are molecules",
        ),
        (["predict", "norun", "smiles:C", "--out", "x.doc"], "must end in .json or .csv"),
        (["predict", "norun", "smiles:C", "--out", "x.json"], "norun"),
        (["predict", "norun", "--out", "x.json"], "either STRUCTURES or --smiles LIST"),
        (["predict", "norun", "smiles:C", "--smiles", "l.smi", "--out", "x.csv"], "one of the two"),
        (["predict", "norun", "smiles:C", "--novelty", "ethane", "--out", "x.csv"], "goes with --smiles"),
        (["predict", "norun", "--smiles", "l.smi", "--charge", "1", "--out", "x.csv"], "leave --charge out"),
        (["predict", "norun", "--smiles", "l.smi", "--out", "x.json"], "must end in .csv"),
        (["evaluate", "norun", "ethane", "--json", "x.json"], "norun"),
        (["train", "nodata.h5", "--out", "run"], "there is no dataset 'nodata.h5'"),
        (["train", "ethane", "--out", "run", "--targets", "dipol"], "did you mean 'dipole'?"),
    ],
)
def test_user_errors_are_one_sentence_and_code_1(
    words: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == USER_ERROR
    text = capsys.readouterr().err
    assert sentence in text
    assert text.startswith("hamexplorer: ")
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert not list(tmp_path.iterdir())


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reference", "nowhere.xyz", "--out", "x.h5", "--debug"]) == USER_ERROR
    assert "Traceback" in capsys.readouterr().err


def test_an_unforeseen_error_is_a_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("hamexplorer.launch.serve", broken)
    assert main([]) == USER_ERROR
    text = capsys.readouterr().err
    assert "ZeroDivisionError" in text
    assert "--debug" in text
    assert "Traceback" not in text


def test_ctrl_c_gives_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hamexplorer.launch.serve", interrupted)
    assert main([]) == INTERRUPTED


def test_no_verb_serves_the_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr("hamexplorer.launch.serve", lambda **options: seen.update(options))
    assert main(["--port", "8123", "--no-browser"]) == OK
    assert (seen["port"], seen["open_browser"], seen["debug"]) == (8123, False, False)
    assert main([]) == OK
    assert (seen["port"], seen["open_browser"], seen["opened"]) == (None, True, "")
    assert main(["--open", "lesson.hxsession"]) == OK
    assert seen["opened"] == "lesson.hxsession"


# -- options from settings ---


def test_only_typed_options_are_chosen() -> None:
    assert chosen_settings(Every, parsed()) == {}
    typed = parsed("--n", "4", "--x", "1", "--no-fast", "--note", "b", "--some-kind", "two")
    assert chosen_settings(Every, typed) == {"n": 4, "x": 1.0, "fast": False, "note": "b", "some_kind": "two"}


def test_options_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('n = 2\nsome-kind = "two"\n')
    assert chosen_settings(Every, parsed("--config", str(file), "--n", "5")) == {"n": 5, "some_kind": "two"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("n = = 2", "is not valid TOML"),
        ("sum_kind = 1", "did you mean 'some_kind'?"),
        ("zzz = 1", "choose among"),
    ],
)
def test_wrong_settings_file_is_a_sentence(content: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    with pytest.raises(SettingsError, match=sentence.replace("?", r"\?")):
        chosen_settings(Every, parsed("--config", str(file)))


@pytest.mark.parametrize(
    ("targets", "weights", "expected"),
    [
        (None, None, None),
        ("mo_energy", None, {"mo_energy": 5.0}),
        ("dipole,mo_energy", "1,0.5", {"dipole": 1.0, "mo_energy": 0.5}),
        ("mo_energy, dipole", "dipole=3", {"mo_energy": 5.0, "dipole": 3.0}),
        (None, "dipole=3", {"dipole": 3.0}),
    ],
)
def test_targets_and_weights(
    targets: str | None, weights: str | None, expected: dict[str, float] | None
) -> None:
    assert parse_targets(targets, weights, WEIGHTS) == expected


@pytest.mark.parametrize(
    ("targets", "weights", "sentence"),
    [
        ("mo_energy", "1,2", "2 entries for 1 targets"),
        ("mo_energy", "dipole=2", "not among the targets"),
        ("mo_energy", "-1", "must be a positive number, got '-1'"),
        (None, "1", "no target is named"),
    ],
)
def test_wrong_weights_are_a_sentence(targets: str | None, weights: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        parse_targets(targets, weights, WEIGHTS)


# -- methods of molecules and of crystals ---


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list, object]]:
    """What would be computed: structures and method."""
    monkeypatch.chdir(tmp_path)
    found: list[tuple[list, object]] = []

    def run(structures: list, method: object, **_: object) -> None:
        found.append((structures, method))
        raise SettingsError("seen")

    monkeypatch.setattr("hamexplorer.reference.execute.run_references", run)
    return found


@pytest.mark.parametrize(
    ("words", "method"),
    [
        (["smiles:C", "--xc", "hf", "--grid-level", "3"], ReferenceMethod(xc="hf", grid_level=3)),
        (["crystal:silicon"], CrystalMethod()),
        (
            [
                "crystal:silicon",
                "--xc",
                "lda,vwn",
                "--k-length",
                "8",
                "--smearing",
                "0",
                "--large-basis",
                "gth-szv",
            ],
            CrystalMethod(xc="lda,vwn", k_length=8.0, smearing=0.0, large_basis="gth-szv"),
        ),
    ],
)
def test_the_method_follows_the_structures(asked: list, words: list[str], method: object) -> None:
    main(["reference", *words, "--out", "x.h5"])
    ((structures, used),) = asked
    assert used == method and structures[0].is_crystal == isinstance(method, CrystalMethod)


def test_a_file_of_settings_is_read_for_crystals_too(asked: list) -> None:
    Path("s.toml").write_text("k-length = 12.0\n")
    main(["reference", "crystal:graphene", "--out", "x.h5", "--config", "s.toml"])
    assert asked[0][1] == CrystalMethod(k_length=12.0)


def test_molecules_and_crystals_are_not_computed_together(
    asked: list, capsys: pytest.CaptureFixture[str]
) -> None:
    lattice = 'Lattice="5 0 0 0 5 0 0 0 5" pbc="T T T"'
    Path("both.xyz").write_text(f"1\n\nHe 0 0 0\n1\n{lattice}\nHe 0 0 0\n")
    assert main(["reference", "both.xyz", "--out", "x.h5"]) == USER_ERROR
    assert "1 molecule and 1 crystal cannot be computed together" in capsys.readouterr().err
    assert main(["reference", "both.xyz@1:", "--out", "x.h5"]) == USER_ERROR
    assert isinstance(asked[0][1], CrystalMethod)


def test_vacuum_that_repeats_is_pointed_out(asked: list, capsys: pytest.CaptureFixture[str]) -> None:
    Path("he.xyz").write_text('1\nLattice="5 0 0 0 5 0 0 0 15" pbc="T T T"\nHe 0 0 0\n')
    main(["reference", "he.xyz", "--out", "x.h5"])
    text = capsys.readouterr().err
    assert text.startswith("warning: he repeats along c, where 15.0 Å are empty")
    assert "1 crystal, PBE" in text


def test_a_second_method_is_an_option(
    asked: list, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    more = {**METHODS["crystal"], "every": Offer("Every", "For the test.", Every)}
    monkeypatch.setitem(METHODS, "crystal", more)
    main(["reference", "crystal:silicon", "--out", "x.h5"])
    assert asked[-1][1] == CrystalMethod()
    for words, sentence in (
        (["crystal:silicon", "--method", "every", "--k-length", "3"], "--k-length is an option"),
        (["smiles:C", "--method", "every"], "every is no method for molecules; choose one of dft"),
    ):
        assert main(["reference", *words, "--out", "x.h5"]) == USER_ERROR
        assert sentence in capsys.readouterr().err


# -- what is written ---


def prediction() -> SimpleNamespace:
    """What a model would say about water, with numbers that can be recognised."""
    water = from_smiles("O", name="water")
    return SimpleNamespace(
        structure=water,
        n_occ=5,
        mo_energy=np.arange(-5.0, 2.0),
        homo_lumo_gap=1.0,
        dipole=np.array([0.0, 3.0, 4.0]),
        polarizability=np.diag([1.0, 2.0, 3.0]),
        mulliken_charge=np.array([-0.4, 0.2, 0.2]),
        lowdin_charge=np.array([-0.2, 0.1, 0.1]),
        mayer_bond_order=np.ones((3, 3)),
        spread=None,
        k_points=None,
        k_weights=None,
        others=None,
    )


def crystal_prediction() -> SimpleNamespace:
    """The same of a crystal with two k-points: bands overlap in the middle."""
    found = prediction()
    found.structure = build_layer()
    found.n_occ, found.mo_energy = 2, np.array([[-3.0, -1.0, 0.5], [-2.5, -2.0, 2.0]])
    found.k_points, found.k_weights = np.array([[0.0, 0, 0], [0.5, 0, 0]]), np.array([0.25, 0.75])
    for name in ("dipole", "polarizability", "mulliken_charge", "lowdin_charge", "mayer_bond_order"):
        setattr(found, name, None)
    return found


def test_predictions_of_crystals_say_where_their_levels_are(tmp_path: Path) -> None:
    for ending in (".json", ".csv", ".extxyz"):
        WRITERS[ending](tmp_path / f"p{ending}", [crystal_prediction()])
    content = json.loads((tmp_path / "p.json").read_text())
    crystal = content["molecules"][0]
    assert content["units"]["cell"] == "Å" and crystal["pbc"] == [True, True, False]
    assert crystal["k_weights"] == [0.25, 0.75] and np.shape(crystal["mo_energy"]) == (2, 3)
    np.testing.assert_allclose(np.linalg.norm(crystal["cell"], axis=1)[:2], 2.46)
    with (tmp_path / "p.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (float(row["homo_Ha"]), float(row["lumo_Ha"]), row["dipole_x_e_bohr"]) == (-1.0, 0.5, "")


def test_json_predictions_state_their_units(tmp_path: Path) -> None:
    WRITERS[".json"](tmp_path / "p.json", [prediction()])
    content = json.loads((tmp_path / "p.json").read_text())
    molecule = content["molecules"][0]
    assert content["units"]["dipole"] == "e·bohr"
    assert molecule["name"] == "water"
    assert molecule["dipole"] == [0.0, 3.0, 4.0]
    assert len(molecule["mo_energy"]) == 7
    assert set(content["units"]) <= set(molecule)


def test_csv_predictions_have_units_in_the_heading(tmp_path: Path) -> None:
    WRITERS[".csv"](tmp_path / "p.csv", [prediction()])
    with (tmp_path / "p.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (float(row["homo_Ha"]), float(row["lumo_Ha"])) == (-1.0, 0.0)
    assert float(row["dipole_norm_e_bohr"]) == 5.0
    assert float(row["polarizability_mean_bohr3"]) == 2.0
    assert (row["name"], row["n_occ"], row["charge_e"]) == ("water", "5", "0")


def test_what_a_committee_doubts_is_written_beside_its_predictions(tmp_path: Path) -> None:
    import ase.io

    doubted = prediction()
    doubted.spread = {
        "mo_energy": np.linspace(0.1, 0.7, 7),
        "dipole": np.array([0.0, 0.3, 0.4]),
        "mulliken_charge": np.array([0.01, 0.02, 0.03]),
    }
    for ending in (".json", ".csv", ".extxyz"):
        WRITERS[ending](tmp_path / f"p{ending}", [doubted])
    (molecule,) = json.loads((tmp_path / "p.json").read_text())["molecules"]
    assert molecule["spread"]["dipole"] == [0.0, 0.3, 0.4]
    with (tmp_path / "p.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    # HOMO and LUMO are levels 5 and 6 of 7.
    assert (float(row["homo_spread_Ha"]), float(row["lumo_spread_Ha"])) == (0.5, 0.6)
    assert float(row["dipole_spread_e_bohr"]) == pytest.approx(0.5 / 3**0.5)
    frame = ase.io.read(tmp_path / "p.extxyz")
    np.testing.assert_allclose(frame.info["spread_dipole"], [0.0, 0.3, 0.4])
    np.testing.assert_allclose(frame.arrays["spread_mulliken_charge"], [0.01, 0.02, 0.03])


def test_extxyz_predictions_come_back_through_ase(tmp_path: Path) -> None:
    import ase.io

    WRITERS[".extxyz"](tmp_path / "p.extxyz", [prediction(), prediction()])
    frames = ase.io.read(tmp_path / "p.extxyz", ":")
    assert len(frames) == 2
    np.testing.assert_allclose(frames[1].info["predicted_dipole"], [0.0, 3.0, 4.0])
    np.testing.assert_allclose(frames[1].info["predicted_polarizability"], np.diag([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(frames[1].arrays["predicted_mulliken_charge"], [-0.4, 0.2, 0.2])


def test_error_report_has_the_documented_shape_and_no_nan() -> None:
    row = SimpleNamespace(
        label="Orbital energies", unit="eV", n=7, mae=0.1, rmse=0.2, rmse_per_atom=0.3,
        raw_mae=float("nan"), raw_rmse=2.0, raw_rmse_per_atom=3.0,
    )  # fmt: skip
    report = error_report({"mo_energy": row})
    assert report["targets"] == {
        "mo_energy": {"mae": 0.1, "rmse": 0.2, "rmse_per_atom": 0.3, "unit": "eV", "n": 7}
    }
    assert report["raw"]["mo_energy"]["mae"] is None
    assert report["raw"]["mo_energy"]["rmse"] == 2.0
    json.dumps(report, allow_nan=False)
    assert "Orbital energies" in error_table({"mo_energy": row})


# -- progress ---


class Terminal:
    """A stream that says it is a terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_is_one_line_on_a_terminal_and_few_lines_in_a_log() -> None:
    for terminal in (True, False):
        stream = Terminal(terminal)
        line = ProgressLine(stream)  # type: ignore[arg-type]
        for k in range(1001):
            line.update(k, 1000, f"molecule {k}")
        line.clear()
        assert "molecule 1000" in stream.text
        assert stream.text.count("\n") == (0 if terminal else 2)
        assert ("\r" in stream.text) == terminal


def test_a_log_is_not_flooded_by_what_has_no_end_in_sight() -> None:
    stream = io.StringIO()
    line = ProgressLine(stream)
    for megabytes in range(86):
        line.update(0, 0, f"{megabytes} of 86 MB")
    assert stream.getvalue() == "  …    0 of 86 MB\n"


def test_durations_read_as_people_say_them() -> None:
    assert [duration(s) for s in (4.4, 600, 7500)] == ["4 s", "10 min", "2 h 05 min"]


# -- the real thing ---


@pytest.fixture
def hydrogen(tmp_path: Path) -> Path:
    """A data set of H2 at several lengths: seconds of PySCF."""
    frames = [f"2\nH2\nH 0 0 0\nH 0 0 {length}\n" for length in (0.6, 0.7, 0.74, 0.8, 0.9, 1.0)]
    (tmp_path / "h2.xyz").write_text("".join(frames))
    words = ["reference", str(tmp_path / "h2.xyz"), "--out", str(tmp_path / "h2.h5"), "--jobs", "1"]
    assert main([*words, "--xc", "hf", "--large-basis", "6-31g*"]) == OK
    return tmp_path / "h2.h5"


def test_reference_writes_a_data_set(hydrogen: Path) -> None:
    from hamexplorer.reference.dataset import read_dataset

    dataset = read_dataset(hydrogen)
    assert len(dataset) == 6
    assert (dataset.method.xc, dataset.method.large_basis) == ("hf", "6-31g*")


def test_train_evaluate_predict(hydrogen: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = hydrogen.parent
    run = str(folder / "run")
    words = ["train", str(hydrogen), "--out", run, "--targets", "mo_energy,dipole", "--weights", "1,0.1"]
    assert main([*words, "--epochs", "3"]) == OK
    assert main([*words, "--epochs", "3"]) == USER_ERROR
    assert "--resume" in capsys.readouterr().err
    assert main([*words, "--epochs", "4", "--resume"]) == OK
    assert "epoch 4/4" in capsys.readouterr().err

    report = folder / "errors.json"
    assert (
        main(["evaluate", run, str(hydrogen), "--split", "all", "--units", "Ha", "--json", str(report)]) == OK
    )
    content = json.loads(report.read_text())
    assert set(content) == {"targets", "raw"}
    assert set(content["targets"]["mo_energy"]) == {"mae", "rmse", "rmse_per_atom", "unit", "n"}
    assert content["targets"]["mo_energy"]["unit"] == "Ha"
    assert content["raw"]["mo_energy"]["mae"] > 0

    words = ["evaluate", run, str(hydrogen), "--split", "all", "--units", "Ha", "--by", "formula"]
    assert main([*words, "--json", str(report)]) == OK
    assert "\nH2\n" in capsys.readouterr().out
    assert json.loads(report.read_text())["by"] == {"H2": content}  # one formula: all of them

    out = folder / "p.json"
    assert main(["predict", run, "smiles:[H][H]", "--out", str(out)]) == OK
    assert len(json.loads(out.read_text())["molecules"][0]["mo_energy"]) == 2

    listed = folder / "list.smi"
    listed.write_text("[H][H] dihydrogen\n[H\nO water\n")
    capsys.readouterr()
    words = ["predict", run, "--smiles", str(listed), "--out", str(folder / "levels.csv")]
    assert main([*words, "--novelty", str(hydrogen)]) == OK
    assert "3 molecules, 2 of them without a prediction" in capsys.readouterr().out
    rows = list(csv.DictReader((folder / "levels.csv").open(encoding="utf-8")))
    assert [row["name"] for row in rows] == ["dihydrogen", "[H", "water"]
    assert float(rows[0]["homo_lumo_gap_eV"]) > 5 and float(rows[0]["novelty"]) > 0
    assert "has not learned" in rows[2]["remark"]
    assert main([*words, "--novelty", "ethane"]) == USER_ERROR
    assert "0 structures of ethane are among those that the run learned from" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    words = ["reference", "distorted:CC,n=60", "--out", str(tmp_path / "x.h5"), "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "hamexplorer", *words, "--large-basis", "def2-tzvp"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "0/60" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED
    assert "run the same command to go on" in rest
    assert "Traceback" not in rest
    assert not (tmp_path / "x.h5").exists()
