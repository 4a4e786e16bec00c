"""Forms made from described settings: one control a field, with its bounds, unit and sentence of help."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from html import escape
from typing import Any

import ipywidgets as widgets

from hamexplorer.errors import HamExplorerError
from hamexplorer.panels.parts import styled, text
from hamexplorer.params import Choice, Flag, Param, Real, Text, Whole, params_of

#: Texts with more room than one line.
LONG_TEXTS = ("text", "smiles")


class Field:
    """One setting as a control, with a line of help below it."""

    def __init__(self, param: Param, value: Any) -> None:
        self.param = param
        self.control = _control(param, value)
        label = f"{param.label} ({param.unit})" if param.unit else param.label
        self.control.description = label
        self.control.description_tooltip = self.control.tooltip = param.help
        # Numbers are told when they are complete. Texts are told at every key: in JupyterLab a button pressed right
        # after typing may overtake the text otherwise, because each widget's messages find their own way.
        self.control.continuous_update = isinstance(param.kind, Text)
        styled(self.control, "hx-field")
        self._help = text("", "hx-help")
        self.widget = styled(widgets.VBox([self.control, self._help]), "hx-field-box")
        self.control.observe(lambda _: self._explain(), "value")
        self._explain()

    @property
    def value(self) -> Any:
        value = self.control.value
        if isinstance(self.param.kind, Real) and self.param.kind.log:
            # A logarithmic slider returns 10**log10(x): drop what rounding added.
            return min(max(float(f"{value:.6g}"), self.param.kind.low), self.param.kind.high)
        return value

    @value.setter
    def value(self, value: Any) -> None:
        if value != self.value:
            self.control.value = value

    def _explain(self) -> None:
        """Beside a choice stands what is chosen; beside anything else, what the setting means."""
        sentence = self.param.help
        if isinstance(self.param.kind, Choice):
            option = self.param.kind.options.get(self.control.value, "")
            sentence = option if isinstance(option, str) else getattr(option, "help", "")
            sentence = sentence or self.param.help
        self._help.value = escape(sentence[:1].upper() + sentence[1:])


class Form:
    """Controls for the described fields of a settings class.

    Args:
        settings: the class, or an instance whose values are shown at first.
        only: names of the fields to show; all if None.
        changed: called with ``{name: value}`` whenever the person changes a field.
    """

    def __init__(
        self,
        settings: Any,
        *,
        only: Collection[str] | None = None,
        changed: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._changed = changed
        self._quiet = False
        entries = [entry for entry in params_of(settings) if only is None or entry.name in only]
        self.fields = {e.name: Field(e, getattr(settings, e.name, e.default)) for e in entries}
        for name, field in self.fields.items():
            field.control.observe(lambda _, name=name: self._edited(name), "value")
        boxes = [field.widget for field in self.fields.values()]
        self.widget = styled(widgets.VBox(boxes), "hx-form")

    def values(self) -> dict[str, Any]:
        return {name: field.value for name, field in self.fields.items()}

    def read(self) -> Any:
        """The settings as filled in.

        Raises:
            HamExplorerError: naming the field, its value and what is allowed.
        """
        cls = self._settings if isinstance(self._settings, type) else type(self._settings)
        return cls(**self.values())

    def show(self, settings: Any) -> None:
        """Show other values without calling ``changed``."""
        self._quiet = True
        try:
            for name, field in self.fields.items():
                field.value = getattr(settings, name)
        finally:
            self._quiet = False

    def allow(self, reasons: Mapping[str, str] | str) -> None:
        """Disable the fields for which there is a reason; one text is the reason for all."""
        for name, field in self.fields.items():
            reason = reasons if isinstance(reasons, str) else reasons.get(name, "")
            field.control.disabled = bool(reason)
            field.control.tooltip = reason or field.param.help

    def _edited(self, name: str) -> None:
        if not self._quiet and self._changed is not None:
            self._changed({name: self.fields[name].value})


def read_or_none(form: Form, say: Callable[[str], None]) -> Any:
    """The settings as filled in, or None after saying what is wrong."""
    try:
        return form.read()
    except HamExplorerError as error:
        say(str(error))
        return None


def _control(param: Param, value: Any) -> Any:
    match param.kind:
        case Choice(free=True) as kind:
            return widgets.Combobox(value=value, options=list(kind.options), ensure_option=False)
        case Choice() as kind:
            return widgets.Dropdown(value=value, options=[(option_label(o, kind), o) for o in kind.options])
        case Flag():
            return widgets.Checkbox(value=value, indent=False)
        case Text():
            return (widgets.Textarea if param.name in LONG_TEXTS else widgets.Text)(value=value)
        case Whole(low=low, high=high):
            return _whole(value, low, high)
        case Real() as kind:
            return _real(value, kind)
    raise TypeError(f"{param.name} is of a kind without a control: {param.kind!r}")


def _whole(value: int, low: int, high: int) -> Any:
    if high - low <= 60:
        return widgets.IntSlider(value=value, min=low, max=high)
    return widgets.BoundedIntText(value=value, min=low, max=high)


def _real(value: float, kind: Real) -> Any:
    if kind.log and kind.low > 0:
        ends = {"min": math.log10(kind.low), "max": math.log10(kind.high)}
        return widgets.FloatLogSlider(value=value, base=10, step=0.05, readout_format=".2g", **ends)
    if kind.high - kind.low <= 1:
        step = 0.001 if kind.high <= 0.2 or 0 < kind.low < 0.01 else 0.01
        digits = ".2f" if step == 0.01 else ".3f"
        return widgets.FloatSlider(value=value, min=kind.low, max=kind.high, step=step, readout_format=digits)
    return widgets.BoundedFloatText(value=value, min=kind.low, max=kind.high)


def option_label(name: str, kind: Choice) -> str:
    """What a person reads for an option: the entry's own label, else its name."""
    return getattr(kind.options[name], "label", "") or name
