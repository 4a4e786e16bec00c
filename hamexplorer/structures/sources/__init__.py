"""Where structures come from. A new source is one class, registered in :data:`SOURCES`."""

from hamexplorer._plugins import load_plugins
from hamexplorer.structures.sources import (  # noqa: F401  (they register themselves, in this order)
    coordinates,
    generated,
    large_sets,
    periodic,
    rattled,
)
from hamexplorer.structures.sources.base import SOURCES, Source, allowed_source, offered_sources
from hamexplorer.structures.sources.resolve import resolve

__all__ = ["SOURCES", "Source", "allowed_source", "offered_sources", "resolve"]

load_plugins("hamexplorer.sources")
