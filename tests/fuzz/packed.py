"""Archives of arrays that are not what they say."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.lib import format as npy

#: A small share of what numpy and HDF5 are told to expect.
HUGE_SHAPES = ((10**12,), (2**62, 2), (-1,), (10**6, 10**6), (0,), (3, 10**9), (2**30,))


def npz_of(arrays: Mapping[str, Any], **changed: bytes) -> bytes:
    """An .npz file; ``changed`` are whole members as bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            npy.write_array(member, np.asanyarray(array), allow_pickle=True)
            archive.writestr(f"{name}.npy", changed.pop(name, member.getvalue()))
        for name, member in changed.items():
            archive.writestr(name, member)
    return out.getvalue()


def header_of(shape: tuple[int, ...], descr: str = "<f8", *, body: bytes = b"\x00" * 64) -> bytes:
    """An array that claims a shape."""
    out = io.BytesIO()
    npy.write_array_header_1_0(out, {"descr": descr, "fortran_order": False, "shape": shape})
    return out.getvalue() + body


def hostile_members() -> Iterator[bytes]:
    """Single arrays that are not what they say."""
    for shape in HUGE_SHAPES:
        yield header_of(shape)
    for descr in ("|O", "<U1000000000", "|V1000000000", "<f2", "<c16", "|S5", "<M8[s]", "|b1"):
        yield header_of((1,), descr)
    yield b""
    yield b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535
    yield b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{"
    yield b"\x93NUMPY\x09\x00\x00\x00"
    yield b"cos\nsystem\n(S'true'\ntR."
    yield b"\x80\x04\x95"


def bombs(member: str) -> Iterator[bytes]:
    """Archives that unpack to far more than they hold, lie about it, or try to leave their folder."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        file.write(header_of((190_000_000,), body=b""))
        for _ in range(1500):
            file.write(b"\x00" * 2**20)
    yield out.getvalue()
    # The directory says less than there is.
    size = (1500 * 2**20 + 128).to_bytes(4, "little")
    yield out.getvalue().replace(size, (1000).to_bytes(4, "little"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for k in range(70_000):
            archive.writestr(f"{k}.npy", b"")
    yield out.getvalue()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("session.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../../escaped", "x")
        archive.writestr("/tmp/escaped-absolute", "x")
    yield out.getvalue()
    for method in (9, 97, 12345):  # ways to compress that Python does not know
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(member, b"x")
        changed = bytearray(out.getvalue())
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = changed.find(mark) + offset
            changed[at : at + 2] = method.to_bytes(2, "little")
        yield bytes(changed)
        encrypted = bytearray(out.getvalue())
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            encrypted[encrypted.find(mark) + offset] |= 1
        yield bytes(encrypted)
