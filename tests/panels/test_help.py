"""Every control says in a sentence what it is for."""

from __future__ import annotations

from collections.abc import Iterator

import ipywidgets as widgets
import pytest

from hamexplorer.app import build
from hamexplorer.panels.forms import Form
from hamexplorer.params import params_of
from hamexplorer.train.settings import RunSettings

_CONTROLS = (
    widgets.Button,
    widgets.ToggleButton,
    widgets.Checkbox,
    widgets.Dropdown,
    widgets.Select,
    widgets.ToggleButtons,
    widgets.Text,
    widgets.Textarea,
    widgets.Combobox,
    widgets.BoundedIntText,
    widgets.BoundedFloatText,
    widgets.IntSlider,
    widgets.FloatSlider,
    widgets.FloatLogSlider,
    widgets.FileUpload,
)


def controls(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    if isinstance(widget, _CONTROLS):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from controls(child)


def test_no_control_is_without_a_sentence_of_help():
    found = list(controls(build()))
    assert len(found) > 60
    mute = [
        f"{type(each).__name__} {each.description!r}"
        for each in found
        if not (each.tooltip or (isinstance(each, widgets.ToggleButtons) and any(each.tooltips)))
    ]
    assert mute == []


@pytest.mark.parametrize("entry", params_of(RunSettings), ids=lambda entry: entry.name)
def test_every_setting_explains_itself(entry):
    assert entry.help.endswith(".") and len(entry.help.split()) > 4
    (field,) = Form(RunSettings(), only=[entry.name]).fields.values()
    assert field.control.tooltip == entry.help
