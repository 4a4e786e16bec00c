"""What a source of structures is: settings that a form or a command line can ask for, and ``load``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from hamexplorer._registry import Registry
from hamexplorer.errors import SettingsError, StructureError, quoted
from hamexplorer.params import Flag, Param, Real, Whole, params_of
from hamexplorer.structures.structure import Structure
from hamexplorer.visiting import is_visitor

#: A key that cannot be the start of a SMILES such as "C=C" or "cc=O".
_SETTING = re.compile(r"(?![bcnops]+$)[a-z_]{2,}")

#: Every place that structures can come from.
SOURCES: Registry[Source] = Registry("source of structures")


class Source:
    """One place that structures come from.

    Attributes:
        name: key in :data:`SOURCES`, and the prefix in texts such as ``smiles:CCO``.
        label: the same for people.
        help: one or two sentences.
        reaches: what it reaches outside this process, as an end of a sentence; empty for nothing. Visitors of a public
            server are not offered it.
        main: the setting that the text after the colon fills.
        Params: a frozen dataclass of :func:`hamexplorer.params.param` fields.
    """

    name: str
    label: ClassVar[str]
    help: ClassVar[str]
    reaches: ClassVar[str] = ""
    main: ClassVar[str]
    Params: ClassVar[type]

    def load(self, params: Any) -> list[Structure]:
        """All structures, checked; at least one.

        Raises:
            StructureError: one sentence with what is wrong and what to do.
        """
        raise NotImplementedError

    def load_telling(self, params: Any, tell: Callable[[str], None]) -> list[Structure]:
        """As :meth:`load`; a source that is slow says in a few words, in the calling thread, how far it is."""
        return self.load(params)

    def parse(self, text: str) -> Any:
        """Settings from the text after the colon: the main one, then ``,key=value`` for the others.

        Raises:
            SettingsError: if a value does not fit its setting.
        """
        settings = {entry.name: entry for entry in params_of(self.Params)}
        main, values = [], {}
        for part in text.split(","):
            key, equals, value = (piece.strip() for piece in part.partition("="))
            if equals and key in settings:
                values[key] = from_text(value, settings[key])
            elif equals and _SETTING.fullmatch(key):
                raise SettingsError(
                    f"{self.label} has no setting {quoted(key)}; its settings are {', '.join(settings)}"
                )
            else:
                main.append(part)
        if argument := ",".join(main).strip():
            values.update(self.parse_main(argument))
        return self.Params(**values)

    def parse_main(self, argument: str) -> dict[str, Any]:
        """Values of the settings that the main argument stands for."""
        return {
            self.main: from_text(argument, next(e for e in params_of(self.Params) if e.name == self.main))
        }


def offered_sources() -> list[str]:
    """Names of the sources that whoever uses this process may use."""
    return [name for name in SOURCES if not (is_visitor() and SOURCES[name].reaches)]


def allowed_source(source: Source) -> Source:
    """The same source.

    Raises:
        StructureError: if it reaches what a visitor of a public server may not use.
    """
    if is_visitor() and source.reaches:
        raise StructureError(
            f"the source {source.label} reaches {source.reaches}, which visitors of a public server may not; upload a "
            f"file, or install hamexplorer on your own computer"
        )
    return source


def from_text(text: str, entry: Param) -> Any:
    """A typed word as the kind of value that a setting takes.

    Raises:
        SettingsError: if it cannot be one; bounds are left to the settings class.
    """
    try:
        if isinstance(entry.kind, Whole):
            return int(text)
        if isinstance(entry.kind, Real):
            return float(text)
    except ValueError:
        noun = "whole number" if isinstance(entry.kind, Whole) else "number"
        raise SettingsError(f"{entry.label} must be a {noun}, got {quoted(text)}") from None
    if isinstance(entry.kind, Flag):
        if text.lower() not in ("true", "false", "yes", "no", "1", "0"):
            raise SettingsError(f"{entry.label} must be yes or no, got {quoted(text)}")
        return text.lower() in ("true", "yes", "1")
    return text
