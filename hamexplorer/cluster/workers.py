"""What a pool of tasks needs of the workers that do them."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from hamexplorer.errors import HamExplorerError

if TYPE_CHECKING:
    from distributed import Client


class ClusterError(HamExplorerError):
    """Workers cannot be started or reached."""


def quiet() -> None:
    """Dask logs what it meets on its way; what matters is told as an error of ours."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


class Workers(ABC):
    """Somewhere to run tasks; started on entering its block, which may happen once, and ended on leaving it."""

    client: Client

    @abstractmethod
    def __enter__(self) -> Workers:
        """Start, or connect.

        Raises:
            ClusterError: if that is not possible.
        """

    @abstractmethod
    def __exit__(self, *_: object) -> None:
        """End what was started; what others started goes on."""

    @property
    @abstractmethod
    def at_once(self) -> int:
        """How many tasks run at the same time; 0 while no worker has come yet."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Where they are, for a person."""

    @abstractmethod
    def tend(self) -> None:
        """Replace workers that died, as far as that is ours to do.

        Raises:
            ClusterError: if none can run any more.
        """
