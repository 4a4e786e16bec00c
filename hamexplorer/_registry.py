"""Named entries in the order in which they were written: targets, sources, reductions, plots."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from hamexplorer.errors import SettingsError, quoted

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """An ordered mapping that refuses duplicates and answers a misspelt name with the nearest one."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[type], type]:
        """Class decorator: store one instance of the class under ``name`` and set its ``name``."""

        def add(cls: type) -> type:
            cls.name = name  # type: ignore[attr-defined]
            self.add(name, cls())
            return cls

        return add

    def add(self, name: str, entry: T) -> None:
        """Store an entry.

        Raises:
            SettingsError: if the name is taken.
        """
        if name in self._entries:
            raise SettingsError(
                f"the {self.noun} {name!r} is registered twice; give the new one another name"
            )
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except KeyError:
            near = difflib.get_close_matches(str(name)[:80], self._entries, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(self._entries)}"
            raise SettingsError(f"the {self.noun} {quoted(name)} is unknown; {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
