"""What structures can be told apart by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamexplorer.structures.structure import Structure

#: Name -> the text that structures have in common.
QUALITIES: Mapping[str, Callable[[Structure], str]] = MappingProxyType(
    {
        "formula": lambda structure: structure.formula,
        "size": lambda structure: f"{structure.n_heavy} heavy atoms",
    }
)
