"""A server on this machine with small archives in the formats of QM7 and QM9, and with the faults of real ones."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from scipy.io import savemat

from hamexplorer.structures.archives import QM7, QM9, Archive
from hamexplorer.structures.collections import g2_chno
from hamexplorer.structures.ensembles import random_displacements
from hamexplorer.structures.structure import Structure


def some_molecules(n: int) -> list[Structure]:
    """Distorted molecules of the g2 set that QM7 and QM9 could hold, all different."""
    bases = g2_chno(max_heavy=6)
    copies = [random_displacements(base, n=-(-n // len(bases)), amplitude=0.02, seed=1) for base in bases]
    return [copy for round_ in zip(*copies, strict=True) for copy in round_][:n]


def qm7_file(molecules: list[Structure]) -> bytes:
    """R in bohr and Z, filled up with zeros to 23 atoms, as single precision in a MATLAB 5 file."""
    positions, charges = np.zeros((len(molecules), 23, 3), "f4"), np.zeros((len(molecules), 23), "f4")
    for row, molecule in enumerate(molecules):
        positions[row, : molecule.n_atoms] = molecule.positions
        charges[row, : molecule.n_atoms] = molecule.numbers
    file = io.BytesIO()
    savemat(file, {"X": np.zeros((len(molecules), 23, 23), "f4"), "R": positions, "Z": charges})
    return file.getvalue()


def qm9_record(number: int, molecule: Structure) -> str:
    """One molecule with the tabs, the exponents and the closing lines of the published files."""
    atoms = [
        "\t".join([symbol, *(_number(x) for x in place), " 0.1"])
        for symbol, place in zip(molecule.symbols, molecule.positions_angstrom.tolist(), strict=True)
    ]
    properties = f"gdb {number}\t" + "\t".join(["1.0"] * 15) + "\t"
    closing = ["100.0\t200.0", "CC\tCC\t", "InChI=1S/C\tInChI=1S/C"]
    return "\n".join([str(molecule.n_atoms), properties, *atoms, *closing, ""])


def _number(x: float) -> str:
    return f"{x:.10e}".replace("e-0", "*^-").replace("e+00", "") if abs(x) < 1e-4 else f" {x:.10f}"


def qm9_file(records: dict[str, str]) -> bytes:
    """File names and contents, in a tar archive compressed with bzip2."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:bz2") as archive:
        for name, record in records.items():
            member = tarfile.TarInfo(name)
            member.size = len(record)
            archive.addfile(member, io.BytesIO(record.encode()))
    return file.getvalue()


class ArchiveServer:
    """What is served, and how the next answers go wrong.

    Attributes:
        files: what is served, by path.
        faults: each is used up by one request: a status such as 404, "page", "octet page", or ("cut", n_bytes).
        ranges: the Range header of each request, None where there was none.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: list[int | str | tuple[str, int]] = []
        self.ranges: list[str | None] = []
        self.url = ""

    def small(self, name: str, molecules: list[Structure], **changes: str | int) -> Archive:
        """These molecules as the file of the source ``qm7`` or ``qm9``."""
        if name == "qm7":
            return self.archive(QM7, qm7_file(molecules), **changes)
        records = {f"dsgdb9nsd_{k:06d}.xyz": qm9_record(k, m) for k, m in enumerate(molecules, 1)}
        return self.archive(QM9, qm9_file(records), **changes)

    def archive(self, published: Archive, content: bytes, **changes: str | int) -> Archive:
        """The published archive, but with this content at an address here, its size and true hash."""
        self.files[f"/{published.filename}"] = content
        known = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        return replace(published, url=f"{self.url}/{published.filename}", **{**known, **changes})


@contextmanager
def archive_server() -> Iterator[ArchiveServer]:
    """A server that ends with the block."""
    served = ArchiveServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.ranges.append(self.headers["Range"])
            _answer(self, served.files[self.path], served.faults.pop(0) if served.faults else None)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(
    handler: BaseHTTPRequestHandler, content: bytes, fault: int | str | tuple[str, int] | None
) -> None:
    page = b"<!DOCTYPE html><title>Please log in</title>"
    if isinstance(fault, int):
        handler.send_error(fault)
    elif isinstance(fault, str):
        _send(handler, 200, page, "text/html" if fault == "page" else "application/octet-stream")
    else:
        start = int((handler.headers["Range"] or "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        end = fault[1] if fault else None
        _send(handler, 206 if start else 200, content[start:], "application/octet-stream", end)


def _send(
    handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str, end: int | None = None
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:end])
