"""Datasets of reference values: extended xyz made elsewhere, and HDF5."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.fuzz.inputs import HERE, Input, rng_of
from tests.fuzz.mutations import mutate_bytes, mutate_text


def reference_xyz_inputs(count: int) -> Iterator[Input]:
    text = (HERE.parent / "reference" / "foreign.xyz").read_text()
    for k in range(count):
        name = rng_of("name", k).choice(("a.xyz", "a.xyz", "a.extxyz", "a@0.xyz", "a@x.xyz"))
        yield Input(
            f"references {k}",
            "dataset",
            {name: mutate_text(rng_of("references", k), text)},
            {"filename": name},
        )
    comment = text.splitlines()[1]
    for extra in (
        "a" * 300_000, "a={" * 50_000, 'a="' * 50_001, "a=[" * 50_000, " a" * 100_000, f"x:R:{10**9}",
        "_JSON " + "[" * 100_000,
        'x="_JSON ' + "[" * 100_000 + '"', "name=" + "x" * 100_000, "charge=1e400", f"charge={-(10**30)}",
        "nocc=inf", "nocc=x",
        "nocc=nan", 'nocc="1 2"', 'charge="1 2"', "name=\ud800",
    ):  # fmt: skip
        changed = text.replace(comment, f"{comment} {extra}", 1)
        yield Input(
            f"references with {extra[:20]!r}",
            "dataset",
            {"a.xyz": changed.encode("utf-8", "surrogatepass")},
            {"filename": "a.xyz"},
        )
    for old, new in (
        ("species:S:1", f"species:S:{10**9}"), ("pos:R:3", f"pos:R:{10**9}"), ("pos:R:3", "pos:R:-3"),
        ("pos:R:3", f"pos:R:{10**15}"),
        ("pos:R:3", "pos:R:3:pos:R:3"), ("pos:R:3", "numbers:I:3"), ("species:S:1", "species:S:0"),
        ("3\n", f"{10**12}\n"),
        ("pos:R:3", "pos:S:3"), ("O ", "Zz "), ("O ", "X "), ("3\n", "9" * 5000 + "\n"), ("3\n", "-3\n"),
        ("3\n", "0\n"),
    ):  # fmt: skip
        yield Input(
            f"references with {new[:30]!r}",
            "dataset",
            {"a.xyz": text.replace(old, new, 1).encode()},
            {"filename": "a.xyz"},
        )


def h5_inputs(content: bytes, count: int) -> Iterator[Input]:
    """Datasets: damaged bytes, and values, shapes and links of any kind in a file that is sound."""
    options = {"filename": "a.h5"}
    for k in range(count):
        yield Input(f"h5 {k}", "dataset", {"a.h5": mutate_bytes(rng_of("h5", k), content)}, options)
    for k, changed in enumerate(_crafted_h5(content)):
        yield Input(f"h5 crafted {k}", "dataset", {"a.h5": changed}, options)


def edited_h5(content: bytes, edit: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.h5"
        path.write_bytes(content)
        with h5py.File(path, "a") as file:
            edit(file)
        return path.read_bytes()


def _crafted_h5(content: bytes) -> Iterator[bytes]:
    with h5py.File(io.BytesIO(content)) as file:
        groups, attributes = list(file), list(file.attrs)
        flat = {name: file[name]["values"][()] for name in groups}
        shapes = {name: file[name]["shapes"][()] for name in groups}

    def replaced(group: str, name: str, **made: Any) -> bytes:
        def edit(file: h5py.File) -> None:
            del file[group][name]
            file[group].create_dataset(name, **made)

        return edited_h5(content, edit)

    # Every column gets a share of what can be wrong; all of it for each would be a thousand files.
    for k, group in enumerate(groups):
        huge = {
            "shape": ((10**12,), (2**31,), (2**30,))[k % 3],
            "chunks": True,
            "fillvalue": 1.0,
            "compression": "gzip",
        }
        yield replaced(group, "values", dtype="f8", **huge)
        changed = flat[group].astype(float)
        changed[: max(1, changed.size // 2)] = (np.nan, np.inf, -1.0, 1e308, 1e12)[k % 5]
        yield replaced(group, "values", data=changed)
        changed = shapes[group].copy()
        changed[0] = (-1, 0, 10**9)[k % 3]
        yield replaced(group, "shapes", data=changed)
        made: Any = (np.array([b"x"] * max(1, len(flat[group]))), flat[group].astype(complex))[k % 2]
        yield replaced(group, "values", data=made)
        yield edited_h5(content, lambda file, group=group: file.__delitem__(group))
        if k % 6 == 0:
            yield edited_h5(content, lambda file, group=group: file[group].attrs.__setitem__("n_dim", 10**9))
    yield replaced(
        groups[0], "shapes", shape=(2**30, 2), dtype="i4", chunks=True, fillvalue=1, compression="gzip"
    )
    yield replaced(groups[0], "values", data=h5py.Empty("f8"))
    values = (
        "[" * 100_000,
        "null",
        "7",
        "[]",
        "{}",
        '"x"',
        '{"a": 1}',
        "[[1, 2]]",
        '[["a", "b", "c"]]',
        "\\ud800",
        '"\\ud800"',
        "NaN",
    )
    for name in attributes:
        for value in values:
            yield edited_h5(content, lambda file, name=name, value=value: file.attrs.__setitem__(name, value))
        yield edited_h5(content, lambda file, name=name: file.attrs.__setitem__(name, 3.5))
        yield edited_h5(content, lambda file, name=name: file.attrs.__delitem__(name))
    for link in (h5py.ExternalLink("/etc/passwd", "/"), h5py.SoftLink("/"), h5py.SoftLink(f"/{groups[1]}")):

        def edit(file: h5py.File, link: Any = link) -> None:
            del file[groups[0]]
            file[groups[0]] = link

        yield edited_h5(content, edit)
    yield edited_h5(content, lambda file: file.create_group("x" * 1000))
    yield edited_h5(content, lambda file: file.create_dataset("loose", data=1.0))

    def outside(file: h5py.File) -> None:
        del file[groups[0]]["values"]
        file[groups[0]].create_dataset("values", (4,), "f8", external=[("/etc/passwd", 0, 32)])

    yield edited_h5(content, outside)
