"""A file on its way: appended to what an earlier try left, counted, and refused when it cannot be the right one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hamexplorer.errors import StructureError

if TYPE_CHECKING:
    import requests

    from hamexplorer.structures.archives import Archive

#: Tries before giving up; between them some seconds pass, more each time.
_TRIES = 3
#: Bytes read at once, and seconds to wait for a connection and for the next bytes.
_CHUNK, _TIMEOUT = 1 << 16, (10, 60)


def download(
    expected: Archive, part: Path, tell: Callable[[str], None], url: str, output: str, _pooch: Any
) -> None:
    """What pooch calls to fetch ``url`` into ``output``; a broken download stays in ``part`` for the next try.

    Raises:
        StructureError: if what comes is a web page, or longer or shorter than it should be, or another process is
            fetching it.
        requests.RequestException, OSError: if it cannot be reached or written.
    """
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StructureError(
                f"{expected.label} is being fetched by another process; wait for it"
            ) from None
        try:
            _fill(Arriving(file, expected, tell), url)
        except (StructureError, OSError):
            if not part.stat().st_size:
                part.unlink()
            raise
        os.replace(part, output)


def _fill(arriving: Arriving, url: str) -> None:
    import requests
    from pooch import HTTPDownloader

    for tried in range(1, _TRIES + 1):
        # Compressed on the way, it would have another length.
        headers = {"Accept-Encoding": "identity"}
        if arriving.size:
            headers["Range"] = f"bytes={arriving.size}-"
        hooks = {"response": arriving.answered}
        fetch = HTTPDownloader(chunk_size=_CHUNK, timeout=_TIMEOUT, headers=headers, hooks=hooks)
        try:
            if not arriving.complete:
                fetch(url, arriving, None)
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            if tried == _TRIES:
                raise
        if arriving.complete:
            return
        time.sleep(tried / 2)
    raise StructureError(
        f"{arriving.expected.label} ended after {arriving.size} of {arriving.expected.size} bytes in each of {_TRIES} "
        f"tries"
    )


class Arriving:
    """The open file as what pooch writes into."""

    def __init__(self, file: BinaryIO, expected: Archive, tell: Callable[[str], None]) -> None:
        self._file = file
        self.expected = expected
        self._tell = tell
        self._told = ""
        self.size = file.seek(0, os.SEEK_END)
        if self.size > expected.size:
            self._begin_anew()

    @property
    def complete(self) -> bool:
        return self.size == self.expected.size

    def answered(self, response: requests.Response, **_: Any) -> None:
        """Before the first bytes of an answer: is it what was asked for, and from which byte on?"""
        if response.status_code == 416:
            self._begin_anew()  # there is nothing after what is here: it was the start of another file
        if response.is_redirect or response.status_code >= 400:
            return  # requests follows the one, pooch raises the other
        if response.headers.get("Content-Type", "").startswith("text/html"):
            self._refuse("is a web page")
        if response.status_code == 200:
            self._begin_anew()  # the whole file, though a part is there
        elif response.status_code != 206:
            self._refuse(f"is an answer without the file ({response.status_code} {response.reason})")

    def write(self, chunk: bytes) -> None:
        """Append some bytes."""
        if not self.size and chunk.lstrip().startswith(b"<"):
            self._refuse("is a web page")
        if self.size + len(chunk) > self.expected.size:
            self._refuse(f"is longer than the {self.expected.size} bytes of the known file")
        self._file.write(chunk)
        self.size += len(chunk)

    def flush(self) -> None:
        """Hand over to the disk, and tell how far it is."""
        self._file.flush()
        text = f"{self.size / 1e6:.0f} of {self.expected.size / 1e6:.0f} MB"
        if text != self._told:
            self._told = text
            self._tell(text)

    def _begin_anew(self) -> None:
        if self.size:
            self._file.truncate(0)
            self.size = 0

    def _refuse(self, what: str) -> None:
        with contextlib.suppress(OSError):
            self._begin_anew()  # nothing of it may be taken for the start of the right file
        raise StructureError(f"what comes from {self.expected.url} {what}")
