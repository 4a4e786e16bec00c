"""Conditions on what a structure is made of, as people write them: "C H N O", "+N", "-F"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ase.data import chemical_symbols

from hamexplorer.errors import SettingsError


def composition_test(
    *, elements: str | None = None, min_atoms: int | None = None, max_atoms: int | None = None
) -> Callable[[Iterable[str], int], bool]:
    """What says of the symbols of a structure and its number of heavy atoms whether they meet the conditions.

    Args:
        elements: ``"C H O"`` admits these elements only, ``"+N"`` asks for nitrogen, ``"-F"`` forbids fluorine; they
            may be combined, ``"C H N O +N"``. None or "" is no condition, as it is for the others.
        min_atoms: fewest atoms other than hydrogen.
        max_atoms: most atoms other than hydrogen.

    Raises:
        SettingsError: if a condition cannot be understood or contradicts itself.
    """
    if min_atoms is not None and max_atoms is not None and min_atoms > max_atoms:
        raise SettingsError(
            f"no structure has at least {min_atoms} and at most {max_atoms} heavy atoms; swap the two numbers"
        )
    only, with_, without = _element_conditions(elements or "")

    def fits(symbols: Iterable[str], n_heavy: int) -> bool:
        present = set(symbols)
        return (
            (not only or present <= only)
            and with_ <= present
            and not without & present
            and (min_atoms is None or n_heavy >= min_atoms)
            and (max_atoms is None or n_heavy <= max_atoms)
        )

    return fits


def _element_conditions(text: str) -> tuple[set[str], set[str], set[str]]:
    conditions: dict[str, set[str]] = {"": set(), "+": set(), "-": set()}
    for word in filter(None, re.split(r"[\s,;]+", text)):
        sign = word[0] if word[0] in "+-" else ""
        symbol = word[len(sign) :].capitalize()
        if symbol not in chemical_symbols[1:]:
            raise SettingsError(
                f"{word!r} is not an element; list symbols, for example 'C H N O' for only these, '+N' for "
                f"those with nitrogen, '-F' for those without fluorine"
            )
        conditions[sign].add(symbol)
    return conditions[""], conditions["+"], conditions["-"]
