"""Settings describe themselves, survive JSON and TOML, and refuse what cannot be."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamexplorer.basis.reductions import REDUCTIONS
from hamexplorer.errors import HamExplorerError, SettingsError
from hamexplorer.model import KINDS
from hamexplorer.params import Choice, Real, Text, Whole, params_of
from hamexplorer.physics.baselines import BASELINES
from hamexplorer.physics.targets import TARGETS
from hamexplorer.train.settings import RunSettings
from hamexplorer.train.suited import defaults_for, settings_for


def value_of(kind, name):
    match kind:
        case Real():
            # The parts of the split must not add up to more than everything.
            high = 0.45 if name.endswith("_fraction") else kind.high
            return st.floats(max(kind.low, 0.05 if name.endswith("_fraction") else kind.low), high)
        case Whole():
            return st.integers(kind.low, kind.high)
        case Choice():
            return st.sampled_from(sorted(kind.options))
        case Text():
            return st.text("0123456789abcdef, ", max_size=30)
    raise AssertionError(f"no values are known for {kind}")


any_settings = st.builds(
    RunSettings,
    targets=st.dictionaries(st.sampled_from(list(TARGETS)), st.floats(1e-6, 1e6), min_size=1),
    **{p.name: value_of(p.kind, p.name) for p in params_of(RunSettings)},
)


@given(any_settings)
def test_settings_survive_json(settings):
    assert RunSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_settings_survive_copies_and_worker_processes():
    settings = RunSettings(targets={"dipole": 2.0, "mo_energy": 1.0}, epochs=7)
    assert pickle.loads(pickle.dumps(settings)) == settings == copy.deepcopy(settings)


def test_numbers_without_a_point_are_taken_for_reals():
    assert RunSettings.from_dict({"cutoff": 5}) == RunSettings(cutoff=5.0)


def test_targets_stand_in_the_order_of_the_registry():
    settings = RunSettings(targets={"hamiltonian": 1, "dipole": 2, "mo_energy": 3})
    assert list(settings.targets) == ["mo_energy", "dipole", "hamiltonian"]


def test_settings_do_not_change_under_ones_hands():
    given_targets = {"dipole": 1.0}
    settings = RunSettings(targets=given_targets)
    given_targets["dipole"] = 5.0
    assert settings.targets["dipole"] == 1.0
    with pytest.raises(TypeError):
        settings.targets["dipole"] = 3.0
    with pytest.raises(AttributeError):
        settings.epochs = 3


@pytest.mark.parametrize("name", [p.name for p in params_of(RunSettings)])
def test_every_setting_is_described(name):
    entry = next(p for p in params_of(RunSettings) if p.name == name)
    assert entry.label and entry.help.endswith(".")
    entry.kind.check(entry.label, entry.default)


@pytest.mark.parametrize(
    ("field", "registry"), [("reduction", REDUCTIONS), ("baseline", BASELINES), ("model", KINDS)]
)
def test_every_entry_of_a_registry_can_be_chosen(field, registry):
    for name in registry:
        assert getattr(RunSettings(**{field: name}), field) == name


@pytest.mark.parametrize(
    "p", [p for p in params_of(RunSettings) if isinstance(p.kind, Real | Whole)], ids=lambda p: p.name
)
def test_bounds_are_told(p):
    for wrong in (p.kind.low - 1, p.kind.high + 1, float("nan"), "many", True, None):
        with pytest.raises(SettingsError, match=rf"{p.label} must be a .*number from .*got"):
            RunSettings(**{p.name: wrong})


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"targets": ["dipole"]}, r"targets must be names with weights, got \['dipole'\]; for example"),
        ({"targets": {}}, "no target is chosen; tick at least one of mo_energy"),
        ({"targets": {"dipol": 1.0}}, "the target 'dipol' is unknown; did you mean 'dipole'"),
        ({"targets": {"dipole": 0.0}}, "the weight of dipole must be a positive number, got 0.0"),
        ({"targets": {"dipole": -1}}, "must be a positive number, got -1"),
        ({"targets": {"dipole": float("nan")}}, "must be a positive number, got nan"),
        ({"targets": {"dipole": float("inf")}}, "must be a positive number, got inf"),
        ({"targets": {"dipole": "much"}}, "must be a positive number, got 'much'"),
        ({"model": "netwrk"}, "Model 'netwrk' is unknown; choose one of network"),
        ({"reduction": ""}, "Basis reduction must be a name"),
        ({"epoch": 3}, "the setting 'epoch' is unknown; choose among .*epochs"),
        ({"train_fraction": 0.7, "validation_fraction": 0.4}, "add up to 1.1, more than all structures"),
    ],
)
def test_wrong_settings_get_a_sentence(values, sentence):
    with pytest.raises(SettingsError, match=sentence):
        RunSettings.from_dict(values)


@given(
    st.dictionaries(
        st.sampled_from([*RunSettings().to_dict(), "nonsense"]),
        st.none() | st.integers() | st.text(max_size=3),
    )
)
def test_whatever_a_file_says_gives_settings_or_a_sentence(values):
    with contextlib.suppress(HamExplorerError):
        RunSettings.from_dict(values)


def test_geometries_of_one_molecule_begin_with_other_settings(ethanes, molecules):
    ethane, several = (settings_for(s.structures) for s in (ethanes, molecules))
    assert several == RunSettings()
    assert settings_for(ethanes.structures, weight_decay=1.0).weight_decay == 1.0
    assert (ethane.features, ethane.weight_decay, ethane.batch_size) == ("geometry", 0.0, 16)
    assert defaults_for("crystals").keys() == defaults_for("molecules").keys()
