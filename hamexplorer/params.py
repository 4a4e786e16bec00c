"""Settings that describe themselves: label, unit, bounds and help beside the default.

A settings class is a frozen dataclass whose fields are made by :func:`param`. Forms in the
dashboard and options on the command line are generated from the same fields, so a bound or a
sentence of help is written once.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hamexplorer.errors import SettingsError, quoted

#: Names of basis sets and functionals such as 6-31+G(d,p) or 0.2*hf + 0.8*b88, lyp: no markup among them.
_TYPED_NAME = re.compile(r"[\w+*/^(),.: -]{1,80}")


@dataclass(frozen=True)
class Real:
    """A number within closed bounds; ``log`` asks for a logarithmic slider."""

    low: float
    high: float
    log: bool = False

    def check(self, name: str, value: Any) -> None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        # Compared before anything else: neither NaN nor a number of a thousand digits is between the bounds.
        if not number or not self.low <= value <= self.high:
            raise SettingsError(
                f"{name} must be a number from {self.low:g} to {self.high:g}, got {quoted(value)}"
            )


@dataclass(frozen=True)
class Whole:
    """An integer within closed bounds."""

    low: int
    high: int

    def check(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise SettingsError(
                f"{name} must be a whole number from {self.low} to {self.high}, got {quoted(value)}"
            )


@dataclass(frozen=True)
class Flag:
    """Yes or no."""

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, bool):
            raise SettingsError(f"{name} must be true or false, got {quoted(value)}")


@dataclass(frozen=True)
class Text:
    """Free text."""

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str):
            raise SettingsError(f"{name} must be text, got {quoted(value)}")


@dataclass(frozen=True)
class Choice:
    """One of several names, each with a sentence; ``free`` also admits names typed by hand.

    ``options`` may be a registry that fills up later: it is read when it is asked, not when the
    class is made.
    """

    options: Mapping[str, Any]
    free: bool = False

    def check(self, name: str, value: Any) -> None:
        if not isinstance(value, str) or not value:
            raise SettingsError(f"{name} must be a name, got {quoted(value)}")
        if self.free and not _TYPED_NAME.fullmatch(value):
            raise SettingsError(
                f"{name} must be a name such as {next(iter(self.options))}, got {quoted(value)}"
            )
        if not self.free and value not in self.options:
            known = ", ".join(self.options)
            raise SettingsError(f"{name} {quoted(value)} is unknown; choose one of {known}")


Kind = Real | Whole | Flag | Text | Choice


@dataclass(frozen=True)
class Param:
    """One described setting."""

    name: str
    default: Any
    kind: Kind
    label: str
    unit: str
    help: str


def param(default: Any, kind: Kind, *, label: str, help: str, unit: str = "") -> Any:
    """A dataclass field with everything a form or an option needs to know."""
    return dataclasses.field(
        default=default, metadata={"kind": kind, "label": label, "unit": unit, "help": help}
    )


def params_of(settings: Any) -> Iterator[Param]:
    """The described fields of a settings class or instance, in order."""
    for field in dataclasses.fields(settings):
        if "kind" in field.metadata:
            meta = field.metadata
            yield Param(field.name, field.default, meta["kind"], meta["label"], meta["unit"], meta["help"])


def validate(settings: Any) -> None:
    """Check every described field of an instance.

    Raises:
        SettingsError: naming the setting, the value and what is allowed.
    """
    for entry in params_of(settings):
        entry.kind.check(entry.label or entry.name, getattr(settings, entry.name))


def to_dict(settings: Any) -> dict[str, Any]:
    """The described fields as plain values, ready for JSON or TOML."""
    return {entry.name: getattr(settings, entry.name) for entry in params_of(settings)}
