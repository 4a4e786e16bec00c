"""Forms made from described settings: every field of every settings class gets a control that gives it back."""

from __future__ import annotations

from dataclasses import dataclass

import ipywidgets as widgets
import pytest

from hamexplorer.errors import SettingsError
from hamexplorer.panels.forms import Form
from hamexplorer.params import Choice, Flag, Real, Text, Whole, param, params_of, validate
from hamexplorer.reference.crystal_method import CrystalMethod
from hamexplorer.reference.method import ReferenceMethod
from hamexplorer.structures.sources import SOURCES
from hamexplorer.train.settings import RunSettings


@dataclass(frozen=True)
class Everything:
    rate: float = param(1e-3, Real(1e-6, 1.0, log=True), label="Rate", help="How fast.")
    share: float = param(0.7, Real(0.05, 0.95), label="Share", help="How much.")
    energy: float = param(-40.0, Real(-2000.0, 200.0), label="Energy", unit="eV", help="Where.")
    few: int = param(4, Whole(0, 50), label="Few", help="How few.")
    many: int = param(42, Whole(0, 2**31 - 1), label="Many", help="How many.")
    flag: bool = param(True, Flag(), label="Flag", help="Whether.")
    words: str = param("a b", Text(), label="Words", help="Which.")
    kind: str = param(
        "x", Choice({"x": "first sentence", "y": "second sentence"}), label="Kind", help="Which kind."
    )
    free: str = param("z", Choice({"x": "known"}, free=True), label="Free", help="Any.")

    def __post_init__(self) -> None:
        validate(self)


CLASSES = [
    Everything,
    RunSettings,
    ReferenceMethod,
    CrystalMethod,
    *(SOURCES[name].Params for name in SOURCES),
]


@pytest.mark.parametrize("settings", CLASSES, ids=lambda cls: cls.__qualname__)
def test_a_form_gives_back_the_defaults(settings):
    assert Form(settings()).read() == settings()


@pytest.mark.parametrize("settings", CLASSES, ids=lambda cls: cls.__qualname__)
def test_every_field_has_a_label_and_a_sentence(settings):
    for field in Form(settings).fields.values():
        assert field.control.description and field._help.value


def test_controls_know_their_bounds():
    fields = Form(Everything).fields
    assert isinstance(fields["rate"].control, widgets.FloatLogSlider)
    assert (fields["few"].control.min, fields["few"].control.max) == (0, 50)
    assert isinstance(fields["many"].control, widgets.BoundedIntText)
    assert fields["energy"].control.description == "Energy (eV)"


def test_a_slider_can_be_set_to_what_it_shows_at_first():
    """Smearing starts at 0.005: a slider in steps of 0.01 could never go back there."""
    control = Form(CrystalMethod).fields["smearing"].control
    assert (control.value / control.step) == pytest.approx(round(control.value / control.step))


def test_the_help_of_a_choice_follows_what_is_chosen():
    field = Form(Everything).fields["kind"]
    assert field._help.value == "First sentence"
    field.control.value = "y"
    assert field._help.value == "Second sentence"


def test_an_edit_is_told_and_a_shown_value_is_not():
    told = []
    form = Form(Everything, changed=told.append)
    form.show(Everything(few=7, rate=0.5))
    assert not told and form.read() == Everything(few=7, rate=0.5)
    form.fields["few"].control.value = 9
    assert told == [{"few": 9}]


def test_an_empty_free_choice_is_refused_with_a_sentence():
    form = Form(Everything)
    form.fields["free"].control.value = ""
    with pytest.raises(SettingsError, match="Free must be a name"):
        form.read()


def test_a_logarithmic_slider_keeps_round_numbers_round():
    form = Form(Everything)
    for value in (1e-6, 0.002, 0.3, 1.0):
        form.show(Everything(rate=value))
        assert form.values()["rate"] == value


def test_fields_are_those_of_the_class():
    assert list(Form(RunSettings).fields) == [entry.name for entry in params_of(RunSettings)]
