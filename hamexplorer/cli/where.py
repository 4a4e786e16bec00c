"""Options that say who computes: processes of this machine, or a cluster."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamexplorer.cluster import Workers


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--scheduler`` and ``--cluster``, of which one may be given."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="compute with the workers of this Dask scheduler, for example tcp://10.0.0.1:8786",
    )
    group.add_argument(
        "--cluster",
        metavar="FILE.toml",
        type=Path,
        help="compute in jobs of a batch system, such as SLURM, as this file describes them (docs/clusters.md)",
    )


def chosen_workers(options: argparse.Namespace) -> Workers | None:
    """Those that the options name; None for this machine.

    Raises:
        ClusterError, SettingsError: if the cluster's file is wrong.
    """
    from hamexplorer.cluster import QueuedWorkers, RemoteWorkers

    if options.scheduler:
        return RemoteWorkers(options.scheduler)
    return QueuedWorkers.read(options.cluster) if options.cluster else None
