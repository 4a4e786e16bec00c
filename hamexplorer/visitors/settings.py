"""What whoever serves the dashboard to the public chooses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hamexplorer.errors import HamExplorerError
from hamexplorer.visiting import cores

#: Seconds without a page after which a visitor's kernel ends; a page that is closed ends it at once.
GONE_AFTER = 300
#: Private memory of one kernel, bytes: what no training in the dashboard has needed.
MEMORY = 3 * 1024**3
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


class ServingError(HamExplorerError):
    """The dashboard cannot be served to the public like this."""


@dataclass(frozen=True)
class Public:
    """How visitors are served.

    Attributes:
        name: host name under which they come.
        address: network address that the server listens at; 127.0.0.1 for a reverse proxy on the same machine.
        visitors: how many at a time; the next one gets a page that says so.
        ready: kernels that wait, dashboard and all, for the next visitors; they are not counted.
        gone_after: seconds without a page after which a kernel ends.
        memory: bytes of private memory that one kernel may have.

    Raises:
        ServingError: if a number is out of bounds, or the name is none.
    """

    name: str
    address: str = "127.0.0.1"
    visitors: int = 30
    ready: int = 1
    gone_after: int = GONE_AFTER
    memory: int = MEMORY

    def __post_init__(self) -> None:
        if not _HOST_NAME.fullmatch(self.name) or self.name.replace(".", "").isdigit():
            raise ServingError(
                f"{self.name!r} is no host name; give the one in the visitors' addresses, for example "
                f"--public explorer.example.org"
            )
        for what, number, least, most in (
            ("visitors", self.visitors, 1, 1000),
            ("waiting kernels", self.ready, 0, 50),
        ):
            if not least <= number <= most:
                raise ServingError(
                    f"the number of {what} must be from {least} to {most}, got {number}; each takes some 0.4 GB"
                )

    @property
    def threads(self) -> int:
        """Of each kernel's XLA and OpenMP: the cores divided among visitors, one at least."""
        return max(1, cores() // self.visitors)
