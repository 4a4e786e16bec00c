"""Arrays of an ``.npz`` file that a stranger made: no pickle, nothing larger than it says, one sentence otherwise."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from hamexplorer.errors import DatasetError
from hamexplorer.reference.matrix_checks import MAX_NUMBERS

_MOST_ARRAYS = 2**16
#: Bytes of two full sets of matrices, and some for the rest.
_MOST_BYTES = 2 * 8 * MAX_NUMBERS + 2**20
#: Bytes of a ZIP archive's last record with the longest comment.
_LONGEST_END = 22 + 0xFFFF


def load_plain(
    path: Path,
    known: Callable[[str], bool],
    *,
    texts: Collection[str],
    names: str,
    content: bytes | None = None,
) -> dict[str, np.ndarray]:
    """Read a file; the header of an array is judged before its numbers are read.

    Args:
        path: of the file.
        known: whether an array of this name belongs there.
        texts: names of arrays that hold a text; all others hold numbers.
        names: the known names, for a sentence.
        content: what the file holds, where that has been read.

    Raises:
        DatasetError: naming the file, the array and what is wrong.
    """
    if content is None and not path.is_file():
        raise DatasetError(f"there is no file {path}; check the path")
    try:
        source = path.open("rb") if content is None else io.BytesIO(content)
        with source, zipfile.ZipFile(source) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if len(members) > _MOST_ARRAYS:
                raise DatasetError(
                    f"{path} holds {len(members)} arrays; matrices have at most {_MOST_ARRAYS}"
                )
            if sum(info.file_size for info in members.values()) > _MOST_BYTES:
                raise DatasetError(
                    f"{path} holds more than the {MAX_NUMBERS:,} numbers that fit here; take a smaller unit cell"
                )
            if min(len(archive.infolist()), 0xFFFF) != _n_entries(source):
                raise zipfile.BadZipFile("its directory lacks arrays that it had")
            found = {}
            for name, info in members.items():
                if not known(name):
                    raise DatasetError(
                        f"{path}: {name[:60]!r} is no array of matrices in real space; use {names}"
                    )
                with archive.open(info) as file:
                    found[name] = _array(file, info.file_size, f"{path}: {name}", text=name in texts)
            return found
    except DatasetError:
        raise
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError, MemoryError) as error:
        raise DatasetError(_damaged(path, error)) from error
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(_damaged(path, error)) from error


def _n_entries(file: IO[bytes]) -> int:
    """How many files a ZIP archive says it holds; Python does not ask, and a damaged length may hide some."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - _LONGEST_END, 0))
    end = file.read()
    place = end.rfind(b"PK\x05\x06") + 10
    return int.from_bytes(end[place : place + 2], "little")


def _damaged(path: Path, error: Exception) -> str:
    brief = (str(error).splitlines() or [type(error).__name__])[0][:120]
    return f"{path} is no .npz file or damaged ({brief}); write it again with numpy.savez"


def _array(file: IO[bytes], n_bytes: int, where: str, *, text: bool) -> np.ndarray:
    version = npy.read_magic(file)
    readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in readers:
        raise DatasetError(
            f"{where} has the format {version}, which only named columns need; write plain numbers"
        )
    try:
        shape, column_major, dtype = readers[version](file)
    except Exception as error:  # NumPy reads headers with Python's tokenizer, which raises kinds of its own
        raise DatasetError(f"{where} has a damaged header; write it again") from error
    if dtype.hasobject:
        raise DatasetError(
            f"{where} holds Python objects (a pickle), which are never loaded; write plain numbers"
        )
    if dtype.kind not in ("U" if text else "biufc") or dtype.subdtype is not None:
        raise DatasetError(f"{where} holds {str(dtype)[:40]}; write {'a text' if text else 'plain numbers'}")
    count = 1
    for n in shape:
        count *= int(n)
    if min(shape, default=0) < 0 or count * dtype.itemsize > n_bytes:
        raise DatasetError(
            f"{where} claims the shape {str(shape)[:60]} and holds fewer numbers, so it is damaged; write it again"
        )
    if count > MAX_NUMBERS:
        raise DatasetError(
            f"{where} holds {count:,} numbers, more than the {MAX_NUMBERS:,} that fit here; take a smaller unit cell"
        )
    if count == 0:
        return np.zeros(shape, dtype=dtype)
    content = file.read(count * dtype.itemsize)
    flat = np.frombuffer(content, dtype=dtype, count=count)
    return flat.reshape(shape, order="F" if column_major else "C")
