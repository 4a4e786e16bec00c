"""HDF5 files that carry the SHA-256 of all their bytes, and are checked before HDF5 sees them.

HDF5's own checksums cover chunks of numbers only: a flipped bit elsewhere changes a scalar or the meaning of a type, or
lets the library loop for ever. The seal stands in HDF5's user block, 512 bytes that every reader skips::

    hamexplorer sealed file
    format 1
    sha256 <64 hexadecimal digits>

padded with zeros. The digest is of the whole file with zeros for its own digits. Newer formats keep these lines, so
that every version can tell a newer file from a damaged one.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import h5py

_BLOCK = 512
_FIRST = b"hamexplorer sealed file\nformat "
_SEAL = re.compile(re.escape(_FIRST) + rb"(\d+)\nsha256 ([0-9a-f]{64})\n\0*")
_NO_DIGEST = b"0" * 64
_HDF5 = b"\x89HDF\r\n\x1a\n"


class BrokenSealError(ValueError):
    """The bytes are not those that were sealed."""


def sealed_hdf5(fill: Callable[[h5py.File], None], *, format: int) -> bytes:
    """A sealed file with what ``fill`` writes; in memory, since HDF5 has no sentence for a full disk."""
    image = io.BytesIO()
    with h5py.File(image, "w", userblock_size=_BLOCK) as file:
        fill(file)
    return seal(image.getvalue(), format)


def seal(content: bytes, format: int) -> bytes:
    """An HDF5 file, with room for the seal or with an older one, sealed."""
    lines = _FIRST + b"%d\nsha256 " % format
    empty = (lines + _NO_DIGEST + b"\n").ljust(_BLOCK, b"\0") + content[_BLOCK:]
    digest = hashlib.sha256(empty).hexdigest().encode()
    return lines + digest + empty[len(lines) + len(digest) :]


def sealed_format(content: bytes) -> int | None:
    """The format of a file whose seal is whole; None of a plain HDF5 file, as older versions wrote them.

    Raises:
        BrokenSealError: if it is neither.
    """
    if content.startswith(_HDF5):
        return None
    found = _SEAL.fullmatch(content[:_BLOCK])
    if found is None or len(content) < _BLOCK:
        raise BrokenSealError("its first bytes are of no file of this package")
    start, stop = found.span(2)
    digest = hashlib.sha256(content[:start])
    digest.update(_NO_DIGEST)
    digest.update(memoryview(content)[stop:])
    if digest.hexdigest().encode() != found[2]:
        raise BrokenSealError("its checksum is that of another content")
    return int(found[1])


def is_hdf5(content: bytes) -> bool:
    """Whether HDF5's signature stands where it may: at the start, or behind a user block."""
    places = (0, *(_BLOCK << k for k in range(max(len(content) // _BLOCK, 1).bit_length())))
    return any(content[place : place + len(_HDF5)] == _HDF5 for place in places)


def json_digest(values: dict[str, Any]) -> str:
    """SHA-256 of what JSON keeps of a dictionary, whatever the order of its keys."""
    kept = json.loads(json.dumps(values))  # keys that are no texts become texts
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
