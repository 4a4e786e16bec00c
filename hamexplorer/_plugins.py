"""Targets, reductions, sources of structures and plots of other packages.

A package names a module in an entry point of the group, and the module registers what it brings as ours do:

    [project.entry-points."hamexplorer.targets"]
    quadrupole = "my_package.quadrupole"
"""

from __future__ import annotations

import importlib.metadata
import warnings


def load_plugins(group: str) -> None:
    """Import every module that an installed package names in a group; a registry asks for its own when it is filled.

    One that cannot be imported is left out with a warning: a broken package shall not keep anybody from the rest.
    """
    for point in importlib.metadata.entry_points(group=group):
        try:
            point.load()
        except Exception as error:
            origin = point.dist.name if point.dist is not None else point.value
            warnings.warn(
                f"{point.name!r} of the package {origin} cannot be used ({type(error).__name__}: {error}); update or "
                f"uninstall {origin}",
                RuntimeWarning,
                stacklevel=2,
            )
