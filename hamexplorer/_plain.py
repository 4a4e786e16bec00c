"""Values of JSON and TOML files that anybody may have written: of the expected kind, or a ValueError names them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from hamexplorer.errors import SettingsError

T = TypeVar("T")

#: Bytes of a file of settings beyond which it is none.
_LARGEST_TOML = 1_000_000


def load_json(text: str | bytes) -> Any:
    """The values of a JSON text.

    Raises:
        ValueError: if it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def take(values: Any, name: str, kind: type[T] | tuple[type[T], ...], *default: Any) -> T:
    """The entry of a JSON object, of this kind; a truth value is no number.

    Args:
        values: the object.
        name: of the entry.
        kind: what it must be.
        default: stands for an entry that is missing.

    Raises:
        ValueError: if it is missing or of another kind.
    """
    if not isinstance(values, Mapping) or (name not in values and not default):
        raise ValueError(f"{name} is missing")
    found = values.get(name, *default)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
        raise ValueError(f"{name} is no {kinds[0].__name__}")
    return found


def take_number(values: Any, name: str, *default: Any) -> float:
    """A number of a JSON object; raises ValueError if it is none, or too large for one."""
    return as_number(take(values, name, (int, float), *default), name)


def as_number(value: Any, name: str) -> float:
    """A number as one of eight bytes; raises ValueError."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    except OverflowError:
        pass
    raise ValueError(f"{name} is no number, or too large for one")


def take_whole(values: Any, name: str, *default: Any, low: int = 0, high: int = 2**31 - 1) -> int:
    """A whole number of a JSON object within bounds; raises ValueError."""
    found = take(values, name, int, *default)
    if not low <= found <= high:
        raise ValueError(f"{name} is out of bounds")
    return found


def take_list(values: Any, name: str, kind: type[T], *default: Any, most: int = 10_000_000) -> tuple[T, ...]:
    """A list of one kind of entry; raises ValueError."""
    found: list[Any] = take(values, name, list, *default)
    if len(found) > most or not all(
        isinstance(x, kind) and (kind is bool or not isinstance(x, bool)) for x in found
    ):
        raise ValueError(f"{name} is no list of {kind.__name__}, or too long")
    return tuple(found)


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file.

    Raises:
        SettingsError: naming the file and what is wrong with it.
        OSError: if it cannot be opened.
    """
    with path.open("rb") as file:
        content = file.read(_LARGEST_TOML + 1)
    if len(content) > _LARGEST_TOML:
        raise SettingsError(f"{path} has more than 1 MB, so it holds no settings; choose another file")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        brief = " ".join(str(error).split())[:200]
        raise SettingsError(f"{path} is not valid TOML ({brief}); write one `name = value` a line") from error
