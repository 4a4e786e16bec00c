"""What the application saved, and somebody changed: models and sessions."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.fuzz.inputs import Input, rng_of
from tests.fuzz.mutations import mutate_bytes, mutate_text
from tests.fuzz.packed import bombs, hostile_members, npz_of

JSON_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**12, 10**400, 1e308, float("nan"), float("inf"), "", "x" * 2000, "\ud800",
    "../../etc/passwd", [], {}, [[]],
    [None], {"a": 1}, [1, 2, 3], ["H"], '<img src=x onerror="window.hacked=1">', "9" * 5000,
)  # fmt: skip


def changed_json(rng: random.Random, value: Any) -> Any:
    """The same tree with one value, anywhere, replaced, left out or repeated."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if rng.random() < 0.05:
            return {**value, "unheard of": rng.choice(JSON_VALUES)}
        return {**value, key: changed_json(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        k = rng.randrange(len(value))
        if rng.random() < 0.2:
            return rng.choice((value[:k], value + value[k:], value[k:]))
        return [*value[:k], changed_json(rng, value[k]), *value[k + 1 :]]
    return rng.choice(JSON_VALUES)


def checkpoint_inputs(header: dict[str, Any], npz: bytes, count: int) -> Iterator[Input]:
    """Folders of a model: damage that the hash notices, and headers and arrays whose hash was made to fit."""

    def made(label: str, text: bytes, archive: bytes) -> Input:
        return Input(f"model {label}", "model", {"model.json": text, "model.npz": archive})

    def signed(values: Any, archive: bytes) -> bytes:
        if isinstance(values, dict) and "sha256" in values:
            values = {**values, "sha256": hashlib.sha256(archive).hexdigest()}
        return json.dumps(values).encode()

    yield made("as it is", signed(header, npz), npz)
    for k in range(count):
        rng = rng_of("model", k)
        values: Any = header
        for _ in range(rng.choice((1, 1, 2))):
            values = changed_json(rng, values)
        yield made(f"header {k}", signed(values, npz), npz)
    for k in range(count // 2):
        spoiled = mutate_bytes(rng_of("npz of model", k), npz)
        yield made(f"arrays {k}", signed(header, spoiled), spoiled)
    for k in range(count // 4):
        yield made(f"text {k}", mutate_text(rng_of("text", k), json.dumps(header, indent=1)), npz)
    with np.load(io.BytesIO(npz), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    for k, member in enumerate(hostile_members()):
        archive = npz_of(arrays, a0000=member)
        yield made(f"member {k}", signed(header, archive), archive)
        yield made(f"whole {k}", signed(header, member), member)
    for k, bomb in enumerate(bombs("a0000.npy")):
        yield made(f"bomb {k}", signed(header, bomb), bomb)
    for text in (b"[" * 200_000, b'{"format": ' + b"9" * 5000 + b"}", b'{"format": 1e400}', b"", b"\xff\xfe"):
        yield made(f"json {text[:20]!r}", text, npz)


def session_inputs(content: bytes, count: int) -> Iterator[Input]:
    """Session files: damaged bytes, and archives that are sound with a header that is not."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["session.json"])

    def packed(values: bytes, **others: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in {**members, **others, "session.json": values}.items():
                archive.writestr(name, member)
        return out.getvalue()

    def both(label: str, made: bytes) -> Iterator[Input]:
        for reader in ("archive", "archive_alone"):
            # Predicting with the first model compiles it.
            patience = 60.0 if label == "as it is" else 10.0
            yield Input(f"session {label}", reader, {"content": made}, patience=patience)

    yield from both("as it is", content)
    for k in range(count):
        rng = rng_of("session", k)
        values: Any = header
        for _ in range(rng.choice((1, 1, 2))):
            values = changed_json(rng, values)
        reader = ("archive", "archive_alone")[k % 2]
        yield Input(f"session header {k}", reader, {"content": packed(json.dumps(values).encode())})
    for k in range(count // 3):
        spoiled = mutate_bytes(rng_of("bytes of session", k), content)
        yield Input(f"session bytes {k}", ("archive", "archive_alone")[k % 2], {"content": spoiled})
    for k in range(count // 6):
        name = rng_of("member", k).choice(sorted(members))
        spoiled = packed(
            members["session.json"], **{name: mutate_bytes(rng_of("member of session", k), members[name])}
        )
        yield Input(f"session {name} {k}", ("archive", "archive_alone")[k % 2], {"content": spoiled})
    for k, text in enumerate(
        (b"[" * 200_000, b"[]", b"7", b"null", b'{"format": 1e400}', b'{"format": "x"}', b"\xff\xfe", b"")
    ):
        yield from both(f"json {k}", packed(text))
    for k, bomb in enumerate(bombs("session.json")):
        yield from both(f"bomb {k}", bomb)
    for name in ("/etc/passwd", "../../../etc/passwd", "no such", "", 7):
        yield from both(
            "shipped", packed(json.dumps({**header, "dataset": {"name": name, "shipped": True}}).encode())
        )
